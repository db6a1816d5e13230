"""Tasks held out by group."""

from collections.abc import Iterator

import numpy as np

from taskaware.surrogates.level import Scaler
from taskaware.surrogates.training_data import TrainingData

DEALS = ("random", "far")


def held_out(data: TrainingData, folds: int, seed: int, deal: str = "random") -> Iterator[np.ndarray]:
    """Masks of the tasks held out together, by group; every task once.

    Args:
        data: all tasks.
        folds: number of folds.
        seed: of a random deal.
        deal: "random", or "far": groups in the order of the first principal component of their tasks'
            scaled meta-features, so that the outer folds are far from all others.
    """
    groups, place = np.unique(data.groups, return_inverse=True)
    if deal == "far":
        x = Scaler.fit(data.z)(data.z)
        along = np.linalg.svd(x - x.mean(0), full_matrices=False)[0][:, 0]
        order = groups[np.argsort(np.bincount(place, along) / np.bincount(place), kind="stable")]
    else:
        order = np.random.default_rng(seed).permutation(groups)
    for part in np.array_split(order, min(folds, len(order))):
        yield np.isin(data.groups, part)
