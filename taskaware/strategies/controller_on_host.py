"""A controller for searches of many evaluations a second: whole minibatches are drawn and learned from."""

from collections import defaultdict, deque

import jax
import numpy as np

from taskaware.arrays import as_jax
from taskaware.compilation import keep_compiled
from taskaware.strategies.controller_terms import Terms
from taskaware.strategies.objective import Outcomes
from taskaware.strategies.policy_gradient import Minibatch, Programs
from taskaware.strategies.strategy import Asked, Info, UnderWay

MOST = 65_536
"""Different points under way that are remembered; the oldest are forgotten."""


class HostController:
    """One running search, see `HostSearch`; points are known again by what they are."""

    def __init__(self, made: Programs, terms: Terms, together: int, rng: np.random.Generator):
        keep_compiled()
        self._made, self._together, self._size = made, together, terms.minibatch
        first, self._key = jax.random.split(jax.random.key(int(rng.integers(2**32))))
        self.learner = made.init(first)
        self._updates = 0
        self._points, self._likely, self._next = np.empty((0, 0), np.float32), np.empty(0, np.float32), 0
        self._drawn: defaultdict[bytes, deque[tuple[float, int]]] = defaultdict(deque)
        self._told: list[tuple[np.ndarray, float, float, int]] = []

    def ask(self) -> Asked:
        """See `HostSearch.ask`."""
        if self._next >= len(self._points):
            self._draw()
        places = range(self._next, self._next + self._together)
        self._next += self._together
        for place in places:
            drawn = (float(self._likely[place]), self._updates)
            self._drawn[self._points[place].tobytes()].append(drawn)
        if len(self._drawn) > MOST:
            self._drawn.pop(next(iter(self._drawn)))
        return Asked(self._points[places.start : places.stop])

    def tell(self, told: UnderWay, outcomes: Outcomes) -> Info:
        """See `HostSearch.tell`."""
        info: dict[str, np.ndarray] = {}
        for place, value in enumerate(np.asarray(outcomes.score).tolist()):
            point = told.points[place]
            self._told.append((point, value, *self._found(point.tobytes())))
            if len(self._told) == self._size:
                for name, number in self._learn().items():
                    column = info.setdefault(name, np.full(len(told.points), np.nan))
                    column[place] = number
        return info

    def _draw(self) -> None:
        """A minibatch of points, or a round where that is more; all from the weights of this moment."""
        count = -(-self._size // self._together) * self._together
        self._key, points, likely = self._made.drawn(self._key, self.learner, count)
        self._points, self._likely, self._next = np.asarray(points), np.asarray(likely), 0

    def _found(self, name: bytes) -> tuple[float, int]:
        """Log-probability and number of updates when a point was drawn; -1 of them for points of others."""
        drawn = self._drawn.get(name)
        if not drawn:
            return 0.0, -1
        found = drawn.popleft()
        if not drawn:
            del self._drawn[name]
        return found

    def _learn(self) -> dict[str, float]:
        points, values, drawn_as, drawn_at = zip(*self._told, strict=True)
        batch = Minibatch(
            as_jax(np.stack(points), np.float32),
            as_jax(values, np.float32),
            as_jax(drawn_as, np.float32),
            as_jax(drawn_at, np.int32),
        )
        self._told = []
        self.learner, measured = self._made.updated(self.learner, batch)
        self._updates += 1
        # What is left was drawn by weights of before.
        self._next = len(self._points)
        return {name: float(number) for name, number in measured.items()}
