"""The guard around the ascent: what is returned is never worse than the start, and never far out."""

import dataclasses

import jax
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.modalities.tables.build import make_task
from taskaware.modalities.tables.metafeatures import vector
from taskaware.recommendation.ascent import AscentSettings, propose, rows_of, warm_starts
from taskaware.recommendation.designs import designs
from taskaware.surrogates import EvaluatorSettings, TaskQuery, fit_evaluator
from taskaware.surrogates.price import Price
from taskaware.surrogates.training_data import architecture_features

KIND = "classification"


@pytest.fixture(scope="module")
def z():
    """Of a task that was not learned from."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3))
    return vector(make_task((x, np.where(x[:, 0] > 0, "a", "b"))))


def nearest(evaluator, points):
    """Distance of each point to the nearest known architecture, and the usual one between those."""
    known = architecture_features(evaluator.space, evaluator.training_data.u)
    between = np.linalg.norm(known[:, None] - known[None], axis=2)
    np.fill_diagonal(between, np.inf)
    features = architecture_features(evaluator.space, points)
    apart = np.linalg.norm(features[:, None] - known[None], axis=2).min(1)
    return apart, np.median(between.min(1))


def bounds(evaluator, z, points, settings):
    """The judgement, computed anew from what the evaluator says."""
    mean, deviation = evaluator.predict(TaskQuery(z), points)
    apart, reach = nearest(evaluator, points)
    leash = settings.priced(evaluator.price, 1).distance_penalty
    return mean - settings.kappa * deviation - leash * np.maximum(apart - reach, 0)


@pytest.mark.parametrize("optimizer", ["gradient_ascent", "annealed_ascent", "random_search"])
def test_everything_is_judged_anew_and_the_best_start_is_kept(evaluator, z, optimizer):
    settings = AscentSettings(optimizer=optimizer, untrained_penalty=0.0)
    found = propose(evaluator, TaskQuery(z, KIND), settings)
    np.testing.assert_allclose(found.bound, bounds(evaluator, z, found.points, settings), atol=2e-3)
    assert (np.diff(found.bound) <= 0).all()
    starts = evaluator.training_data.u[warm_starts(evaluator, z, settings)]
    assert found.bound[0] >= bounds(evaluator, z, starts, settings).max() - 1e-3
    assert found.bound[0] >= bounds(evaluator, z, evaluator.training_data.u, settings).max() - 1e-3
    assert found.bound[0] >= found.trace.max() - 1e-3


def test_what_was_never_trained_pays_for_its_novelty(evaluator, z):
    free, priced = (
        propose(evaluator, TaskQuery(z, KIND), AscentSettings(untrained_penalty=price))
        for price in (0.0, 0.7)
    )
    known = np.array([group == "known" for group in priced.came_from])
    settings = AscentSettings()
    again = bounds(evaluator, z, priced.points, settings)
    np.testing.assert_allclose(priced.bound, again - np.where(known, 0.0, 0.7), atol=2e-3)
    dear = propose(evaluator, TaskQuery(z, KIND), AscentSettings(untrained_penalty=100.0))
    assert free.came_from[0] != "known" == dear.came_from[0]


def test_the_ascent_climbs(evaluator, z):
    found = propose(evaluator, TaskQuery(z, KIND), AscentSettings(untrained_penalty=0.0))
    assert found.trace.shape == (40, 2 * 5 + 6)
    assert (found.trace.max(0) >= found.trace[0]).all()
    assert (found.trace.max(0) > found.trace[0] + 1e-3).mean() > 0.5
    assert found.came_from[0] in ("ascent", "discretised")


def test_points_are_distinct_and_in_the_space(evaluator, z):
    found = propose(evaluator, TaskQuery(z, KIND), AscentSettings())
    assert np.asarray(evaluator.space.contains(found.points)).all()
    assert len(np.unique(found.points.round(4), axis=0)) == len(found.points) == len(found.came_from)
    assert found.came_from.count("known") == len(evaluator.training_data.u)


def test_plain_networks_near_the_climbs_are_judged_too(evaluator, z):
    settings = AscentSettings(untrained_penalty=0.0)
    found = propose(evaluator, TaskQuery(z, KIND), settings)
    plain = np.array([group == "discretised" for group in found.came_from])
    assert plain.any()
    assert np.asarray(jax.jit(evaluator.space.is_plain)(found.points[plain])).all()
    again = bounds(evaluator, z, found.points[plain], settings)
    np.testing.assert_allclose(found.bound[plain], again, atol=2e-3)


def test_what_is_tidied_has_no_small_shares(evaluator, z):
    raw, tidy = (
        propose(evaluator, TaskQuery(z, KIND), AscentSettings(untrained_penalty=0.0, tidied=least))
        for least in (0.0, 0.15)
    )
    shares = [
        np.asarray(evaluator.space.weights(found.points[np.array(found.came_from) == "ascent"]).alpha)
        for found in (raw, tidy)
    ]
    small = [((share > 0) & (share < 0.14)).any() for share in shares]
    assert small == [True, False]
    ends = tidy.points[np.array(tidy.came_from) == "ascent"]
    again = bounds(evaluator, z, ends, AscentSettings())
    np.testing.assert_allclose(tidy.bound[np.array(tidy.came_from) == "ascent"], again, atol=2e-3)


def test_the_expected_score_is_that_of_many_draws(process, evaluator, z):
    """Scores are drawn in warped units, and unwarped; an ensemble predicts scores themselves."""
    settings = AscentSettings(pick="expected", untrained_penalty=0.0, distance_penalty=0.0, rounds=2)
    own = propose(evaluator, TaskQuery(z, KIND), settings)
    np.testing.assert_allclose(own.bound, evaluator.predict(TaskQuery(z), own.points)[0], atol=2e-3)
    found = propose(process, TaskQuery(z, KIND), settings)
    some = architecture_features(process.space, found.points[::9])
    mean, deviation = map(np.asarray, process.posterior(TaskQuery(z, KIND)).mean_std(some))
    normal = np.random.default_rng(0).standard_normal(100_000)
    drawn = (1 - np.exp(-(mean[:, None] + deviation[:, None] * normal))) / 2
    np.testing.assert_allclose((1 - np.exp(-found.bound[::9])) / 2, drawn.mean(1), rtol=0.03, atol=0.01)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"pick": "bonds"}, "Did you mean 'bound'"),
        ({"tidied": 0.5}, "tidied=0.5"),
        ({"temperature": 0.5}, "0.5"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong, words):
    with pytest.raises(UserError, match=words):
        AscentSettings(**wrong).check()


def test_warm_starts_are_the_best_of_the_nearest(evaluator):
    z = vector(make_task("wine"))
    starts = warm_starts(evaluator, z, AscentSettings(warm_tasks=1, warm_architectures=3))
    row = evaluator.training_data.score[evaluator.training_data.names.index("wine")]
    np.testing.assert_array_equal(starts, np.argsort(-row)[:3])
    both = warm_starts(evaluator, z, AscentSettings(warm_tasks=2, warm_architectures=3))
    assert len(both) == 6
    np.testing.assert_array_equal(both[:3], starts)


@pytest.fixture(scope="module")
def misled(learned, points):
    """Learned from three tasks and architectures close together, whose scores rise towards the outside."""
    u = points(1) + 0.3 * points(24, seed=1) * (np.arange(points(1).shape[1]) == 0)
    tasks = [make_task(name) for name in ("iris", "wine", "diabetes")]
    return learned(tasks, u.astype(np.float32))


def test_a_misled_evaluator_is_kept_on_the_leash(misled, z):
    free = propose(
        misled, TaskQuery(z, KIND), AscentSettings(distance_penalty=0.0, kappa=0.0, untrained_penalty=0.0)
    )
    away, reach = nearest(misled, free.points[:1])
    assert away[0] > 5 * reach + 0.1
    for settings in (
        AscentSettings(distance_penalty=4.0, untrained_penalty=0.0),
        AscentSettings(distance_penalty=50.0, untrained_penalty=0.0),
    ):
        held = propose(misled, TaskQuery(z, KIND), settings)
        apart, _ = nearest(misled, held.points[:1])
        gain = held.mean[0] - bounds(misled, z, misled.training_data.u, settings).max()
        assert apart[0] - reach <= max(gain, 0) / settings.distance_penalty + 1e-3
        assert apart[0] < away[0]
    assert apart[0] < reach + 0.1


def test_caution_prefers_what_the_members_agree_on(evaluator, z):
    bold = propose(evaluator, TaskQuery(z, KIND), AscentSettings(kappa=0.0))
    careful = propose(evaluator, TaskQuery(z, KIND), AscentSettings(kappa=10.0))
    assert careful.deviation[0] < bold.deviation[0]
    assert bold.mean[0] > careful.mean[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimizer": "evolution"}, "Unknown optimizer 'evolution'"),
        ({"rounds": 0}, "rounds=0 is too small: 1 or more"),
        ({"warm_tasks": 0}, "warm_tasks=0"),
        ({"warm_architectures": 0}, "warm_architectures=0"),
        ({"own_starts": -1}, "own_starts=-1"),
        ({"kappa": -1.0}, "kappa=-1.0"),
        ({"distance_penalty": float("nan")}, "distance_penalty=nan"),
    ],
)
def test_settings_out_of_range_are_refused(evaluator, z, change, words):
    with pytest.raises(UserError, match=words):
        propose(evaluator, TaskQuery(z, KIND), dataclasses.replace(AscentSettings(), **change))


def test_more_starts_are_asked_for_than_there_are(evaluator, z):
    settings = AscentSettings(warm_tasks=99, warm_architectures=99, own_starts=99)
    found = propose(evaluator, TaskQuery(z, KIND), settings)
    assert np.isfinite(found.bound).all()


@pytest.mark.parametrize("far", [0.0, 1e3])
def test_a_process_of_three_tasks_stays_with_what_it_knows(misled, z, far):
    """Also for a task far from all known ones: nothing is judged better than what its deviation allows."""
    process = fit_evaluator(misled.space, misled.training_data, EvaluatorSettings())
    settings = AscentSettings(distance_penalty=50.0)
    found = propose(process, TaskQuery(z + far, KIND), settings)
    apart, reach = nearest(process, found.points[:1])
    assert found.came_from[0] == "known" or apart[0] < reach + 0.1
    features = architecture_features(process.space, process.training_data.u)
    mean, deviation = process.posterior(TaskQuery(z + far, KIND)).mean_std(features)
    assert found.bound[0] >= float((mean - settings.kappa * deviation).max()) - 1e-3
    assert np.isfinite(found.mean).all() and (found.deviation > 0).all()


def test_the_price_is_the_evaluators_and_trust_divides_it(evaluator, z):
    """At no price the answer is the ascent's own design; at a high one a known architecture."""
    query = TaskQuery(z, KIND)
    cheap = dataclasses.replace(evaluator, price=Price(0.0, 0.0, 0.0))
    dear = dataclasses.replace(evaluator, price=Price(50.0, 4.0, 0.0))
    own = propose(cheap, query, AscentSettings())
    assert own.came_from[0] != "known"
    assert propose(dear, query, AscentSettings()).came_from[0] == "known"
    trusted = propose(dear, query, AscentSettings(trust=1e6))
    np.testing.assert_allclose(trusted.bound[0], own.bound[0], atol=1e-3)


