"""What a user tells of the rows of a dataset: groups, times and weights, by column name or by value."""

from collections.abc import Mapping
from numbers import Real

import numpy as np
import pandas as pd

from taskaware.data import columns, dates
from taskaware.data.description import describe
from taskaware.data.frames import unmasked
from taskaware.data.moments import moments
from taskaware.data.table import Column, Table
from taskaware.errors import UserError, quoted, unknown
from taskaware.tasks.task import Task

LARGEST = 1e100
"""Larger weights would add up to infinity."""


def groups_of(task: Task, groups: object) -> np.ndarray | None:
    """The group of each row of a task, (N,) whole numbers; None where no groups are given.

    Args:
        task: N rows.
        groups: name of a column, or N values of any type, none of them missing.

    Raises:
        UserError: there is no such column, or not one value for each row, or some are missing.
    """
    if groups is None:
        return None
    if isinstance(groups, str):
        column = _column(task, groups, "groups")
        _check_missing("groups", column.missing)
        return np.unique(column.values, return_inverse=True)[1]
    codes, _ = columns.distinct(_series(task, groups, "groups"))
    _check_missing("groups", codes < 0)
    return codes


def times_of(task: Task, time: object) -> np.ndarray | None:
    """The time of each row of a task, (N,) numbers; None where no times are given.

    Args:
        task: N rows.
        time: name of a column of dates or numbers, or N dates or numbers, none of them missing.

    Raises:
        UserError: there is no such column, not one value for each row, some are missing, or they are neither
            dates nor numbers.
    """
    if time is None:
        return None
    if isinstance(time, str):
        column = _column(task, time, "time")
        if column.kind not in ("numeric", "date"):
            raise UserError(f"time='{time}' is a column of kind {column.kind}. Name one of dates or numbers.")
        found = column.values
    else:
        series = _series(task, time, "time")
        what = describe(series)
        if what.kind not in ("numeric", "date"):
            raise UserError(f"time holds values of kind {what.kind}. Give dates or numbers.")
        if what.kind == "date":
            found = dates.part_of(moments(series, what.form, what.zone), "days")
        else:
            found = columns.numbers(series, what.form)
    _check_missing("time", np.isnan(found))
    return found


def weights_of(task: Task, class_weight: object, sample_weight: object) -> np.ndarray | None:
    """How much each row counts, (N,); None where all count alike.

    Args:
        task: N rows.
        class_weight: "balanced": every class counts the same as a whole; or weights by label, 1 for a label
            that is not among them.
        sample_weight: name of a column of numbers, or N numbers, not negative and not all 0.

    Raises:
        UserError: a weight is no number of at least 0, a label or a column is unknown, or the problem has no
            classes to weigh.
    """
    if class_weight is None and sample_weight is None:
        return None
    weights = np.ones(task.rows)
    if sample_weight is not None:
        weights = _sample_weights(task, sample_weight)
    if class_weight is not None:
        weights = weights * _class_weights(task, class_weight, weights)[task.target]
    if not weights.sum() > 0:
        raise UserError("All weights are 0, so no row counts. Give some rows a weight above 0.")
    return weights


def _sample_weights(task: Task, given: object) -> np.ndarray:
    if isinstance(given, str):
        column = _column(task, given, "sample_weight")
        found = column.values.astype(float) if column.is_numeric else np.full(task.rows, np.nan)
    else:
        found = columns.numbers(_series(task, given, "sample_weight"))
    if found.max(initial=0) > LARGEST:
        raise UserError(f"sample_weight is {found.max():g} in row {found.argmax()}. Divide all by it.")
    wrong = np.flatnonzero(~(found >= 0))
    if len(wrong):
        raise UserError(
            f"sample_weight is {found[wrong[0]]} in row {wrong[0]} ({len(wrong)} such rows). Give numbers of "
            "at least 0."
        )
    return found


def _class_weights(task: Task, given: object, weights: np.ndarray) -> np.ndarray:
    """The weight of each class, (classes,)."""
    if task.several:
        raise UserError(
            f"class_weight is for classification with one class a row; this task has {task.outputs} outputs. "
            "Use sample_weight."
        )
    if task.problem != "classification":
        raise UserError("class_weight is for classification; this is a regression. Use sample_weight.")
    if isinstance(given, str) and given == "balanced":
        totals = np.bincount(task.target, weights, task.outputs)
        return np.where(totals > 0, weights.sum() / (task.outputs * np.maximum(totals, 1e-12)), 0.0)
    if not isinstance(given, Mapping):
        raise UserError(
            f"class_weight={quoted(given)} is neither 'balanced' nor weights by label, {{label: weight}}."
        )
    places = {columns.label(label): place for place, label in enumerate(task.classes)}
    found = np.ones(task.outputs)
    for label, weight in given.items():
        if columns.label(label) not in places:
            raise unknown("label of class_weight", str(label), places)
        if not isinstance(weight, Real) or not 0 <= float(weight) < np.inf:
            raise UserError(f"class_weight of '{label}' is {weight!r}. Give a number of at least 0.")
        found[places[columns.label(label)]] = weight
    return found


def _column(task: Task, name: str, option: str) -> Column:
    """The column of a table by its name; a date by its name stands for its days."""
    # A mixed frame has a table among its parts.
    parts = (task.data, *(part.data for part in getattr(task.data, "parts", ())))
    table = next((part for part in parts if isinstance(part, Table)), None)
    if table is None:
        raise UserError(
            f"{option}='{name}' names a column, and this data has none of numbers, categories or dates. Give "
            "values, one for each row."
        )
    found = {column.name: column for column in table.columns}
    for each in (name, f"{name}.days"):
        if each in found:
            return found[each]
    if name in (task.reader.names if task.reader is not None else ()):
        raise UserError(
            f"{option}='{name}' names a column that was left out of the features; the task's notes say "
            "why. Give its values instead."
        )
    raise unknown(f"column of {option}", name, found)


def _series(task: Task, values: object, option: str) -> pd.Series:
    if isinstance(values, pd.Series):
        series = values
    else:
        array = unmasked(values)
        if array.ndim > 1 and array.size != len(array):
            raise UserError(
                f"{option} has the shape {array.shape}. Give {task.rows} values, one for each row that has a "
                "target."
            )
        series = pd.Series(array.ravel())
    if len(series) != task.rows:
        raise UserError(
            f"{option} has {len(series)} values, and {task.rows} rows have a target. Give one for each of "
            "these rows, or name a column."
        )
    return series.set_axis(pd.RangeIndex(task.rows)).rename(option)


def _check_missing(option: str, missing: np.ndarray) -> None:
    if missing.any():
        raise UserError(
            f"{option} is missing in {missing.sum()} of {len(missing)} rows. Fill it, or drop them."
        )
