"""The safe answer: how likely it is beaten, and the tasks that get it."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.recommendation.loading import load_recommendation
from taskaware.recommendation.recommend import recommend
from taskaware.recommendation.safety import ERROR_FACTOR, chance, default, farthest, is_unfamiliar
from taskaware.studies.selectors import NewTasks, learned
from taskaware.surrogates import EvaluatorSettings, TaskQuery, fit_evaluator


@pytest.fixture(scope="module")
def odd():
    """A table like nothing that is known."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.choice(list("abcdefghijklmno"), (4000, 60))).add_prefix("c")
    return frame.mask(rng.random(frame.shape) < 0.5).assign(y=rng.random(4000) < 0.01)


@pytest.fixture(scope="module")
def process(evaluator):
    """A process that knows what the small evaluator knows."""
    made = fit_evaluator(evaluator.space, evaluator.training_data, EvaluatorSettings())
    return dataclasses.replace(made, catalogue=evaluator.catalogue)


def test_an_unfamiliar_task_gets_the_safe_default(process, odd):
    found = recommend(odd, "y", evaluator=process, candidates=4)
    assert found.abstained and found.chance is None and len(found.ranked) == 4
    safe = process.training_data.u[default(process, "classification")]
    np.testing.assert_array_equal(found.point, safe.astype(np.float32))
    assert found.ranked[0] == found.default and found.default.found_by == "default"
    assert len({candidate.point for candidate in found.ranked}) == 4
    (note,) = (note for note in found.notes if "No known task resembles this task" in note)
    assert f"farther than {farthest(process):.2f}" in note
    assert "the safe default, because no known task resembles this task" in found.explain()


def test_a_known_task_gets_an_answer_of_its_own(process):
    found = recommend("wine", evaluator=process)
    assert not found.abstained
    assert not any("No known task resembles" in note for note in found.notes)
    assert found.default.found_by == "default"


def test_the_default_is_best_on_average_over_the_tasks_of_the_kind():
    evaluator = shipped_evaluator()
    places = {problem: default(evaluator, problem) for problem in ("classification", "regression")}
    for problem, place in places.items():
        known = evaluator.training_data.take(np.array(evaluator.training_data.problems) == problem)
        known = known.take(known.real)
        assert place == known.filled().mean(0).argmax()
    assert places["classification"] != places["regression"]


def test_no_known_task_is_unfamiliar_and_the_farthest_decides(process):
    for name, z in zip(process.training_data.names, process.training_data.z, strict=True):
        assert not is_unfamiliar(process, z), name
    z = process.training_data.z[0] + 100 * process.scaler.spread
    assert is_unfamiliar(process, z)
    alone = process.training_data.take(np.array(process.training_data.groups) == "iris")
    assert farthest(dataclasses.replace(process, training_data=alone)) == 0


def test_the_chance_is_that_of_draws_of_a_wider_posterior(process, points):
    z, problem = process.training_data.z[1], process.training_data.problems[1]
    posterior = process.posterior(TaskQuery(z, problem))
    one, other = points(2, seed=5)
    from taskaware.surrogates.training_data import architecture_features

    mean, covariance = map(
        np.asarray, posterior.joint(architecture_features(process.space, np.stack([one, other])))
    )
    drawn = np.random.default_rng(0).multivariate_normal(mean, ERROR_FACTOR**2 * covariance, 20_000)
    expected = np.mean(drawn[:, 0] > drawn[:, 1])
    assert chance(process, posterior, one, other) == pytest.approx(expected, abs=0.02)
    assert chance(process, posterior, one, other) + chance(process, posterior, other, one) == pytest.approx(1)
    assert chance(process, posterior, one, one) is None


def test_networks_do_not_know_the_chance(evaluator, made):
    found = recommend(made(), "y", evaluator=evaluator)
    assert found.chance is None
    assert "better with probability" not in found.explain()


def test_the_chance_is_said_and_kept(tmp_path):
    found = recommend("wine")
    assert 0 < found.chance < 1
    assert f"better with probability {found.chance:.2f}" in found.explain()
    path = tmp_path / "wine.json"
    found.to_json(path)
    again = load_recommendation(path)
    assert (again.chance, again.default) == (found.chance, found.default)
    path.write_text(path.read_text().replace('"chance"', '"before"').replace('"default":', '"old":'))
    older = load_recommendation(path)
    assert (older.chance, older.default) == (None, None)


def test_a_safe_picker_prefers_the_default_on_unfamiliar_tasks_only(process):
    known = process.training_data
    strange = known.z[1] + 100 * process.scaler.spread
    unseen = NewTasks(np.stack([known.z[1], strange]).astype(np.float32), (known.problems[1],) * 2)
    bold, safe = (
        learned(process.space, EvaluatorSettings(), 1.0, safe=safe)(known, unseen, 0).preference
        for safe in (False, True)
    )
    np.testing.assert_allclose(bold[0], safe[0])
    assert safe[1].argmax() == default(process, known.problems[1])
