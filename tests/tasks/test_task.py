"""A task of any kind of data, and its old names."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from taskaware.data.schema import Schema
from taskaware.data.table import Column, Table
from taskaware.modalities.reading import make_task
from taskaware.tasks.data import content_digest
from taskaware.tasks.split import split
from taskaware.tasks.task import Task


@dataclasses.dataclass(frozen=True, eq=False)
class Marks:
    """Data that is no table: one whole number a row."""

    values: np.ndarray

    @property
    def rows(self):
        return len(self.values)

    @property
    def row_hashes(self):
        return self.values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)

    @property
    def digest(self):
        return content_digest("marks", self.row_hashes)

    def take(self, rows):
        return Marks(self.values[rows])


def table():
    size = Column("size", "numeric", np.array([1.0, np.nan, 8.0, 9.0]))
    colour = Column("colour", "category", np.array([0, 1, -1, 1], np.int32), ("blue", "red"))
    return Table("toy", (size, colour), 4)


def task(data, **more):
    target = np.arange(data.rows, dtype=np.int32) % 2
    return Task("toy", "classification", data, "y", target, ("a", "b"), "accuracy", **more)


def test_a_task_of_any_data_is_split_and_named_by_its_content():
    marks = Marks(np.arange(40))
    made = task(marks, modality="marks")
    order = np.random.default_rng(0).permutation(40)
    turned = dataclasses.replace(made, data=marks.take(order), target=made.target[order])
    assert made.digest == turned.digest != task(Marks(np.arange(1, 41))).digest
    first, second = split(made, 0), split(turned, 0)
    np.testing.assert_array_equal(np.sort(order[second.test]), first.test)
    assert len(first.train) == 24 and made.rows == 40


def test_digests_are_those_of_before():
    """Experience is filed under them."""
    assert task(table()).digest == "28c5e49f0318f85f"


def test_old_names_warn(unchecked):
    reader = Schema.infer(pd.DataFrame({"x": range(3)}))
    made = task(table(), reader=reader)
    with pytest.warns(FutureWarning, match="Task.table is now Task.data"):
        assert made.table is made.data
    with pytest.warns(FutureWarning, match="Task.schema is now Task.reader"):
        assert made.schema is reader
    with pytest.warns(FutureWarning, match=r"Task\(table=...\) is now Task\(data=...\)"):
        old = Task(
            name="toy", problem="classification", table=table(), target_name="y", target=made.target,
            classes=("a", "b"), metric="accuracy",
        )  # fmt: skip
    assert old.digest == made.digest


def test_what_a_notebook_shows_of_a_task():
    rows = pd.DataFrame({f"x{place}": range(12) for place in range(4)} | {"y": list("abcabcabcabc")})
    lines = repr(make_task(rows, "y")).splitlines()
    assert lines[0] == (
        "Task 'frame' of tables: classification of 'y', 3 classes ('a', 'b', 'c'); 12 rows, 4 features "
        "('x0', 'x1', 'x2' and 1 more); scored by accuracy."
    )
    table = repr(make_task(rows, "y").data)
    assert table.startswith("Table 'frame': 12 rows, 4 columns: 'x0 (numeric)'") and len(table) < 200
