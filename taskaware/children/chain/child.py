"""Points of `ChainSpace` under training: all of a space share one program, and AdamW trains them."""

import dataclasses
from typing import cast

import jax
import numpy as np
import optax
from jaxtyping import Array, Float

from taskaware.children.cells.augment import CHANGES, augmented
from taskaware.children.chain.shared import Wiring, answers, forward, init_params, width_of, wiring
from taskaware.children.child import Batch, Child, Design, Hyper, Now, State, scaled_output, shifted_output
from taskaware.pytrees import pytree
from taskaware.spaces import ChainSpace

UNDECAYED = ("_scale", "_bias", "_mean", "_variance")


@pytree(static=("space", "hyper", "augment"))
@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """A point as its network reads it; a pytree.

    Attributes:
        wired: its layers.
        space, hyper: of the network and of its training; static.
        augment: names of `augment.CHANGES`, for the images of a step; static.
    """

    wired: Wiring
    space: ChainSpace
    hyper: Hyper
    augment: tuple[str, ...] = ()


def group(space: ChainSpace, points: Float[Array, "n D"]) -> list[tuple[int, np.ndarray]]:
    """All points together; the key is the channels of the shared program."""
    return [(width_of(space.settings), np.arange(len(points)))]


def read(design: Design, point: Float[Array, " D"]) -> Candidate:
    """The layers of the point as data."""
    return Candidate(wiring(design.space, point), design.space, design.hyper, design.augment)


def init(key: Array, candidate: Candidate, batch: Batch) -> State:
    """Initial weights, of the largest filters in every layer.

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
        means, moved = forward(candidate.space, params, candidate.wired, images, training=True)
        means = _dropped(drop_key, means, candidate.hyper.dropout)
        return batch.loss(answers(params, candidate.wired, means)), moved

    gradient, moved = jax.grad(loss, has_aux=True)(state.params)
    updates, carried = _optimizer(candidate, now.rate).update(gradient, state.optimizer, state.params)
    return State(optax.apply_updates(state.params, updates) | moved, carried)


def outputs(params: dict, candidate: Candidate, batch: Batch) -> Float[Array, "n K"]:
    """Output of the network for each row: logits, or one standardised value.

    Args:
        params: weights of the network, with the moving means and variances.
        candidate: of `read`.
        batch: n rows.
    """
    images = _images(candidate, batch)
    means, _ = forward(candidate.space, params, candidate.wired, images, training=False)
    return answers(params, candidate.wired, means)


def _dropped(key: Array, means: Float[Array, "L n F"], rate: float) -> Array:
    """Some features at 0, the others in compensation larger."""
    if not rate:
        return means
    return means * jax.random.bernoulli(key, 1 - rate, means.shape) / (1 - rate)


def _images(candidate: Candidate, batch: Batch) -> Float[Array, "n side side channels"]:
    settings = candidate.space.settings
    shape = (settings.side, settings.side, settings.channels)
    return batch.x.numbers[:, : int(np.prod(shape))].reshape(-1, *shape)


def _optimizer(candidate: Candidate, factor: float | Array) -> optax.GradientTransformation:
    """AdamW (Loshchilov & Hutter 2019); only kernels decay."""

    def decays(params):
        return {name: not name.endswith(UNDECAYED) for name in params}

    rate = cast(float, factor * candidate.hyper.learning_rate)
    return optax.adamw(rate, weight_decay=candidate.hyper.weight_decay, mask=decays)


CHILD = Child(
    group,
    read,
    init,
    step,
    outputs,
    scaled_output,
    shifted=shifted_output,
    one_by_one=True,
    augments=lambda space: tuple(CHANGES),
)
