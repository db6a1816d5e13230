"""The interface of a search strategy."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.spaces import Space

State = Any
Info = dict[str, Array]
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
    """

    init: Callable[[Array], State]
    ask: Callable[[Array, State], tuple[State, Float[Array | np.ndarray, "n D"]]]
    tell: Callable[[State, Any, Feedback], tuple[State, Info]]
    wants_gradient: bool = False
    repeats: bool = False
    traceable: bool = True
    learns_after: int = 0


Factory = Callable[[Space, int], Strategy]
"""(space, points of an `ask`) → strategy; the result of, for example, `evolution(population=50)`. The driver
binds it to a space."""
