"""A table of any form → a task."""

import dataclasses
import difflib
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import pandas as pd

from taskaware.data import columns
from taskaware.data.load import Loaded, load
from taskaware.data.schema import Schema
from taskaware.data.table import Column, Table
from taskaware.errors import UserError, some
from taskaware.tasks.metrics import metric_name
from taskaware.tasks.outputs import matrix_of
from taskaware.tasks.target import MIN_ROWS, class_indices
from taskaware.tasks.targets import name_of, read_targets
from taskaware.tasks.task import Task

SHOWN = 20
"""Columns that a message shows."""

_IDENTIFIER_NAME = re.compile(r"(^|[_ ])(id|key|uuid|index)$|Id$|ID$|^Unnamed: 0$")


def make_task(
    source,
    target=None,
    *,
    problem: str | None = None,
    name: str | None = None,
    metric: str | None = None,
    kinds: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
) -> Task:
    """Make a task of a table, for `modalities.reading.make_task`.

    Rows without a target are left out, and so are feature columns that are the same in every row; the
    task's reader accepts those columns all the same. `notes` list the assumptions.

    Args:
        source: what `load` reads: a frame, (X, y), a Hugging Face Dataset, a file, a name.
        target: name of the target column, or its values; by default the source's own.
        problem: "classification" or "regression"; by default the source's own, or inferred from the target
            (see `target.read_target`).
        name: for people; by default the source's.
        metric: one of `tasks.metrics.METRICS` that scores the problem; by default "accuracy" or "r2".
        kinds: kind of columns by name, one of `description.KINDS`, where the values are not to decide.
        drop: names of columns that are not used; rows for prediction may have them.

    Raises:
        UserError: the source cannot be read, the target is not usable (see `target.read_target`), or no
            feature is left.

    >>> task = make_task(pd.DataFrame({"x": range(20), "colour": ["red", "blue"] * 10}), "colour")
    >>> task.problem, task.classes, task.data.names
    ('classification', ('blue', 'red'), ('x',))
    """
    loaded = load(source, target)
    targets = loaded.frame[target_names_of(loaded)]
    found = read_targets(targets, problem or loaded.problem, loaded.decimal)
    features = features_of(loaded, drop)[found.present]
    name = name or loaded.name
    schema, table, notes = read_features(features, loaded, kinds, name)
    task = Task(
        name=name,
        problem=found.problem,
        data=table,
        target_name=name_of(targets),
        target=read_only(found.values),
        classes=found.classes,
        metric=metric_name(found.problem, metric),
        notes=(*loaded.notes, *found.notes, *notes),
        group=name,
        reader=schema,
        target_form=found.form,
        several=found.several,
    )
    return task if loaded.test is None else _with_test(task, loaded.test)


def read_features(
    features: pd.DataFrame, loaded: Loaded, kinds: Mapping[str, str] | None, name: str
) -> tuple[Schema, Table, list[str]]:
    """Columns as a typed table, the schema that reads later rows, and notes on what was assumed.

    Args:
        features: columns of rows that have a target.
        loaded: the dataset that they come from.
        kinds: kind of columns by name, where the values are not to decide.
        name: of the table, for people.

    Raises:
        UserError: a column cannot be read, or every one is the same in all rows.
    """
    schema = Schema.infer(features, decimal=loaded.decimal, kinds=kinds)
    schema, table, notes = _varying(schema, _quietly(schema, features, name))
    return schema, table, [*schema.notes, *notes, *_identifier_notes(table)]


