"""What the data of a task of tables is."""

from typing import cast

from taskaware.data.table import Table
from taskaware.tasks.task import Task


def table_of(task: Task) -> Table:
    """The data of a task of tables, for type checkers as what it is; `Task.data` may be any modality's."""
    return cast(Table, task.data)
