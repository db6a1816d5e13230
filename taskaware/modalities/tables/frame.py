"""Task → the frame that it could have been made of, and the one that other libraries read."""

import numpy as np
import pandas as pd

from taskaware.data.table import Column, Table
from taskaware.modalities.tables.table import table_of
from taskaware.tasks.outputs import Outputs, label_lists
from taskaware.tasks.task import Task

MOST_CATEGORIES = 254
"""Of a column that models read as categories (scikit-learn's trees read no more); others become numbers."""


def frame_of(task: Task) -> pd.DataFrame:
    """Features and target of a task, a row for each of its rows, in their order.

    `make_task` makes the same task of it, as far as `Task.digest` can tell: every column has a dtype that is
    read as its kind, but for the days of a date, which are numbers here. Test rows of its own stay out.

    Args:
        task: N rows.

    Returns:
        Columns under the task's names, the target last; classes are labelled as the user wrote them.

    >>> from taskaware.modalities.tables.build import make_task
    >>> iris = make_task("iris")
    >>> make_task(frame_of(iris), iris.target_name, problem=iris.problem).digest == iris.digest
    True
    """
    columns = {column.name: _values(column) for column in table_of(task).columns}
    target = task.target
    if task.several:
        return pd.DataFrame({**columns, **_targets(task, task.several)})
    if task.problem == "classification":
        target = np.array(task.classes, object)[target]
    return pd.DataFrame({**columns, task.target_name: target})


def _targets(task: Task, several: Outputs) -> dict[str, np.ndarray]:
    """The target columns of a task of several outputs."""
    if several.listed:
        return {task.target_name: label_lists(several, task.target)}
    return dict(zip(several.names, task.target.T, strict=True))


def library_frame(table: Table) -> pd.DataFrame:
    """A table as other libraries read it: float64 or pandas' category, NaN where missing; columns x0, x1, ...

    It differs from `frame_of`, which `make_task` reads back: names that any library takes, booleans as
    numbers, texts and columns of more than MOST_CATEGORIES labels as codes.

    >>> colours = Column("colour", "category", np.array([1, -1, 0], np.int32), ("blue", "red"))
    >>> library_frame(Table("paint", (colours,), 3))["x0"].tolist()
    ['red', nan, 'blue']
    """
    return pd.DataFrame({f"x{place}": _series(column) for place, column in enumerate(table.columns)})


def _values(column: Column) -> np.ndarray | pd.api.extensions.ExtensionArray:
    if column.kind == "boolean":
        return pd.array(column.values, dtype="boolean")
    if column.is_numeric:
        return column.values
    labels = pd.Categorical.from_codes(column.values, column.categories)
    return labels.astype(object) if column.kind == "text" else labels


def _series(column: Column) -> np.ndarray | pd.Categorical:
    if column.is_numeric:
        return column.values
    if len(column.categories) > MOST_CATEGORIES:
        return np.where(column.missing, np.nan, column.values)
    return pd.Categorical.from_codes(column.values, column.categories)
