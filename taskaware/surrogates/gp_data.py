"""TrainingData in the form that a Gaussian process reads: a grid of tasks times architectures.

The grid holds T x A numbers. A Gaussian process therefore does not suit experience whose tasks share few
architectures; networks read triplets, see `triplets`.
"""

import functools
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from taskaware.spaces import Space
from taskaware.surrogates.patterns import groups_in_use, groups_present
from taskaware.surrogates.training_data import TrainingData, architecture_features, names_of_features
from taskaware.surrogates.warping import warped
from taskaware.tasks.task import PROBLEMS

LEAST_NOISE, MOST_NOISE = 0.3, 3.0


class Tasks(NamedTuple):
    """Tasks as their covariance reads them.

    Attributes:
        x: scaled meta-features, (T, M).
        problem: number of the problem, (T,).
        group: number of the group, (T,); -1 has no relatives.
        pattern: number of the embedding groups in use, (T,), see `patterns`; -1 has none of the known ones.
    """

    x: Float[np.ndarray, "T M"]
    problem: Int[np.ndarray, " T"]
    group: Int[np.ndarray, " T"]
    pattern: Int[np.ndarray, " T"]


class GPData(NamedTuple):
    """T tasks and A architectures with their scores.

    Attributes:
        tasks: T of them.
        features: of the architectures, (A, F).
        groups: number of the group of each feature, (F,).
        scores: in any unit that makes tasks comparable, (T, A); NaN where there is none.
        noise: variance of the scores of each task, relative to the median task, (T,).
    """

    tasks: Tasks
    features: Float[np.ndarray, "A F"]
    groups: Int[np.ndarray, " F"]
    scores: Float[np.ndarray, "T A"]
    noise: Float[np.ndarray, " T"]

    @classmethod
    def of(cls, space: Space, data: TrainingData, x: Float[np.ndarray, "T M"]) -> "GPData":
        """The training data as a grid, (T, A), warped.

        Args:
            space: of the architectures.
            data: of T tasks.
            x: their scaled meta-features.
        """
        groups = np.unique(data.groups, return_inverse=True)[1]
        problems = np.array([PROBLEMS.index(problem) for problem in data.problems])
        noise = (data.noise / data.spread) ** 2
        usual = np.nanmedian(noise) if np.isfinite(noise).any() else 1.0
        noise = np.clip(np.nan_to_num(noise / max(usual, 1e-12), nan=1.0), LEAST_NOISE, MOST_NOISE)
        features = architecture_features(space, data.u).astype(np.float64)
        pattern = np.unique(groups_in_use(space, data.u, ~np.isnan(data.score)), axis=0, return_inverse=True)[
            1
        ].ravel()
        tasks = Tasks(np.asarray(x, np.float64), problems, groups, pattern)
        return cls(tasks, features, feature_groups(space), warped(data.target.astype(np.float64)), noise)


def pattern_of(space: Space, data: TrainingData, present: Collection[str] | None) -> int:
    """The number in `Tasks.pattern` of a dataset with these embeddings; -1 if no known task is like it.

    Args:
        space: of the architectures.
        data: of the known tasks.
        present: names of the dataset's embeddings; None if it has all.
    """
    known = np.unique(groups_in_use(space, data.u, ~np.isnan(data.score)), axis=0)
    mine = groups_present(space, present)
    if len(known) == 1 and np.array_equal(mine, groups_present(space, None)):
        return 0  # trainings that happen to have equal shares make no other kind of task
    alike = np.flatnonzero((known == mine).all(axis=1))
    return int(alike[0]) if len(alike) else -1


@functools.cache
def feature_groups(space: Space) -> np.ndarray:
    """Number of the group of each architecture feature, (F,): features of a group share a length scale."""
    names = names_of_features(space)
    order = list(dict.fromkeys(names))
    return np.array([order.index(name) for name in names])
