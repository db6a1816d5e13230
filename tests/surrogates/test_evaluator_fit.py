"""What an evaluator learns, and what its predictions promise."""

import dataclasses

import jax
import numpy as np
import pytest
from scipy.stats import spearmanr

from taskaware.errors import UserError
from taskaware.surrogates import PUBLISHED, EvaluatorSettings, TaskQuery, fit_evaluator
from taskaware.surrogates.ensemble import member_predictions
from taskaware.surrogates.learning import gaps_and_weights
from taskaware.surrogates.level import WIDEST, Scaler, TaskLevel
from taskaware.surrogates.training_data import features_of

HELD_OUT = np.arange(20, 30)


def correlations(evaluator, known):
    """Rank correlation of prediction and score on each held-out task."""
    return [
        spearmanr(evaluator.predict(TaskQuery(known.z[task]), known.u)[0], known.score[task]).statistic
        for task in HELD_OUT
    ]


def test_it_learns_what_the_mean_over_tasks_cannot_tell(evaluator, opposites):
    learned = correlations(evaluator, opposites)
    mean = opposites.target[:20].mean(0)
    by_mean = [spearmanr(mean, opposites.score[task]).statistic for task in HELD_OUT]
    assert np.mean(by_mean) < 0.2
    assert np.mean(learned) > 0.7
    assert min(learned) > 0.3


def test_it_predicts_the_level_of_the_scores_too(evaluator, opposites):
    predicted = np.stack(
        [evaluator.predict(TaskQuery(opposites.z[task]), opposites.u)[0] for task in HELD_OUT]
    )
    error = np.mean((predicted - opposites.target[HELD_OUT]) ** 2)
    assert error < 0.5 * np.var(opposites.target[HELD_OUT])


def test_members_differ_and_seeds_do(evaluator, opposites, settings, tiny):
    z, u = opposites.z[25], opposites.u
    mean, deviation = evaluator.predict(TaskQuery(z), u)
    assert evaluator.members == 3
    assert (deviation > 1e-3).all()
    known = opposites.take(np.arange(20))
    again, other = (
        fit_evaluator(tiny, known, settings, seed=seed).predict(TaskQuery(z), u)[0] for seed in (0, 1)
    )
    np.testing.assert_array_equal(mean, again)
    assert np.abs(mean - other).max() > 1e-3


def test_the_published_settings(opposites, tiny):
    settings = dataclasses.replace(PUBLISHED, steps=30)
    assert (settings.network, settings.loss, settings.optimizer) == ("published", "squared", "sgd")
    learned = fit_evaluator(tiny, opposites.take(np.arange(20)), settings)
    mean, deviation = learned.predict(TaskQuery(opposites.z[0]), opposites.u)
    assert learned.members == 1
    assert np.isfinite(mean).all()
    np.testing.assert_allclose(deviation, 0, atol=1e-5)


def test_unknown_names_are_refused(opposites, tiny):
    with pytest.raises(UserError, match="Unknown loss 'square'. Did you mean 'squared'"):
        fit_evaluator(tiny, opposites, EvaluatorSettings(network="bilinear", loss="square", steps=1))
    with pytest.raises(UserError, match="Unknown surrogate"):
        fit_evaluator(tiny, opposites, EvaluatorSettings(network="deep", steps=1))


def test_absent_scores_do_not_matter(opposites, settings, tiny):
    """What stands in the place of a score that is not there must not reach the weights."""
    absent = opposites.target.copy()
    absent[:, ::3] = np.nan
    holes = dataclasses.replace(opposites, target=absent).take(np.arange(20))
    learned = fit_evaluator(tiny, holes, settings)
    predicted = np.stack([learned.predict(TaskQuery(opposites.z[task]), opposites.u)[0] for task in HELD_OUT])
    assert np.isfinite(predicted).all()
    truth = opposites.target[HELD_OUT]
    assert predicted[:, ::3].mean() == pytest.approx(truth[:, ::3].mean(), abs=0.25)
    assert np.mean(correlations(learned, opposites)) > 0.5


def test_prediction_is_mean_and_deviation_of_the_members(evaluator, opposites, tiny):
    z, u = opposites.z[3], opposites.u[:5]
    scaled = np.tile(np.asarray(evaluator.scaler(z), np.float32), (3, 1))

    @jax.jit
    def predicted(point):
        return member_predictions(evaluator.network, evaluator.params, scaled, features_of(tiny, point))

    each = np.stack([predicted(point) for point in u])
    mean, deviation = evaluator.predict(TaskQuery(z), u)
    np.testing.assert_allclose(mean, each.mean(1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(deviation, each.std(1), rtol=1e-3, atol=1e-5)


def test_gradient_of_a_prediction_by_finite_differences(evaluator, opposites, tiny):
    with jax.enable_x64(True):
        params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), evaluator.params)
        scaled = np.tile(evaluator.scaler(opposites.z[0]).astype(np.float64), (3, 1))

        def predicted(point):
            return member_predictions(evaluator.network, params, scaled, features_of(tiny, point)).mean()

        point = opposites.u[0].astype(np.float64) * 0.3
        gradient = jax.jit(jax.grad(predicted))(point)
        steps = 1e-6 * np.eye(tiny.dimension)
        many = jax.jit(jax.vmap(predicted))
        numeric = np.asarray(many(point + steps) - many(point - steps)) / 2e-6
        np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-7)
        assert np.abs(gradient).max() > 1e-3


