"""Aging evolution in plain NumPy: some microseconds for a child."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from taskaware.spaces import HostSpace
from taskaware.strategies.mutation_network import MutationNetwork
from taskaware.strategies.mutations import AT_ONCE, Fresh
from taskaware.strategies.objective import Outcomes
from taskaware.strategies.strategy import Asked, Info, UnderWay

REMEMBERED = 1024
"""Latest evaluations, beside the population, whose children teach a mutation network."""


class Terms(NamedTuple):
    """Settings of an evolution, see `aging_evolution`; `chances` are those of each decision, or None.

    `network` is the share of the children that a mutation network proposes.
    """

    population: int
    sample: int
    aging: bool
    identity: float
    chances: Float[np.ndarray, " D"] | None
    network: float = 0.0


class HostEvolution:
    """One running search, see `HostSearch`; its rows are those of `Population`."""

    def __init__(self, space: HostSpace, together: int, terms: Terms, rng: np.random.Generator):
        self._space, self._together, self._terms, self._rng = space, together, terms, rng
        self._fresh = Fresh(space, rng)
        self._points: list[np.ndarray] = []
        self._values = np.full(terms.population, -np.inf)
        self._numbers: list[int] = []
        self._born = self._asked = 0
        self._samples, self._next_sample = np.empty((0, terms.sample), int), 0
        self._network = _network_for(space, rng) if terms.network else None
        self._told: dict[int, tuple[np.ndarray, float]] = {}

    def ask(self) -> Asked:
        """See `HostSearch.ask`."""
        if self._together == 1:
            point, parent = self._next()
            return Asked(point[None], (parent,))
        asked = [self._next() for _ in range(self._together)]
        return Asked(np.stack([point for point, _ in asked]), tuple(parent for _, parent in asked))

    def tell(self, told: UnderWay, outcomes: Outcomes) -> Info:
        """See `HostSearch.tell`."""
        size, values = self._terms.population, self._values
        first, points, parents = told
        for place, value in enumerate(np.asarray(outcomes.score).tolist()):
            if self._network is not None:
                self._learn(first + place, points[place], value, parents[place] if parents else -1)
            if self._born < size:
                self._points.append(points[place])
                self._numbers.append(first + place)
                values[self._born] = value
            else:
                row = self._born % size if self._terms.aging else int(values.argmin())
                if self._terms.aging or value >= values[row]:
                    self._points[row], self._numbers[row] = points[place], first + place
                    values[row] = value
            self._born += 1
        return {}

    def _next(self) -> tuple[np.ndarray, int]:
        terms, born, rng = self._terms, self._born, self._rng
        self._asked += 1
        if not born or (born < terms.population and self._asked <= terms.population):
            return self._fresh.point(), -1
        sample = self._sample() if born >= terms.population else rng.integers(0, born, terms.sample)
        parent = sample.item(self._values.take(sample).argmax())
        point = self._points[parent]
        if terms.identity and rng.random() < terms.identity:
            return point.copy(), self._numbers[parent]
        if self._network is not None and rng.random() < terms.network:
            return self._network.propose(rng, point), self._numbers[parent]
        return self._space.mutate_on_host(rng, point, terms.chances), self._numbers[parent]

    def _learn(self, number: int, point: np.ndarray, value: float, parent: int) -> None:
        """Let the network learn from a child whose parent is among the latest evaluations."""
        before = self._told.get(parent)
        if before is not None and self._network is not None:
            self._network.learn(before[0], point, value - before[1])
        self._told[number] = point, value
        if len(self._told) > REMEMBERED + self._terms.population:
            del self._told[next(iter(self._told))]

    def _sample(self) -> np.ndarray:
        """Rows of a whole population; many samples are drawn at once, which is quicker."""
        if self._next_sample == len(self._samples):
            size = (AT_ONCE, self._terms.sample)
            self._samples, self._next_sample = self._rng.integers(0, self._terms.population, size), 0
        self._next_sample += 1
        return self._samples[self._next_sample - 1]


def _network_for(space: HostSpace, rng: np.random.Generator) -> MutationNetwork:
    counts = [decision.choices for decision in space.decisions]
    return MutationNetwork(counts, np.random.default_rng(rng.integers(1 << 62)))
