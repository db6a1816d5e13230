"""An objective from any function of a point."""

from collections.abc import Callable

import numpy as np

from taskaware.errors import UserError
from taskaware.strategies import Objective, Outcomes, traced


def function(
    f: Callable, *, batched: bool = False, traceable: bool = False, together: int | None = None
) -> Objective:
    """The value of a function at a point; larger is better, and NaN means that the point has no value.

    Args:
        f: point (D,) → number; with `batched`, points (n, D) → n numbers.
        batched: whether it takes many points at once.
        traceable: whether JAX can trace it. The search is then one compiled program, with gradients for
            strategies that need them. The function takes one point.
        together: points of a round; by default 16 if it is traceable, else 1.

    Raises:
        UserError: it is not a function, or is both batched and traceable; later, if it returns no number.

    >>> function(lambda point: point.sum()).evaluate(np.ones((2, 3))).score.tolist()
    [3.0, 3.0]
    """
    if not callable(f):
        raise UserError(f"An objective is a function of a point, not {f!r}.")
    if batched and traceable:
        raise UserError("A traceable objective is a function of one point. Leave batched out.")
    if traceable:
        return traced(f, together or 16)

    def evaluate(points: np.ndarray) -> Outcomes:
        if batched:
            return Outcomes(np.asarray(f(points), float))
        return Outcomes(np.array([_number(f(point)) for point in points], float))

    return Objective(evaluate, together=together or 1)


def _number(value: object) -> float:
    found = np.asarray(value)
    if found.size != 1 or found.dtype.kind not in "biuf":
        raise UserError(
            f"The objective returned {value!r} for a point. Return one number (larger is better), or NaN if "
            "the point has no value."
        )
    return float(found.reshape(()))