def test_scaler():
    z = np.stack([np.linspace(0, 10, 11), np.full(11, 3.0), np.r_[np.zeros(10), 1.0]], axis=1)
    scaler = Scaler.fit(z)
    scaled = scaler(z)
    np.testing.assert_allclose(scaled[[1, 5, 9], 0], [-1, 0, 1], atol=1e-6)
    np.testing.assert_array_equal(scaled[:, 1], 0)
    assert np.isfinite(scaled).all()
    assert scaler(np.array([1e9, -1e9, 0.0])).tolist() == [WIDEST, -WIDEST, 0]


def test_distances(evaluator, opposites):
    distances = evaluator.distances(opposites.z[7])
    assert distances.shape == (20,)
    assert distances[7] == distances.min() == 0
    assert distances[6] > 0.3


def test_the_level_of_a_task_is_learned(evaluator, opposites):
    """The top of a made-up task rises with z1 and nothing else."""
    assert isinstance(evaluator.level, TaskLevel)
    low, high = (evaluator.scaler(np.array([1.0, value, 0.0, 0.0])) for value in (-1.5, 1.5))
    problem = "classification"
    assert evaluator.level(high, problem)[0] > evaluator.level(low, problem)[0] + 0.005
    top, error, spread, *_ = evaluator.level(evaluator.scaler(opposites.z[22]), problem)
    assert top == pytest.approx(opposites.top[22], abs=4 * error)
    assert 0 < error < 0.1
    assert spread == pytest.approx(opposites.spread[22], rel=0.5)


def test_each_kind_of_task_has_a_level_of_its_own(opposites):
    """Unless there are too few tasks of it: then all tasks tell."""
    problems = np.array(["classification"] * 20 + ["regression"] * 10)
    low = np.where(problems == "regression", opposites.top - 0.5, opposites.top)
    known = dataclasses.replace(opposites, problems=tuple(problems), top=low)
    scaler = Scaler.fit(known.z)
    middle = np.zeros(4)
    level = TaskLevel.fit(known, scaler)
    assert level(middle, "classification")[0] - level(middle, "regression")[0] == pytest.approx(0.5, abs=0.05)
    few = TaskLevel.fit(known.take(np.arange(23)), scaler)
    assert few(middle, "regression")[0] == pytest.approx(few(middle, "classification")[0], abs=0.1)


def test_noisy_tasks_count_less_and_widen_the_gap(opposites):
    noise = np.full(30, 0.1)
    noise[:3] = [0.0, 3.0, np.nan]
    noisy = dataclasses.replace(opposites, noise=noise * opposites.spread)
    gap, weight = gaps_and_weights(noisy, EvaluatorSettings(gap=0.2))
    np.testing.assert_array_equal(weight, 1)
    np.testing.assert_allclose(gap, 0.2, rtol=1e-6)
    gap, weight = gaps_and_weights(noisy, EvaluatorSettings(gap=0.2, noise_gap=2.0, noise_weights=True))
    np.testing.assert_allclose(gap[:4], [0.2, 6.2, 0.4, 0.4], rtol=1e-5)
    assert weight.mean() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(weight[1:4] / weight[0], [0.1, 1 / 1.01, 1 / 1.01], rtol=1e-5)


def test_tasks_of_unknown_noise_have_none_to_mind(opposites):
    silent = dataclasses.replace(opposites, noise=np.full_like(opposites.noise, np.nan))
    gap, weight = gaps_and_weights(silent, EvaluatorSettings(noise_gap=1.0, noise_weights=True))
    np.testing.assert_array_equal(weight, 1)
    np.testing.assert_allclose(gap, EvaluatorSettings().gap, rtol=1e-6)


def test_wrong_scores_do_less_harm_where_the_noise_is_known(opposites, settings, tiny):
    """Half of the known tasks show the reverse of the truth, and seeds that say so."""
    wrong = np.arange(20) % 4 > 1
    known = opposites.take(np.arange(20))
    target = np.where(wrong[:, None], 2 * known.target.mean(1, keepdims=True) - known.target, known.target)
    noise = np.where(wrong, 10.0, 0.01) * known.spread
    misled = dataclasses.replace(known, target=target, noise=noise)
    deaf = dataclasses.replace(settings, network="bilinear")
    asked = {
        "deaf": deaf,
        "weights": dataclasses.replace(deaf, noise_weights=True),
        "gap": dataclasses.replace(deaf, loss="pairwise_quadratic", noise_gap=1.0),
    }
    found = {
        name: np.mean(correlations(fit_evaluator(tiny, misled, made), opposites))
        for name, made in asked.items()
    }
    assert found["weights"] > found["deaf"] + 0.2
    assert found["gap"] > found["deaf"] + 0.2


def test_listwise_learns_the_order(opposites, settings, tiny):
    made = dataclasses.replace(settings, network="bilinear", loss="listwise")
    learned = fit_evaluator(tiny, opposites.take(np.arange(20)), made)
    assert np.mean(correlations(learned, opposites)) > 0.6


def test_old_names_of_the_evaluator_are_read_with_a_warning(evaluator, opposites):
    with pytest.warns(FutureWarning, match="known is now .*training_data"):
        assert evaluator.known is evaluator.training_data
    with pytest.warns(FutureWarning, match="has_uncertainty"):
        assert evaluator.knows_doubt
    new = evaluator.predict(TaskQuery(opposites.z[3], "classification"), opposites.u)
    with pytest.warns(FutureWarning, match="TaskQuery"):
        np.testing.assert_allclose(evaluator.predict(opposites.z[3], opposites.u), new, rtol=1e-4, atol=1e-6)
    with pytest.warns(FutureWarning, match="network='process' is now network='gp'"):
        assert EvaluatorSettings(network="process") == EvaluatorSettings()
