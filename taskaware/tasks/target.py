"""The target of a task: its problem, and its values as class indices or numbers."""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from taskaware.data import columns
from taskaware.data.description import Description, describe
from taskaware.data.numerals import Form, parsed
from taskaware.errors import UserError, some, unknown
from taskaware.tasks.outputs import Outputs
from taskaware.tasks.task import PROBLEMS

MIN_ROWS = 10

_FEW_VALUES = 20
_ROWS_PER_VALUE = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Target:
    """The target of a task.

    Attributes:
        problem: one of `tasks.task.ALL_PROBLEMS`.
        values: of each present row: an int32 class index, or a float64; of K outputs (n, K) float64.
        classes: labels in the order of the indices, as the user wrote them, sorted; empty in regression.
        present: (N,) bool, the rows of the frame that have a target.
        notes: assumptions, one sentence each.
        form: how the numbers of a regression are written, see `data.description.Description`.
        several: the outputs, where there are several.
    """

    problem: str
    values: np.ndarray
    classes: tuple
    present: np.ndarray
    notes: tuple[str, ...]
    form: tuple[str, ...] = ()
    several: Outputs | None = None


def read_target(series: pd.Series, problem: str | None = None, decimal: str = ".") -> Target:
    """Read a target column.

    Labels that are strings keep what is written: "7" and "007" are two classes.

    Args:
        series: N values; numbers, strings, booleans or categories, some of them missing.
        problem: "classification" or "regression"; by default numbers are regression, unless they are whole
            and few (at most 20 values, on average in four rows or more) or only two; all else is
            classification.
        decimal: the decimal sign of strings that can be read with a point or a comma.

    Raises:
        UserError: the target is missing in all rows or all but a few, constant, infinite, of a different
            class in every row, made of numbers and other values, or not of the given problem.

    >>> read_target(pd.Series([3, 5, 5, None] * 5, name="stars")).notes[-1]
    "Target 'stars' was read as 2 classes; problem='regression' reads it as numbers."
    """
    if problem is not None and problem not in PROBLEMS:
        raise unknown("problem", problem, PROBLEMS)
    name = series.name
    found = describe(series, decimal)
    if found.kind == "date":
        raise UserError(f"Target '{name}' is a date. Give a number, for instance the days since a start.")
    numbers = _numbers(series, found) if found.kind == "numeric" else None
    chosen = problem or _guess(numbers)
    # An odd value among numbers is a class of its own, but no number.
    if numbers is None or (chosen == "classification" and _is_written(series)):
        present = columns.distinct(series)[0] >= 0
    else:
        present = ~np.isnan(numbers)
    check_rows(name, present)
    if chosen == "regression":
        check_odd(series, found)
    whole, series, numeric = series, series[present], numbers[present] if numbers is not None else None
    notes = [] if present.all() else [_about_missing(whole[~present])]
    if chosen == "regression":
        values, classes = _numbers_of(series, numeric), ()
        notes += found.notes
        notes += _regression_notes(name, values, assumed=problem is None)
    else:
        values, classes = _classes_of(series, numeric)
        if problem is None and numeric is None:
            _check_mostly_labels(series, values)
        notes += _class_notes(
            name, values, assumed=problem is None and numeric is not None and not found.notes
        )
    form = tuple(found.form) if chosen == "regression" and found.kind == "numeric" else ()
    return Target(chosen, values, classes, present, tuple(notes), form)


