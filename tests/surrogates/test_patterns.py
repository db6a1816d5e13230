"""Tasks with other kinds of data: a task is learned from by the embeddings that it has."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.spaces import Weights
from taskaware.spaces.mixture_draws import CUTOFF
from taskaware.spaces.mixture_presence import present_gamma
from taskaware.surrogates import EvaluatorSettings, TaskQuery, fit_evaluator
from taskaware.surrogates.gp import Process
from taskaware.surrogates.gp_data import GPData, Tasks, pattern_of
from taskaware.surrogates.kernel import Kernel, architecture_covariance, covariance_of_tasks, variance_of_task
from taskaware.surrogates.kernel_learning import learn_kernel
from taskaware.surrogates.patterns import (
    embeddings_in_use,
    groups_in_use,
    points_for,
    same_pattern,
    told_of,
)
from taskaware.surrogates.training_data import TrainingData, architecture_features, normalised

FIRST, SECOND = ("a", "b"), ("c", "d", "e")


@pytest.fixture(scope="module")
def two(tiny):
    """A space with two groups of embeddings."""
    return dataclasses.replace(tiny, name="two", embeddings=(FIRST, SECOND))


@pytest.fixture(scope="module")
def drawn(two):
    """Random points of it, (40, D)."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (40, two.dimension - len(two.recipe)))
    return np.hstack([logits, rng.random((40, len(two.recipe)))]).astype(np.float32)


@pytest.fixture(scope="module")
def known(two, drawn):
    """12 tasks with the first group alone, whose score is its first share, and 12 with the second alone."""
    u = np.concatenate([two.settled(drawn[:20], FIRST), two.settled(drawn[20:], SECOND)])
    weights = two.soften(u)
    shares = np.asarray(weights.gamma)
    score = np.full((24, 40), np.nan)
    score[:12, :20], score[12:, 20:] = 0.5 + 0.4 * shares[:20, 0], 0.5 + 0.4 * shares[20:, 2]
    rng = np.random.default_rng(1)
    score += rng.normal(0, 0.005, score.shape)
    target, top, spread = normalised(score)
    names = tuple(f"task {row}" for row in range(24))
    z = rng.normal(size=(24, 3)).astype(np.float32)
    return TrainingData(
        names,
        names,
        ("classification",) * 24,
        names,
        z,
        u,
        score,
        score,
        np.full(24, 0.01),
        target,
        top,
        spread,
    )


def test_points_that_are_one_network_become_one_point(two, drawn):
    settled = two.settled(drawn, ("c", "e"))
    there = np.array([False, False, True, False, True])
    before, after = (two.weights(jnp.asarray(points)) for points in (drawn, settled))
    assert isinstance(after, Weights)
    shares = [present_gamma(two, np.asarray(weights.gamma), there)[:, 2:] for weights in (before, after)]
    np.testing.assert_allclose(*shares, atol=1e-3)
    assert (np.asarray(after.gamma)[:, :2] == 0.5).all() and (np.asarray(after.gamma)[:, 3] == 0).all()
    np.testing.assert_array_equal(two.settled(settled, ("c", "e")), settled)
    start = two.dimension - len(two.recipe) - 5
    without = drawn.copy()
    without[:, start + 3] = -10.0
    np.testing.assert_array_equal(two.settled(without, ("c", "e"))[:, start + 2 :], without[:, start + 2 :])
    other = drawn.copy()
    other[:, start : start + 2] += np.random.default_rng(2).normal(size=(40, 2)).astype(np.float32)
    np.testing.assert_array_equal(two.settled(other, ("c", "e")), settled)
    np.testing.assert_array_equal(two.settled(drawn, (*FIRST, *SECOND)), drawn)


def test_trainings_tell_what_a_task_has(two, known):
    trained = ~np.isnan(known.score)
    used = groups_in_use(two, known.u, trained)
    assert used[:12].tolist() == [[True, False]] * 12 and used[12:].tolist() == [[False, True]] * 12
    assert embeddings_in_use(two, known.u, trained)[::12] == [FIRST, SECOND]
    assert same_pattern(two, known, ("d",)).sum() == 12
    assert pattern_of(two, known, ("a",)) != pattern_of(two, known, ("d",))
    assert pattern_of(two, known, (*FIRST, *SECOND)) == -1


def test_mean_is_that_of_the_dense_process_of_all_tasks():
    """Two patterns that share some architectures: the process of all trainings, computed without a grid."""
    rng = np.random.default_rng(3)
    pattern = np.array([0, 0, 0, 1, 1, 1])
    tasks = Tasks(rng.normal(size=(6, 3)), np.zeros(6, int), np.arange(6), pattern)
    features, groups = rng.normal(size=(8, 4)), np.array([0, 0, 1, 2])
    scores = rng.normal(size=(6, 8))
    scores[:3, 5:] = scores[3:, :3] = np.nan
    kernel, noise = Kernel.first(3), np.array([1.0, 2.0, 0.5, 1.0, 1.0, 3.0])
    process = Process.fit(GPData(tasks, features, groups, scores, noise), kernel)
    x, wanted = np.array([0.3, -0.2, 0.1]), rng.normal(size=(5, 4))
    factor, linear = np.exp(kernel.scales)[groups], np.exp(kernel.linear)
    seen = ~np.isnan(scores)
    own = covariance_of_tasks(kernel, tasks, tasks)
    other = architecture_covariance(linear, features * factor, features * factor)
    full = np.kron(own, other)[np.ix_(seen.ravel(), seen.ravel())]
    errors = np.repeat(np.exp(kernel.noise) * noise, 8)[seen.ravel()]
    new = Tasks(x[None], np.array([0]), np.array([-1]), np.array([1]))
    between = architecture_covariance(linear, wanted * factor, features * factor)
    across = np.kron(covariance_of_tasks(kernel, new, tasks), between)[:, seen.ravel()]
    centre = scores[seen].mean()
    mean = centre + across @ np.linalg.solve(full + np.diag(errors), scores[seen] - centre)
    exact = np.diag(across @ np.linalg.solve(full + np.diag(errors), across.T))
    found, deviation = process.posterior(x, 0, 1).mean_std(jnp.asarray(wanted, jnp.float32))
    np.testing.assert_allclose(found, mean, atol=2e-3)
    before = variance_of_task(kernel, x) * np.diag(
        architecture_covariance(linear, wanted * factor, wanted * factor)
    )
    # What tasks of the other pattern explain of the variance is left out.
    assert (np.square(deviation) >= before - exact - 1e-3).all() and (np.square(deviation) < before).all()
    unlike = process.posterior(x, 0, -1).mean_std(jnp.asarray(wanted, jnp.float32))[1]
    np.testing.assert_allclose(np.square(unlike), before, rtol=1e-3)


