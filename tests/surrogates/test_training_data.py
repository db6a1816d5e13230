"""Experience → lessons: averages, what is absent, what diverged, and the scale of a task."""

import dataclasses

import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.surrogates import training_data as training_data
from taskaware.surrogates.training_data import FLOOR, LOSS, architecture_features, features_of, normalised

TASKS, COUNT = 4, 12


@pytest.fixture(scope="module")
def u(points):
    return points(COUNT)


@pytest.fixture(scope="module")
def z():
    return np.random.default_rng(0).normal(size=(TASKS, 3))


@pytest.fixture(scope="module")
def scores():
    """Two seeds; the second is 0.1 better throughout."""
    first = np.random.default_rng(1).uniform(0.5, 0.9, (TASKS, COUNT))
    return np.stack([first, first + 0.1])


def places(found, u):
    """Where each point stands in the training data, which have an order of their own."""
    return [int(np.flatnonzero((found.u == point).all(1))[0]) for point in u.astype(np.float32)]


def test_scores_are_averaged_over_seeds(experience, z, u, scores):
    found = training_data(experience(z, u, scores, groups=["a", "a", "b", "c"]))
    order = places(found, u)
    np.testing.assert_allclose(found.score[:, order], scores.mean(0), rtol=1e-5)
    np.testing.assert_allclose(found.test_score[:, order], scores.mean(0) - 0.1, rtol=1e-5)
    np.testing.assert_allclose(found.z, z, rtol=1e-5)
    assert found.names == ("task 00", "task 01", "task 02", "task 03")
    assert found.groups == ("a", "a", "b", "c")


def test_a_shift_common_to_a_seed_is_no_noise(experience, z, u, scores):
    np.testing.assert_allclose(training_data(experience(z, u, scores)).noise, 0, atol=1e-6)
    wobble = 0.02 * np.random.default_rng(2).normal(size=scores.shape)
    noise = training_data(experience(z, u, scores + wobble)).noise
    assert ((noise > 0.004) & (noise < 0.04)).all()


def test_the_noise_of_a_single_seed_is_how_far_both_parts_differ(experience, z, u, scores):
    """A shift between the parts that all architectures share is none."""
    np.testing.assert_allclose(training_data(experience(z, u, scores[:1])).noise, 0, atol=1e-6)
    found = experience(z, u, scores[:1])
    wobble = 0.02 * np.random.default_rng(2).normal(size=len(found))
    noise = training_data(dataclasses.replace(found, test_score=found.test_score + wobble)).noise
    assert ((noise > 0.005) & (noise < 0.025)).all()


def test_the_scale_of_a_task(experience, z, u, scores):
    scores = scores[:1].copy()
    scores[0, 0, 3] = -50.0
    found = training_data(experience(z, u, scores))
    np.testing.assert_allclose(found.top, np.sort(scores[0])[:, -5:].mean(1), rtol=1e-5)
    np.testing.assert_allclose(found.spread, found.top - np.median(scores[0], axis=1), rtol=1e-4)
    target = (found.score - found.top[:, None]) / found.spread[:, None]
    np.testing.assert_allclose(found.target, np.maximum(target, FLOOR), rtol=1e-5)
    assert found.target.min() == FLOOR
    flat = training_data(experience(z, u, np.full((1, TASKS, COUNT), 0.8)))
    assert (flat.spread > 0).all()
    np.testing.assert_allclose(flat.target, 0, atol=1e-3)


def test_absent_is_unknown_and_lost_is_the_worst(experience, z, u, scores):
    absent = np.zeros((TASKS, COUNT), bool)
    absent[1, 5] = True
    scores = scores.copy()
    scores[:, 2, 7] = np.nan
    found = training_data(experience(z, u, scores, absent=absent))
    order = places(found, u)
    assert np.isnan(found.score).sum() == np.isnan(found.target).sum() == 1
    assert np.isnan(found.score[1, order[5]])
    assert found.score[2, order[7]] == pytest.approx(np.nanmin(scores[:, 2]), rel=1e-5)


def with_losses(found, losses, problem="classification"):
    """The experience with a loss for each training, (n,), of tasks of a problem."""
    tasks = tuple(dataclasses.replace(task, problem=problem) for task in found.tasks)
    return dataclasses.replace(found, tasks=tasks, loss=np.asarray(losses, np.float32))


def test_the_loss_tells_equal_accuracies_apart(experience, z, u, scores):
    flat = experience(z, u, np.round(scores, 1))
    rng = np.random.default_rng(0)
    losses = rng.permuted(np.arange(len(flat), dtype=float))
    plain, told = training_data(flat), training_data(with_losses(flat, losses))
    mean = np.zeros(plain.score.shape)
    for task in range(TASKS):
        for seed in range(2):
            rows = np.flatnonzero((flat.task == task) & (flat.seed == seed))
            ranks = 1 - (losses[rows].argsort().argsort() + 1) / len(rows)
            mean[task, flat.architecture[rows]] += ranks / 2
    np.testing.assert_allclose(told.score, plain.score)
    np.testing.assert_allclose((told.top, told.spread), (plain.top, plain.spread))
    expected, *_ = normalised(plain.score + LOSS * plain.spread[:, None] * mean)
    np.testing.assert_allclose(told.target, expected, atol=1e-4)
    assert len(np.unique(told.target[0])) > len(np.unique(plain.target[0]))
    thin = told.thinned(0, 8, seed=0)
    for task in range(TASKS):
        left = np.flatnonzero(~np.isnan(thin.target[task]))
        inside = left[told.target[task, left] > FLOOR]
        assert (np.argsort(thin.target[task, inside]) == np.argsort(told.target[task, inside])).all()


