"""Metrics of several outputs: scikit-learn's on the host, and the same number inside a compiled program."""

import jax
import numpy as np
import pytest
from sklearn import metrics as oracle

from taskaware.errors import UserError
from taskaware.tasks.metrics import METRICS, default_metric, metric_of, metrics_of


def by_scikit_learn(name, truth, probabilities):
    found = (probabilities > 0.5).astype(int)
    if name in ("f1_macro", "f1_micro"):
        return oracle.f1_score(truth, found, average=name.removeprefix("f1_"))
    if name == "roc_auc":
        return oracle.roc_auc_score(truth, probabilities, average="macro")
    if name == "subset_accuracy":
        return oracle.accuracy_score(truth, found)
    if name == "accuracy":
        return 1 - oracle.hamming_loss(truth, found)
    each = zip(truth.T, probabilities.T, found.T, strict=True)
    if name == "balanced_accuracy":
        return np.mean([oracle.balanced_accuracy_score(t, f) for t, _, f in each])
    return -np.mean([oracle.log_loss(t, p) for t, p, _ in each])


def on_device(metric, outputs, y, scale=1.0):
    """The score with some rows of no weight after the others."""
    rows = len(y)
    outputs, y = (np.concatenate([each, np.full((5, each.shape[1]), 1.0)]) for each in (outputs, y))
    arrays = (np.asarray(each, np.float32) for each in (outputs, y, np.arange(len(y)) < rows, scale))
    with jax.numpy_rank_promotion("raise"):
        return float(jax.jit(metric.on_device)(*arrays))


@pytest.mark.parametrize("name", metrics_of("multilabel"))
def test_labels_are_scored_as_by_scikit_learn(name):
    rng = np.random.default_rng(0)
    truth = (rng.random((80, 4)) < [0.1, 0.3, 0.5, 0.8]).astype(float)
    logits = (rng.normal(size=truth.shape) + 2 * truth - 1).astype(np.float32)
    probabilities, metric = 1 / (1 + np.exp(-logits.astype(float))), metric_of("multilabel", name)
    given = probabilities if metric.reads == "probabilities" else (probabilities > 0.5).astype(int)
    expected = by_scikit_learn(name, truth, probabilities)
    assert metric.on_host(truth, given) == pytest.approx(expected, abs=1e-6)
    assert on_device(metric, logits, truth) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", metrics_of("multioutput"))
def test_numbers_are_scored_each_in_its_own_units(name):
    rng, metric = np.random.default_rng(1), metric_of("multioutput", name)
    scale, mean = np.array([1.0, 250.0, 0.01]), np.array([0.0, 1000.0, -3.0])
    truth = rng.normal(size=(60, 3))
    found = truth + rng.normal(size=truth.shape) * [0.1, 0.5, 0.9]
    score = {"r2": "r2_score", "rmse": "root_mean_squared_error", "mae": "mean_absolute_error"}[name]
    units = (truth * scale + mean, found * scale + mean)
    expected = getattr(oracle, score)(*units) * (1 if name == "r2" else -1)
    assert metric.on_host(*units) == pytest.approx(expected, rel=1e-9)
    assert on_device(metric, found, truth, scale) == pytest.approx(expected, rel=1e-4)


def test_one_hopeless_output_costs_no_more_than_the_lowest_score():
    truth = np.stack([np.arange(6.0), np.arange(6.0)], axis=1)
    found = truth + [0.0, 1000.0]
    assert on_device(metric_of("multioutput"), found, truth) == pytest.approx(0.0, abs=1e-6)
    assert metric_of("multioutput").on_host(truth, found) < -1000


def test_the_defaults_are_those_of_one_output_under_one_name():
    assert [default_metric(each) for each in ("multilabel", "multioutput")] == ["accuracy", "r2"]
    assert metric_of("multilabel") is metric_of("multilabel", "accuracy")  # programs are kept by it
    assert metric_of("multilabel").on_host is not METRICS["accuracy"].on_host
    with pytest.raises(UserError, match="'perplexity': it scores classification"):
        metric_of("multilabel", "perplexity")
    with pytest.raises(UserError, match="'f1_micro': it scores multilabel"):
        metric_of("classification", "f1_micro")