def test_every_pattern_teaches_the_kernel():
    """A feature that matters to the tasks of the second pattern alone is found to matter."""
    rng = np.random.default_rng(4)
    features, groups = rng.normal(size=(40, 3)), np.array([0, 1, 2])
    scores = np.full((24, 40), np.nan)
    scores[:12, :20] = np.sin(2 * features[:20, 0])
    scores[12:, 20:] = np.sin(2 * features[20:, 1])
    scores += 0.05 * rng.normal(size=scores.shape)
    pattern = np.arange(24) // 12
    tasks = Tasks(rng.normal(size=(24, 3)), np.zeros(24, int), np.arange(24), pattern)
    found = learn_kernel(GPData(tasks, features, groups, scores, np.ones(24)))
    assert min(found.scales[:2]) > found.scales[2] + 0.3


@pytest.mark.parametrize("network", ["gp", "bilinear"])
def test_an_evaluator_takes_no_notice_of_what_a_task_lacks(two, known, drawn, network):
    settings = EvaluatorSettings(network=network, members=2, steps=60)
    evaluator = fit_evaluator(two, known, settings)
    other = drawn.copy()
    start = two.dimension - len(two.recipe) - 5
    other[:, start : start + 2] = 0.0
    query = TaskQuery(known.z[3] + 0.1, "classification", present=SECOND)
    for one, same in zip(evaluator.predict(query, drawn), evaluator.predict(query, other), strict=True):
        np.testing.assert_allclose(one, same, atol=1e-5)
    has_both = query._replace(present=(*FIRST, *SECOND))
    assert np.abs(evaluator.predict(has_both, drawn)[0] - evaluator.predict(has_both, other)[0]).max() > 1e-3


def test_each_kind_of_task_is_ranked_by_its_own_embeddings(two, known, drawn):
    evaluator = fit_evaluator(two, known, EvaluatorSettings())
    shares = np.asarray(two.soften(jnp.asarray(drawn)).gamma)
    for present, column in ((FIRST, 0), (SECOND, 2)):
        mean, _ = evaluator.predict(TaskQuery(known.z[0] + 0.1, "classification", present=present), drawn)
        assert np.corrcoef(mean, shares[:, column])[0, 1] > 0.7
        assert abs(np.corrcoef(mean, shares[:, 2 - column])[0, 1]) < 0.5


def test_features_of_a_settled_point_are_what_its_task_reads(two, known, drawn):
    evaluator = fit_evaluator(two, known, EvaluatorSettings())
    query = TaskQuery(known.z[0], "classification", present=("c", "e"))
    posterior = evaluator.posterior(query)
    raw, settled = (architecture_features(two, points) for points in (drawn, two.settled(drawn, ("c", "e"))))
    means = [np.asarray(posterior.mean_std(jnp.asarray(each))[0]) for each in (raw, settled)]
    # A network drops small shares, and a surrogate sees them.
    large = np.asarray(two.soften(jnp.asarray(drawn)).gamma)[:, [2, 4]].min(1) > 0.05
    assert large.sum() > 10
    np.testing.assert_allclose(means[0][large], means[1][large], atol=0.01)
    joint = posterior.joint(raw)
    np.testing.assert_allclose(joint[0], means[0], atol=1e-4)


def test_embeddings_that_no_training_tells_of_get_equal_shares(two, known, drawn):
    """Tasks were trained without "e"; a task that has it gets it beside what they were trained with."""
    data = dataclasses.replace(known, u=two.settled(known.u, (*FIRST, "c", "d")))
    assert told_of(two, data.u, SECOND) == ("c", "d")
    points = points_for(two, data.u[20:], SECOND)
    before, after = (np.asarray(two.weights(jnp.asarray(u)).gamma) for u in (data.u[20:], points))
    np.testing.assert_allclose(after[:, 4], 1 / 3, atol=0.01)
    kept = (before[:, 2:4] * 2 / 3 > CUTOFF).all(1)
    np.testing.assert_allclose(after[kept, 2:4], before[kept, 2:4] * 2 / 3, atol=2e-3)
    evaluator = fit_evaluator(two, data, EvaluatorSettings())
    query = TaskQuery(known.z[20] + 0.1, "classification", present=SECOND)
    with_it = evaluator.predict(query, points)[0][kept]
    without = evaluator.predict(query._replace(present=("c", "d")), data.u[20:])[0][kept]
    np.testing.assert_allclose(with_it, without, atol=0.02)
    np.testing.assert_array_equal(points_for(two, known.u, None), known.u)
