"""Made-up experience, by way of a store, and what is learned from it."""

import dataclasses
import hashlib

import numpy as np
import pytest

from taskaware.compilation import keep_compiled
from taskaware.spaces import preset
from taskaware.store import SpaceRecord, Store, TaskRecord, Trainings
from taskaware.surrogates import EvaluatorSettings, fit_evaluator
from taskaware.surrogates import training_data as training_data
from taskaware.surrogates.training_data import architecture_features

TINY = dataclasses.replace(
    preset("compact"), name="tiny", layers=1, sizes=(4, 8), activations=("relu",), width_odds=(0.5, 0.5)
)


@pytest.fixture(scope="session")
def tiny():
    """One layer of two baselines."""
    return TINY


@pytest.fixture(scope="session", autouse=True)
def compiled():
    """What was compiled is kept."""
    keep_compiled()


@pytest.fixture(scope="session")
def points():
    """A function: random points of the space, (n, D), drawn without compiling anything."""

    def draw(count, seed=0):
        rng = np.random.default_rng(seed)
        logits = rng.normal(0, 3, (count, TINY.dimension - len(TINY.recipe)))
        return np.hstack([logits.clip(-8, 8), rng.random((count, len(TINY.recipe)))]).astype(np.float32)

    return draw


@pytest.fixture(scope="session")
def settings():
    """Enough to learn something made-up in about a second."""
    return EvaluatorSettings(
        network="bilinear", members=3, steps=300, tasks_per_step=8, architectures_per_step=24
    )


@pytest.fixture(scope="session")
def experience():
    """A function: meta-features (T, M), points (A, D) and scores (seeds, T, A) → Experience; NaN diverged."""

    def make(z, u, scores, groups=None, absent=None):
        names = [f"task {place:02}" for place in range(len(z))]
        with Store.open(":memory:") as store:
            store.add_space(SpaceRecord(TINY.digest, TINY.name, TINY.to_dict()))
            recipe = store.add_recipe({"steps": 1})
            for place, name in enumerate(names):
                digest, group = _digest(name), groups[place] if groups else name
                store.add_task(TaskRecord(digest, name, group, "classification", "accuracy", 50, 3, 2))
                features = [f"z{m}" for m in range(z.shape[1])]
                store.add_metafeatures(digest, catalogue="c" * 16, names=features, values=z[place])
                trained = np.arange(len(u)) if absent is None else np.flatnonzero(~absent[place])
                for seed, table in enumerate(scores):
                    row = table[place, trained]
                    batch = Trainings(
                        digest, TINY.digest, recipe, u[trained], seed, scores=row, test_scores=row - 0.1
                    )
                    store.append(batch)
            return store.triplets()

    return make


@pytest.fixture(scope="session")
def opposites(experience, points):
    """30 tasks, in half of which the order of the 40 architectures is the reverse: z0 says which.

    A task's score is 0.7 + 0.02 z1 + 0.1 z0 h(u), with z0 = 1 or -1 and h of mean 0.
    """
    rng = np.random.default_rng(0)
    u = points(40)
    features = architecture_features(TINY, u)
    h = features @ rng.normal(size=features.shape[1])
    h = (h - h.mean()) / h.std()
    z = rng.normal(size=(30, 4))
    z[:, 0] = np.where(np.arange(30) % 2, 1.0, -1.0)
    return training_data(experience(z, u, [0.7 + 0.02 * z[:, 1:2] + 0.1 * z[:, :1] * h]))


@pytest.fixture(scope="session")
def evaluator(opposites, settings):
    """Learned from the first 20 of the opposite tasks."""
    learned = fit_evaluator(TINY, opposites.take(np.arange(20)), settings, seed=0)
    return dataclasses.replace(learned, catalogue="c" * 16, card={"hours": 0.5})


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]
