"""Targets and features of any magnitude: predictions are as good as the validation says."""

import numpy as np
import pandas as pd
import pytest

from taskaware.modalities.tables.build import make_task
from taskaware.tasks.regression import mae, r2, rmse
from taskaware.tasks.scale import LARGEST, mean_and_std, restored, standardised
from taskaware.training.fit import fit
from taskaware.training.recipe import TrainingRecipe

RECIPE = TrainingRecipe(steps=150, batch_size=32, learning_rate=0.02)

TARGETS = {
    "latitudes": lambda y: 48.1 + 1e-6 * y,
    "Julian dates": lambda y: 2_459_000.5 + 1e-3 * y,
    "epoch seconds": lambda y: 1.7e9 + 10 * y,
    "1e200": lambda y: 1e200 * y,
    "1e-200": lambda y: 1e-200 * y,
    "1e300": lambda y: 1e300 * y,
    "largest": lambda y: y / np.abs(y).max() * LARGEST,
    "+ 1e12": lambda y: y + 1e12,
    "plain": lambda y: y,
}
FEATURES = {
    "1 + 1e-9": lambda x: 1 + 1e-9 * x,
    "1e12": lambda x: 1e12 + x,
    "1e200": lambda x: 1e200 * x,
    "1e-200": lambda x: 1e-200 * x,
    "largest": lambda x: x / x.abs().max() * LARGEST,
}


def made(seed=0, rows=150):
    x = pd.DataFrame(np.random.default_rng(seed).normal(size=(rows, 2)), columns=["a", "b"])
    return x, (2 * x["a"] - x["b"]).to_numpy()


@pytest.fixture(scope="module")
def trained(small, plain):
    def train(frame, metric=None):
        task = make_task(frame, "y", problem="regression", metric=metric)
        point = plain(small, [(8, "relu"), None])
        return fit(task, small, point, recipe=RECIPE, members=1, progress=False)

    return train


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_of_any_magnitude_is_predicted_in_its_own_units(trained, name):
    (x, y), (new, answers) = made(), made(1)
    model = trained(x.assign(y=TARGETS[name](y)))
    truth = TARGETS[name](answers)
    predicted = model.predict(new)
    assert predicted.dtype == np.float64
    assert np.isfinite(predicted).all()
    assert model.best_score > 0.9
    assert model.score(new, truth) > 0.85
    assert np.corrcoef(predicted / np.abs(truth).max(), truth / np.abs(truth).max())[0, 1] > 0.95
    assert model.score(new.assign(y=truth)) == r2(truth, predicted)


@pytest.mark.parametrize("name", FEATURES)
def test_features_of_any_magnitude_are_read(trained, name):
    (x, y), (new, answers) = made(), made(1)
    model = trained(FEATURES[name](x).assign(y=y))
    with np.errstate(over="ignore"):
        new = FEATURES[name](new)
    assert model.score(new.clip(-LARGEST, LARGEST), answers) > 0.9


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_an_error_is_in_the_targets_units(trained, size):
    x, y = made()
    model = trained(x.assign(y=size * y), "rmse")
    plain = trained(x.assign(y=y), "rmse")
    assert model.best_score == pytest.approx(size * plain.best_score, rel=0.3)
    assert model.score(x, size * y) == pytest.approx(size * plain.score(x, y), rel=0.3)


@pytest.mark.parametrize("size", [1.0, 1e300, 1e-300, 3e-320])
def test_standardised_and_back(size):
    y = size * np.array([0.5, -2.0, 4.0, 1.0])
    mean, std = mean_and_std(y)
    scores = standardised(y, mean, std)
    if size == 1.0:
        assert (mean, std) == (y.mean(), y.std())
    np.testing.assert_allclose([scores.mean(), scores.std()], [0, 1], atol=1e-3)
    np.testing.assert_allclose(restored(scores, mean, std), y, rtol=1e-3)


def test_the_largest_numbers_are_standardised():
    y = np.array([LARGEST, -LARGEST, LARGEST, 0.0])
    mean, std = mean_and_std(y)
    assert np.isfinite([mean, std]).all()
    assert np.isfinite(standardised(y, mean, std)).all()
    assert restored(np.array([99.0, -99.0]), mean, std).tolist() == [LARGEST, -LARGEST]


def test_equal_values_have_the_deviation_1():
    assert mean_and_std(np.full(7, 0.1))[1] == 1
    assert mean_and_std(np.zeros(3)) == (0, 1)


@pytest.mark.parametrize("size", [1e-200, 1e-5, 1e200, 1e300])
def test_scores_hold_at_any_magnitude(size):
    truth, predicted = np.array([1.0, 2.0, 4.0, 3.0]), np.array([1.5, 2.0, 3.0, 3.5])
    assert r2(size * truth, size * predicted) == pytest.approx(r2(truth, predicted), rel=1e-12)
    for error in (rmse, mae):
        assert error(size * truth, size * predicted) == pytest.approx(size * error(truth, predicted))


def test_a_prediction_far_off_has_a_finite_score():
    assert r2(np.array([1e-300, 2e-300]), np.array([1e300, 0.0])) < -1e100
    assert r2(np.full(3, 0.1), np.full(3, 0.1)) == 1
    assert r2(np.full(3, 0.1), np.array([0.1, 0.1, 0.2])) == 0
