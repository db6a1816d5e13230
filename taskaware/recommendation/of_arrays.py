"""Tasks of the X and y that scikit-learn's estimators are given."""

import numpy as np
import pandas as pd

from taskaware.data.loaded import of_arrays
from taskaware.errors import UserError
from taskaware.modalities.reading import make_task
from taskaware.modalities.single import Single
from taskaware.tasks.task import Task


def named_targets(target: np.ndarray, y: object) -> pd.Series | pd.DataFrame:
    """The targets under the names that y gives them, or its columns."""
    if target.ndim == 1:
        return pd.Series(target, name=getattr(y, "name", None))
    names = getattr(y, "columns", [f"y{place}" for place in range(target.shape[1])])
    return pd.DataFrame(target, columns=[str(name) for name in names])


def table_task(features: pd.DataFrame, target: pd.Series | pd.DataFrame, problem: str) -> Task:
    """The task of an X and a y, which keeps its names unless a column of X has one.

    Args:
        features: N rows of a table.
        target: N targets under their names.
        problem: of the task.

    Raises:
        UserError: some targets count as missing.
    """
    names = [target.name or "target"] if isinstance(target, pd.Series) else target.columns
    taken, name = set(map(str, features.columns)), []
    for each in map(str, names):
        while each in taken:
            each += "_"
        name.append(each)
    return _whole(make_task(of_arrays(features, target, name), problem=problem), target)


def single_task(kind: Single, values: object, target: pd.Series | pd.DataFrame, problem: str) -> Task:
    """The task of N values of another kind of data than a table, and their targets.

    Args:
        kind: of the values.
        values: N of them.
        target: N targets under their names.
        problem: of the task.

    Raises:
        UserError: some targets count as missing.
    """
    return _whole(kind.read((values, target), problem=problem), target)


def _whole(task: Task, target: pd.Series | pd.DataFrame) -> Task:
    """The task, if every row has a target.

    Raises:
        UserError: some values count as missing.
    """
    if task.rows < len(target):
        raise UserError(
            f"{len(target) - task.rows} of {len(target)} values of y are missing or a mark for it, such as "
            "'?' or 'NA'. Drop these rows, or write the label otherwise."
        )
    return task
