"""Metrics: each is scikit-learn's on the host, and the same number inside a compiled program."""

import inspect

import jax
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

import taskaware as ta
from taskaware.errors import UserError
from taskaware.tasks.classification import accuracy, balanced_accuracy, log_loss, roc_auc
from taskaware.tasks.metrics import (
    DEFAULTS,
    LARGER,
    MASKED,
    METRICS,
    SMALLER,
    default_metric,
    metric_of,
    metrics_of,
)
from taskaware.tasks.regression import r2
from taskaware.tasks.task import ALL_PROBLEMS, PROBLEMS

softmax = jax.jit(jax.nn.softmax)
NAMES = {problem: metrics_of(problem) for problem in PROBLEMS}


def before(name, truth, predicted):
    """Accuracy, balanced accuracy and R² as they were computed before scikit-learn was asked."""
    if name == "accuracy":
        return float(np.mean(truth == predicted))
    if name == "balanced_accuracy":
        _, places, rows = np.unique(truth, return_inverse=True, return_counts=True)
        right = np.bincount(places, weights=truth == predicted, minlength=len(rows))
        return float(np.mean(right / rows))
    error = float(np.sum(np.square(np.asarray(truth, np.float64) - predicted)))
    spread = float(np.sum(np.square(truth - np.mean(truth, dtype=np.float64))))
    return float(error == 0.0) if spread == 0.0 else 1.0 - error / spread


def by_scikit_learn(name, truth, probabilities):
    classes = probabilities.argmax(1)
    if name in ("accuracy", "balanced_accuracy"):
        return getattr(oracle, f"{name}_score")(truth, classes)
    if name == "f1_macro":
        return oracle.f1_score(truth, classes, average="macro")
    if name == "roc_auc":
        score = probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities
        return oracle.roc_auc_score(truth, score, multi_class="ovr")
    loss = oracle.log_loss(truth, probabilities, labels=np.arange(probabilities.shape[1]))
    return {"log_loss": -loss, "perplexity": -np.exp(loss), "bits_per_character": -loss / np.log(2)}[name]


def problem_of(rng, rows, classes, step):
    """Random truth and logits; with a `step`, logits are rounded to it, so that many are equal."""
    truth = rng.integers(0, classes, rows)
    logits = rng.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[truth] * rng.integers(0, 2, (rows, 1))
    return truth, (np.round(logits / step) * step if step else logits).astype(np.float32)


def on_device(metric, outputs, y, weight=None, scale=1.0):
    weight = np.ones(len(y)) if weight is None else weight
    arrays = (np.asarray(each, np.float32) for each in (outputs, y, weight, scale))
    with jax.numpy_rank_promotion("raise"):
        return float(jax.jit(metric.on_device)(*arrays))


def padded(truth, logits):
    """Twice the columns, of classes that do not exist, and rows of no weight whose content is wild."""
    wide = np.full((len(truth) + 9, 2 * logits.shape[1]), 77.0, np.float32)
    wide[: len(truth), : logits.shape[1]] = logits
    wide[:, logits.shape[1] :] = MASKED
    weight = np.arange(len(wide)) < len(truth)
    return wide, np.append(truth, np.zeros(9)), weight


@pytest.mark.parametrize("name", NAMES["classification"])
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("step", [0, 1.0])
def test_host_and_device_are_scikit_learns(name, classes, step):
    metric = METRICS[name]
    for seed in range(3):
        truth, logits = problem_of(np.random.default_rng(seed), 150, classes, step)
        probabilities = np.asarray(softmax(logits))
        predicted = probabilities if metric.reads == "probabilities" else probabilities.argmax(1)
        expected = by_scikit_learn(name, truth, probabilities)
        assert metric.on_host(truth, predicted) == pytest.approx(expected, abs=1e-6)
        assert on_device(metric, logits, truth) == pytest.approx(expected, abs=1e-5, rel=1e-5)
        assert on_device(metric, *padded(truth, logits)) == pytest.approx(expected, abs=1e-5, rel=1e-5)
        assert metric.low <= expected <= metric.high


@settings(max_examples=25)
@given(
    seed=st.integers(0, 1 << 30),
    rows=st.integers(1, 40),
    classes=st.integers(2, 6),
    step=st.sampled_from([0, 1.0]),
)
@example(seed=0, rows=1, classes=2, step=0)
@example(seed=0, rows=3, classes=6, step=1.0)
def test_device_equals_host_where_classes_are_missing(seed, rows, classes, step):
    """Few rows: classes that never occur, are never predicted, or are the only one."""
    truth, logits = problem_of(np.random.default_rng(seed), rows, classes, step)
    wide, y, weight = (each[:40] for each in padded(truth, logits))
    room = ((0, 40 - len(y)),)
    wide = np.pad(wide, (*room, (0, 12 - wide.shape[1])), constant_values=MASKED)
    y, weight = np.pad(y, room), np.pad(weight, room)
    probabilities = np.asarray(softmax(wide))[:rows, :classes]
    for name in NAMES["classification"]:
        metric = METRICS[name]
        predicted = probabilities if metric.reads == "probabilities" else probabilities.argmax(1)
        expected = metric.on_host(truth, predicted)
        assert on_device(metric, wide, y, weight) == pytest.approx(expected, abs=1e-5, rel=1e-5), name


