"""What holds for every table: finite, in range, blind to row order, class names and scale."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaware.data.table import Table
from taskaware.modalities.tables.metafeatures import CATALOGUE, NAMES, View, meta_features, vector
from taskaware.tasks.task import Task

COLUMNS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "constant": lambda rng, n: np.full(n, 0.1),
    "missing": lambda rng, n: np.full(n, np.nan),
    "holes": lambda rng, n: np.where(rng.random(n) < 0.7, np.nan, rng.normal(size=n)),
    "huge": lambda rng, n: rng.normal(size=n) * 1e300,
    "extreme": lambda rng, n: rng.choice([-1.7e308, 0.0, 1.7e308], n),
    "tiny": lambda rng, n: rng.integers(0, 5, n) * 5e-324,
    "spike": lambda rng, n: np.where(np.arange(n) == 0, 1e300, rng.normal(size=n)),
    "infinite": lambda rng, n: rng.choice([-np.inf, 1.0, 2.0, np.inf], n),
    "levels": lambda rng, n: rng.integers(0, 3, n).astype(float),
    "close": lambda rng, n: 1e15 + rng.integers(0, 2, n),
    "letters": lambda rng, n: rng.integers(-1, 4, n),
    "id": lambda rng, n: np.arange(n),
    "one letter": lambda rng, n: np.zeros(n, int),
    "no letter": lambda rng, n: np.full(n, -1),
}
TARGETS = {
    "even": lambda rng, n: np.arange(n) % 2,
    "one class": lambda rng, n: np.zeros(n, int),
    "pairs": lambda rng, n: np.arange(n) // 2,
    "own class each": lambda rng, n: np.arange(n),
    "lonely": lambda rng, n: (np.arange(n) == 0).astype(int),
    "empty class": lambda rng, n: rng.integers(0, 2, n) * 2,
    "value": lambda rng, n: rng.normal(size=n),
    "few values": lambda rng, n: rng.integers(0, 2, n).astype(float),
    "one value": lambda rng, n: np.ones(n),
    "huge value": lambda rng, n: rng.choice([-1.7e308, 1e300, 1.7e308], n),
}


@st.composite
def degenerate(draw):
    """Arrays and a target of which each is a case of its own."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = draw(st.sampled_from([1, 2, 3, 4, 7, 30, 90]))
    problems = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=5))
    target = TARGETS[draw(st.sampled_from(sorted(TARGETS)))](rng, rows)
    return {f"{i} {problem}": COLUMNS[problem](rng, rows) for i, problem in enumerate(problems)}, target


def check(task):
    """Every entry is finite and in range before the last guard, and raises no warning."""
    view = View(task)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = {feature.name: float(feature.compute(view)) for feature in CATALOGUE}
    slack = 1e-9
    wrong = {f.name: found[f.name] for f in CATALOGUE if not f.low - slack <= found[f.name] <= f.high + slack}
    # Raw values reach 1e308 and are cut to their range; gains below −1 cannot occur.
    assert {name for name in wrong if not name.startswith("value_")} == set()
    assert np.isfinite(vector(task)).all()


@settings(max_examples=150, derandomize=True)
@given(case=degenerate())
def test_finite_and_in_range(build, case):
    check(build(*case))


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_finite_on_all_columns_at_once(build, target):
    rng = np.random.default_rng(3)
    check(build({name: make(rng, 80) for name, make in COLUMNS.items()}, TARGETS[target](rng, 80)))


def test_finite_on_thousands_of_categories_and_classes(build):
    rng = np.random.default_rng(0)
    check(build({"c": rng.integers(0, 5000, 12_000)}, rng.integers(0, 3000, 12_000)))


def test_finite_on_a_wide_table(build):
    rng = np.random.default_rng(0)
    check(build({f"n{i}": row for i, row in enumerate(rng.normal(size=(1500, 40)))}, np.arange(40) % 3))


def test_finite_without_columns(build):
    check(build({}, np.arange(20) % 2))


def reordered(task: Task, order: np.ndarray) -> Task:
    return Task(
        task.name, task.problem, task.data.take(order), "y", task.target[order], task.classes, task.metric
    )


@settings(max_examples=60, derandomize=True)
@given(case=degenerate(), seed=st.integers(0, 2**32 - 1))
def test_row_order_does_not_matter_in_degenerate_tables(build, case, seed):
    task = build(*case)
    order = np.random.default_rng(seed).permutation(task.rows)
    np.testing.assert_allclose(vector(task), vector(reordered(task, order)), atol=1e-6, err_msg=str(NAMES))


@pytest.mark.parametrize("problem", ["classification", "regression"])
@pytest.mark.parametrize("rows", [100, 700, 10_000])
def test_row_order_does_not_matter(mixed, problem, rows):
    task = mixed(2, rows, problem)
    order = np.random.default_rng(5).permutation(rows)
    np.testing.assert_allclose(vector(task), vector(reordered(task, order)), atol=1e-6)


def test_row_order_does_not_matter_among_many_copies(build):
    rng = np.random.default_rng(1)
    columns = {"a": rng.integers(0, 3, 20_000), "b": rng.integers(0, 2, 20_000).astype(float)}
    task = build(columns, rng.integers(0, 2, 20_000))
    order = rng.permutation(20_000)
    np.testing.assert_allclose(vector(task), vector(reordered(task, order)), atol=1e-6)


@pytest.mark.parametrize("rows", [90, 900, 9_000])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_names_of_the_classes_do_not_matter(mixed, rows, classes):
    task = mixed(3, rows, classes=classes)
    place = np.random.default_rng(0).permutation(classes).astype(np.int32)
    if (place == np.arange(classes)).all():
        place = place[::-1]
    renamed = Task(
        task.name, task.problem, task.data, "y", place[task.target], task.classes[::-1], "accuracy"
    )
    np.testing.assert_allclose(vector(task), vector(renamed), atol=1e-6)


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_scale_of_a_column_does_not_matter(build, mixed, problem):
    task = mixed(4, 400, problem)
    scales = iter([3.7, 1e5, 1e-7, 250.0])
    arrays = {c.name: c.values * next(scales) if c.is_numeric else c.values for c in task.data.columns}
    target = task.target * 1e4 if problem == "regression" else task.target
    before, after = meta_features(task), meta_features(build(arrays, target))
    # Landmarks split rows by their content, so another scale is another split.
    named = [n for n in NAMES if not n.startswith(("value_", "landmark_")) and not n.endswith("_gain")]
    assert {n: after[n] for n in named} == pytest.approx({n: before[n] for n in named}, abs=1e-9)
    assert after["value_max"] > before["value_max"] + 2
    landmarks = [n for n in NAMES if n.startswith("landmark_")]
    assert {n: after[n] for n in landmarks} == pytest.approx({n: before[n] for n in landmarks}, abs=0.3)


def test_kinds_are_told_apart(mixed):
    classes, values = meta_features(mixed(0, 200)), meta_features(mixed(0, 200, "regression"))
    assert (classes["is_classification"], values["is_classification"]) == (1, 0)
    assert values["label_entropy"] == 0 and classes["target_normal_distance"] == 0
    assert values["target_normal_distance"] > 0 and values["class_variance_max"] == 0


def test_a_table_is_left_as_it_was(mixed):
    task = mixed(0, 200)
    before = task.data.digest
    meta_features(task)
    fresh = Table(task.data.name, task.data.columns, task.rows)
    assert fresh.digest == before
