"""Trainings of any loss by many rules and learning rates, in one compiled program.

On a processor one training follows the other, each with plain operations, and ends where its loss is not
finite. On accelerators all run at once.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from taskaware.children.rules.interpreter import Coded, Draws, Running, begun, draw_keys, drawn, stepped

MEMORY = 0.8
"""Decay of the average of a training's losses, by which rates and rules are compared."""

LOSSES = 2**32 - 1
"""Folded into the key of a training for the draws of the loss; no step has this number."""


AHEAD, MOST_DRAWN = 16, 1 << 18
"""Steps for which random numbers are drawn at once on a processor, and numbers of one kind, at most."""


class Path(NamedTuple):
    """What a training holds.

    Attributes:
        weights: flat, (P,).
        state: what the loss keeps, such as moving averages; a pytree of arrays.
        running: what the rule remembers.
        loss: moving average of the losses; infinite from the first that is not finite, ().
        steps: how many were made, ().
    """

    weights: Float[Array, " P"]
    state: Any
    running: Running
    loss: Float[Array, ""]
    steps: Int[Array, ""]


class Stretch(NamedTuple):
    """The steps of a training from `first` up to, not including, `last`.

    Attributes:
        first, last: numbers of steps, ().
        order: number of the batch of each step of the whole training, (S,).
        key: of the random numbers of all steps.
    """

    first: Int[Array, ""] | int
    last: Int[Array, ""] | int
    order: Int[Array, " S"]
    key: Array


def started(weights: Float[Array, " P"], state: Any = ()) -> Path:
    """A training before its first step.

    Args:
        weights: first ones.
        state: what the loss keeps, at first; a pytree of arrays.
    """
    return Path(weights, state, begun(weights.size), jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32))


def loss_key(key: Array, number: Array | int) -> Array:
    """The key of a loss at a step, apart from those of the rule's own draws.

    Args:
        key: of the training.
        number: of the step; the first is 0.
    """
    return jax.random.fold_in(jax.random.fold_in(key, LOSSES), number)


def averaged(average: Array, loss: Array, number: Array | int) -> Array:
    """The moving average of losses behind one more.

    Args:
        average: before it.
        loss: of step `number`.
        number: of the step; the first is 0.
    """
    loss = jnp.asarray(loss, jnp.float32)
    found = jnp.where(number == 0, loss, MEMORY * average + (1 - MEMORY) * loss)
    return jnp.where(jnp.isfinite(found), found, jnp.inf)


@functools.partial(jax.jit, static_argnums=0)
def advanced(
    valued: Callable[[Array, Any, Any, Array], tuple[tuple[Array, Any], Array]],
    paths: Path,
    rules: tuple[Coded, Float[Array, " C"]],
    count: Array | int,
    batches: Any,
    stretch: Stretch,
) -> Path:
    """C trainings after a stretch of steps.

    Args:
        valued: (flat weights, batch, state, key) → loss () and new state, and the gradient; static.
        paths: of the C trainings.
        rules: rule and learning rate of each.
        count: the first so many are trained; the others are not used.
        batches: a pytree of arrays, (B, ...).
        stretch: of steps.
    """
    total, ahead = len(stretch.order), _steps_ahead(paths.weights.shape[-1])
    # Keys are small, so those of all steps are made at once; some more fill up the last block.
    numbers = jnp.arange(total + ahead)
    loss_keys = jax.vmap(lambda number: loss_key(stretch.key, number))(numbers)
    keys = jax.vmap(lambda number: draw_keys(jax.random.fold_in(stretch.key, number)))(numbers)

    def one(path: Path, rule: tuple[Coded, Array]) -> Path:
        coded, rate = rule

        def block(carried: tuple[Array, Path]) -> tuple[Array, Path]:
            first, path = carried
            draws = drawn(coded, jax.lax.dynamic_slice_in_dim(keys, first, ahead), path.weights.size)
            last = jnp.minimum(first + ahead, stretch.last)
            return _while_finite(functools.partial(step, first, draws), (first, path), last)

        def step(first: Array, ahead: Draws, carried: tuple[Array, Path]) -> tuple[Array, Path]:
            number, path = carried
            batch = jax.tree.map(lambda leaf: leaf[stretch.order[number]], batches)
            (value, state), gradient = valued(path.weights, batch, path.state, loss_keys[number])
            draws = jax.tree.map(lambda leaf: leaf[number - first], ahead)
            done = number.astype(jnp.float32) / total
            change, running = stepped(coded, path.running, gradient, w=path.weights, draws=draws, done=done)
            average = averaged(path.loss, value, number)
            return number + 1, Path(path.weights - rate * change, state, running, average, path.steps + 1)

        return _while_finite(block, (jnp.asarray(stretch.first, jnp.int32), path), stretch.last)[1]

    return mapped(one, count)(paths, rules)


def _while_finite(
    body: Callable[[tuple[Array, Path]], tuple[Array, Path]], start: tuple[Array, Path], last: Array | int
) -> tuple[Array, Path]:
    """(number of the step, training) after the steps before `last`, or up to a loss that is not finite.

    Args:
        body: of the loop.
        start: before it.
        last: number of the step where it ends.
    """
    return jax.lax.while_loop(
        lambda carried: (carried[0] < last) & jnp.isfinite(carried[1].loss), body, start
    )


def _steps_ahead(weights: int) -> int:
    """For how many steps random numbers are drawn at once; on a processor small draws are mostly overhead."""
    return 1 if jax.default_backend() != "cpu" else max(1, min(AHEAD, MOST_DRAWN // weights))


@functools.partial(jax.jit, static_argnums=0)
def scored(
    metric: Callable[[Array, Any, Any], Array],
    trained: tuple[Float[Array, "C P"], Any],
    count: Array | int,
    batches: Any,
) -> Float[Array, " C"]:
    """Mean of a metric over batches, for each training.

    Args:
        metric: (flat weights, batch, state) → (); static.
        trained: weights and states of C trainings; a state stays as it is.
        count: the first so many are scored.
        batches: a pytree of arrays, (B, ...).
    """

    def one(_: Array, trained: tuple[Array, Any]) -> Array:
        weights, state = trained
        values = jax.lax.map(lambda batch: jnp.asarray(metric(weights, batch, state), jnp.float32), batches)
        return values.mean()

    return mapped(one, count)(jnp.zeros(len(trained[0]), jnp.float32), trained)


def mapped(one: Callable[[Any, Any], Any], count: Array | int) -> Callable[[Any, Any], Any]:
    """A function of one (state, more) → state as one of C, one after the other on a processor.

    Args:
        one: of a single state.
        count: on a processor, only the first so many are computed.
    """
    if jax.default_backend() != "cpu":
        return jax.vmap(one)

    def many(states: Any, more: Any) -> Any:
        def body(place: Array, states: Any) -> Any:
            new = one(*(jax.tree.map(lambda leaf: leaf[place], each) for each in (states, more)))
            return jax.tree.map(lambda leaf, value: leaf.at[place].set(value), states, new)

        return jax.lax.fori_loop(0, count, body, states)

    return many
