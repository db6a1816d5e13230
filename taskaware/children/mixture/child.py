"""Points of `MixtureSpace` under training: grouped by width and members, trained by AdamW."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from taskaware.children.child import Batch, Child, Design, Now, State, scaled_output, shifted_output
from taskaware.children.mixture.network import MixtureNetwork, mean_of_members, wiring
from taskaware.pytrees import pytree
from taskaware.spaces import MixtureSpace
from taskaware.spaces.mixture_checks import MEMBERS
from taskaware.spaces.mixture_lifting import NEUTRAL

FACTORS = {"number_scale": "number_kernel", "category_scale": "category_kernel"}
"""Factors of input columns, where they are learned → the weights that they multiply."""

SCALE_RATE = 6.0
"""Learning rate of the factors of input columns beside the others'. Source: RealMLP."""


@pytree(static=("space", "width", "members", "own_optimizer", "rounded"))
@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """A point as its network reads it; a pytree.

    Attributes:
        wired: the architecture, as the network is called with it.
        learning_rate, weight_decay: of the point or of the recipe, ().
        label_smoothing: share of the labels that is spread over all classes; None in spaces without it.
        beta2: decay of AdamW's mean of squared gradients.
        coslog4: share of the schedule of this name beside the trainer's; None in spaces without it.
        space, width, members: of the network; static.
        own_optimizer: the user's, in place of AdamW; static.
        rounded: see `MixtureNetwork`; static.
    """

    wired: Any
    learning_rate: Float[Array, "*b"]
    weight_decay: Float[Array, "*b"]
    label_smoothing: Float[Array, "*b"] | None
    beta2: Float[Array, "*b"] | float
    coslog4: Float[Array, "*b"] | None
    space: MixtureSpace
    width: int
    members: int
    own_optimizer: optax.GradientTransformation | None = None
    rounded: bool = False

    def network(self, outputs: int) -> nn.Module:
        """What computes its outputs from (rows, columns, `wired`, key of the dropout)."""
        return MixtureNetwork(self.space, self.width, outputs, self.members, self.rounded)


def group(space: MixtureSpace, points: Float[Array, "n D"]) -> list[tuple[int, np.ndarray]]:
    """(width, rows of the points that use it), narrow first; minus the width for ensembles of members.

    A narrow network that is computed at full width pays for columns that it does not have, and a network
    alone would pay for members that are all the same.
    """
    keys = np.asarray(_keys(space, points))
    return [(int(key), np.flatnonzero(keys == key)) for key in sorted(np.unique(keys), key=_cost)]


def read(design: Design, point: Float[Array, " D"]) -> Candidate:
    """The point as a network of the group's width reads it."""
    space, hyper = design.space, design.hyper
    # Of mixtures, a group's key is its width, below 0 for an ensemble.
    key = cast(int, design.key)
    weights = space.weights(point)
    named = dict(zip(space.coordinates, weights.recipe, strict=True)) if space.recipe else {}
    rate, decay, dropout = (named.get(name, jnp.full((), getattr(hyper, name))) for name in hyper._fields)
    wired = wiring(space, weights, abs(key), dropout)
    if design.eased and wired.gates.scaling is None:
        wired = wired._replace(gates=wired.gates._replace(scaling=jnp.ones(())))
    return Candidate(
        wired=wired,
        learning_rate=rate,
        weight_decay=decay,
        label_smoothing=named.get("label_smoothing"),
        beta2=named.get("beta2", NEUTRAL["beta2"]),
        coslog4=named.get("coslog4"),
        space=space,
        width=abs(key),
        members=MEMBERS if key < 0 else 1,
        own_optimizer=design.optimizer,
        rounded=design.rounded,
    )


def init(key: Array, candidate: Candidate, batch: Batch) -> State:
    """Initial weights, scaled to the candidate's wiring.

    Args:
        key: the same key draws the same numbers for every candidate.
        candidate: of `read`.
        batch: one row.
    """
    network = candidate.network(batch.outputs)
    params = network.init(key, batch.x, batch.columns, candidate.wired)["params"]
    return State(params, (candidate.own_optimizer or optimizer(candidate, 0.0)).init(params))


def step(state: State, candidate: Candidate, batch: Batch, now: Now) -> State:
    """One step of AdamW, or of the user's own optimizer, with dropout.

    Args:
        state: weights and optimizer state before it.
        candidate: of `read`.
        batch: the rows of the step.
        now: key of the dropout, and factor of the learning rate.
    """

    def loss(params):
        given = _apply(params, candidate, batch, now.key)
        own = functools.partial(batch.loss, smoothing=candidate.label_smoothing)
        return own(given) if candidate.members == 1 else jax.vmap(own)(given).mean()

    if candidate.own_optimizer is not None:
        return _own_step(candidate.own_optimizer, loss, state, now)
    rule = optimizer(candidate, _rate(candidate, now))
    updates, carried = rule.update(jax.grad(loss)(state.params), state.optimizer, state.params)
    return State(optax.apply_updates(state.params, updates), carried)


