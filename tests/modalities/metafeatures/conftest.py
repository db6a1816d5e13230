"""Tasks built by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from taskaware.data.table import Column, Table
from taskaware.tasks.task import Task


def build(arrays: dict[str, np.ndarray], target: np.ndarray) -> Task:
    """A task from columns by name (floats: numeric, integers: category codes) and a target (the same)."""
    columns = tuple(_column(name, values) for name, values in arrays.items())
    table = Table("made", columns, len(target))
    if target.dtype.kind == "f":
        return Task("made", "regression", table, "y", target, (), "r2")
    classes = tuple(f"class {i}" for i in range(int(target.max()) + 1))
    return Task("made", "classification", table, "y", target.astype(np.int32), classes, "accuracy")


def _column(name: str, values: np.ndarray) -> Column:
    if values.dtype.kind == "f":
        return Column(name, "numeric", values)
    labels = tuple(f"{i:06d}" for i in range(max(int(values.max()) + 1, 0)))
    return Column(name, "category", values.astype(np.int32), labels)


@pytest.fixture(scope="session", name="build")
def _build() -> Callable[..., Task]:
    return build


@pytest.fixture(scope="session", name="mixed")
def _mixed() -> Callable[..., Task]:
    """A task of four numeric and two categorical columns with some missing cells."""

    def make(seed: int, rows: int, problem: str = "classification", classes: int = 3) -> Task:
        rng = np.random.default_rng(seed)
        numbers = rng.normal(size=(4, rows)).round(3)
        numbers[1] = np.exp(numbers[1])
        value = numbers[0] + numbers[2] * numbers[3] + rng.normal(size=rows) / 4
        numbers[3, rng.random(rows) < 0.1] = np.nan
        arrays = {f"n{i}": row for i, row in enumerate(numbers)}
        arrays["c0"] = rng.integers(-1, 4, rows)
        arrays["c1"] = rng.integers(0, 40, rows)
        ranks = np.argsort(np.argsort(value))
        return build(arrays, value if problem == "regression" else ranks * classes // rows)

    return make
