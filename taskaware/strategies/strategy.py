"""The interface of a search strategy, as pure functions and, for quick objectives, on the host."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.spaces import Space
from taskaware.strategies.objective import Outcomes

State = Any
Info = dict[str, Any]
"""Facts about each point of a `tell`, (n,) each by name: "parent" (an evaluation number), ..."""


class Feedback(NamedTuple):
    """The results of points, for `tell`.

    Attributes:
        value: larger is better; -inf for a diverged point, (n,).
        gradient: of the value by the point, 0 for a diverged one, (n, D); None unless the strategy needs it.
        number: evaluation number of each, from 0 in the order of asking, (n,); -2 or less for a point that
            the strategy has not asked for. None: the next ones in that order.
    """

    value: Float[Array | np.ndarray, " n"]
    gradient: Float[Array, "n D"] | None = None
    number: Int[Array, " n"] | None = None


class Asked(NamedTuple):
    """Points to evaluate: (n, D), and the evaluation number of the parent of each, -1 without one."""

    points: Float[np.ndarray, "n D"]
    parents: tuple[int, ...] = ()


class UnderWay(NamedTuple):
    """Points that are evaluated, or were.

    Attributes:
        first: evaluation number of the first point, in the order of asking; the others follow.
        points: (n, D).
        parents: evaluation number of the parent of each, -1 without one; () where the strategy tells none.
    """

    first: int
    points: Float[np.ndarray, "n D"]
    parents: tuple[int, ...] = ()


@runtime_checkable
class HostSearch(Protocol):
    """One running search in plain NumPy; unlike a `Strategy` it changes in place.

    It draws from the generator that it was made with, and nowhere else: told the same results in the same
    order, it asks for the same points.
    """

    def ask(self) -> Asked:
        """The next points; none at the end of the strategy."""
        ...

    def tell(self, told: UnderWay, outcomes: Outcomes) -> Info:
        """Take results, in any order; points of other strategies, too.

        Args:
            told: the points.
            outcomes: of the points; the score of a diverged one is -inf.

        Returns:
            Facts about each point that were not known when it was asked for.
        """
        ...


class Strategy(NamedTuple):
    """Three pure functions. `tell` draws nothing; each `ask` gets a new key.

    `tell` accepts points in any order and number, points of other strategies included. A second `ask` before
    a `tell` gives different points.

    Attributes:
        init: key → state.
        ask: (key, state) → (state, points (n, D)); all lie in the space, and n is constant. A strategy that
            is not traceable may return fewer, and none at its end.
        tell: (state, points, feedback) → (state, info).
        wants_gradient: whether the feedback must hold gradients.
        repeats: whether a second `ask` before a `tell` gives the same points, as in a climb.
        traceable: whether JAX can trace the three functions.
        learns_after: number of random evaluations at the start; the budget should exceed it.
        on_host: generator → the same strategy in plain NumPy, which takes microseconds; None without one.
            The two draw different points from one seed.
        label: what it is, with its settings; "" if unknown. A journal goes on only under the same one.
    """

    init: Callable[[Array], State]
    ask: Callable[[Array, State], tuple[State, Float[Array | np.ndarray, "n D"]]]
    tell: Callable[[State, Any, Feedback], tuple[State, Info]]
    wants_gradient: bool = False
    repeats: bool = False
    traceable: bool = True
    learns_after: int = 0
    on_host: Callable[[np.random.Generator], HostSearch] | None = None
    label: str = ""


Factory = Callable[[Space, int], Strategy]
"""(space, points of an `ask`) → strategy; the result of, for example, `evolution(population=50)`. The driver
binds it to a space."""


def kept(make: Callable[..., Strategy]) -> Callable[..., Strategy]:
    """Keep what was made of a space and settings last, so that the next search like it compiles nothing.

    The digest counts, too: a space may have been changed in place. A space without a hash is bound anew.

    Args:
        make: (space, settings that have a hash) → strategy.
    """
    held = functools.lru_cache(maxsize=8)(lambda digest, *given: make(*given))

    @functools.wraps(make)
    def found(space: Space, *given: Any) -> Strategy:
        try:
            hash(space)
        except TypeError:
            return make(space, *given)
        return held(space.digest, space, *given)

    return found
