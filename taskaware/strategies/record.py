"""The record of a running search: its evaluations in the order of their ends, its progress, its history."""

import time
from typing import Any, NamedTuple, cast

import jax
import numpy as np

from taskaware.spaces import Space
from taskaware.strategies.history import History
from taskaware.strategies.objective import DIVERGED, Outcomes

ARRAYS = (np.ndarray, jax.Array)
PATIENCE = 20
"""A search ends if its first PATIENCE evaluations all raise an error."""


class Progress(NamedTuple):
    """Progress of a search: evaluations done, budget, best score so far, seconds since it began."""

    done: int
    budget: int
    best_score: float
    seconds: float


class Goal(NamedTuple):
    """When a search ends: after so many evaluations, so many seconds, or at a score."""

    budget: int
    seconds: float | None = None
    threshold: float | None = None


class Record:
    """The evaluations so far; some microseconds for each."""

    def __init__(self, space: Space, goal: Goal):
        self.space, self.goal = space, goal
        self.count, self.best, self.reason = 0, DIVERGED, ""
        self.began = time.perf_counter()
        self.earlier = 0.0
        """Seconds of earlier starts of the same search."""
        self._numbers: list[int] = []
        self._points: list[np.ndarray] = []
        self._scores: list[Any] = []
        self._tests: list[Any] = []
        self._seconds: list[Any] = []
        self._errors: dict[int, str] = {}
        self._more: dict[str, list[tuple[int, Any]]] = {}

    @property
    def seconds(self) -> float:
        """Since the search began, earlier starts included."""
        return self.earlier + time.perf_counter() - self.began

    def add(
        self, first: int, points: np.ndarray, outcomes: Outcomes, info: dict[str, Any], each: float
    ) -> None:
        """Record evaluations.

        Args:
            first: number of the first one, in the order of asking.
            points: (n, D).
            outcomes: of them, with scores of -inf where one diverged.
            info: facts about each, by name.
            each: seconds of each, where the outcomes have none.
        """
        score, row = outcomes.score, self.count
        self._points.append(points)
        seconds = outcomes.seconds
        self._scores.append(score)
        self._tests.append(outcomes.test_score)
        self._seconds.append(each if seconds is None else seconds)
        size = len(points)
        if size == 1:
            self._numbers.append(first)
            self.best = max(self.best, float(score.item()))
        else:
            self._numbers.extend(range(first, first + size))
            self.best = max(self.best, float(score.max()))
        self.count += size
        if outcomes.errors:
            self._errors |= {row + place: text for place, text in enumerate(outcomes.errors) if text}
        for columns in (info, outcomes.more) if outcomes.more else (info,):
            for name, column in columns.items():
                if name not in self._more:
                    self._more[name] = []
                self._more[name].append((row, column))
        self._end()

    def progress(self) -> Progress:
        return Progress(self.count, self.goal.budget, self.best, self.seconds)

    def history(self, stopped: bool, notes: tuple[str, ...]) -> History:
        """The evaluations as a value.

        Args:
            stopped: whether Ctrl-C ended the search.
            notes: for people.
        """
        sizes = [len(points) for points in self._points]
        score, test, seconds = (_column(each, sizes) for each in (self._scores, self._tests, self._seconds))
        more = {name: self._spread(parts) for name, parts in self._more.items()}
        if "parent" in more:
            more["parent"] = self._as_rows(more["parent"])
        points = np.concatenate(self._points) if self._points else np.empty((0, self.space.dimension))
        return History(
            self.space,
            points.astype(np.float32),
            np.empty(0) if score is None else score,
            np.full(self.count, np.nan) if seconds is None else seconds,
            test,
            tuple(self._errors.get(row, "") for row in range(self.count)),
            more,
            notes,
            stopped,
            "interrupted" if stopped else self.reason or "asked for no more",
        )

    def _end(self) -> None:
        """Notice that an end is reached."""
        goal = self.goal
        if goal.threshold is not None and self.best >= goal.threshold:
            self.reason = "threshold"
        elif self.count >= goal.budget:
            self.reason = "budget"
        elif self.count >= PATIENCE and len(self._errors) >= self.count:
            self.reason = "errors"
        elif goal.seconds is not None and self.seconds >= goal.seconds:
            self.reason = "seconds"

    def _spread(self, parts: list[tuple[int, Any]]) -> np.ndarray:
        """One column of all evaluations; NaN, or -1 for whole numbers, where there is nothing."""
        # Parents come as tuples: making an array of each takes as long as a step of the search.
        given = [c if type(c) is tuple else np.atleast_1d(np.asarray(c)) for _, c in parts]
        if sum(map(len, given)) == self.count:
            return np.concatenate(given)
        columns = [np.asarray(column) for column in given]
        whole = all(column.dtype.kind in "iub" for column in columns)
        found = np.full(self.count, -1 if whole else np.nan)
        for (row, _), column in zip(parts, columns, strict=True):
            found[row : row + len(column)] = column
        return found.astype(int) if whole else found

    def _as_rows(self, parents: np.ndarray) -> np.ndarray:
        """Numbers in the order of asking as rows of the history."""
        numbers = np.asarray(self._numbers)
        if (numbers == np.arange(len(numbers))).all():
            return parents
        row_of = dict(zip(self._numbers, range(len(numbers)), strict=True))
        return np.array([row_of.get(int(parent), -1) for parent in parents], int)


def joined(parts: list[Outcomes]) -> Outcomes:
    """Outcomes, concatenated; a column that one part lacks is NaN there, and None if all lack it."""
    sizes = [len(part.score) for part in parts]
    errors = [part.errors or ("",) * size for part, size in zip(parts, sizes, strict=True)]
    names = sorted({name for part in parts for name in part.more or {}})
    more = {name: _column([(part.more or {}).get(name) for part in parts], sizes) for name in names}
    return Outcomes(
        cast(np.ndarray, _column([part.score for part in parts], sizes)),
        _column([part.test_score for part in parts], sizes),
        _column([part.seconds for part in parts], sizes),
        errors=sum(errors, ()),
        more=more or None,
    )


def _column(values: list[Any], sizes: list[int]) -> np.ndarray | None:
    if all(value is None for value in values):
        return None
    # The type first: asking for an array of JAX takes as long as a lookup.
    filled = [
        v if type(v) is np.ndarray or isinstance(v, ARRAYS) else np.full(n, np.nan if v is None else v)
        for v, n in zip(values, sizes, strict=True)
    ]
    return np.concatenate(filled).astype(float)
