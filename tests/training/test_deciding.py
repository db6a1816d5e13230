"""From probabilities to classes, and rows drawn by weight."""

import numpy as np
import pytest

from taskaware.tasks.metrics import METRICS
from taskaware.training.deciding import asks_for_offsets, chosen_offsets, decided
from taskaware.training.prepare import batches


def rare(seed, rows=2000, share=0.05):
    """Classes, and honest probabilities that seldom favour the rare one."""
    rng = np.random.default_rng(seed)
    chances = np.clip(rng.beta(1, 1 / share - 1, rows), 0.001, 0.6)
    truth = (rng.random(rows) < chances).astype(int)
    return truth, np.stack([1 - chances, chances], axis=1)


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1_macro"])
def test_offsets_raise_the_metric_on_other_rows(name):
    metric, part, fresh = METRICS[name], rare(0), rare(1)
    shares = np.bincount(part[0]) / len(part[0])
    offsets, score = chosen_offsets(metric, [part], shares)
    assert offsets[0] == 0 and offsets[1] > 0
    before = metric.on_host(fresh[0], fresh[1].argmax(1))
    after = metric.on_host(fresh[0], decided(fresh[1], offsets))
    assert after > before + 0.05 and score == pytest.approx(after, abs=0.1)
    assert score == pytest.approx(metric.on_host(part[0], decided(part[1], offsets)))


def test_no_offsets_where_they_do_not_help():
    truth = np.array([0] * 90 + [1] * 10)
    offsets, score = chosen_offsets(
        METRICS["f1_macro"], [(truth, np.eye(2)[truth] * 0.98 + 0.01)], np.array([0.9, 0.1])
    )
    assert offsets == () and score == 1


def test_which_metrics_ask():
    asking = {name for name in METRICS if asks_for_offsets(METRICS[name])}
    assert asking == {"balanced_accuracy", "f1_macro"}


def test_a_certain_zero_is_never_decided_for():
    assert decided(np.array([[0.0, 0.6, 0.4]]), (3.0, 0.0, 1.0)).tolist() == [2]


def test_rows_occur_in_proportion_to_their_weights():
    train = np.arange(100, 200)
    weights = np.r_[np.zeros(20), np.full(60, 0.5), np.full(20, 3.5)]
    times = np.bincount(batches(train, 0, 100, 50, weights).ravel() - 100, minlength=100)
    assert times[:20].sum() == 0
    np.testing.assert_allclose(times[20:] / 50, weights[20:], atol=0.3)
    assert times[80:].sum() / 5000 == pytest.approx(0.7, abs=0.02)


def test_equal_weights_draw_every_row_once():
    train = np.arange(7, 47)
    first = batches(train, 0, 4, 10, np.full(40, 2.0))
    assert sorted(first.ravel()) == train.tolist()
    np.testing.assert_array_equal(batches(train, 3, 4, 10), batches(train, 3, 4, 10, None))
