"""Several outputs from end to end: recommended, trained, refined, written, and as scikit-learn estimators."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_linnerud, make_multilabel_classification
from sklearn.metrics import accuracy_score, r2_score

import taskaware as ta
from taskaware.errors import CheckpointError, UserError
from taskaware.recommendation.estimators import TaskAwareClassifier, TaskAwareRegressor
from taskaware.recommendation.evaluators import query_of
from taskaware.tasks.alone import alone

pytestmark = pytest.mark.usefixtures("short")


@pytest.fixture(scope="module")
def labelled():
    X, Y = make_multilabel_classification(160, n_features=6, n_classes=3, random_state=0)
    return pd.DataFrame(X, columns=list("abcdef")).assign(**dict(zip("uvw", Y.T, strict=True)))


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(160, 3))
    return pd.DataFrame(x, columns=list("abc")).assign(near=x[:, 0] * 9 + 4, far=(x[:, 1] - x[:, 2]) * 1e4)


@pytest.fixture(scope="module")
def rec(labelled, evaluator):
    return ta.recommend(labelled, ["u", "v", "w"], evaluator=evaluator, metric="f1_micro")


def test_the_answer_says_what_it_is_of(rec, labelled, evaluator):
    task = rec.task
    assert (task.problem, task.metric, task.own_metric) == ("multilabel", "accuracy", "f1_micro")
    assert "target 'u, v, w' (3 labels)" in rec.explain() and "class of each label" in rec.explain()
    assert any("Known tasks have one output" in note and "their mean" in note for note in rec.notes)
    assert any("no thresholds are chosen for f1_micro" in note for note in rec.notes)
    assert not any("boosted trees" in note for note in rec.notes)
    made = ta.make_task(labelled, ["u", "v", "w"])
    query = query_of(made, evaluator)
    assert query.problem == "classification"
    each = [query_of(one, evaluator).z for one in alone(made)]
    np.testing.assert_allclose(query.z, np.mean(each, axis=0), rtol=1e-5, atol=1e-6)
    assert 0.5 < rec.predicted_score <= 1


def test_it_trains_on_frames_and_arrays(rec, labelled):
    model = rec.fit(labelled, members=1)
    assert model.metric == "f1_micro" and model.predict(labelled).shape == (160, 3)
    assert model.score(labelled) > 0.6
    assert rec.module().outputs == 3 and "3" in rec.source()
    with pytest.raises(UserError, match="class_weight is for classification with one class a row"):
        rec.fit(labelled, class_weight="balanced")
    with pytest.raises(UserError, match="has the outputs"):
        rec.fit(labelled.rename(columns={"w": "z"}), ["u", "v", "z"])
    with pytest.raises(UserError, match="multilabel of 2 outputs"):
        rec.fit(labelled, ["u", "v"])


def test_weights_and_groups_count(rec, labelled):
    groups, only = np.arange(160) // 4, (np.arange(160) < 80).astype(float)
    whole, half = (rec.fit(labelled, members=1, groups=groups, sample_weight=w) for w in (None, only))
    assert np.abs(whole.predict_proba(labelled) - half.predict_proba(labelled)).max() > 0.01


@pytest.mark.usefixtures("quick_trainings")
def test_it_is_refined_and_written(labelled, process, tmp_path):
    rec = ta.recommend(labelled, ["u", "v", "w"], evaluator=process, metric="f1_micro")
    better = rec.refine(labelled, trainings=2, evaluator=process)
    assert "f1_micro" in better.notes[-1] and better.ranked[0].found_by == "trained"
    with pytest.raises(UserError, match="experience is of tasks with one"):
        rec.refine(labelled, trainings=1, evaluator=process, store=tmp_path / "store.db")
    better.to_json(tmp_path / "rec.json")
    found = ta.load_recommendation(tmp_path / "rec.json")
    assert found.task == better.task and found.task.several.names == ("u", "v", "w")
    assert found.fit(labelled, members=1).predict(labelled).shape == (160, 3)


@pytest.mark.parametrize(
    "change", [{"problem": "classification"}, {"several": None}, {"several": {"names": []}}]
)
def test_a_file_whose_outputs_do_not_fit_is_refused(rec, tmp_path, change):
    plain = json.loads(rec.to_json())
    (tmp_path / "rec.json").write_text(json.dumps(plain | {"task": plain["task"] | change}))
    with pytest.raises((CheckpointError, UserError)):
        ta.load_recommendation(tmp_path / "rec.json")


def test_one_output_is_written_as_before(evaluator, measured):
    plain = json.loads(ta.recommend(measured.drop(columns="far"), "near", evaluator=evaluator).to_json())
    assert "several" not in plain["task"]


def test_a_column_of_lists(labelled, evaluator):
    names = np.array(["up", "down", "odd"])
    tags = [names[row.astype(bool)].tolist() for row in labelled[list("uvw")].to_numpy()]
    frame = labelled[list("abcdef")].assign(tags=tags)
    model = ta.recommend(frame, "tags", evaluator=evaluator).fit(frame, members=1)
    found = model.predict(frame)
    assert set(found[0]) <= set(names) and model.score(frame) > 0.6
    assert model.predict_frame(frame).columns.tolist() == ["tags"]


def test_texts_have_several_labels():
    rng = np.random.default_rng(0)
    Y = rng.integers(0, 2, (160, 2))
    words = [f"{'bright' if a else 'dull'} and {'round' if b else 'square'} thing" for a, b in Y]
    numbered = [f"{text}, number {place}" for place, text in enumerate(words)]
    rec = ta.recommend((numbered, Y))
    assert rec.task.modality == "text" and rec.task.outputs == 2
    assert rec.fit((numbered, Y), members=1).score(numbered, Y) > 0.8
    both = pd.DataFrame({"words": words, "size": rng.normal(size=160), "bright": Y[:, 0], "round": Y[:, 1]})
    mixed = ta.recommend(both, ["bright", "round"], modalities={"words": "text"})
    assert mixed.task.modality == "mixed"
    assert mixed.fit(both, members=1).score(both) > 0.9


def test_a_regressor_of_several_outputs(measured, evaluator):
    X, Y = measured[list("abc")], measured[["near", "far"]]
    model = TaskAwareRegressor(evaluator=evaluator, members=1).fit(X[:120], Y[:120])
    assert model.recommendation_.task.several.names == ("near", "far")
    found = model.predict(X)
    assert found.shape == (160, 2) and found.dtype == np.float64
    assert model.score(X[120:], Y[120:]) == pytest.approx(r2_score(Y[120:], found[120:]))
    assert model.score(X[120:], Y[120:]) > 0.5


def test_a_classifier_of_labels(labelled, evaluator):
    X, Y = labelled[list("abcdef")].to_numpy(), labelled[list("uvw")].to_numpy()
    model = TaskAwareClassifier(evaluator=evaluator, members=1).fit(X, Y)
    found, shares = model.predict(X), model.predict_proba(X)
    assert found.shape == shares.shape == Y.shape and found.dtype == Y.dtype
    np.testing.assert_array_equal(found == 1, shares > 0.5)
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.score(X, Y) == accuracy_score(Y, found) > 0.3
    with pytest.raises(UserError, match="other values than 0 and 1"):
        TaskAwareClassifier(evaluator=evaluator).fit(X, Y + np.arange(3))


def test_few_rows_of_real_measurements(evaluator):
    X, Y = load_linnerud(return_X_y=True, as_frame=True)
    model = ta.recommend((X, Y), evaluator=evaluator).fit((X, Y), members=1)
    assert model.target_columns == ("Weight", "Waist", "Pulse")
    np.testing.assert_allclose(model.predict(X).mean(0), Y.mean(), rtol=0.2)
