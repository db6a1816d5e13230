"""The Gaussian process beside the same computed without any trick, and what it learns."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import spearmanr

from taskaware.errors import UserError
from taskaware.surrogates import (
    EvaluatorSettings,
    TaskQuery,
    fit_evaluator,
    gp,
    kernel_learning,
    load_evaluator,
    save_evaluator,
)
from taskaware.surrogates.gp import Process
from taskaware.surrogates.gp_data import GPData, Tasks
from taskaware.surrogates.kernel import (
    Kernel,
    architecture_covariance,
    covariance_of_tasks,
    variance_of_task,
)
from taskaware.surrogates.kernel_learning import learn_kernel
from taskaware.surrogates.training_data import features_of, names_of_features, shared
from taskaware.surrogates.warping import unwarped, warped


@pytest.fixture
def made():
    """Tasks, features, groups and scores of 6 tasks and 8 architectures."""
    rng = np.random.default_rng(0)
    tasks = Tasks(
        rng.normal(size=(6, 3)), np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 2, 3, 4]), np.zeros(6, int)
    )
    return tasks, rng.normal(size=(8, 4)), np.array([0, 0, 1, 2]), rng.normal(size=(6, 8))


def dense(kernel, tasks, features, scores, noise, new, wanted):
    """Posterior of `wanted` features on a new task, with one covariance of all trainings."""
    seen = ~np.isnan(scores)
    scaled, sought = features, wanted
    own = covariance_of_tasks(kernel, tasks, tasks)
    linear = np.exp(kernel.linear)
    other = architecture_covariance(linear, scaled, scaled)
    full = np.kron(own, other)[np.ix_(seen.ravel(), seen.ravel())]
    errors = np.repeat(np.exp(kernel.noise) * noise, scores.shape[1])[seen.ravel()]
    across = np.kron(
        covariance_of_tasks(kernel, new, tasks),
        architecture_covariance(linear, sought, scaled),
    )[:, seen.ravel()]
    solved = np.linalg.solve(full + np.diag(errors), across.T)
    centre = scores[seen].mean()
    prior = variance_of_task(kernel, new.x[0]) * architecture_covariance(
        np.exp(kernel.linear), sought, sought
    )
    return centre + solved.T @ (scores[seen] - centre), prior - across @ solved


@pytest.mark.parametrize("holes", [False, True])
def test_it_is_the_posterior_of_the_dense_process(made, holes):
    tasks, features, groups, scores = made
    if holes:
        scores = np.where(np.random.default_rng(1).random(scores.shape) < 0.3, np.nan, scores)
    noise = np.array([1.0, 2.0, 0.5, 1.0, 1.0, 3.0])
    kernel = Kernel.first(3)
    seen = GPData(tasks, features, groups, scores, noise)
    process = Process.fit(seen, kernel)
    x = np.array([0.3, -0.2, 0.1])
    wanted = np.random.default_rng(2).normal(size=(5, 4))
    factor = np.exp(kernel.scales)[groups]
    new = Tasks(x[None], np.array([1]), np.array([-1]), np.array([0]))
    mean, covariance = dense(kernel, tasks, features * factor, scores, noise, new, wanted * factor)
    posterior = process.posterior(x, 1)
    found, deviation = posterior.mean_std(jnp.asarray(wanted, jnp.float32))
    np.testing.assert_allclose(found, mean, atol=2e-4)
    joint_mean, joint = posterior.joint(wanted)
    np.testing.assert_allclose(joint_mean, found, atol=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(joint)), deviation, atol=1e-3)
    if not holes:
        np.testing.assert_allclose(joint, covariance, atol=2e-3)


def test_architectures_of_single_tasks_move_the_mean_and_not_the_variance():
    """What ascents found: each was trained on one task. The mean is that of the dense process."""
    rng, kernel, groups = np.random.default_rng(4), Kernel.first(3), np.array([0, 0, 1, 2])
    tasks = Tasks(rng.normal(size=(60, 3)), np.arange(60) % 2, np.arange(60) // 2, np.zeros(60, int))
    features, scores, even = rng.normal(size=(8, 4)), rng.normal(size=(60, 8)), np.ones(60)
    rare = np.where(np.eye(60, dtype=bool), rng.normal(size=60) + 2, np.nan)
    wide = np.concatenate([features, rng.normal(size=(60, 4))])
    everything = np.concatenate([scores, rare], axis=1)
    plain = Process.fit(GPData(tasks, features, groups, scores, even), kernel)
    found = Process.fit(GPData(tasks, wide, groups, everything, even), kernel)
    x, wanted, factor = np.array([0.3, -0.2, 0.1]), wide[-5:], np.exp(kernel.scales)[groups]
    new = Tasks(x[None], np.array([1]), np.array([-1]), np.array([0]))
    mean, _ = dense(kernel, tasks, wide * factor, everything, even, new, wanted * factor)
    got, deviation = found.posterior(x, 1).mean_std(jnp.asarray(wanted, jnp.float32))
    np.testing.assert_allclose(got, mean, atol=2e-3)
    before, same = plain.posterior(x, 1).mean_std(jnp.asarray(wanted, jnp.float32))
    assert np.abs(got - before).max() > 0.1
    np.testing.assert_allclose(deviation, same, atol=1e-4)


def test_rare_architectures_are_no_yardstick():
    assert shared(np.array([478, 478, 100, 1, 3])).tolist() == [0, 1, 2]
    assert shared(np.array([1, 1, 0])).tolist() == [0, 1]


def test_what_the_largest_block_shares_is_learned_from_a_further_one():
    """Forty tasks have architectures that agree in the last feature; on ten of them it decides."""
    rng = np.random.default_rng(5)
    tasks = Tasks(rng.normal(size=(40, 3)), np.zeros(40, int), np.arange(40), np.zeros(40, int))
    features = rng.normal(size=(30, 2))
    features[:20, 1] = 0
    groups, scores = np.array([0, 1]), np.full((40, 30), np.nan)
    scores[:, :20] = np.sin(features[:20, 0]) + 0.1 * rng.normal(size=(40, 20))
    told = [np.sin(features[20:, 0]) + size * np.sin(3 * features[20:, 1]) for size in (0.0, 2.0)]
    scales = []
    for extra in told:
        scores[:10, 20:] = extra + 0.1 * rng.normal(size=(10, 10))
        scales.append(learn_kernel(GPData(tasks, features, groups, scores, np.ones(40))).scales[1])
    assert scales[1] > scales[0] + 0.5


def test_a_likelier_kernel_is_learned():
    """Scores drawn from a process of little noise: the kernel learned has little, too."""
    rng = np.random.default_rng(3)
    tasks = Tasks(rng.normal(size=(15, 3)), np.arange(15) % 2, np.arange(15) // 2, np.zeros(15, int))
    features, groups = rng.normal(size=(30, 4)), np.array([0, 0, 1, 2])
    kernel = Kernel.first(3)._replace(noise=np.log(1e-3))
    scaled = features * np.exp(kernel.scales)[groups]
    roots = [
        np.linalg.cholesky(part + 1e-9 * np.eye(len(part)))
        for part in (
            covariance_of_tasks(kernel, tasks, tasks),
            architecture_covariance(np.exp(kernel.linear), scaled, scaled),
        )
    ]
    scores = roots[0] @ rng.normal(size=(15, 30)) @ roots[1].T + 0.03 * rng.normal(size=(15, 30))
    learned = learn_kernel(GPData(tasks, features, groups, scores, np.ones(15)))
    assert learned.noise < np.log(0.1) < Kernel.first(3).noise
    louder = learn_kernel(GPData(tasks, features, groups, scores + rng.normal(size=(15, 30)), np.ones(15)))
    assert louder.noise > learned.noise + 1


def test_warping_is_undone_below_the_top():
    scores = np.array([-3.0, -1.0, -0.1, 0.0])
    np.testing.assert_allclose(unwarped(warped(scores)), scores, rtol=1e-5, atol=1e-6)
    assert warped(np.array(0.7)) == 0 and np.isnan(warped(np.array(np.nan)))


def test_every_feature_has_a_name(tiny):
    assert len(names_of_features(tiny)) == len(features_of(tiny, jnp.zeros(tiny.dimension)))


@pytest.fixture(scope="module")
def learned(opposites, tiny):
    """From the first 20 of the opposite tasks."""
    return fit_evaluator(tiny, opposites.take(np.arange(20)), EvaluatorSettings())


def test_it_tells_opposite_tasks_apart_and_knows_where_it_does_not_know(learned, opposites, points):
    for task in range(20, 30):
        mean, deviation = learned.predict(TaskQuery(opposites.z[task], "classification"), opposites.u)
        assert spearmanr(mean, opposites.score[task]).statistic > 0.6
    near = learned.predict(TaskQuery(opposites.z[25], "classification"), opposites.u)[1].mean()
    far = learned.predict(TaskQuery(opposites.z[25] + 50, "classification"), opposites.u)[1].mean()
    assert far > near


def test_the_same_data_give_the_same_process_and_holes_do_not_matter(learned, opposites, tiny):
    known = opposites.take(np.arange(20))
    again = fit_evaluator(tiny, known, EvaluatorSettings(), seed=7)
    jax.tree.map(np.testing.assert_array_equal, again.params, learned.params)
    target = known.target.copy()
    target[::2, :10] = np.nan
    holes = fit_evaluator(tiny, dataclasses.replace(known, target=target), EvaluatorSettings())
    mean, _ = holes.predict(TaskQuery(opposites.z[24], "classification"), opposites.u)
    assert spearmanr(mean, opposites.score[24]).statistic > 0.6


def test_it_is_saved_and_read(learned, opposites, tmp_path):
    loaded = load_evaluator(save_evaluator(learned, tmp_path / "process.npz"))
    for one, other in zip(
        learned.predict(TaskQuery(opposites.z[21], "regression"), opposites.u),
        loaded.predict(TaskQuery(opposites.z[21], "regression"), opposites.u),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_its_prediction_has_a_gradient(learned, opposites, tiny):
    posterior = learned.posterior(TaskQuery(opposites.z[21], "classification"))

    @jax.jit
    def expected(point):
        return posterior.mean_std(features_of(tiny, point)[None])[0][0]

    point = opposites.u[3].astype(np.float32) * np.float32(0.3)
    gradient = jax.jit(jax.grad(expected))(point)
    # A smaller step would measure the rounding of float32.
    steps = 4e-2 * np.eye(tiny.dimension, dtype=np.float32)
    numeric = jnp.array([(expected(point + step) - expected(point - step)) / 8e-2 for step in steps])
    np.testing.assert_allclose(gradient, numeric, rtol=2e-2, atol=2e-2)
    assert np.abs(gradient).max() > 1e-3


def test_it_asks_for_the_kind_of_the_task(learned, opposites):
    with pytest.raises(UserError, match="Unknown problem 'None'"):
        learned.predict(TaskQuery(opposites.z[21]), opposites.u)


def test_a_kernel_is_learned_where_every_task_saw_other_architectures():
    """No architecture was seen by all: what most tasks have in common serves, hardly anything does not."""
    rng = np.random.default_rng(0)
    tasks = Tasks(rng.normal(size=(40, 3)), np.zeros(40, int), np.arange(40), np.zeros(40, int))
    features, groups = rng.normal(size=(30, 4)), np.array([0, 0, 1, 2])
    scores = rng.normal(size=(40, 1)) * 0.1 + np.sin(2 * features[:, 0]) + 0.05 * rng.normal(size=(40, 30))
    scattered = scores.copy()
    scattered[:25, 25:] = scattered[25:, :5] = np.nan
    scattered[np.arange(25), 10 + np.arange(25) % 15] = np.nan
    noise = np.ones(40)
    found = learn_kernel(GPData(tasks, features, groups, scattered, noise))
    assert all(np.isfinite(part).all() for part in found)
    assert found.scales[0] > found.scales[1] and found.scales[0] > found.scales[2]
    lonely = np.where(np.arange(30) == (np.arange(40) % 30)[:, None], scores, np.nan)
    first = Kernel.first(3)
    for part, expected in zip(
        learn_kernel(GPData(tasks, features, groups, lonely, noise)), first, strict=True
    ):
        np.testing.assert_array_equal(part, expected)


def test_what_is_read_again_is_not_solved_for_again(learned, tmp_path, monkeypatch):
    loaded = load_evaluator(save_evaluator(learned, tmp_path / "process.npz"))
    monkeypatch.setattr(gp, "_solve", lambda *_: pytest.fail("solved again"))
    assert np.isfinite(
        loaded.predict(TaskQuery(loaded.training_data.z[0], "regression"), loaded.training_data.u)[0]
    ).all()
    with pytest.raises(pytest.fail.Exception, match="solved again"):
        fit_evaluator(learned.space, learned.training_data)


def test_many_tasks_teach_a_kernel_by_some_of_them(made, monkeypatch):
    tasks, features, groups, scores = made
    monkeypatch.setattr(kernel_learning, "MOST_LEARNED_FROM", 3)
    some = learn_kernel(GPData(tasks, features, groups, scores, np.ones(6)))
    half = Tasks(*(column[::2] for column in tasks))
    alone = learn_kernel(GPData(half, features, groups, scores[::2], np.ones(3)))
    jax.tree.map(np.testing.assert_array_equal, some, alone)
