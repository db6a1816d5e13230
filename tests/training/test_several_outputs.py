"""Training on several outputs: the loss, the scale of each, and a model that predicts and is saved."""

import json

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import hamming_loss, log_loss, r2_score

import taskaware as ta
from taskaware.children.child import Batch
from taskaware.errors import CheckpointError, UserError
from taskaware.tasks.metrics import metric_of
from taskaware.training.fit import fit
from taskaware.training.prepare import prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train

RECIPE = TrainingRecipe(steps=90, evaluations=3, batch_size=32)


def frame(problem, rows=150, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    signal = np.stack([x[:, 0] - x[:, 1], x[:, 2]], axis=1) + 0.05 * rng.normal(size=(rows, 2))
    answers = {"multilabel": signal > [0.5, 0], "multioutput": signal * [1, 1000] + [5, 0]}[problem]
    return pd.DataFrame(x, columns=list("abc")).assign(**dict(zip("yz", answers.T, strict=True)))


@pytest.fixture(scope="module", params=["multilabel", "multioutput"])
def problem(request):
    return request.param


@pytest.fixture(scope="module")
def model(problem, small, plain):
    task = ta.make_task(frame(problem), ["y", "z"])
    return fit(task, small, np.asarray(plain(small, [(8, "tanh"), None])), recipe=RECIPE, members=2)


def batch(y, classification):
    columns = np.zeros((len(y), 1), np.float32)
    return Batch(columns, y, None, np.ones(y.shape[1], bool), classification)


def test_the_loss_is_the_mean_over_the_outputs():
    rng = np.random.default_rng(0)
    outputs = jnp.asarray(rng.normal(size=(20, 3)), jnp.float32)
    y = rng.integers(0, 2, (20, 3)).astype(np.float32)
    labels = batch(y, True)
    probabilities = np.asarray(labels.predictions(outputs), float)
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-np.asarray(outputs, float))), rtol=1e-5)
    expected = np.mean([log_loss(t, p) for t, p in zip(y.T, probabilities.T, strict=True)])
    assert float(labels.loss(outputs)) == pytest.approx(expected, rel=1e-5)
    numbers = batch(y, False)
    assert float(numbers.loss(outputs)) == pytest.approx(np.square(np.asarray(outputs) - y).mean(), rel=1e-5)
    assert numbers.predictions(outputs) is outputs


def test_each_output_is_standardised_by_itself():
    task = ta.make_task(frame("multioutput"), ["y", "z"])
    prepared = prepare(task, 0, RECIPE)
    y = np.asarray(prepared.arrays.y)[prepared.train]
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(0), 1, rtol=1e-5)
    np.testing.assert_allclose(prepared.arrays.scale, prepared.target_std, rtol=1e-6)
    assert prepared.target_mean[0] == pytest.approx(5, abs=0.5) and prepared.target_std[1] > 500


def test_candidates_are_scored_by_the_mean_over_the_outputs(problem, small, plain):
    task = ta.make_task(frame(problem), ["y", "z"])
    points = np.stack([plain(small, [(8, "tanh"), None]), plain(small, [(8, "relu"), None])])
    prepared = prepare(task, 0, RECIPE)
    found = train(small, points, prepared, RECIPE, seed=0)
    assert (found.score > (0.7 if problem == "multilabel" else 0.5)).all() and (found.score <= 1).all()
    np.testing.assert_array_equal(found.default_score, found.score)
    own = "f1_micro" if problem == "multilabel" else "rmse"
    other = train(small, points, prepared, RECIPE, seed=0, metric=own)
    np.testing.assert_array_equal(other.default_score, found.score)
    assert (other.score != found.score).all()