def outputs(params: dict, candidate: Candidate, batch: Batch) -> Float[Array, "n K"]:
    """Output of the network for each row: logits, or one standardised value; the mean of members.

    Args:
        params: weights of the network.
        candidate: of `read`.
        batch: n rows.
    """
    given = _apply(params, candidate, batch)
    if candidate.members == 1:
        return given
    return mean_of_members(given if batch.several else jax.vmap(batch.masked)(given), batch.link)


def _own_step(own: optax.GradientTransformation, loss: Callable, state: State, now: Now) -> State:
    """One step of the user's optimizer, at its own learning rate.

    The trainer's schedule is left out. What optimizers may ask for beside the gradient is given:
    the loss, and the share of steps that are done.
    """
    value, gradient = jax.value_and_grad(loss)(state.params)
    more = {"value": value, "grad": gradient, "value_fn": loss, "done": now.done}
    rule = optax.with_extra_args_support(own)
    updates, carried = rule.update(gradient, state.optimizer, state.params, **more)
    # Below 1 after a loss of NaN.
    updates = jax.tree.map(lambda update: (now.scale * update).astype(update.dtype), updates)
    return State(optax.apply_updates(state.params, updates), carried)


def optimizer(candidate: Candidate, factor: float | Array) -> optax.GradientTransformation:
    """AdamW (Loshchilov & Hutter 2019) at a factor of the candidate's learning rate.

    Biases and factors do not decay. Factors of input columns learn SCALE_RATE times as fast.
    """

    def decays(params):
        return {name: leaf.ndim > 1 and "member" not in name for name, leaf in params.items()}

    def scales(params):
        return {name: name in FACTORS for name in params}

    rule = optax.adamw(
        factor * candidate.learning_rate,
        b2=cast(float, candidate.beta2),
        weight_decay=candidate.weight_decay,
        mask=decays,
    )
    return optax.chain(rule, optax.masked(optax.scale(SCALE_RATE), scales))


def coslog4(done: Float[Array, ""]) -> Float[Array, ""]:
    """Factor of the learning rate when this share of the steps is done: four cosine waves, each longer.

    Source: Holzmüller et al. 2024, RealMLP.
    """
    return 0.5 - 0.5 * jnp.cos(2 * jnp.pi * jnp.log2(1 + 15 * done))


def _rate(candidate: Candidate, now: Now) -> Array:
    """Factor of the learning rate: the trainer's schedule, mixed with `coslog4` where the space has it."""
    if candidate.coslog4 is None:
        return now.rate
    waves = now.scale * coslog4(now.done)
    return now.rate + candidate.coslog4 * (waves - now.rate)


def _apply(params: dict, candidate: Candidate, batch: Batch, dropout_key: Array | None = None) -> Array:
    network = candidate.network(batch.outputs)
    outputs = network.apply({"params": params}, batch.x, batch.columns, candidate.wired, dropout_key)
    return cast(Array, outputs)


@functools.partial(jax.jit, static_argnames="space")
def _keys(space: MixtureSpace, points: Array) -> Array:
    """Width of each point, below 0 where the gate of the ensemble is open."""
    width = space.width(points)
    if "ensemble" not in space.coordinates:
        return width
    gate = space.weights(points).recipe[..., space.coordinates.index("ensemble")]
    return jnp.where(gate > 0, -width, width)


def _cost(key: np.integer) -> int:
    """What the networks of a group cost, roughly."""
    return int(key) if key > 0 else -MEMBERS * int(key)


def settled(design: Design, params: dict) -> dict:
    """The weights of a network that learned a factor of each input column, with the factors multiplied in.

    In a space with a gate for these factors they belong to the network, and stay.

    Args:
        design: of the network, eased.
        params: of the network, as `init` names them.
    """
    if "scaling" in design.space.coordinates:
        return params
    found = {name: leaf for name, leaf in params.items() if name not in FACTORS}
    for factor, kernel in FACTORS.items():
        if factor in params:
            found[kernel] = found[kernel] * (1 + params[factor][:, None])
    return found


CHILD = Child(
    group,
    read,
    init,
    step,
    outputs,
    scaled_output,
    takes_optimizer=True,
    shifted=shifted_output,
    settled=settled,
)