def _quietly(schema: Schema, frame: pd.DataFrame, name: str) -> Table:
    """The table of the rows that the schema was inferred from; its notes tell what a warning would."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return schema.apply(frame, name)


def features_of(loaded: Loaded, drop: Sequence[str]) -> pd.DataFrame:
    """The columns without the targets, and without those that are dropped.

    Args:
        loaded: the dataset, with a target.
        drop: names of columns.

    Raises:
        UserError: there is no such column, or none is left.
    """
    targets = target_names_of(loaded)
    features = loaded.frame.drop(columns=targets)
    dropped = [str(drop)] if isinstance(drop, str | int) else [str(name) for name in drop]
    for name in dropped:
        if name not in features.columns:
            raise UserError(f"There is no feature '{name}' to drop. {_near(name, list(features.columns))}")
    if features.shape[1] == len(dropped):
        raise UserError(f"There is no feature beside the target {some(targets, SHOWN)}. Add a column.")
    return features.drop(columns=dropped)


def target_names_of(loaded: Loaded) -> list[str]:
    """The names of the target columns, mostly one.

    Raises:
        UserError: it is not named, not there, or there twice; or there are no rows.
    """
    names = list(loaded.frame.columns)
    if loaded.target is None:
        raise UserError(f"The target is not named. Give target=..., one of {some(names, SHOWN)}.")
    targets = [loaded.target] if isinstance(loaded.target, str) else list(loaded.target)
    for target in targets:
        if target not in names:
            raise UserError(f"There is no column '{target}' to be the target. {_near(target, names)}")
        if names.count(target) > 1:
            raise UserError(f"Target '{target}' stands twice among the columns. Rename one of them.")
    if not len(loaded.frame):
        raise UserError(f"'{loaded.name}' has a line of names, but no rows. At least {MIN_ROWS} are needed.")
    return targets


def _near(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    return f"{hint}Columns: {some(names, SHOWN)}."


def read_only(values: np.ndarray) -> np.ndarray:
    """The array itself, which can be written to no more."""
    values.setflags(write=False)
    return values


def _varying(schema: Schema, table: Table) -> tuple[Schema, Table, list[str]]:
    """Without the columns that are the same in every row, and a note that names them."""
    varying = {column.name for column in table.columns if _varies(column)}
    constant = tuple(f.name for f in schema.fields if varying.isdisjoint(f.column_names))
    if not constant:
        return schema, table, []
    kept = tuple(column for column in table.columns if column.name in varying)
    if not kept:
        raise UserError(
            f"Every feature is the same in all {table.rows} rows ({some(constant)}), so nothing can be "
            "predicted from them. Add a feature that varies."
        )
    note = f"Left out, because every row has the same value: {some(constant)}."
    return schema.ignoring(constant), dataclasses.replace(table, columns=kept), [note]


def _varies(column: Column) -> bool:
    values = column.values
    # Mostly the two ends tell; NaN is no value.
    if values[0] < values[-1] or values[0] > values[-1]:
        return True
    missing = column.missing
    if missing.any():
        return not missing.all()
    return bool((values != values[0]).any())


def _identifier_notes(table: Table) -> list[str]:
    found = tuple(column.name for column in table.columns if _is_identifier(column))
    if not found:
        return []
    return [f"Looks like an identifier, and is used all the same: {some(found)}. Drop it if it is one."]


def _is_identifier(column: Column) -> bool:
    """Distinct in every row, and either labels, or whole numbers that are counted up or called an id."""
    values = column.values
    if column.kind == "numeric" and not float(values[0]).is_integer():
        return False
    if column.kind not in ("numeric", "category") or column.missing.any():
        return False
    if column.kind == "category":
        return len(column.categories) == len(values)
    if (values != np.round(values)).any() or len(np.unique(values)) < len(values):
        return False
    counted = values.max() / 2 - values.min() / 2 == (len(values) - 1) / 2 and bool(
        (np.diff(values) == 1).all()
    )
    return counted or _IDENTIFIER_NAME.search(column.name) is not None


class SplitTargets(NamedTuple):
    """Targets of a source's own test rows.

    Attributes:
        values: class indices or numbers, N of them, or rows of several.
        usable: which rows have one that the task knows, (N,) bool.
        notes: for people.
    """

    values: np.ndarray
    usable: np.ndarray
    notes: tuple[str, ...]


def split_targets(task: Task, frame: pd.DataFrame) -> SplitTargets:
    """The targets of test rows, as indices of the task's classes or as numbers."""
    own = [task.target_name] if task.several is None else list(task.several.columns(task.target_name))
    if not set(own) <= set(frame.columns):
        nothing = np.zeros(len(frame), bool)
        return SplitTargets(nothing, nothing, ("The test split has no target and was not used.",))
    series = frame[own[0]]
    if task.several:
        values = matrix_of(task.several, task.problem, frame[own])
        usable = ~np.isnan(values).any(1)
    elif task.problem == "classification":
        values = class_indices(series, task.classes)
        usable = values >= 0
    else:
        values = columns.numbers(series, strict=False)
        usable = ~np.isnan(values)
    left = int((~usable).sum())
    notes = (f"{left} test rows without a known target were left out.",) if left else ()
    return SplitTargets(values, usable, notes)


def without_targets(task: Task, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without the target columns of a task, which it has."""
    own = task.target_name if task.several is None else list(task.several.columns(task.target_name))
    return frame.drop(columns=own)


def _with_test(task: Task, frame: pd.DataFrame) -> Task:
    """The task with the source's own test rows beside it; those without a usable target are left out."""
    found = split_targets(task, frame)
    notes = (*task.notes, *found.notes)
    if not found.usable.any():
        return dataclasses.replace(task, notes=notes)
    rows = without_targets(task, frame)[found.usable]
    table = cast(Schema, task.reader).apply(rows, task.name)
    test = dataclasses.replace(task, data=table, target=read_only(found.values[found.usable]), notes=())
    return dataclasses.replace(task, test=test, notes=notes)
