"""Task → the frame that it could have been made of."""

import numpy as np
import pandas as pd

from taskaware.data.table import Column
from taskaware.tasks.task import Task


def frame_of(task: Task) -> pd.DataFrame:
    """Features and target of a task, a row for each of its rows, in their order.

    `make_task` makes the same task of it, as far as `Task.digest` can tell: every column has a dtype that is
    read as its problem, but for the days of a date, which are numbers here. Test rows of its own stay out.

    Args:
        task: N rows.

    Returns:
        Columns under the task's names, the target last; classes are labelled as the user wrote them.

    >>> from taskaware.modalities.tables.build import make_task
    >>> iris = make_task("iris")
    >>> make_task(frame_of(iris), iris.target_name, problem=iris.problem).digest == iris.digest
    True
    """
    columns = {column.name: _values(column) for column in task.data.columns}
    target = task.target
    if task.problem == "classification":
        target = np.array(task.classes, object)[target]
    return pd.DataFrame({**columns, task.target_name: target})


def _values(column: Column) -> np.ndarray | pd.api.extensions.ExtensionArray:
    if column.kind == "boolean":
        return pd.array(column.values, dtype="boolean")
    if column.is_numeric:
        return column.values
    labels = pd.Categorical.from_codes(column.values, column.categories)
    return labels.astype(object) if column.kind == "text" else labels
