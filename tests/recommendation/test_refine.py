"""A few trainings on the dataset itself."""

import dataclasses

import numpy as np
import pytest

from taskaware.errors import StoreError, UserError
from taskaware.objectives import trainings as room
from taskaware.recommendation.cost import cost_of
from taskaware.recommendation.preference import Preference
from taskaware.recommendation.recommend import recommend
from taskaware.recommendation.refinement import Refinement
from taskaware.store import Store
from taskaware.strategies.objective import Objective, Outcomes
from taskaware.surrogates import TaskQuery


@pytest.fixture
def begun(process):
    """Before any training on a task like the first known one."""
    known = process.training_data
    return Refinement.begin(process, TaskQuery(known.z[0] + 0.1, known.problems[0]), known.u)


def test_a_score_moves_the_posterior_as_far_as_its_noise_allows(begun):
    mean, deviation = begun.posterior()
    after = begun.update(np.array([3]), np.array([0.99]))
    low = begun.update(np.array([3]), np.array([0.3]))
    assert after.posterior()[0][3] > low.posterior()[0][3]
    assert after.posterior()[1][3] < deviation[3]
    assert after.in_metric_units()[0][3] > low.in_metric_units()[0][3]


def test_candidates_differ_and_are_not_trained_twice(begun):
    first = begun.next(4)
    assert first[0] == 0 and len(set(first)) == 4
    np.testing.assert_array_equal(first, begun.next(4))
    updated = begun.update(first, np.array([0.6, 0.7, 0.9, 0.5]))
    assert updated.best() == first[2]
    assert not set(updated.next(4)) & set(first)
    everything = begun.update(np.arange(len(begun.mean)), np.linspace(0, 1, len(begun.mean)))
    assert len(everything.next(4)) == 0


@pytest.mark.parametrize("scores", [(-np.inf, 0.5), (-np.inf, -np.inf)])
def test_a_diverged_training_is_never_the_answer(begun, scores):
    updated = begun.update(np.array([0, 1]), np.array(scores))
    assert updated.best() == (1 if np.isfinite(scores[1]) else 0)
    assert np.isfinite(updated.in_metric_units()).all()
    assert not set(updated.next(4)) & {0, 1}


def test_tasks_like_this_one_count_most(process, begun):
    known = process.training_data.take(process.training_data.real)
    same = np.array(known.problems) == known.problems[0]
    assert begun.task_weights.shape == (len(known.names),) and np.isclose(begun.task_weights.sum(), 1)
    assert begun.task_weights.argmax() == 0
    nearest = process.distances(process.training_data.z[0] + 0.1)[process.training_data.real]
    for problem in (same, ~same):
        order = np.argsort(nearest[problem], kind="stable")
        assert (np.diff(begun.task_weights[problem][order]) <= 0).all()
    alone = dataclasses.replace(begun, task_weights=np.eye(len(known.names))[0])
    first = int(alone.next(1)[0])
    second = int(alone.update(np.array([first]), np.array([0.5])).next(1)[0])
    assert (
        alone.training_scores[0, second] == alone.training_scores[0].max()
        or alone.training_scores[0, first] == alone.training_scores[0].max()
    )


def test_an_ensemble_of_networks_cannot_be_conditioned(evaluator):
    known = evaluator.training_data
    with pytest.raises(UserError, match="cannot learn from single trainings"):
        Refinement.begin(evaluator, TaskQuery(known.z[0], known.problems[0]), known.u)


def test_refine_trains_keeps_and_answers(process, tmp_path):
    first = recommend("iris", evaluator=process, seed=0)
    store = tmp_path / "own.sqlite"
    better = first.refine("iris", trainings=3, evaluator=process, store=store, progress=False)
    assert better.ranked[0].found_by == "trained"
    assert "3 candidates were trained" in better.notes[-1]
    known = {tuple(point) for point in process.training_data.u.astype(np.float32).tolist()}
    untrained = [one for one in better.ranked if one.found_by != "trained"]
    assert untrained and all((one.found_by == "known") == (one.point in known) for one in untrained)
    assert "short trainings" in better.explain()
    with Store.open(str(store)) as kept:
        kept = kept.triplets()
    assert len(kept) == 3 and kept.strategies == ("refine",)
    best = kept.architectures[kept.architecture[np.argmax(kept.score)]]
    np.testing.assert_allclose(better.point, best, atol=1e-3)
    again = first.refine("iris", trainings=3, evaluator=process, progress=False)
    assert again.ranked == better.ranked


def test_bad_input_is_refused_before_anything_is_trained(process, tmp_path, monkeypatch):
    first = recommend("iris", evaluator=process, seed=0)
    monkeypatch.setattr(room, "train", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(UserError, match="trainings=0"):
        first.refine("iris", trainings=0, evaluator=process)
    with pytest.raises(UserError, match="made for a classification of 3"):
        first.refine("diabetes", evaluator=process)
    with pytest.raises(StoreError, match="does not exist"):
        first.refine("iris", evaluator=process, store=tmp_path / "none" / "own.sqlite", progress=False)


def test_only_candidates_within_the_limits_are_trained(process, made, monkeypatch):
    free = recommend(made(), "y", evaluator=process)
    limit = {"size": free.size - 1, "members": 2}
    trained = []

    def values(task, space, **how):
        def evaluate(points):
            trained.extend(np.asarray(points))
            score = np.linspace(0.5, 0.9, len(points))
            return Outcomes(score, more={"default_score": score})

        return Objective(evaluate)

    monkeypatch.setattr("taskaware.recommendation.refine.trained", values)
    again = free.refine(made(), trainings=3, evaluator=process, prefer={**limit, "members": 5})
    assert again.prefer == Preference(size=free.size - 1, members=5) and again.size < free.size
    sizes = [cost_of(again.space, point, again.task, again.prefer).size for point in trained]
    assert len(sizes) == 3 and max(sizes) < free.size
    assert again.front and again.pareto()["recommended"].sum() == 1
    assert not any("`fit` averages" in note for note in again.notes)
    fewer = free.refine(made(), trainings=3, evaluator=process, prefer=limit)
    assert any("`fit` averages 2 networks instead of 5" in note for note in fewer.notes)
    # The answer without limits is not among what was trained, so no score is told as its own.
    assert "the first of them reached" in again.notes[-1]
    assert (
        again.default is None
        or cost_of(again.space, np.array(again.default.point), again.task, again.prefer).size < free.size
    )