@pytest.mark.parametrize("name", NAMES["regression"])
def test_regression_is_in_the_targets_units(name):
    rng, metric = np.random.default_rng(0), METRICS[name]
    truth = 1000 + 50 * rng.normal(size=80)
    predicted = truth + 20 * rng.normal(size=80)
    expected = {
        "r2": oracle.r2_score(truth, predicted),
        "rmse": -np.sqrt(oracle.mean_squared_error(truth, predicted)),
        "mae": -oracle.mean_absolute_error(truth, predicted),
    }[name]
    assert metric.on_host(truth, predicted) == pytest.approx(expected, rel=1e-12)
    mean, scale = truth.mean(), truth.std()
    y, outputs = ((np.append(each, [0, 0]) - mean) / scale for each in (truth, predicted))
    weight = np.append(np.ones(80), [0, 0])
    assert on_device(metric, outputs[:, None], y, weight, scale) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_before(seed):
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(0, 4, 50) * 2, rng.integers(0, 4, 50) * 2
    predicted = np.where(rng.random(50) < 0.5, truth, predicted)
    assert accuracy(truth, predicted) == before("accuracy", truth, predicted)
    assert balanced_accuracy(truth, predicted) == pytest.approx(
        before("balanced_accuracy", truth, predicted), rel=1e-15
    )
    for dtype in (np.float32, np.float64, np.int64):
        values = (rng.normal(size=50) * 100).astype(dtype)
        given = values + rng.normal(size=50) * 30
        assert r2(values, given) == pytest.approx(before("r2", values, given), rel=1e-12)


@pytest.mark.parametrize("rows", [1, 4])
def test_r2_of_a_constant_truth(rows):
    truth = np.full(rows, 2.0)
    assert (r2(truth, truth), r2(truth, truth + 1)) == (1.0, 0.0)


@pytest.mark.filterwarnings("error")
def test_a_class_that_the_model_does_not_know_is_one_that_it_misses():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)
    truth, known = np.array([0, 1, -1]), np.array([0, 1])
    assert accuracy(truth, probabilities.argmax(1)) == pytest.approx(2 / 3)
    assert balanced_accuracy(truth, probabilities.argmax(1)) == pytest.approx(2 / 3)
    expected = (2 * log_loss(known, probabilities[:2]) + np.log(1.1920929e-07)) / 3
    assert log_loss(truth, probabilities) == pytest.approx(expected, rel=1e-6)
    assert roc_auc(truth, probabilities) == 1.0


def test_perfect_is_high_and_worse_is_less():
    truth = np.array([0, 1, 2, 2])
    for name in NAMES["classification"]:
        metric = METRICS[name]
        best, worse = np.eye(3)[truth], np.eye(3)[[0, 1, 1, 1]]
        if metric.reads == "classes":
            best, worse = best.argmax(1), worse.argmax(1)
        assert metric.on_host(truth, best) == pytest.approx(metric.high, abs=1e-6)
        assert metric.on_host(truth, worse) < metric.high - 0.1
    for name in NAMES["regression"]:
        metric = METRICS[name]
        assert metric.on_host(truth, truth) == metric.high > metric.on_host(truth, truth[::-1])


def test_errors_are_shown_as_people_know_them():
    errors = {"log_loss", "perplexity", "bits_per_character", "rmse", "mae"}
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.shown(-3.0) == (3.0 if name in errors else -3.0)
        assert metric.direction == (SMALLER if name in errors else LARGER)
    assert METRICS["log_loss"].text(-0.25) == "log_loss 0.250"
    assert METRICS["accuracy"].text(0.25) == "accuracy 0.250"


def test_every_problem_has_metrics_its_default_first():
    assert set(DEFAULTS) == set(PROBLEMS)
    assert {name for problem in ALL_PROBLEMS for name in metrics_of(problem)} == set(METRICS)
    assert (
        [NAMES[problem][0] for problem in PROBLEMS]
        == [default_metric(p) for p in PROBLEMS]
        == ["accuracy", "r2"]
    )
    assert metric_of("regression") is METRICS["r2"] and metric_of("regression", "mae") is METRICS["mae"]


def test_unknown_names_and_other_problems_are_refused():
    with pytest.raises(
        UserError, match="Unknown metric of a classification 'acuracy'. Did you mean 'accuracy'"
    ):
        metric_of("classification", "acuracy")
    with pytest.raises(
        UserError,
        match="'rmse': it scores regression, multioutput. Allowed: accuracy, balanced_accuracy, roc",
    ):
        metric_of("classification", "rmse")
    with pytest.raises(UserError, match="Unknown problem 'regresion'. Did you mean 'regression'"):
        metric_of("regresion")


def test_the_registry_is_public():
    assert ta.METRICS is METRICS
    assert all(
        list(inspect.signature(m.on_device).parameters)[:3] == ["outputs", "y", "weight"]
        for m in METRICS.values()
    )
