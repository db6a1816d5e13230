"""What a search strategy is."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.spaces import Space

State = Any
Info = dict[str, Array]
"""What a strategy knows of each point it was told, (n,) each by name: "parent" (an evaluation), ..."""


class Feedback(NamedTuple):
    """What a strategy is told about points.

    Attributes:
        value: larger is better; -inf for a diverged point, (n,).
        gradient: of the value by the point, 0 for a diverged one, (n, D); None unless the strategy wants it.
        number: which evaluation each is, counted from 0 in the order in which they were asked for, (n,);
            -2 or less for a point that the strategy has not asked for. None: the next ones in that order.
    """

    value: Float[Array | np.ndarray, " n"]
    gradient: Float[Array, "n D"] | None = None
    number: Int[Array, " n"] | None = None


class Strategy(NamedTuple):
    """Three pure functions. `tell` never draws; a new key comes with each `ask`.

    Points are told in any order and in any number at a time, and also points that others asked for. Asking
    again before a `tell` gives other points.

    Attributes:
        init: key → state.
        ask: (key, state) → (state, points (n, D)), all of them in the space, n always the same; a strategy
            that is not traceable may ask for fewer, and for none when it is at its end.
        tell: (state, points, feedback) → (state, info).
        wants_gradient: whether the feedback has to carry gradients.
        repeats: whether asking again before a `tell` gives the same points, as a climb does that has to know
            where it stands.
        traceable: whether JAX can trace the three functions.
        learns_after: evaluations that it draws blindly; only a budget beyond them shows what it can do.
    """

    init: Callable[[Array], State]
    ask: Callable[[Array, State], tuple[State, Float[Array | np.ndarray, "n D"]]]
    tell: Callable[[State, Any, Feedback], tuple[State, Info]]
    wants_gradient: bool = False
    repeats: bool = False
    traceable: bool = True
    learns_after: int = 0


Factory = Callable[[Space, int], Strategy]
"""(space, points of an `ask`) → strategy. What `ta.strategies.evolution(population=50)` gives: the settings
come first, and the driver binds it to a space."""
