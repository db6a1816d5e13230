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
    again = ta.recommend(made(), "y", evaluator=ta.save_evaluator(joint, tmp_path / "joint.npz"))
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


def test_the_shipped_one_that_reads_rows_answers_for_every_kind_of_data(made):
    from taskaware.recommendation.evaluators import evaluator_named

    learned = evaluator_named("learned")
    assert learned.sample_size is not None and learned.settings.beside
    assert len(learned.training_data.names) > 500
    films = [f"{'good' if row % 2 else 'dull'} is the film of day number {row}" for row in range(20)]
    texts = (films, ["down", "up"] * 10)
    for dataset in ((made(), "y"), (texts,)):
        found = ta.recommend(*dataset, evaluator="learned")
        assert np.isfinite(found.predicted_score) and found.uncertainty > 0
        assert found.space.name == "universal"


def test_rows_of_every_kind_of_data_are_read():
    from taskaware.recommendation.teach import _samples

    series = ta.make_task((np.random.default_rng(0).normal(size=(20, 2, 40)), ["a", "b"] * 10))
    found = _samples(ta.JointSettings(), ["iris", series])
    assert found[series.digest].rows.sum() == 20 and found[series.digest].columns.sum() == 32
    assert len(found) == 2


def test_an_evaluator_that_is_not_there_is_refused(made, tmp_path):
    with pytest.raises(UserError, match="There is no evaluator 'lerned'. Give 'learned', or the path"):
        ta.recommend(made(), "y", evaluator="lerned")
    with pytest.raises(UserError, match="There is no evaluator"):
        ta.recommend(made(), "y", evaluator=tmp_path / "gone.npz")


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
