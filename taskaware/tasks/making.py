"""Rows of any kind and their targets → a task."""

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
import pandas as pd

from taskaware.data.loaded import target_columns
from taskaware.errors import UserError
from taskaware.tasks.data import Data, Reader
from taskaware.tasks.metrics import metric_name
from taskaware.tasks.targets import name_of, read_targets
from taskaware.tasks.task import Task


def task_of(
    data: Data,
    target: object,
    *,
    modality: str,
    reader: Reader | None = None,
    problem: str | None = None,
    name: str | None = None,
    metric: str | None = None,
    notes: Sequence[str] = (),
) -> Task:
    """A task of rows that a modality has read; those without a target are left out.

    Args:
        data: N rows.
        target: N values, or K for each row, see `data.loaded.target_columns`; a pandas Series or frame gives
            the target its name.
        modality: name of the kind of data.
        reader: how later rows are read.
        problem: "classification" or "regression"; by default inferred from the target.
        name: for people; by default the modality's.
        metric: name in METRICS; by default that of the problem.
        notes: assumptions about the rows, one sentence each.

    Raises:
        UserError: there is no target, or not one for each row, or it is not usable (see `read_target`).
    """
    frame = _frame(target, data.rows)
    found = read_targets(frame, problem)
    kept = data if found.present.all() else data.take(np.flatnonzero(found.present))
    found.values.setflags(write=False)
    return Task(
        name=name or modality,
        problem=found.problem,
        data=kept,
        target_name=name_of(frame),
        target=found.values,
        classes=found.classes,
        metric=metric_name(found.problem, metric),
        notes=(*notes, *found.notes),
        group=name or modality,
        reader=reader,
        modality=modality,
        several=found.several,
    )


def apart(source: object, target: object = None) -> tuple[object, object]:
    """X and y of a source that may be (X, y), where the target may be its values or its name.

    >>> apart((["a", "b"], [1, 2])), apart(["a", "b"], [1, 2])
    ((['a', 'b'], [1, 2]), (['a', 'b'], [1, 2]))
    """
    if isinstance(source, tuple) and len(source) == 2:
        features, values = source
        if target is None:
            return features, values
        frame = target_columns(values)
        names = [target] if isinstance(target, str) else cast(Iterable, target)
        return features, frame.set_axis(list(map(str, names)), axis=1)
    return source, target


def _frame(target: object, rows: int) -> pd.DataFrame:
    if target is None or isinstance(target, str):
        named = "" if target is None else f" but the name '{target}'"
        raise UserError(f"There are no target values{named}. Give one for each row: target=[...].")
    frame = target_columns(target)
    if len(frame) != rows:
        raise UserError(f"There are {rows} rows and {len(frame)} targets. Give one target for each row.")
    return frame.set_axis([str(name) for name in frame.columns], axis=1)
