"""Random search: the control that every other strategy must beat."""

from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.spaces import Space
from taskaware.strategies.strategy import Factory, Feedback, Strategy


def random() -> Factory:
    """New random points with every `ask`; nothing is learned.

    Source: US20220121906A1, claim 5.

    >>> from taskaware.spaces import preset
    >>> random()(preset("compact"), 8).repeats
    False
    """

    def bound(space: Space, together: int) -> Strategy:
        def ask(key: Array, state: tuple) -> tuple[tuple, Float[Array, "n D"]]:
            return state, space.sample(key, together)

        def tell(state: tuple, points: Float[EitherArray, "n D"], feedback: Feedback) -> tuple[tuple, dict]:
            del points, feedback
            return state, {}

        return Strategy(lambda key: (), ask, tell)

    return bound
