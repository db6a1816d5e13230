"""Losses against loops in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.surrogates.losses import LOSSES, MARGIN, TEMPERATURE, loss_named

GAP = 0.2


@pytest.fixture(scope="module")
def case():
    """Predictions, scores with near ties, and which of them are known."""
    rng = np.random.default_rng(0)
    score = rng.normal(size=12).round(1)
    return rng.normal(size=12), score, rng.random(12) < 0.7


def called(name, predicted, score, known, gap=GAP):
    arrays = (jnp.asarray(predicted, jnp.float32), jnp.asarray(score, jnp.float32), jnp.asarray(known))
    return float(loss_named(name)(*arrays, jnp.asarray(gap, jnp.float32)))


@pytest.mark.parametrize(("name", "power"), [("pairwise_linear", 1), ("pairwise_quadratic", 2)])
def test_pairwise_is_a_double_loop(case, name, power):
    predicted, score, known = case
    terms = []
    for i in range(len(score)):
        for j in range(len(score)):
            # In float32, as the loss sees them: a difference of just the gap is on neither side by chance.
            if known[i] and known[j] and np.float32(score[i]) - np.float32(score[j]) > np.float32(GAP):
                terms.append(max(0.0, MARGIN - (predicted[i] - predicted[j])) ** power)
    assert len(terms) > 10
    assert called(name, *case) == pytest.approx(np.mean(terms), rel=1e-5)


def test_squared_and_combined(case):
    predicted, score, known = case
    squared = np.mean((predicted - score)[known] ** 2)
    assert called("squared", *case) == pytest.approx(squared, rel=1e-5)
    both = squared + called("pairwise_quadratic", *case)
    assert called("combined", *case) == pytest.approx(both, rel=1e-5)


def test_listwise_is_the_cross_entropy_of_two_softmaxes(case):
    predicted, score, known = case
    wanted, got = (np.exp(x[known] / TEMPERATURE) for x in (score, predicted))
    expected = -np.sum(wanted / wanted.sum() * np.log(got / got.sum()))
    assert called("listwise", *case) == pytest.approx(expected, rel=1e-5)
    assert called("listwise", predicted + 5, score, known) == pytest.approx(expected, rel=1e-4)


def test_listwise_is_least_at_the_scores_and_minds_the_best_most():
    score, known = np.array([0.0, -0.5, -2.0, -2.5]), np.full(4, True)
    least = called("listwise", score, score, known)
    top, bottom = (called("listwise", score[order], score, known) for order in ([1, 0, 2, 3], [0, 1, 3, 2]))
    assert least < bottom < top


def test_differences_within_the_noise_do_not_count():
    score = np.array([0.0, 0.05, 0.1])
    known = np.full(3, True)
    assert called("pairwise_linear", score[::-1], score, known, gap=0.2) == 0
    assert called("pairwise_linear", score[::-1], score, known, gap=0.01) > MARGIN
    assert called("pairwise_linear", 10 * score, score, known, gap=0.01) == 0


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_known_is_no_loss_and_no_gradient(name):
    def loss(predicted):
        return loss_named(name)(predicted, jnp.zeros(3), jnp.full(3, False), jnp.asarray(0.1))

    value, gradient = jax.value_and_grad(loss)(jnp.arange(3.0))
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros(3))


def test_unknown_loss_is_refused():
    with pytest.raises(UserError, match="Unknown loss 'pairwise'. Did you mean 'pairwise_linear'"):
        loss_named("pairwise")
