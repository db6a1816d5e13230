"""An objective from any function of a point."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from taskaware.errors import UserError, quoted
from taskaware.strategies import Objective, Outcomes, traced

SCORE, TEST, SECONDS = "score", "test", "seconds"
"""Names in a dict that a function returns; the others become columns of the history."""


@dataclasses.dataclass(frozen=True, eq=False)
class Function:
    """A function of a point, or of many, as it is evaluated.

    Attributes:
        f: the function.
        batched: whether it takes many points at once.
    """

    f: Callable
    batched: bool

    def __call__(self, points: np.ndarray) -> Outcomes:
        if self.batched:
            found = self.f(points)
            if isinstance(found, Mapping):
                return _outcomes({name: np.asarray(column, float) for name, column in found.items()})
            return Outcomes(np.asarray(found, float))
        results = [self.f(point) for point in points]
        if not any(isinstance(result, Mapping) for result in results):
            return Outcomes(np.array([_number(result) for result in results], float))
        rows = [_row(result) for result in results]
        names = dict.fromkeys(name for row in rows for name in row)
        return _outcomes({name: np.array([row.get(name, np.nan) for row in rows], float) for name in names})


def function(
    f: Callable,
    *,
    batched: bool = False,
    traceable: bool = False,
    together: int | None = None,
    about: str = "",
) -> Objective:
    """The value of a function at a point; larger is better, and NaN means that the point has no value.

    Instead of a number, the function may return a dict: its "score" is maximised, "test" and "seconds" are
    what they say, and further numbers (parameters, latency) become columns of the history, over which
    `History.front` finds what nothing else beats.

    Args:
        f: point (D,) → number or dict; with `batched`, points (n, D) → n numbers, or a dict of n each.
        batched: whether it takes many points at once.
        traceable: whether JAX can trace it. The search is then one compiled program, with gradients for
            strategies that need them. The function takes one point.
        together: points of a round; by default 16 if it is traceable, else 1.
        about: what it is, for journals: one goes on only under the same word.

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
        return traced(f, together or 16)._replace(about=about)
    return Objective(Function(f, batched), together=together or 1, about=about)


def _outcomes(columns: dict[str, Any]) -> Outcomes:
    if SCORE not in columns:
        raise UserError(
            f"The objective returned a dict without '{SCORE}' ({', '.join(map(str, columns))}). Return what "
            "is maximised under that name."
        )
    more = {name: column for name, column in columns.items() if name not in (SCORE, TEST, SECONDS)}
    return Outcomes(columns[SCORE], columns.get(TEST), columns.get(SECONDS), more=more or None)


def _row(result: object) -> dict[str, float]:
    if not isinstance(result, Mapping):
        return {SCORE: _number(result)}
    return {str(name): _number(value) for name, value in result.items()}


def _number(value: object) -> float:
    if type(value) is float:
        return value
    found = np.asarray(value)
    if found.size != 1 or found.dtype.kind not in "biuf":
        raise UserError(
            f"The objective returned {quoted(value)} for a point. Return one number (larger is better), NaN "
            "if the point has no value, or a dict of numbers with a 'score'."
        )
    return float(found.reshape(()))
