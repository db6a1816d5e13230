"""Every surrogate answers `recommend`; the joint one is learned from raw data through the public names."""

import dataclasses

import numpy as np
import pytest

import taskaware as ta
from taskaware.errors import UserError

HASTY = ta.EvaluatorSettings("bilinear", members=2, steps=20, tasks_per_step=3, architectures_per_step=8)


@pytest.fixture(scope="module")
def joint():
    """A few steps on the bundled tables."""
    settings = ta.JointSettings(evaluator=HASTY, beside=True)
    return ta.train_evaluator(more=(), settings=settings, datasets="bundled")


def test_a_joint_evaluator_answers_for_a_frame(joint, made, tmp_path):
    assert sorted(joint.training_data.names) == ["breast-cancer", "diabetes", "digits", "iris", "wine"]
    assert joint.card["tasks"] == 5
    found = ta.recommend(made(), "y", evaluator=joint)
    assert 0 <= found.predicted_score <= 1 and found.uncertainty > 0 and found.chance is None
    assert set(found.neighbours["name"]) <= set(joint.training_data.names)
    found.to_json(tmp_path / "answer.json")
    assert ta.load_recommendation(tmp_path / "answer.json").ranked == found.ranked
    loaded = ta.load_evaluator(ta.save_evaluator(joint, tmp_path / "joint.npz"))
    again = ta.recommend(made(), "y", evaluator=loaded)
    assert [one.point for one in again.ranked] == [one.point for one in found.ranked]
    assert again.notes == found.notes
    for name in ("predicted_score", "uncertainty"):
        ours, theirs = ([getattr(one, name) for one in rec.ranked] for rec in (found, again))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_the_raw_rows_matter(joint, made):
    """With meta-features alone in common, other rows give other predictions."""
    task = ta.make_task(made(), "y")
    from taskaware.recommendation.evaluators import query_of

    query = query_of(task, joint)
    u = joint.training_data.u[:20]
    blind = query._replace(samples=query.samples._replace(x=-query.samples.x[::-1]))
    assert np.abs(joint.predict(query, u)[0] - joint.predict(blind, u)[0]).max() > 1e-5


def test_a_known_dataset_cannot_be_left_out_without_its_rows(joint):
    with pytest.raises(UserError, match=r"without=\('iris',\)"):
        ta.recommend("iris", evaluator=joint, leave_out=True)
    assert any("trained on its scores" in note for note in ta.recommend("iris", evaluator=joint).notes)


def test_raw_data_are_asked_for_where_they_are_read_and_only_there():
    with pytest.raises(UserError, match="datasets='bundled'"):
        ta.train_evaluator(settings=ta.JointSettings())
    with pytest.raises(UserError, match="surrogate 'gp' reads no raw data"):
        ta.train_evaluator(datasets="bundled")
    with pytest.raises(UserError, match="Of 1 datasets, 1 are tasks of the experience; 2 are needed"):
        ta.train_evaluator(more=(), settings=ta.JointSettings(evaluator=HASTY), datasets=["iris"])


@pytest.mark.parametrize("network", ["gp", "bilinear", "published", "published_head"])
def test_every_other_surrogate_answers_in_the_same_way(evaluator, made, network):
    from taskaware.surrogates import fit_evaluator

    settings = dataclasses.replace(HASTY, network=network)
    learned = fit_evaluator(evaluator.space, evaluator.training_data, settings)
    found = ta.recommend(made(), "y", evaluator=learned)
    assert np.isfinite(found.predicted_score) and (network == "gp" or found.chance is None)
    assert found.abstained == ta.recommend(made(), "y", evaluator=evaluator).abstained