def test_a_known_task_has_the_usual_price(evaluator, z):
    """On a task that known architectures were trained on, a design has to promise more."""
    data = evaluator.training_data
    cheap = dataclasses.replace(evaluator, price=Price(0.0, 4.0, 0.0))
    known = TaskQuery(data.z[0], data.problems[0], data.digests[0])
    found, usual = propose(cheap, known, AscentSettings()), propose(evaluator, known, AscentSettings())
    np.testing.assert_array_equal(found.points, usual.points)
    free = propose(cheap, known._replace(digest=""), AscentSettings())
    assert free.bound[0] > found.bound[0] or free.came_from[0] == "known"


def test_few_rows_cost_more(evaluator, z):
    """The penalty is that of a task with 80 rows."""
    assert rows_of(z) == pytest.approx(80)
    settings = AscentSettings().priced(Price(0.1, 1.0, 2.0), rows_of(z))
    assert settings.untrained_penalty == pytest.approx(0.1 + 2 / 80**0.5)
    assert settings.distance_penalty == 1.0
    assert AscentSettings().priced(None, 80).untrained_penalty == 0.7


def test_designs_are_apart_and_beside_the_best_known(evaluator, z):
    query = TaskQuery(z, KIND)
    found = designs(evaluator, query, 4)
    assert 2 <= len(found.points) <= 5
    free = propose(evaluator, query, AscentSettings(untrained_penalty=0.0))
    best = free.points[free.came_from.index("known")]
    np.testing.assert_array_equal(found.points[-1], best.astype(np.float32))
    assert found.distance[-1] == 0
    assert (np.diff(found.mean[:-1]) <= 0).all()
    apart, reach = nearest(evaluator, found.points[:-1])
    np.testing.assert_allclose(found.distance[:-1], np.maximum(apart - reach, 0), atol=1e-3)
    features = architecture_features(evaluator.space, found.points[:-1])
    gaps = np.linalg.norm(features[:, None] - features[None], axis=2) + 9 * np.eye(len(features))
    assert gaps.min() > 0.5 * reach
