"""The objective that is any function of a point."""

from collections.abc import Callable

import numpy as np

from taskaware.errors import UserError
from taskaware.strategies import Objective, Outcomes, traced


def function(
    f: Callable, *, batched: bool = False, traceable: bool = False, together: int | None = None
) -> Objective:
    """What a function gives for a point, larger is better; NaN where the point has no value.

    Args:
        f: point (D,) → number; with `batched`, points (n, D) → n numbers.
        batched: whether it takes many points at once.
        traceable: whether JAX can trace it: the search is then one compiled program, and strategies that want
            gradients have them. Give the function of one point.
        together: points of a round; 16 if it is traceable, else 1.

    Raises:
        UserError: it is no function, or is both batched and traceable; later, if it gives no number.

    >>> function(lambda point: point.sum()).evaluate(np.ones((2, 3))).score.tolist()
    [3.0, 3.0]
    """
    if not callable(f):
        raise UserError(f"An objective is a function of a point, not {f!r}.")
    if batched and traceable:
        raise UserError("A traceable objective is the function of one point. Leave batched out.")
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
            f"The objective gave {value!r} for a point, where one number is wanted. Return a float (larger "
            "is better), or NaN if the point has no value."
        )
    return float(found.reshape(()))
