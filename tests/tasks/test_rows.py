"""Groups, times and weights of rows, by column name or by value."""

import numpy as np
import pandas as pd
import pytest

from taskaware.errors import UserError
from taskaware.modalities.reading import make_task
from taskaware.tasks.rows import groups_of, times_of, weights_of


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "x": rng.normal(size=60),
            "ward": rng.choice(["north", "south", "west"], 60),
            "room": rng.integers(1, 5, 60),
            "when": pd.date_range("2024-01-01", periods=60, freq="D").astype(str),
            "weight": rng.random(60),
            "y": ["rare"] * 10 + ["usual"] * 50,
        }
    )


@pytest.fixture(scope="module")
def task(frame):
    return make_task(frame, "y")


def alike(codes, values):
    return len(set(zip(codes, values, strict=True))) == len(set(codes)) == len(set(values))


@pytest.mark.parametrize("name", ["ward", "room"])
def test_groups_by_name_and_by_value(task, frame, name):
    for given in (name, frame[name], frame[name].to_numpy(), list(frame[name])):
        assert alike(groups_of(task, given).tolist(), frame[name])
    assert groups_of(task, None) is None


def test_times_by_name_and_by_value(task, frame):
    for given in ("when", frame["when"], pd.to_datetime(frame["when"]), np.arange(60) / 7):
        assert (np.diff(times_of(task, given)) > 0).all()
    assert times_of(task, None) is None


def test_weights(task, frame):
    assert weights_of(task, None, None) is None
    balanced = weights_of(task, "balanced", None)
    sums = np.bincount(task.target, balanced)
    assert sums[0] == pytest.approx(sums[1]) and balanced.sum() == pytest.approx(60)
    by_label = weights_of(task, {"rare": 3}, None)
    assert set(by_label[task.target == 0]) == {3} and set(by_label[task.target == 1]) == {1}
    np.testing.assert_allclose(weights_of(task, None, "weight"), frame["weight"])
    both = weights_of(task, {"rare": 3}, frame["weight"])
    np.testing.assert_allclose(both, by_label * frame["weight"])


def test_the_balanced_weights_are_scikit_learns(task):
    from sklearn.utils.class_weight import compute_sample_weight

    np.testing.assert_allclose(
        weights_of(task, "balanced", None), compute_sample_weight("balanced", task.target)
    )


@pytest.mark.parametrize(
    "function, given, words",
    [
        (groups_of, "wards", "Did you mean 'ward'"),
        (groups_of, [1, 2], "2 values, and 60 rows"),
        (groups_of, [None] + [1] * 59, "missing in 1 of 60"),
        (times_of, "ward", "kind category"),
        (times_of, ["soon", "late"] * 30, "kind category"),
        (times_of, [np.nan] + [1.0] * 59, "missing in 1 of 60"),
    ],
)
def test_what_does_not_fit_is_named(task, function, given, words):
    with pytest.raises(UserError, match=words):
        function(task, given)


@pytest.mark.parametrize(
    "classes, rows, words",
    [
        ("even", None, "neither 'balanced'"),
        ({"rar": 2}, None, "Did you mean 'rare'"),
        ({"rare": -1}, None, "at least 0"),
        ({"rare": "2"}, None, "at least 0"),
        (None, [-1.0] + [1.0] * 59, "row 0"),
        (None, [np.nan] * 60, "60 such rows"),
        (None, np.zeros(60), "All weights are 0"),
        (None, "ward", "numbers of at least 0"),
    ],
)
def test_weights_that_cannot_be(task, classes, rows, words):
    with pytest.raises(UserError, match=words):
        weights_of(task, classes, rows)


def test_numbers_have_no_class_weights(frame):
    with pytest.raises(UserError, match="Use sample_weight"):
        weights_of(make_task(frame, "x"), "balanced", None)
