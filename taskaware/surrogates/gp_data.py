"""Lessons in the form that a Gaussian process reads."""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from taskaware.spaces import MixtureSpace
from taskaware.surrogates.training_data import Lessons, architecture_features, names_of_features
from taskaware.surrogates.warping import warped
from taskaware.tasks.task import KINDS

LEAST_NOISE, MOST_NOISE = 0.3, 3.0


class Tasks(NamedTuple):
    """What the covariance of tasks reads of them.

    Attributes:
        x: scaled meta-features, (T, M).
        kind: number of the kind, (T,).
        origin: number of the origin, (T,); -1 is nobody's relative.
    """

    x: Float[np.ndarray, "T M"]
    kind: Int[np.ndarray, " T"]
    origin: Int[np.ndarray, " T"]


class Seen(NamedTuple):
    """T tasks and A architectures with their scores.

    Attributes:
        tasks: T of them.
        features: of the architectures, (A, F).
        groups: number of the group of each feature, (F,).
        scores: in any unit that makes tasks comparable, (T, A); NaN where there is none.
        noise: variance of the scores of each task, in multiples of what is usual, (T,).
    """

    tasks: Tasks
    features: Float[np.ndarray, "A F"]
    groups: Int[np.ndarray, " F"]
    scores: Float[np.ndarray, "T A"]
    noise: Float[np.ndarray, " T"]

    @classmethod
    def of(cls, space: MixtureSpace, known: Lessons, x: Float[np.ndarray, "T M"]) -> "Seen":
        """The lessons, warped, of tasks with these scaled meta-features."""
        origins = np.unique(known.origins, return_inverse=True)[1]
        kinds = np.array([KINDS.index(kind) for kind in known.kinds])
        noise = (known.noise / known.spread) ** 2
        usual = np.nanmedian(noise) if np.isfinite(noise).any() else 1.0
        noise = np.clip(np.nan_to_num(noise / max(usual, 1e-12), nan=1.0), LEAST_NOISE, MOST_NOISE)
        features = architecture_features(space, known.u).astype(np.float64)
        tasks = Tasks(np.asarray(x, np.float64), kinds, origins)
        return cls(tasks, features, feature_groups(space), warped(known.target.astype(np.float64)), noise)


@functools.cache
def feature_groups(space: MixtureSpace) -> np.ndarray:
    """Number of the group of each architecture feature, (F,): those of a group share a length scale."""
    names = names_of_features(space)
    order = list(dict.fromkeys(names))
    return np.array([order.index(name) for name in names])
