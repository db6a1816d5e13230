import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaware.errors import UserError
from taskaware.modalities.tables.build import make_task
from taskaware.tasks.split import split, splits


def task_of(labels, problem=None):
    rows = len(labels)
    frame = pd.DataFrame({"x": np.random.default_rng(1).normal(size=rows), "y": labels})
    return make_task(frame, "y", problem=problem)


def counts(task, rows):
    return np.bincount(task.target[rows], minlength=task.outputs)


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_parts_hold_every_row_once(problem):
    task = task_of([0, 1, 2] * 40, problem)
    parts = split(task, 3)
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(together) == list(range(120))
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [72, 24, 24]
    for part in (parts.train, parts.validation, parts.test):
        assert (np.diff(part) > 0).all()


def test_same_seed_same_split_other_seed_other_split():
    task = make_task("iris")
    first, again, other = split(task, 0), split(make_task("iris"), 0), split(task, 1)
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(first, part), getattr(again, part))
        assert not np.array_equal(getattr(first, part), getattr(other, part))


def test_order_of_the_rows_does_not_matter():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=100), "y": rng.choice(["a", "b"], 100)})
    shuffled = frame.sample(frac=1, random_state=1)
    first, second = split(make_task(frame, "y"), 5), split(make_task(shuffled, "y"), 5)
    assert set(frame["x"].iloc[first.test]) == set(shuffled["x"].iloc[second.test])


@given(st.lists(st.integers(2, 60), min_size=2, max_size=12), st.integers(0, 9))
def test_classes_keep_their_share(sizes, seed):
    task = task_of([f"c{place}" for place, size in enumerate(sizes) for _ in range(size + 4)])
    parts = split(task, seed)
    total = np.bincount(task.target)
    assert (counts(task, parts.train) > 0).all()
    for part in (parts.validation, parts.test):
        spare = (total - 1) * len(part) / (task.rows - task.outputs)
        assert (np.abs(counts(task, part) - spare) <= 2).all()
        assert len(part) == round(task.rows * 0.2)


def test_small_classes_are_trained_on():
    labels = ["a"] * 50 + ["b"] * 50 + ["one"] + ["two"] * 2 + ["three"] * 3
    for seed in range(10):
        task = task_of(labels)
        parts = split(task, seed)
        assert (counts(task, parts.train) > 0).all()


def test_pairs_only():
    task = task_of([f"c{place // 2}" for place in range(40)])
    parts = split(task, 0)
    assert (counts(task, parts.train) > 0).all()
    assert len(parts.validation) == 8
    assert len(parts.test) > 0


def test_every_row_gets_its_turn():
    task = task_of(["a"] * 30 + ["b"] * 2)
    seen = np.zeros((2, 32))
    for seed in range(60):
        parts = split(task, seed)
        seen[0, parts.validation] += 1
        seen[1, parts.test] += 1
    assert (seen > 0).all()


def test_test_rows_of_the_user():
    parts = split(make_task("iris"), 0, test=None)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (120, 30, 0)


@pytest.mark.parametrize("shares", [{"validation": 0}, {"test": 1.0}, {"validation": 0.5, "test": 0.5}])
def test_shares_that_cannot_be(shares):
    with pytest.raises(UserError, match="cannot be dealt"):
        split(make_task("iris"), 0, **shares)


def test_too_few_rows_for_a_share():
    with pytest.raises(UserError, match="12 rows are too few"):
        split(task_of(list("ab") * 6), 0, test=0.01)


def test_members_validate_on_different_rows():
    task = task_of(["a"] * 61 + ["b"] * 42 + ["one"])
    parts = splits(task, 3, 5)
    first = split(task, 3, test=None)
    np.testing.assert_array_equal(parts[0].validation, first.validation)
    np.testing.assert_array_equal(parts[0].train, first.train)
    times = np.bincount(np.concatenate([part.validation for part in parts]), minlength=task.rows)
    # The first of each class always trains, and 104 rows are no multiple of five.
    assert (times == 1).sum() >= 92
    assert times.max() == 2
    for part in parts:
        assert sorted([*part.train, *part.validation]) == list(range(task.rows))
        assert len(part.test) == 0
        assert counts(task, part.validation)[0] == pytest.approx(61 / 5, abs=1)


