"""Points of `MixtureSpace` under training: grouped by the width they use, trained by AdamW."""

import dataclasses
import functools
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from taskaware.children.child import Batch, Child, Design, Now, State
from taskaware.children.mixture.network import MixtureNetwork, Wiring, wiring
from taskaware.spaces import MixtureSpace


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["wired", "learning_rate", "weight_decay"],
    meta_fields=["space", "width"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """A point as its network reads it; a pytree.

    Attributes:
        wired: the architecture.
        learning_rate, weight_decay: of the point or of the recipe, ().
        space, width: of the network; static.
    """

    wired: Wiring
    learning_rate: Float[Array, "*b"]
    weight_decay: Float[Array, "*b"]
    space: MixtureSpace
    width: int


def group(space: MixtureSpace, points: Float[Array, "n D"]) -> list[tuple[int, np.ndarray]]:
    """(width, rows of the points that use it), narrow first.

    A narrow network that is computed at full width pays for columns that it does not have.
    """
    widths = np.asarray(_widths(space, points))
    return [(int(width), np.flatnonzero(widths == width)) for width in np.unique(widths)]


def read(design: Design, point: Float[Array, " D"]) -> Candidate:
    """The point as a network of the group's width reads it."""
    space, hyper = design.space, design.hyper
    # Of mixtures, a group's key is its width.
    width = cast(int, design.key)
    weights = space.weights(point)
    named = {coordinate.name: weights.recipe[r] for r, coordinate in enumerate(space.recipe)}
    rate, decay, dropout = (named.get(name, jnp.full((), getattr(hyper, name))) for name in hyper._fields)
    return Candidate(wiring(space, weights, width, dropout), rate, decay, space, width)


def init(key: Array, candidate: Candidate, batch: Batch) -> State:
    """Initial weights, scaled to the candidate's wiring.

    Args:
        key: the same key draws the same numbers for every candidate.
        candidate: of `read`.
        batch: one row.
    """
    network = _network(candidate, batch)
    params = network.init(key, batch.x, batch.columns, candidate.wired)["params"]
    return State(params, optimizer(0.0, 0.0).init(params))


def step(state: State, candidate: Candidate, batch: Batch, now: Now) -> State:
    """One step of AdamW, with dropout.

    Args:
        state: weights and optimizer state before it.
        candidate: of `read`.
        batch: the rows of the step.
        now: key of the dropout, and factor of the learning rate.
    """

    def loss(params):
        return batch.loss(_apply(params, candidate, batch, now.key))

    rule = optimizer(now.rate * candidate.learning_rate, candidate.weight_decay)
    updates, carried = rule.update(jax.grad(loss)(state.params), state.optimizer, state.params)
    return State(optax.apply_updates(state.params, updates), carried)


def outputs(params: dict, candidate: Candidate, batch: Batch) -> Float[Array, "n K"]:
    """Output of the network for each row: logits, or one standardised value.

    Args:
        params: weights of the network.
        candidate: of `read`.
        batch: n rows.
    """
    return _apply(params, candidate, batch)


def optimizer(learning_rate, weight_decay) -> optax.GradientTransformation:
    """AdamW (Loshchilov & Hutter 2019); biases do not decay."""

    def decays(params):
        return jax.tree.map(lambda leaf: leaf.ndim > 1, params)

    return optax.adamw(learning_rate, b2=0.99, weight_decay=weight_decay, mask=decays)


def _network(candidate: Candidate, batch: Batch) -> MixtureNetwork:
    return MixtureNetwork(candidate.space, candidate.width, batch.outputs)


def _apply(params: dict, candidate: Candidate, batch: Batch, dropout_key: Array | None = None) -> Array:
    network = _network(candidate, batch)
    outputs = network.apply({"params": params}, batch.x, batch.columns, candidate.wired, dropout_key)
    return cast(Array, outputs)


@functools.partial(jax.jit, static_argnames="space")
def _widths(space: MixtureSpace, points: Array) -> Array:
    return space.width(points)


CHILD = Child(group, read, init, step, outputs)
