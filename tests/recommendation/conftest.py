"""A small evaluator that learned from made-up scores on the bundled datasets."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from taskaware.compilation import keep_compiled
from taskaware.modalities.tables.build import make_task
from taskaware.modalities.tables.metafeatures import catalogue_digest
from taskaware.objectives import trainings
from taskaware.objectives.record import describe
from taskaware.spaces import preset
from taskaware.store import SpaceRecord, Store, Trainings
from taskaware.surrogates import EvaluatorSettings, fit_evaluator
from taskaware.surrogates import training_data as training_data
from taskaware.training.recipe import TrainingRecipe

TINY = dataclasses.replace(
    preset("compact"), name="tiny", layers=1, sizes=(8, 16), activations=("relu",), width_odds=(0.5, 0.5)
)
SETTINGS = EvaluatorSettings(
    network="bilinear", members=3, steps=200, tasks_per_step=4, architectures_per_step=16
)


@pytest.fixture(scope="session", autouse=True)
def compiled():
    """What was compiled is kept."""
    keep_compiled()


@pytest.fixture(scope="session")
def settings():
    """With which the evaluator learned."""
    return SETTINGS


@pytest.fixture(scope="session")
def learned():
    """A function: tasks and points (n, D) → what was learned from made-up scores of all of them."""

    def learn(tasks, u):
        with Store.open(":memory:") as store:
            store.add_space(SpaceRecord(TINY.digest, TINY.name, TINY.to_dict()))
            recipe = store.add_recipe({"steps": 1})
            for place, task in enumerate(tasks):
                describe(store, task)
                scores = 0.8 + 0.03 * u[:, 0] + 0.02 * (-1) ** place * u[:, -1]
                store.append(Trainings(task.digest, TINY.digest, recipe, u, 0, scores, test_scores=scores))
            known = training_data(store.triplets())
        return dataclasses.replace(fit_evaluator(TINY, known, SETTINGS), catalogue=catalogue_digest())

    return learn


@pytest.fixture(scope="session")
def points():
    """A function: random points of the space, (n, D), drawn without compiling anything."""

    def draw(count, seed=0):
        rng = np.random.default_rng(seed)
        logits = rng.normal(0, 3, (count, TINY.dimension - len(TINY.recipe)))
        return np.hstack([logits.clip(-8, 8), rng.random((count, len(TINY.recipe)))]).astype(np.float32)

    return draw


@pytest.fixture(scope="session")
def evaluator(learned, points):
    """Knows iris and a part of it, wine, breast-cancer and diabetes, and 24 architectures."""
    tasks = [make_task(name) for name in ("iris", "wine", "breast-cancer", "diabetes")]
    part = make_task(_iris().iloc[::2], "species", name="iris-half")
    return learned([*tasks, dataclasses.replace(part, group="iris")], points(24))


@pytest.fixture(scope="session")
def process(evaluator):
    """A Gaussian process that learned what the evaluator did."""
    learned = fit_evaluator(evaluator.space, evaluator.training_data, EvaluatorSettings())
    return dataclasses.replace(learned, catalogue=evaluator.catalogue)


@pytest.fixture
def quick_trainings(monkeypatch):
    """Refining trains for few steps: for tests that are not about what it finds."""
    monkeypatch.setattr(trainings, "TrainingRecipe", lambda: TrainingRecipe(steps=20, batch_size=32))


@pytest.fixture(scope="session")
def iris():
    """A function that makes the frame, with the species as strings."""
    return _iris


@pytest.fixture(scope="session")
def made():
    """A function: a frame of numbers, categories, dates and holes that the evaluator does not know."""

    def make(rows=240, problem="classification", seed=0):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(rows, 2))
        colour = rng.choice(["red", "green", "blue"], rows)
        signal = x[:, 0] + (colour == "red") + 0.2 * rng.normal(size=rows)
        frame = pd.DataFrame(
            {
                "size": np.where(rng.random(rows) < 0.1, np.nan, x[:, 0]),
                "weight": x[:, 1],
                "colour": colour,
                "grade": pd.Categorical(rng.choice(["low", "high"], rows)),
                "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, rows), "D"),
                "known": rng.random(rows) < 0.5,
            }
        )
        labels = np.where(signal > np.median(signal), "sold", "kept")
        return frame.assign(y=labels if problem == "classification" else 20 + 5 * signal)

    return make


def _iris() -> pd.DataFrame:
    from sklearn.datasets import load_iris

    bunch = load_iris(as_frame=True)
    return bunch.data.assign(species=bunch.target_names[bunch.target])