def _numbers(series: pd.Series, found: Description) -> np.ndarray:
    """The values as numbers, NaN for all others, of which `check_odd` speaks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return columns.numbers(series, found.form, strict=False)


def _is_written(series: pd.Series) -> bool:
    """Whether the values are strings, or strings among others."""
    return columns.found_type(series) in ("string", "mixed", "mixed-integer")


def check_odd(series: pd.Series, found: Description) -> None:
    """Refuse values that are no numbers in a target of numbers: no answer may be dropped in silence."""
    if not found.notes:
        return
    codes, names = columns.distinct(series)
    wrong = np.isnan(parsed(names, Form(*found.form)))
    if not wrong.any():
        return
    rows = np.flatnonzero(np.append(wrong, False)[codes])
    shown = some([names[place] for place in np.flatnonzero(wrong)])
    raise UserError(
        f"Target '{series.name}' holds numbers, but {shown} in {len(rows)} rows (first in row {rows[0]}). "
        "Write numbers there, leave them empty, or use problem='classification'."
    )


def _check_mostly_labels(series: pd.Series, codes: np.ndarray) -> None:
    """Refuse very many classes that are mostly numbers: a measurement with some values of another form."""
    names = columns.distinct(series)[1]
    if len(names) <= _FEW_VALUES or not _is_written(series):
        return
    counts = np.bincount(codes, minlength=len(names))
    wrong = np.isnan(parsed(names))
    if counts[~wrong].sum() > len(codes) / 2 and (~wrong).sum() > _FEW_VALUES:
        shown = some([names[place] for place in np.flatnonzero(wrong)])
        raise UserError(
            f"Target '{series.name}' holds {(~wrong).sum()} different numbers, and other values: {shown}. "
            "Write numbers there or leave them empty; problem='classification' takes each value as a class."
        )


def class_indices(series: pd.Series, classes: tuple) -> np.ndarray:
    """Index of each value among known classes, (N,) int32; -1 where it is missing or no such class.

    >>> class_indices(pd.Series(["b", "c", None]), ("a", "b"))
    array([ 1, -1, -1], dtype=int32)
    """
    return columns.codes_in(series, [columns.label(each) for each in classes])


def check_rows(name: str, present: np.ndarray) -> None:
    """Refuse a target that too few rows have."""
    rows = int(present.sum())
    if rows == 0:
        raise UserError(f"Target '{name}' is missing in all {len(present)} rows. Name another column.")
    if rows < MIN_ROWS:
        raise UserError(
            f"Only {rows} of {len(present)} rows have a target '{name}'; at least {MIN_ROWS} are needed."
        )


def _about_missing(cells: pd.Series) -> str:
    """A sentence on the rows that are left out, with what is written in them: it may be a class."""
    note = f"{len(cells)} rows without a target '{cells.name}' were left out."
    written = [cell.strip() for cell in cells if isinstance(cell, str) and cell.strip()]
    if not written:
        return note
    shown = some(sorted(set(written)))
    return (
        f"{note} In {len(written)} of them stands {shown}, which counts as missing. If it is a class, give "
        "it another name."
    )


def _check_varies(name: object, value: object, distinct: int) -> None:
    if distinct == 1:
        raise UserError(
            f"Target '{name}' is {value!r} in every row, so there is nothing to predict. Name another column."
        )


def _guess(numbers: np.ndarray | None) -> str:
    if numbers is None:
        return "classification"
    known = numbers[~np.isnan(numbers)]
    values = np.unique(known)
    few = len(values) <= min(_FEW_VALUES, len(known) / _ROWS_PER_VALUE) and _whole(values)
    return "classification" if few or len(values) == 2 else "regression"


def _whole(values: np.ndarray) -> bool:
    return bool((values == np.round(values)).all())


def _numbers_of(series: pd.Series, numeric: np.ndarray | None) -> np.ndarray:
    """The target of a regression; categories may be numbers, too."""
    if numeric is None and describe(series.astype(object)).kind == "numeric":
        numeric = columns.numbers(series.astype(object))
    if numeric is None:
        raise UserError(
            f"Target '{series.name}' is not numeric (for instance {_plain(series.iloc[0])!r}), so it cannot "
            "be problem='regression'. Use problem='classification', or turn it into numbers first."
        )
    _check_varies(series.name, _plain(numeric[0]), len(np.unique(numeric)))
    return numeric


def _regression_notes(name: str, values: np.ndarray, assumed: bool) -> list[str]:
    few = len(np.unique(values))
    if assumed:
        return [f"Target '{name}' was read as numbers; problem='classification' reads it as classes."]
    if few <= _FEW_VALUES:
        return [f"Target '{name}' has only {few} values and is read as numbers, as asked."]
    return []


def _classes_of(series: pd.Series, numeric: np.ndarray | None) -> tuple[np.ndarray, tuple]:
    """The class index of each row, and the labels as the user wrote them, in the order of their numbers."""
    codes, names = columns.distinct(series)
    _check_classes(series.name, codes, numeric)
    if numeric is not None:
        codes = _in_order_of_numbers(codes, names, numeric)
    rows = np.unique(codes, return_index=True)[1]
    classes = tuple(_plain(series.iloc[row]) for row in rows)
    _check_varies(series.name, classes[0], len(names))
    return codes, classes


def _in_order_of_numbers(codes: np.ndarray, names: Sequence[str], numbers: np.ndarray) -> np.ndarray:
    """The codes with classes in the order of their numbers, unless one has none or two share one."""
    found, places = np.unique(numbers, return_inverse=True)
    return places.astype(np.int32) if len(found) == len(names) and not np.isnan(found).any() else codes


def _plain(value: Any) -> Any:
    """A scalar as Python has it; whole numbers as int."""
    value = value.item() if isinstance(value, np.generic) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check_classes(name: str, indices: np.ndarray, numeric: np.ndarray | None) -> None:
    classes, rows = int(indices.max()) + 1, len(indices)
    if classes == rows:
        raise UserError(
            f"Target '{name}' has a different class in each of the {rows} rows. Is it an identifier? "
            "Name another column, or use problem='regression' if it is a number."
        )
    if numeric is None:
        return
    if classes > rows / 2 or (classes > _FEW_VALUES and not _whole(numeric)):
        raise UserError(
            f"Target '{name}' has {classes} different numbers in {rows} rows, so it cannot be "
            "problem='classification'. Use problem='regression', or cut it into classes: pandas.qcut(y, 3)."
        )


def _class_notes(name: str, indices: np.ndarray, assumed: bool) -> list[str]:
    counts = np.bincount(indices)
    notes = []
    if assumed:
        notes.append(
            f"Target '{name}' was read as {len(counts)} classes; problem='regression' reads it as numbers."
        )
    if (counts == 1).any():
        notes.append(f"{(counts == 1).sum()} classes have a single row, which is used for training only.")
    return notes
