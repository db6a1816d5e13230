"""The scikit-learn estimators on texts and arrays of images."""

import numpy as np
import pandas as pd
import pytest

import taskaware as ta


@pytest.fixture(scope="module")
def labels():
    return np.array(["new", "old"])[np.arange(60) % 2]


def texts_of(labels):
    words = np.where(labels == "new", "a fresh start with paint", "some dusty rust and decay")
    return [f"{text}, number {place}" for place, text in enumerate(words)]


def images_of(labels):
    images = np.random.default_rng(0).random((60, 8, 8)) * 0.2
    images[labels == "old", :4] += 0.7
    return images


@pytest.mark.parametrize(("make", "kind"), [(texts_of, "text"), (images_of, "image")])
def test_a_value_for_each_row(labels, make, kind):
    X = make(labels)
    model = ta.TaskAwareClassifier(members=1, patience=1).fit(X[:40], labels[:40])
    assert model.recommendation_.task.modality == kind and model.n_features_in_ == 1
    assert model.score(X[40:], labels[40:]) == 1.0
    assert model.predict_proba(X[40:42]).shape == (2, 2) and model.classes_.tolist() == ["new", "old"]


def test_a_frame_first_and_texts_then(labels):
    model = ta.TaskAwareClassifier(members=1, patience=1)
    model.fit(pd.DataFrame({"x": np.arange(60) % 2 + 0.1, "y": 1.0}), labels)
    assert model.n_features_in_ == 2
    model.fit(texts_of(labels), labels)
    assert model.n_features_in_ == 1 and not hasattr(model, "feature_names_in_")


def test_values_and_targets_that_do_not_fit(labels):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ta.TaskAwareClassifier().fit(texts_of(labels), labels[:50])
    missing = labels.astype(object)
    missing[3] = "NA"
    with pytest.raises(ta.UserError, match="1 of 60 values of y are missing"):
        ta.TaskAwareClassifier().fit(texts_of(labels), missing)
