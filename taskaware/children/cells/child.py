"""Points of `CellSpace` under training: all of a space share one program, and AdamW trains them."""

import dataclasses
from typing import cast

import jax
import numpy as np
import optax
from jaxtyping import Array, Float

from taskaware.children.cells.augment import CHANGES, augmented
from taskaware.children.cells.inherit import inherited
from taskaware.children.cells.shared import Wiring, answers, forward, init_params, wiring
from taskaware.children.child import Batch, Child, Design, Hyper, Now, State, scaled_output, shifted_output
from taskaware.pytrees import pytree
from taskaware.spaces import CellSpace


@pytree(static=("space", "hyper", "augment"))
@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """A point as its network reads it; a pytree.

    Attributes:
        wired: both cells.
        space, hyper: of the network and of its training; static.
        augment: names of `augment.CHANGES`, for the images of a step; static.
    """

    wired: Wiring
    space: CellSpace
    hyper: Hyper
    augment: tuple[str, ...] = ()


def group(space: CellSpace, points: Float[Array, "n D"]) -> list[tuple[int, np.ndarray]]:
    """All points together; the key is the filters of the space."""
    return [(space.stack.filters, np.arange(len(points)))]


def read(design: Design, point: Float[Array, " D"]) -> Candidate:
    """The cells of the point as data."""
    return Candidate(wiring(design.space, point), design.space, design.hyper, design.augment)


def init(key: Array, candidate: Candidate, batch: Batch) -> State:
    """Initial weights, of every operation in every slot.

    Args:
        key: the same key draws the same numbers for every candidate.
        candidate: of `read`.
        batch: one row.
    """
    params = init_params(candidate.space, key, candidate.wired, batch.outputs)
    return State(params, _optimizer(candidate, 0.0).init(params))


def step(state: State, candidate: Candidate, batch: Batch, now: Now) -> State:
    """One step of AdamW, with dropout before the last layer.

    Args:
        state: weights and optimizer state before it.
        candidate: of `read`.
        batch: the rows of the step.
        now: key of the dropout, and factor of the learning rate.
    """
    drop_key, change_key = jax.random.split(now.key)
    images = augmented(change_key, _images(candidate, batch), candidate.augment)

    def loss(params):
        states, used = forward(candidate.space, params, candidate.wired, images)
        states = _dropped(drop_key, states, candidate.hyper.dropout)
        return batch.loss(answers(params, candidate.wired, (states, used)))

    rule = _optimizer(candidate, now.rate)
    updates, carried = rule.update(jax.grad(loss)(state.params), state.optimizer, state.params)
    return State(optax.apply_updates(state.params, updates), carried)


def outputs(params: dict, candidate: Candidate, batch: Batch) -> Float[Array, "n K"]:
    """Output of the network for each row: logits, or one standardised value.

    Args:
        params: weights of the network.
        candidate: of `read`.
        batch: n rows.
    """
    last = forward(candidate.space, params, candidate.wired, _images(candidate, batch))
    return answers(params, candidate.wired, last)


def _dropped(key: Array, states: Float[Array, "P n h w F"], rate: float) -> Array:
    """Whole channels of an image at 0, so that the pooled features are; the others in compensation larger."""
    if not rate:
        return states
    shape = (*states.shape[:2], 1, 1, states.shape[-1])
    return states * jax.random.bernoulli(key, 1 - rate, shape) / (1 - rate)


def _images(candidate: Candidate, batch: Batch) -> Float[Array, "n side width channels"]:
    """The images, or series as images that are one pixel wide."""
    stack = candidate.space.stack
    shape = (*candidate.space.window(stack.side), stack.channels)
    return batch.x.numbers[:, : int(np.prod(shape))].reshape(-1, *shape)


def _optimizer(candidate: Candidate, factor: float | Array) -> optax.GradientTransformation:
    """AdamW (Loshchilov & Hutter 2019); scales and biases do not decay."""

    def decays(params):
        return {name: not name.endswith(("_scale", "_bias")) for name in params}

    rate = cast(float, factor * candidate.hyper.learning_rate)
    return optax.adamw(rate, weight_decay=candidate.hyper.weight_decay, mask=decays)


def augments(space: CellSpace) -> tuple[str, ...]:
    """Names of the changes of rows; series have no left and right side to exchange."""
    return tuple(name for name in CHANGES if space.axes == 2 or name != "flip")


CHILD = Child(
    group,
    read,
    init,
    step,
    outputs,
    scaled_output,
    shifted=shifted_output,
    one_by_one=True,
    augments=augments,
    inherited=inherited,
)
