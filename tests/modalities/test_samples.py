"""What the feature generator reads of a task."""

import dataclasses

import numpy as np
import pytest

from taskaware.data.table import Column, Table
from taskaware.errors import UserError
from taskaware.modalities.tables.samples import WIDEST, draw_samples, stack_samples
from taskaware.tasks.task import Task


def made(columns, target, classes=("a", "b", "c")):
    problem = "classification" if classes else "regression"
    table = Table("made", tuple(columns), len(target))
    return Task("made", problem, table, "y", np.asarray(target), classes, "accuracy")


def number(name, values):
    return Column(name, "numeric", np.array(values, float))


@pytest.fixture
def wide():
    """90 rows of twelve columns."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 90).astype(np.int32)
    return made([number(f"x{place}", rng.normal(size=90)) for place in range(12)], target)


def test_numbers_are_standardised_and_missing_ones_are_the_mean():
    task = made([number("x", [1, 2, 3, np.nan]), number("same", [7, 7, 7, 7])], [0, 0, 0, 1])
    found = draw_samples(task, rows=6, columns=3, outputs=2)
    x = np.sort(found.x[:4, 0])
    np.testing.assert_allclose(x, [-(1.5**0.5), 0, 0, 1.5**0.5], atol=1e-6)
    assert not found.x[:, 1:].any()
    assert found.x.dtype == found.y.dtype == np.float32
    assert found.rows.tolist() == [True] * 4 + [False] * 2
    assert found.columns.tolist() == [True, True, False]


def test_odd_numbers_stay_finite():
    task = made([number("x", [0.0] * 50 + [1e300]), number("gone", [np.nan] * 51)], [0] * 51)
    found = draw_samples(task, rows=51, columns=2, outputs=1)
    assert np.isfinite(found.x).all()
    assert found.x.max() == WIDEST


def test_categories_are_ranks_of_frequency_whatever_they_are_called():
    codes = np.array([0, 0, 0, 1, 2, 2, -1], np.int32)
    column = Column("c", "category", codes, ("p", "q", "r"))
    renamed = Column("c", "category", np.array([1, 1, 1, 0, 2, 2, -1], np.int32), ("p", "q", "r"))
    target = [0, 0, 0, 1, 1, 1, 1]
    first, second = (
        np.sort(draw_samples(made([c], target), rows=7, columns=1).x[:, 0]) for c in (column, renamed)
    )
    np.testing.assert_allclose(first, second)
    # Ranks 0, 0, 0, 1, 1, 2 have the mean 2/3; a missing category stands there.
    ranks = np.array([0, 0, 0, 1, 1, 2])
    expected = np.append((ranks - ranks.mean()) / ranks.std(), 0)
    np.testing.assert_allclose(first, np.sort(expected), atol=1e-6)


def test_outputs_are_classes_by_frequency_or_the_standardised_target(wide):
    counts = np.sort(np.bincount(wide.target))[::-1]
    two = draw_samples(wide, rows=90, outputs=2)
    np.testing.assert_array_equal(two.y.sum(0), counts[:2])
    regression = made(wide.data.columns, np.arange(90.0), classes=())
    found = draw_samples(regression, rows=90, outputs=4)
    assert found.outputs.tolist() == [True, False, False, False]
    assert found.y[:, 0].std() == pytest.approx(1, abs=1e-5)


def test_rows_and_columns_are_drawn_by_seed(wide):
    size = {"rows": 20, "columns": 4}
    first, again, other = (draw_samples(wide, **size, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.x, again.x)
    assert len({tuple(row) for row in first.x} & {tuple(row) for row in other.x}) == 0
    assert len({tuple(row) for row in first.x}) == 20
    order = np.random.default_rng(3).permutation(90)
    turned = dataclasses.replace(wide, data=wide.data.take(order), target=wide.target[order])
    np.testing.assert_allclose(draw_samples(turned, **size).x, first.x, atol=1e-6)


def test_several_tasks_side_by_side(wide):
    both = stack_samples(draw_samples(wide, rows=20, seed=seed) for seed in (0, 1))
    assert both.x.shape == (2, 20, 32)
    assert (both.size.rows, both.size.columns, both.size.outputs) == (20, 32, 8)


def test_no_size_is_refused(wide):
    with pytest.raises(UserError, match="columns=0 of the samples is too small. Give 1"):
        draw_samples(wide, columns=0)