def test_members_whatever_the_order_of_the_rows():
    task = task_of(["a"] * 31 + ["b"] * 2 + ["c"] * 20)
    turned = dataclasses.replace(
        task, data=task.data.take(np.arange(task.rows)[::-1]), target=task.target[::-1]
    )
    for part, other in zip(splits(task, 1, 7), splits(turned, 1, 7), strict=True):
        assert part.validation.tolist() == sorted(task.rows - 1 - other.validation)
        assert (counts(task, part.train) > 0).all()


def test_members_of_another_share():
    halves = splits(make_task("iris"), 0, 2, validation=0.5)
    assert len(np.intersect1d(halves[0].validation, halves[1].validation)) <= 3
    tenths = splits(make_task("iris"), 0, 3, validation=0.1)
    assert len(np.unique(np.concatenate([part.validation for part in tenths]))) == 45


def test_there_is_a_member():
    with pytest.raises(UserError, match="members=0 is too small"):
        splits(make_task("iris"), 0, 0)
    with pytest.raises(UserError, match="validation=1.0 cannot be dealt"):
        splits(make_task("iris"), 0, 2, validation=1.0)


def grouped(task, codes, members=5, **options):
    return splits(task, 0, members, groups=np.array(codes), **options)


def test_rows_of_one_group_stay_in_one_part():
    codes = np.repeat(np.arange(25), np.arange(1, 26)).astype(str)
    task = task_of(["a" if int(code) % 3 else "b" for code in codes])
    parts = grouped(task, codes)
    for part in parts:
        assert not set(codes[part.train]) & set(codes[part.validation])
        assert sorted([*part.train, *part.validation]) == list(range(task.rows))
        assert len(part.validation) == pytest.approx(task.rows / 5, abs=26)
        assert (counts(task, part.train) > 0).all() and (counts(task, part.validation) > 0).all()
    # Five members with a fifth each: almost every group validates once.
    times = np.bincount(np.concatenate([part.validation for part in parts]), minlength=task.rows)
    assert (times == 1).mean() > 0.7 and times.max() <= 2
    again, other = grouped(task, codes), splits(task, 1, 5, groups=codes)
    assert all((a.validation == b.validation).all() for a, b in zip(parts, again, strict=True))
    assert any(len(a.validation) != len(b.validation) or (a.validation != b.validation).any()
               for a, b in zip(parts, other, strict=True))  # fmt: skip


@pytest.mark.parametrize("sizes", [(60, 60), (118, 1, 1), (1, 119)])
def test_few_or_large_groups(sizes):
    task = task_of(["a", "b"] * 60)
    for part in grouped(task, np.repeat(np.arange(len(sizes)), sizes)):
        assert 0 < len(part.validation) < 120


def test_the_latest_rows_validate():
    rng = np.random.default_rng(0)
    time = rng.permutation(np.repeat(np.arange(60), 2))
    task = task_of(["a", "b"] * 60)
    first, other = splits(task, 0, 2, time=time)
    assert time[first.train].max() < time[first.validation].min()
    assert len(first.validation) == 24
    np.testing.assert_array_equal(first.validation, other.validation)
    large = splits(task, 0, 1, time=np.r_[np.zeros(20), np.ones(100)])[0]
    assert len(large.train) == 20


def test_groups_and_times_that_cannot_be():
    task = task_of(["a", "b"] * 60)
    with pytest.raises(UserError, match="one group"):
        grouped(task, np.zeros(120))
    with pytest.raises(UserError, match="one time"):
        splits(task, 0, 1, time=np.zeros(120))
    with pytest.raises(UserError, match="both given"):
        splits(task, 0, 1, time=np.arange(120), groups=np.arange(120))