def test_a_loss_that_is_not_known_or_of_a_regression_does_not_count(experience, z, u, scores):
    found = experience(z, u, scores)
    losses = np.arange(len(found), dtype=float)
    plain = training_data(found).target
    np.testing.assert_array_equal(training_data(with_losses(found, losses, "regression")).target, plain)
    losses[found.task == 1] = np.where(np.arange((found.task == 1).sum()) == 3, np.nan, 1.0)
    changed = (training_data(with_losses(found, losses)).target != plain).any(1)
    assert changed.tolist() == [True, False, True, True]


def test_a_lost_one_has_the_largest_loss(experience, z, u, scores):
    scores = scores[:1].copy()
    scores[0, :, 7] = np.nan
    found = experience(z, u, scores)
    told = training_data(with_losses(found, np.where(found.diverged, np.nan, 1.0 + np.arange(len(found)))))
    np.testing.assert_array_equal(told.target[:, places(told, u)[7]], told.target.min(1))


def test_tasks_are_taken_and_left_out(opposites):
    mask = np.arange(30) % 3 == 0
    taken = opposites.take(mask)
    assert taken.names == tuple(f"task {place:02}" for place in range(0, 30, 3))
    np.testing.assert_array_equal(taken.target, opposites.target[mask])
    left = opposites.without("task 01", "task 29")
    assert len(left.names) == 28
    assert {"task 01", "task 29"}.isdisjoint(left.groups)
    np.testing.assert_array_equal(left.z[0], opposites.z[0])
    assert len(left.u) == len(opposites.u)


def test_the_best_architectures(experience, z, u, scores):
    absent = np.zeros((TASKS, COUNT), bool)
    absent[:, 4:] = True
    found = training_data(experience(z, u, scores, absent=absent))
    best = found.best(4)
    assert best.shape == (TASKS, 4)
    chosen = np.take_along_axis(found.score, best, axis=1)
    assert (np.diff(chosen, axis=1) < 0).all()
    assert not np.isnan(chosen).any()


def test_too_little_is_refused(experience, z, u, scores):
    with pytest.raises(UserError, match="holds 1 task with scores"):
        training_data(experience(z[:1], u, scores[:, :1]))
    bare = z.copy()
    bare[1, 2] = np.nan
    with pytest.raises(UserError, match="[Mm]eta-feature"):
        training_data(experience(bare, u, scores))


def test_features_of_one_point_are_those_of_many(tiny, u):
    many = architecture_features(tiny, u)
    assert many.shape[0] == COUNT
    assert np.isfinite(many).all()
    np.testing.assert_allclose(features_of(tiny, u[3]), many[3], rtol=1e-6, atol=1e-6)
    plain = np.asarray(tiny.discretise(u[:1]))
    weights = tiny.soften(plain)
    np.testing.assert_allclose(architecture_features(tiny, plain)[0, :2], weights.alpha[0, 0], rtol=1e-5)


def test_holes_are_filled_with_what_task_and_architecture_add_up_to(experience, z, u, scores):
    rows, columns = np.linspace(0.5, 0.6, TASKS), np.linspace(0.0, 0.3, COUNT)
    absent = np.random.default_rng(3).random((TASKS, COUNT)) < 0.3
    absent[:, 0], absent[0] = True, False
    absent[0, 0] = True
    found = training_data(experience(z, u, (rows[:, None] + columns)[None], absent=absent))
    sums = dataclasses.replace(found, target=np.where(np.isnan(found.score), np.nan, found.score - 1))
    filled = sums.filled()
    order = places(found, u[1:])
    np.testing.assert_allclose(filled[:, order], (rows[:, None] + columns - 1)[:, 1:], atol=1e-2)
    seen = ~np.isnan(found.score)
    np.testing.assert_array_equal(filled[seen], sums.target[seen])
    never = np.flatnonzero(~seen.any(0))
    assert (filled[:, never] == FLOOR).all()


def test_thinned_leaves_so_many_tasks_and_architectures(opposites):
    names = (*opposites.names[:28], "a~rows:0.5#1", "b~rows:0.5#2")
    groups = (*opposites.groups[:28], opposites.groups[0], opposites.groups[1])
    known = dataclasses.replace(opposites, names=names, groups=groups)
    thin = known.thinned(5, 8, seed=0)
    assert thin.real.sum() == 5
    assert {o for o, real in zip(thin.groups, thin.real, strict=True) if not real} <= set(
        np.array(thin.groups)[thin.real]
    )
    assert ((~np.isnan(thin.score)).sum(1) == 8).all() and (
        np.isnan(thin.target) == np.isnan(thin.score)
    ).all()
    best = np.sort(np.nan_to_num(thin.score, nan=-np.inf), axis=1)[:, -5:].mean(1)
    np.testing.assert_allclose(thin.top, best)
    other = known.thinned(5, 8, seed=1)
    assert thin.names != other.names or not np.array_equal(thin.score, other.score, equal_nan=True)
    again = known.thinned(5, 8, seed=0)
    assert thin.names == again.names and np.array_equal(thin.score, again.score, equal_nan=True)
    assert known.thinned(0, 0, seed=0) is known


def test_variants_alone_do_not_tell_of_a_kind(experience, z, u, scores):
    known = training_data(experience(z, u, scores)).take(np.arange(10) % 4)
    problems = ("regression",) * 5 + ("classification",) * 5
    known = dataclasses.replace(
        known, names=tuple("abcdefghij"), groups=tuple("abcdefghij"), problems=problems
    )
    assert known.of_problem("regression").tolist() == [True] * 5 + [False] * 5
    varied = dataclasses.replace(known, names=(*(f"{name}~cut:2#0" for name in "abcde"), *"fghij"))
    assert varied.of_problem("regression").all()