def test_a_model_learns_all_outputs(problem, model):
    fresh = frame(problem, seed=1)
    truth, found = fresh[["y", "z"]].to_numpy(float), model.predict(fresh)
    assert found.shape == (150, 2)
    for place in range(2):
        right = r2_score(truth[:, place], found[:, place]) if problem == "multioutput" else 0.9
        right = right if problem == "multioutput" else np.mean(truth[:, place] == found[:, place])
        assert right > 0.85
    expected = 1 - hamming_loss(truth, found) if problem == "multilabel" else r2_score(truth, found)
    assert model.score(fresh) == pytest.approx(expected, rel=1e-9)
    assert model.score(fresh[list("abc")], truth) == model.score(fresh)
    assert model.best_score == pytest.approx(expected, abs=0.1)


def test_probabilities_are_of_each_label(problem, model):
    rows = frame(problem)
    if problem == "multioutput":
        with pytest.raises(UserError, match="predicts numbers"):
            model.predict_proba(rows)
        return
    shares = model.predict_proba(rows)
    assert shares.shape == (150, 2) and np.ptp(shares.sum(1)) > 0.5
    np.testing.assert_array_equal(shares > 0.5, model.predict(rows) == 1)
    shown = model.predict_frame(rows, proba=True)
    assert shown.columns.tolist() == ["y", "z", "P(y)", "P(z)"]


def test_answers_that_are_missing_are_refused(problem, model):
    rows = frame(problem).astype(float)
    with pytest.raises(UserError, match="a frame with columns"):
        model.score(rows.drop(columns="z"))
    with pytest.raises(UserError, match="1 of 150 rows lack an answer.*row 7"):
        model.score(rows.mask((rows.index == 7)[:, None] & (rows.columns == "z")))


def test_a_saved_model_comes_back(problem, model, tmp_path):
    model.save(tmp_path / "model")
    found, rows = ta.load_model(tmp_path / "model"), frame(problem)
    assert found.several == model.several and found.target_std == model.target_std
    np.testing.assert_array_equal(found.predict(rows), model.predict(rows))
    assert found.score(rows) == model.score(rows)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    np.testing.assert_allclose(found.predict(tmp_path / "rows.csv"), model.predict(rows), rtol=1e-4)
    with pytest.raises(UserError, match="writes a model of one output"):
        model.source(tmp_path / "code")
    assert "class" in model.source()


@pytest.mark.parametrize(
    "change", [{"several": None}, {"several": {"names": ["y"], "listed": False}}, {"several": {"names": 3}}]
)
def test_outputs_that_do_not_fit_are_damage(model, tmp_path, change):
    model.save(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match="damaged"):
        ta.load_model(tmp_path / "model")


def test_lists_of_labels_come_back_as_tuples(small, plain):
    rows = frame("multilabel").assign(
        tags=lambda f: [("y",) * y + ("z",) * z for y, z in zip(f.y, f.z, strict=True)]
    )
    task = ta.make_task(rows[["a", "b", "c", "tags"]], "tags", metric="subset_accuracy")
    model = fit(task, small, np.asarray(plain(small, [(8, "tanh"), None])), recipe=RECIPE, members=1)
    found = model.predict(rows[["a", "b", "c", "tags"]])
    assert found.shape == (150,) and set(found) <= {(), ("y",), ("z",), ("y", "z")}
    right = np.mean([one == other for one, other in zip(found, rows.tags, strict=True)])
    assert model.score(rows[["a", "b", "c"]], rows.tags) == right > 0.7


def test_numbers_that_cannot_stand_beside_others_are_refused():
    rows = frame("multioutput").assign(y=lambda f: f.y * 1e40)
    with pytest.raises(UserError, match="Target 'y' has a standard deviation"):
        prepare(ta.make_task(rows, ["y", "z"]), 0, RECIPE)


def test_labels_have_no_offsets(small, plain):
    task = ta.make_task(frame("multilabel"), ["y", "z"], metric="f1_macro")
    model = fit(task, small, np.asarray(plain(small, [(8, "tanh"), None])), recipe=RECIPE, members=1)
    assert model.offsets == ()
    truth, found = frame("multilabel")[["y", "z"]].to_numpy(float), model.predict(frame("multilabel"))
    assert model.score(frame("multilabel")) == metric_of("multilabel", "f1_macro").on_host(truth, found)
