"""A user's rare class is hardly ever predicted; she names a metric, or weighs the classes."""

import numpy as np
import pandas as pd
import pytest

import taskaware
from taskaware.errors import UserError
from tests.trainings import shortened


@pytest.fixture(scope="module", autouse=True)
def short_trainings():
    with shortened(steps=210, batch_size=64):
        yield


@pytest.fixture(scope="module")
def frame():
    """One row in twenty is "Yes", and no row is surely so."""
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(size=(1200, 4))).add_prefix("x")
    chance = 1 / (1 + np.exp(-(x["x0"] + 0.7 * x["x1"] - 3.6)))
    ward = rng.choice([f"w{place}" for place in range(30)], 1200)
    return x.assign(ward=ward, y=np.where(rng.random(1200) < chance, "Yes", "No"))


@pytest.fixture(scope="module")
def recommendation(frame):
    return taskaware.recommend(frame, "y", metric="balanced_accuracy")


def options(**more):
    return {"members": 1, "progress": False, "seed": 0, **more}


def test_the_metric_is_noted_and_its_threshold_is_saved_with_the_model(frame, recommendation, tmp_path):
    assert recommendation.task.own_metric == "balanced_accuracy" and recommendation.task.metric == "accuracy"
    assert any("`fit` chooses weights by balanced_accuracy" in note for note in recommendation.notes)
    model = recommendation.fit(frame[:800], **options())
    assert model.metric == "balanced_accuracy" and len(model.offsets) == 2
    test, truth = frame[800:], (frame["y"] == "Yes").to_numpy()[800:]
    probable = model.predict_proba(test)
    predicted = model.predict(test) == "Yes"
    assert predicted.sum() > max(5, (probable[:, 1] > 0.5).sum())
    assert (predicted & truth).sum() >= 0.2 * truth.sum()
    # One threshold on the probabilities, which stay what they are.
    assert probable[predicted, 1].min() >= probable[~predicted, 1].max()
    assert probable[:, 1].mean() == pytest.approx(truth.mean(), abs=0.05)
    loaded = taskaware.load_model(model.save(tmp_path / "model"))
    assert loaded.offsets == model.offsets
    np.testing.assert_array_equal(loaded.predict(test), model.predict(test))
    assert loaded.score(test) == pytest.approx(model.score(test))


def test_classes_are_weighed_and_groups_stay_together(frame, recommendation):
    plain = recommendation.fit(frame[:800], **options(metric="accuracy"))
    weighed = recommendation.fit(
        frame[:800], **options(metric="accuracy", class_weight="balanced", groups="ward")
    )
    assert plain.offsets == weighed.offsets == ()
    shares = [(model.predict(frame) == "Yes").mean() for model in (plain, weighed)]
    assert shares[1] > 0.1 > 0.02 > shares[0]
    assert weighed.predict_proba(frame)[:, 1].mean() > 2 * plain.predict_proba(frame)[:, 1].mean()


def test_rows_without_weight_are_not_learned_from(frame, recommendation):
    wrong = frame.assign(y=np.where(np.arange(1200) % 2, frame["y"], "Yes"))
    weights = (np.arange(1200) % 2).astype(float)
    model = recommendation.fit(wrong[:800], **options(metric="accuracy", sample_weight=weights[:800]))
    assert (model.predict(frame) == "Yes").mean() < 0.1


def test_a_metric_of_another_problem_is_refused(frame, recommendation):
    with pytest.raises(UserError, match="it scores regression"):
        taskaware.recommend(frame, "y", metric="rmse")
    with pytest.raises(UserError, match="Did you mean 'roc_auc'"):
        recommendation.fit(frame, metric="roc_au")
