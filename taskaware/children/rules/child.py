"""Points of `RuleSpace` under training: the rule of the point trains a small network, see `networks`.

The learning rate is no part of a rule. In the first fifth of the steps (one epoch of five), copies of the
network train at each of RATES; the one with the least loss goes on. The trainer's own schedule is left out:
what decays is part of the rule.

Source: Bello, Zoph, Vasudevan & Le 2017, section 4.
"""

import dataclasses
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from taskaware.children.child import Batch, Child, Design, Now, State
from taskaware.children.rules.interpreter import Coded, Running, begun, draw_keys, drawn, stepped
from taskaware.children.rules.networks import (
    FILTERS,
    HIDDEN,
    Params,
    Pixels,
    answered,
    first_params,
    moving_of,
    weights_of,
)
from taskaware.pytrees import pytree
from taskaware.spaces.rules.space import RuleSpace, chosen_rounds

RATES = tuple(10.0**power for power in range(-5, 2))
"""Learning rates of the sweep."""

LAST = len(RATES)
"""Slot of the network that goes on."""

SWEEP = 0.2
"""Share of the steps in which they are tried."""

MEMORY = 0.8
"""Decay of the average of a copy's losses, by which the rate is chosen."""


@pytree(static=("pixels",))
@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """A point as its training reads it; a pytree.

    Attributes:
        coded: the rule.
        sound: 1, or NaN where the point is no point; a factor of every step, ().
        pixels: side and channels of the images it trains on, None on tables; static.
    """

    coded: Coded
    sound: Float[Array, "*b"]
    pixels: Pixels = None


class Training(NamedTuple):
    """What a training holds: L copies of the network for the sweep, and last the one that goes on.

    Attributes:
        weights: flat, (L + 1, P).
        moving: moving averages of batch normalisation by name, (L + 1, ...).
        running: what the rule remembers of each.
        rates: learning rate of each, (L + 1,).
        losses: moving average of each one's losses; infinite from the first that is not finite, (L + 1,).
    """

    weights: Float[Array, "L1 P"]
    moving: Params
    running: Running
    rates: Float[Array, " L1"]
    losses: Float[Array, " L1"]


def group(space: RuleSpace, points: Float[Array, "n D"]) -> list[tuple[int, np.ndarray]]:
    """All rules in one group: they are data of one program. The key is the width of the network."""
    return [((HIDDEN if space.pixels is None else FILTERS)[0], np.arange(len(points)))]


def read(design: Design, point: Float[Array, " D"]) -> Candidate:
    """The rule of a point."""
    sound = jnp.where(jnp.isfinite(point).all(), 1.0, jnp.nan)
    coded = Coded(*chosen_rounds(design.space, jnp.nan_to_num(point)))
    return Candidate(coded, sound, design.space.pixels)


def init(key: Array, candidate: Candidate, batch: Batch) -> State:
    """Initial weights, the same for every copy.

    Args:
        key: of the weights.
        candidate: of `read`.
        batch: one row.
    """
    params = first_params(key, candidate.pixels, batch)
    weights, slots = ravel_pytree(weights_of(params))[0], LAST + 1
    held = Training(weights, moving_of(params), begun(weights.size), jnp.zeros(()), jnp.zeros(()))
    held = cast(Training, jax.tree.map(lambda leaf: jnp.stack([leaf] * slots), held))
    return State(params, held._replace(rates=jnp.array([*RATES, RATES[0]])))


def step(state: State, candidate: Candidate, batch: Batch, now: Now) -> State:
    """One step of the rule: of all copies in the sweep, then of the best one.

    Args:
        state: before it.
        candidate: of `read`.
        batch: the rows of the step.
        now: key of the random numbers, share of the steps that are done, and factor after a loss of NaN.
    """
    weights, unravel = ravel_pytree(weights_of(state.params))
    draws = drawn(candidate.coded, draw_keys(now.key), weights.size)

    def loss(flat: Array, moving: Params) -> tuple[Array, Params]:
        answer, moved = answered(unravel(flat) | moving, candidate.pixels, batch, training=True)
        return batch.loss(answer), moved

    def one(slot: Array, held: Training) -> Training:
        """The step of one network."""
        own = jax.tree.map(lambda leaf: leaf[slot], held)
        (value, moved), gradient = jax.value_and_grad(loss, has_aux=True)(own.weights, own.moving)
        change, running = stepped(
            candidate.coded, own.running, gradient, w=own.weights, draws=draws, done=now.done
        )
        weights = own.weights - now.scale * own.rates * candidate.sound * change
        average = jnp.where(running.steps == 1, value, MEMORY * own.losses + (1 - MEMORY) * value)
        average = jnp.where(jnp.isfinite(average), average, jnp.inf)
        return _put(held, slot, Training(weights, moved, running, own.rates, average))

    # The share is the same for all candidates, so the loop is one, and after the sweep it has one turn.
    sweeping = now.done < SWEEP
    held = cast(Training, state.optimizer)
    held = jax.lax.fori_loop(jnp.where(sweeping, 0, LAST), jnp.where(sweeping, LAST, LAST + 1), one, held)
    chosen = jnp.where(sweeping, jnp.argmin(held.losses[:LAST]), LAST)
    own = jax.tree.map(lambda leaf: leaf[chosen], held)
    held = _put(held, LAST, own)
    return State(unravel(own.weights) | own.moving, held)


def _put(held: Training, slot: Array | int, own: Training) -> Training:
    """The networks with another one in a slot."""

    def put(leaf: Array, value: Array) -> Array:
        return jax.lax.dynamic_update_index_in_dim(leaf, value, slot, 0)

    return cast(Training, jax.tree.map(put, held, own))


def outputs(params: Params, candidate: Candidate, batch: Batch) -> Float[Array, "n K"]:
    """Output of the network for each row.

    Args:
        params: weights and moving averages.
        candidate: of `read`.
        batch: n rows.
    """
    return answered(params, candidate.pixels, batch)[0]


CHILD = Child(group, read, init, step, outputs, one_by_one=True)
