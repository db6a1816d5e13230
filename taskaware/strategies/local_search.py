"""Local search: one mutation away from where it stands, and a new start where nothing near is better.

Source: White, Nolen & Savani 2021, "Exploring the loss landscape in neural architecture search".
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taskaware.arrays import EitherArray
from taskaware.errors import UserError
from taskaware.spaces import HostSpace, Space
from taskaware.strategies.mutations import Fresh, host_space
from taskaware.strategies.objective import Outcomes
from taskaware.strategies.strategy import Asked, Factory, Feedback, Info, Strategy, UnderWay

UNDER_WAY = 1024
"""Number of unfinished evaluations whose parents are remembered."""

REDRAWS = 8
"""How often a neighbour is drawn anew that was asked for already."""


class Stand(NamedTuple):
    """Where a search stands.

    Attributes:
        point: (D,).
        value: -inf before the first one.
        number: evaluation number of the point.
        there: whether it stands anywhere; random points are asked for where it does not.
        failed: neighbours told since the last step.
        asked: number of points asked for so far.
        parents: evaluation number of the parent of each of the last R points asked for, (R,).
    """

    point: Float[Array, " D"]
    value: Float[Array, ""]
    number: Int[Array, ""]
    there: Bool[Array, ""]
    failed: Int[Array, ""]
    asked: Int[Array, ""]
    parents: Int[Array, " R"]


def local_search(patience: int | None = None) -> Factory:
    """Ask for neighbours of a point, step to each that is as good or better, start anew where none is.

    A neighbour is one mutation away.

    Args:
        patience: neighbours in a row that are worse before it starts anew at a random point; by default as
            many as there are (10 for a continuous decision).

    Raises:
        UserError: the patience is below 1.

    >>> from taskaware.spaces import choices
    >>> local_search()(choices(a=[1, 2, 3], b=[0, 1]), 1).label
    'local_search(patience=3)'
    """
    if patience is not None and patience < 1:
        raise UserError(f"patience={patience} is too small. Give 1 or more.")

    def bound(space: Space, together: int) -> Strategy:
        neighbours = sum((each.choices or 11) - 1 for each in space.decisions)
        most = max(neighbours if patience is None else patience, 1)
        strategy = _local_search(space, together, most)._replace(label=f"local_search(patience={most})")
        if not host_space(space):
            return strategy
        return strategy._replace(on_host=lambda rng: HostLocalSearch(space, together, most, rng))

    return bound


def _local_search(space: Space, together: int, patience: int) -> Strategy:
    def init(key: Array) -> Stand:
        del key
        return Stand(
            jnp.zeros(space.dimension, jnp.float32),
            jnp.float32(-jnp.inf),
            jnp.int32(-1),
            jnp.bool_(False),
            jnp.int32(0),
            jnp.int32(0),
            jnp.full(max(UNDER_WAY, together), -1, jnp.int32),
        )

    def ask(key: Array, state: Stand) -> tuple[Stand, Float[Array, "n D"]]:
        first_key, child_key = jax.random.split(key)
        near = jax.vmap(space.mutate, (0, None))(jax.random.split(child_key, together), state.point)
        points = jnp.where(state.there, near, space.sample(first_key, together))
        rows = (state.asked + jnp.arange(together)) % len(state.parents)
        parents = state.parents.at[rows].set(jnp.where(state.there, state.number, -1))
        return state._replace(asked=state.asked + together, parents=parents), points

    def tell(state: Stand, points: Float[EitherArray, "n D"], feedback: Feedback) -> tuple[Stand, dict]:
        value = jnp.asarray(feedback.value, jnp.float32)
        order = jnp.arange(len(value), dtype=jnp.int32)
        number = order if feedback.number is None else jnp.asarray(feedback.number, jnp.int32)
        known = (number >= 0) & (state.asked - number <= len(state.parents))
        info = {"parent": jnp.where(known, state.parents[number % len(state.parents)], -1)}
        best = jnp.argmax(value)
        better = (value[best] >= state.value) & jnp.isfinite(value[best])
        failed = jnp.where(better, 0, state.failed + len(value))
        there = (better | state.there) & (failed < patience)
        updated = state._replace(
            point=jnp.where(better, jnp.asarray(points, jnp.float32)[best], state.point),
            value=jnp.where(there, jnp.where(better, value[best], state.value), -jnp.inf),
            number=jnp.where(better, number[best], state.number),
            there=there,
            failed=jnp.where(there, failed, 0).astype(jnp.int32),
        )
        return updated, info

    return Strategy(init, ask, tell)


class HostLocalSearch:
    """One running search, see `HostSearch`; it avoids neighbours asked for since its last step."""

    def __init__(self, space: HostSpace, together: int, patience: int, rng: np.random.Generator):
        self._space, self._together, self._patience, self._rng = space, together, patience, rng
        self._fresh = Fresh(space, rng)
        self._point: np.ndarray | None = None
        self._value, self._number, self._failed = -np.inf, -1, 0
        self._tried: set[bytes] = set()

    def ask(self) -> Asked:
        """See `HostSearch.ask`."""
        if self._together == 1:
            return Asked(self._next()[None], (self._number,))
        return Asked(
            np.stack([self._next() for _ in range(self._together)]), (self._number,) * self._together
        )

    def tell(self, told: UnderWay, outcomes: Outcomes) -> Info:
        """See `HostSearch.tell`."""
        first, points, _ = told
        for place, value in enumerate(np.asarray(outcomes.score).tolist()):
            if value >= self._value and value > -np.inf:
                self._point, self._value, self._number = points[place], value, first + place
                self._failed = 0
                self._tried.clear()
                continue
            self._failed += 1
            if self._failed >= self._patience:
                self._point, self._value, self._number, self._failed = None, -np.inf, -1, 0
                self._tried.clear()
        return {}

    def _next(self) -> np.ndarray:
        if self._point is None:
            return self._fresh.point()
        for _ in range(REDRAWS):
            child = self._space.mutate_on_host(self._rng, self._point)
            name = child.tobytes()
            if name not in self._tried:
                break
        self._tried.add(name)
        return child
