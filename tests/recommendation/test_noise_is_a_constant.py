"""Where the columns tell nothing, a model is no worse than the most frequent class or the mean."""

import warnings

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.children.mixture.child import CHILD
from taskaware.tasks.metrics import METRICS
from taskaware.training.finishing import finished
from taskaware.training.seen import Seen

pytestmark = pytest.mark.usefixtures("short")


def noise(rows=140, columns=24):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(rng.normal(size=(rows, columns)), columns=list("abcdefghijklmnopqrstuvwx"))
    frame["label"] = rng.choice(["usual", "odd", "rare"], rows, p=[0.5, 0.3, 0.2])
    frame["value"] = rng.normal(5.0, 2.0, rows)
    return frame


def fitted(frame, target, drop, **more):
    frame = frame.drop(columns=drop)
    return ta.recommend(frame, target=target, **more).fit(frame, members=2, progress=False), frame


def test_networks_worse_than_a_constant_give_the_shares_of_the_classes(tmp_path):
    model, frame = fitted(noise(), "label", "value")
    task = ta.make_task(frame, "label")
    # What the networks would say of validation rows that they get wrong, and are sure of.
    truth = task.target[:60]
    wrong = Seen(truth, -4 * np.eye(3, dtype=np.float32)[truth], np.ones(60), np.ones(60))
    with pytest.warns(UserWarning, match="always predicting 'usual' .accuracy 0.*may tell nothing"):
        model = finished(model, task, [wrong, wrong], METRICS["accuracy"], CHILD)
    shares = frame["label"].value_counts(normalize=True).sort_index().to_numpy()
    np.testing.assert_allclose(
        model.predict_proba(frame), np.tile(shares, (len(frame), 1)), rtol=0, atol=1e-4
    )
    assert (model.predict(frame) == "usual").all()
    assert model.best_score == pytest.approx((truth == list(task.classes).index("usual")).mean())
    again = ta.load_model(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))


def test_noise_gives_the_mean():
    with pytest.warns(UserWarning, match="always predicting the mean"):
        model, frame = fitted(noise(), "value", "label")
    np.testing.assert_allclose(model.predict(frame), frame["value"].mean(), rtol=1e-5)
    assert -0.3 < model.best_score <= 0


def test_a_metric_with_offsets_keeps_its_networks():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model, frame = fitted(noise(), "label", "value", metric="balanced_accuracy")
    assert len(set(model.predict(frame))) > 1


def test_networks_that_learned_something_stay():
    frame = noise()
    frame["value"] += 3 * frame["a"]
    frame["label"] = np.where(frame["a"] + 0.5 * frame["b"] > 0.4, "high", "low")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for target, drop in (("label", "value"), ("value", "label")):
            model, task = fitted(frame, target, drop)
            assert model.score(task) > 0.5 and len(set(model.predict(task))) > 1
