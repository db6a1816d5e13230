"""A task as the feature generator reads it: raw samples, numbers only, padded to one size."""

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from taskaware.data.table import Column
from taskaware.errors import UserError
from taskaware.modalities.tables.metafeatures.sampling import sample_rows
from taskaware.modalities.tables.table import table_of
from taskaware.tasks.task import Task

WIDEST = 5.0
LARGEST = 1e100


@dataclasses.dataclass(frozen=True)
class SampleSize:
    """How much of a task is read at most."""

    # Rows, R.
    rows: int = 256
    # Columns, C.
    columns: int = 32
    # Outputs: classes, or the one value of a regression, O.
    outputs: int = 8

    def check(self) -> "SampleSize":
        """The size itself.

        Raises:
            UserError: a number is below 1.
        """
        for name, value in dataclasses.asdict(self).items():
            if value < 1:
                raise UserError(f"Setting {name}={value} of the samples is too small. Give 1 or more.")
        return self


class Samples(NamedTuple):
    """R rows of a task with C columns and O outputs; of several tasks with an axis in front. 0 where padded.

    Attributes:
        x: standardised columns.
        y: standardised targets, or an indicator of each class or label.
        rows, columns, outputs: masks of what is there.
    """

    x: Float[np.ndarray, "*t R C"]
    y: Float[np.ndarray, "*t R O"]
    rows: Bool[np.ndarray, "*t R"]
    columns: Bool[np.ndarray, "*t C"]
    outputs: Bool[np.ndarray, "*t O"]

    @property
    def size(self) -> SampleSize:
        return SampleSize(self.rows.shape[-1], self.columns.shape[-1], self.outputs.shape[-1])


def draw_samples(
    task: Task, *, rows: int = 256, columns: int = 32, outputs: int = 8, seed: int = 0
) -> Samples:
    """Rows and columns of a task, drawn without replacement; all where there are no more.

    A number is standardised over the table and cut at WIDEST; a category is read as the rank of its frequency
    and a missing value as the mean. Classes come by falling frequency, those after the first O have no
    indicator. Rows are drawn by their content, so their order in the table changes nothing.

    Args:
        task: of any width.
        rows, columns, outputs: the most that is read, and the size of the arrays.
        seed: of the draw.

    Raises:
        UserError: a size is below 1.

    >>> from taskaware.modalities.tables.build import make_task
    >>> iris = draw_samples(make_task("iris"), rows=200, columns=6)
    >>> iris.x.shape, int(iris.rows.sum()), int(iris.columns.sum()), int(iris.outputs.sum())
    ((200, 6), 150, 4, 3)
    """
    size = SampleSize(rows, columns, outputs).check()
    rng = np.random.default_rng(seed)
    word = rng.integers(0, 2**64, dtype=np.uint64)
    taken = sample_rows(task.row_hashes ^ word, np.zeros(task.rows), size.rows)
    columns_of_task = table_of(task).columns
    chosen = np.sort(rng.permutation(len(columns_of_task))[: size.columns])
    read = [_standardised(_numbers(columns_of_task[place]))[taken] for place in chosen]
    x = np.stack(read, axis=1) if read else np.zeros((len(taken), 0))
    y = _outputs(task)[taken, : size.outputs]
    return Samples(
        x=_padded(x, (size.rows, size.columns)),
        y=_padded(y, (size.rows, size.outputs)),
        rows=np.arange(size.rows) < len(taken),
        columns=np.arange(size.columns) < x.shape[1],
        outputs=np.arange(size.outputs) < y.shape[1],
    )


def stack_samples(each: Iterable[Samples]) -> Samples:
    """Those of several tasks, all of one size, with an axis in front."""
    return Samples(*map(np.stack, zip(*each, strict=True)))


def _outputs(task: Task) -> np.ndarray:
    """(N, classes by falling frequency) indicators, or the standardised targets, (N, 1) or (N, K)."""
    if task.problem == "multilabel":
        return task.target
    if task.problem == "multioutput":
        return np.stack(list(map(_standardised, task.target.T)), axis=1)
    if task.problem == "regression":
        return _standardised(task.target)[:, None]
    counts = np.bincount(task.target, minlength=len(task.classes))
    order = np.argsort(-counts, kind="stable")[: (counts > 0).sum()]
    return (task.target[:, None] == order).astype(float)


def _numbers(column: Column) -> np.ndarray:
    """Values, or the rank of each category by falling frequency; NaN where missing."""
    if column.is_numeric:
        return column.values
    codes = column.values
    counts = np.bincount(codes[codes >= 0], minlength=len(column.categories))
    ranks = np.argsort(np.argsort(-counts, kind="stable"), kind="stable").astype(float)
    return np.append(ranks, np.nan)[codes]


def _standardised(values: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1 of what is finite, cut at WIDEST; 0 elsewhere, and where all is equal."""
    there = np.isfinite(values)
    known = np.clip(values[there].astype(float), -LARGEST, LARGEST)
    scaled = np.zeros(len(values))
    if len(known) and np.ptp(known) > 0:
        scaled[there] = np.clip((known - known.mean()) / known.std(), -WIDEST, WIDEST)
    return scaled


def _padded(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    padded = np.zeros(shape, np.float32)
    padded[: values.shape[0], : values.shape[1]] = values
    return padded
