"""Random search: the control that every other strategy must beat."""

import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.spaces import HostSpace, Space
from taskaware.strategies.mutations import Fresh, host_space
from taskaware.strategies.objective import Outcomes
from taskaware.strategies.strategy import Asked, Factory, Feedback, Info, Strategy, UnderWay, kept


def random() -> Factory:
    """New random points with every `ask`; nothing is learned.

    Source: US20220121906A1, claim 5.

    >>> from taskaware.spaces import preset
    >>> random()(preset("compact"), 8).repeats
    False
    """

    return _random


@kept
def _random(space: Space, together: int) -> Strategy:
    def ask(key: Array, state: tuple) -> tuple[tuple, Float[Array, "n D"]]:
        return state, space.sample(key, together)

    def tell(state: tuple, points: Float[EitherArray, "n D"], feedback: Feedback) -> tuple[tuple, dict]:
        del points, feedback
        return state, {}

    strategy = Strategy(lambda key: (), ask, tell, label="random()")
    if not host_space(space):
        return strategy
    return strategy._replace(on_host=lambda rng: HostRandom(space, together, rng))


class HostRandom:
    """One running search, see `HostSearch`."""

    def __init__(self, space: HostSpace, together: int, rng: np.random.Generator):
        self._space, self._together, self._rng = space, together, rng
        self._fresh = Fresh(space, rng)

    def ask(self) -> Asked:
        """See `HostSearch.ask`."""
        if self._together == 1:
            return Asked(self._fresh.point()[None])
        return Asked(self._space.sample_on_host(self._rng, self._together))

    def tell(self, told: UnderWay, outcomes: Outcomes) -> Info:
        """See `HostSearch.tell`."""
        del told, outcomes
        return {}
