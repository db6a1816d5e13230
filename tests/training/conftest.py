"""Small tasks, small spaces and points made by hand."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from taskaware.modalities.tables.build import make_task
from taskaware.spaces import MixtureSpace, preset

SMALL = dataclasses.replace(
    preset("compact"), name="small", layers=2, sizes=(4, 8), width_odds=(0.5, 0.5), recipe=()
)


@pytest.fixture(scope="session")
def small() -> MixtureSpace:
    """Two layers of baselines that share a matrix; the training recipe is no part of it."""
    return SMALL


@pytest.fixture(scope="session")
def separate() -> MixtureSpace:
    """The same with weights of their own."""
    return dataclasses.replace(SMALL, name="separate", shared_weights=False)


@pytest.fixture(scope="session")
def task():
    """A function that makes a task of numbers, one category column and missing cells.

    Tables of two features and at most 200 rows have one padded shape, so they share compiled programs.
    """

    def make(problem="classification", *, rows=120, features=2, classes=3, seed=0):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(rows, features))
        signal = x[:, 0] - x[:, 1] + 0.3 * rng.normal(size=rows)
        data = pd.DataFrame(np.where(rng.random(x.shape) < 0.05, np.nan, x)).add_prefix("x")
        data["problem"] = rng.choice(list("uvw"), rows)
        ranks = signal.argsort().argsort() * classes // rows
        data["y"] = [f"class {rank}" for rank in ranks] if problem == "classification" else signal
        return make_task(data, "y", problem=problem, name=f"made {problem}")

    return make


@pytest.fixture(scope="session")
def plain():
    """A function that writes a plain network down: its layers' baselines (None: absent) and embedding."""

    def make(space, layers, embedding="standardised", categories="one_hot"):
        alpha, beta = np.zeros((space.layers, len(space.baselines))), np.zeros((space.layers, 2))
        for row, layer in enumerate(layers):
            alpha[row, space.baselines.index(layer or space.baselines[0])] = 8.0
            beta[row, int(layer is None)] = 8.0
        gamma = [8.0 * (name in (embedding, categories)) for name in space.embedding_names]
        recipe = np.full(len(space.recipe), 0.5)
        return jnp.asarray(np.concatenate([alpha.ravel(), beta.ravel(), gamma, recipe]), jnp.float32)

    return make
