"""Points of `RuleSpace` under training: the rule of the point trains a small network on a table.

The learning rate is no part of a rule. In the first fifth of the steps (one epoch of five), copies of the
network train at each of RATES; the one with the least loss goes on. The trainer's own schedule is left out:
what decays is part of the rule.

Source: Bello, Zoph, Vasudevan & Le 2017, section 4.
"""

from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from taskaware.children.child import Batch, Child, Design, Now, State
from taskaware.children.rules.interpreter import Coded, Running, begun, drawn, stepped
from taskaware.embeddings import TABLE_EMBEDDINGS
from taskaware.spaces.rules.space import chosen_rounds

RATES = tuple(10.0**power for power in range(-5, 2))
"""Learning rates of the sweep."""

LAST = len(RATES)
"""Slot of the network that goes on."""

SWEEP = 0.2
"""Share of the steps in which they are tried."""

HIDDEN = (32, 32)
"""Units of the hidden layers."""

MEMORY = 0.8
"""Decay of the average of a copy's losses, by which the rate is chosen."""

_NAMES = tuple(name for group in TABLE_EMBEDDINGS for name in group)
_NUMBERS, _CATEGORIES = _NAMES.index("standardised"), _NAMES.index("one_hot")


class Candidate(NamedTuple):
    """A point as its training reads it.

    Attributes:
        coded: the rule.
        sound: 1, or NaN where the point is no point; a factor of every step, ().
    """

    coded: Coded
    sound: Float[Array, ""]


class Training(NamedTuple):
    """What a training holds: L copies of the network for the sweep, and last the one that goes on.

    Attributes:
        weights: flat, (L + 1, P).
        running: what the rule remembers of each.
        rates: learning rate of each, (L + 1,).
        losses: moving average of each one's losses; infinite from the first that is not finite, (L + 1,).
    """

    weights: Float[Array, "L1 P"]
    running: Running
    rates: Float[Array, " L1"]
    losses: Float[Array, " L1"]


def group(space: object, points: Float[Array, "n D"]) -> list[tuple[int, np.ndarray]]:
    """All rules in one group: they are data of one program. The key is the width of the network."""
    return [(HIDDEN[0], np.arange(len(points)))]


def read(design: Design, point: Float[Array, " D"]) -> Candidate:
    """The rule of a point."""
    sound = jnp.where(jnp.isfinite(point).all(), 1.0, jnp.nan)
    return Candidate(Coded(*chosen_rounds(design.space, jnp.nan_to_num(point))), sound)


def init(key: Array, candidate: Candidate, batch: Batch) -> State:
    """Initial weights, the same for every copy.

    Args:
        key: of the weights.
        candidate: of `read`.
        batch: one row.
    """
    inputs = _inputs(batch).shape[-1]
    # Columns of zeros feed nothing.
    feeding = jnp.maximum(batch.columns.active[jnp.array([_NUMBERS, _CATEGORIES])].sum(), 1.0)
    sizes = (inputs, *HIDDEN, batch.outputs)
    params = {}
    for layer, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False)):
        key, own = jax.random.split(key)
        scale = jnp.sqrt(2.0 / (feeding if layer == 0 else before))
        params[f"kernel{layer}"] = scale * jax.random.normal(own, (before, after))
        params[f"bias{layer}"] = jnp.zeros(after)
    weights, slots = ravel_pytree(params)[0], LAST + 1
    running = jax.tree.map(lambda leaf: jnp.stack([leaf] * slots), begun(weights.size))
    rates = jnp.array([*RATES, RATES[0]])
    return State(params, Training(jnp.tile(weights, (slots, 1)), running, rates, jnp.zeros(slots)))


def step(state: State, candidate: Candidate, batch: Batch, now: Now) -> State:
    """One step of the rule: of all copies in the sweep, then of the best one.

    Args:
        state: before it.
        candidate: of `read`.
        batch: the rows of the step.
        now: key of the random numbers, share of the steps that are done, and factor after a loss of NaN.
    """
    weights, unravel = ravel_pytree(state.params)
    draws = drawn(now.key, weights.size)

    def loss(flat: Array) -> Array:
        return batch.loss(outputs(unravel(flat), candidate, batch))

    def one(slot: Array, held: Training) -> Training:
        """The step of one network."""
        own = jax.tree.map(lambda leaf: leaf[slot], held)
        value, gradient = jax.value_and_grad(loss)(own.weights)
        change, running = stepped(
            candidate.coded, own.running, gradient, w=own.weights, draws=draws, done=now.done
        )
        moved = own.weights - now.scale * own.rates * candidate.sound * change
        average = jnp.where(running.steps == 1, value, MEMORY * own.losses + (1 - MEMORY) * value)
        average = jnp.where(jnp.isfinite(average), average, jnp.inf)
        return _put(held, slot, Training(moved, running, own.rates, average))

    # The share is the same for all candidates, so the loop is one, and after the sweep it has one turn.
    sweeping = now.done < SWEEP
    held = cast(Training, state.optimizer)
    held = jax.lax.fori_loop(jnp.where(sweeping, 0, LAST), jnp.where(sweeping, LAST, LAST + 1), one, held)
    chosen = jnp.where(sweeping, jnp.argmin(held.losses[:LAST]), LAST)
    held = _put(held, LAST, jax.tree.map(lambda leaf: leaf[chosen], held))
    return State(unravel(held.weights[LAST]), held)


def _put(held: Training, slot: Array | int, own: Training) -> Training:
    """The networks with another one in a slot."""

    def put(leaf: Array, value: Array) -> Array:
        return jax.lax.dynamic_update_index_in_dim(leaf, value, slot, 0)

    return cast(Training, jax.tree.map(put, held, own))


def outputs(params: dict, candidate: Candidate, batch: Batch) -> Float[Array, "n K"]:
    """Output of the network for each row.

    Args:
        params: weights.
        candidate: of `read`.
        batch: n rows.
    """
    found = _inputs(batch)
    for layer in range(len(HIDDEN) + 1):
        found = found @ params[f"kernel{layer}"] + params[f"bias{layer}"][None]
        found = jax.nn.relu(found) if layer < len(HIDDEN) else found
    return found


def _inputs(batch: Batch) -> Float[Array, "n F"]:
    """Standardised numbers and one-hot columns; the other forms of the numbers are 0."""
    standardised = (batch.columns.block == _NUMBERS)[None]
    return jnp.concatenate([jnp.where(standardised, batch.x.numbers, 0.0), batch.x.categories], axis=1)


CHILD = Child(group, read, init, step, outputs)
