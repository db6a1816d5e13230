import numpy as np
import pytest
from sklearn import metrics as oracle

from taskaware.tasks.metrics import METRICS, METRICS_OF, accuracy, balanced_accuracy, r2
from taskaware.tasks.task import PROBLEMS


@pytest.mark.parametrize("seed", range(5))
def test_classification_scores_equal_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(0, 4, 50) * 2, rng.integers(0, 4, 50) * 2
    predicted = np.where(rng.random(50) < 0.5, truth, predicted)
    assert accuracy(truth, predicted) == pytest.approx(oracle.accuracy_score(truth, predicted))
    assert balanced_accuracy(truth, predicted) == pytest.approx(
        oracle.balanced_accuracy_score(truth, predicted)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_r2_equals_scikit_learns(dtype):
    rng = np.random.default_rng(0)
    truth = (rng.normal(size=50) * 100).astype(dtype)
    predicted = truth + rng.normal(size=50) * 30
    assert r2(truth, predicted) == pytest.approx(oracle.r2_score(truth, predicted))


def test_r2_of_a_constant_truth():
    truth = np.full(4, 2.0)
    for predicted in (truth, truth + 1):
        assert r2(truth, predicted) == oracle.r2_score(truth, predicted)


def test_larger_is_better_and_one_is_perfect():
    truth = np.array([0, 1, 2, 2])
    worse = np.array([0, 1, 1, 1])
    for metric in METRICS.values():
        assert metric(truth, truth) == 1.0 > metric(truth, worse)


def test_every_kind_has_metrics():
    assert set(METRICS_OF) == set(PROBLEMS)
    assert {name for names in METRICS_OF.values() for name in names} == set(METRICS)
