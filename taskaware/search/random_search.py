"""Random search: the control that every other strategy has to beat."""

from jaxtyping import Array, Float

from taskaware.search.strategy import Feedback, Strategy
from taskaware.spaces import MixtureSpace


def random_search(space: MixtureSpace, points: int) -> Strategy:
    """Fresh random points in every round; nothing is learned.

    Args:
        space: to sample from.
        points: drawn in each round.

    Source: US20220121906A1, claim 5.
    """

    def init(key: Array) -> tuple:
        del key
        return ()

    def ask(key: Array, state: tuple) -> Float[Array, "n D"]:
        del state
        return space.sample(key, points)

    def tell(state: tuple, asked: Float[Array, "n D"], feedback: Feedback) -> tuple:
        del asked, feedback
        return state

    return Strategy(init, ask, tell)
