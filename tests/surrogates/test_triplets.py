"""Ragged experience: the long form tells what the table does, and networks learn from it without one."""

import dataclasses
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from scipy.stats import spearmanr

from taskaware.recommendation.refinement import _on_training_tasks
from taskaware.surrogates import TaskQuery, fit_evaluator, load_evaluator, save_evaluator, training_data
from taskaware.surrogates import triplets as room
from taskaware.surrogates.features import architecture_features
from taskaware.surrogates.triplets import data_for, triplet_data

OWN = 12
"""Architectures that each task of the ragged experience has for itself."""


@pytest.fixture(scope="module")
def holes(experience, points):
    """12 tasks, 20 architectures, a third of the scores missing, two seeds, one run diverged."""
    rng = np.random.default_rng(0)
    scores = rng.random((2, 12, 20))
    scores[0, 3, 4] = np.nan
    return experience(rng.normal(size=(12, 4)), points(20), scores, absent=rng.random((12, 20)) < 0.3)


@pytest.fixture(scope="module")
def ragged(experience, points, tiny):
    """25 tasks without an architecture in common; which ones are good is the same everywhere."""
    rng, u = np.random.default_rng(1), points(25 * OWN, seed=3)
    features = architecture_features(tiny, u)
    quality = features @ rng.normal(size=features.shape[1])
    absent = np.arange(len(u)) // OWN != np.arange(25)[:, None]
    scores = 0.7 + 0.02 * (quality - quality.mean()) / quality.std() + np.zeros((1, 25, 1))
    return experience(rng.normal(size=(25, 4)), u, scores, absent=absent)


def test_the_long_form_is_the_table(holes):
    table, long = training_data(holes), triplet_data(holes)
    for field in dataclasses.fields(table):
        ours, theirs = getattr(table, field.name), getattr(long.table(), field.name)
        np.testing.assert_array_equal(ours, theirs, err_msg=field.name)
    np.testing.assert_array_equal(long.trained(), table.trained())
    np.testing.assert_array_equal(long.best(3), table.best(3))
    np.testing.assert_array_equal(long.best_test(), table.best_test())
    np.testing.assert_allclose(long.averages(), table.averages())
    some = np.array([7, 2, 3])
    np.testing.assert_array_equal(long.take(some).table().target, table.take(some).target)
    np.testing.assert_array_equal(long.without("task 02").table().target, table.without("task 02").target)


def test_draws_are_of_what_a_task_has(ragged):
    long = triplet_data(ragged)
    tasks = np.array([[3, 3, 20], [0, 24, 7]])
    drawn, target = long.draw(np.random.default_rng(0), tasks, 200)
    assert drawn.shape == target.shape == (2, 3, 200)
    table = long.table().target
    np.testing.assert_allclose(target, table[tasks[..., None], drawn].astype(np.float32))
    assert all(len(set(row)) == OWN for row in drawn.reshape(6, -1))


def test_its_memory_grows_with_the_scores(ragged):
    long = triplet_data(ragged)
    one = sum(
        getattr(long, name).nbytes for name in ("task", "architecture", "score", "test_score", "target")
    )
    assert one == 5 * 8 * 25 * OWN
    assert long.table().score.nbytes == 8 * 25 * 25 * OWN


def test_networks_learn_from_it(ragged, settings, tiny, tmp_path, monkeypatch):
    long = triplet_data(ragged)
    monkeypatch.setattr(type(long), "table", lambda self: pytest.fail("a table was made"))
    made = fit_evaluator(tiny, long.take(np.arange(20)), settings)
    u, truth = long.u[long.architecture[long.task == 22]], long.score[long.task == 22]
    query = TaskQuery(long.z[22], "classification")
    assert spearmanr(made.predict(query, u)[0], truth).statistic > 0.5
    loaded = load_evaluator(save_evaluator(made, tmp_path / "ragged.npz"))
    np.testing.assert_allclose(loaded.predict(query, u)[0], made.predict(query, u)[0], rtol=1e-6)
    np.testing.assert_array_equal(loaded.training_data.architecture, made.training_data.architecture)


def test_a_table_is_made_unless_it_would_be_too_large(ragged, monkeypatch):
    assert not isinstance(data_for(ragged, True), room.TripletData)
    monkeypatch.setattr(room, "LARGEST_TABLE", 25 * 25 * OWN - 1)
    assert isinstance(data_for(ragged, True), room.TripletData)
    assert not isinstance(data_for(ragged, False), room.TripletData)


def test_refine_reads_them_as_it_reads_a_table(ragged):
    long, table = triplet_data(ragged), training_data(ragged)
    points = np.asarray(table.u[:5], np.float32)
    found, wanted = (
        _on_training_tasks(cast(Any, SimpleNamespace(training_data=data)), points) for data in (long, table)
    )
    np.testing.assert_array_equal(found, wanted)
