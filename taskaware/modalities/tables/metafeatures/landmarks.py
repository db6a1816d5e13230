"""How well some very cheap models do on a small sample: what they find easy says much about a task.

Every landmark learns on one half of the sample and predicts the other, both ways round. A model gives an
(m, C) matrix: a score for each class, or the target's value (C = 1). Performance is scaled to the
baseline that ignores the features: 0 as good as it, 1 perfect, at least −1.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from taskaware.modalities.tables.metafeatures.feature import LANDMARKING, MetaFeature

SPLITS = 8
PENALTY = 0.001
WIDTH = 0.3
RIDGE = "Saunders, Gammerman, Vovk 1998"
RELATIVE = "Fürnkranz, Petrak 2001"


@dataclasses.dataclass(frozen=True, eq=False)
class Half:
    """What a model may see: t rows to learn from, and of s others the features alone.

    Attributes:
        rows, queries: (t, D) and (s, D) design of the training rows and of those to predict.
        outcome: (t, C) what is to be learnt.
        groups: (t,) class of each training row, or fifth of the target it lies in.
        inner, across: (t, t) and (s, t) inner products of training rows with themselves and the others.
    """

    rows: np.ndarray
    queries: np.ndarray
    outcome: np.ndarray
    groups: np.ndarray
    inner: np.ndarray
    across: np.ndarray

    @functools.cached_property
    def scale(self) -> float:
        """Mean squared length of a training row."""
        return max(float(np.mean(np.diag(self.inner))), 1e-12)

    @functools.cached_property
    def distances(self) -> tuple[np.ndarray, np.ndarray]:
        """(t, t) and (s, t) squared distances of training rows to themselves and to the others."""
        squares, others = np.diag(self.inner), np.sum(self.queries**2, axis=1)
        return (
            np.maximum(squares[:, None] + squares - 2 * self.inner, 0.0),
            np.maximum(others[:, None] + squares - 2 * self.across, 0.0),
        )

    @functools.cached_property
    def member(self) -> np.ndarray:
        """(t, K) one-hot groups, those that occur."""
        found, position = np.unique(self.groups, return_inverse=True)
        return np.eye(len(found))[position]

    @functools.cached_property
    def group_outcomes(self) -> np.ndarray:
        """(K, C) mean outcome of each group."""
        return self.member.T @ self.outcome / self.member.sum(axis=0)[:, None]


@dataclasses.dataclass(frozen=True, eq=False)
class Landmarks:
    """Scores of the cheap models on m rows.

    Attributes:
        design: (m, D) columns, numbers standardised, categories one-hot; no missing value.
        outcome: (m, C) one-hot classes, or (m, 1) the standardised target.
        groups: (m,) class of each row, or fifth of the target it lies in; small integers.
        is_classification: whether accuracy or R² is the score.
    """

    design: np.ndarray
    outcome: np.ndarray
    groups: np.ndarray
    is_classification: bool

    @functools.cached_property
    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows of two halves with like targets: every other one in the order of groups and values."""
        order = np.lexsort((self.outcome[:, 0], self.groups))
        return order[::2], order[1::2]

    @functools.cached_property
    def halves(self) -> tuple[Half, Half]:
        """Learn from the first half and predict the second, and the other way round."""
        one, two = self.split
        first, second = self.design[one], self.design[two]
        across = second @ first.T
        return (
            Half(first, second, self.outcome[one], self.groups[one], first @ first.T, across),
            Half(second, first, self.outcome[two], self.groups[two], second @ second.T, across.T),
        )

    def score(self, predict: Callable[[Half], np.ndarray]) -> float:
        """Performance of one model over both halves, in [−1, 1]; 0 where nothing can be learnt."""
        if len(self.outcome) < 4 or not self.design.size or np.all(self.outcome == self.outcome[0]):
            return 0.0
        predicted = np.empty_like(self.outcome)
        for rows, half in zip(reversed(self.split), self.halves, strict=True):
            predicted[rows] = predict(half)
        measure = _accuracy_gain if self.is_classification else _explained_variance
        return float(np.clip(measure(self.outcome, predicted), -1, 1))

    @functools.cached_property
    def centroid(self) -> float:
        """Score of `nearest_centroid`."""
        return self.score(nearest_centroid)

    @functools.cached_property
    def neighbour(self) -> float:
        """Score of `nearest_neighbour`."""
        return self.score(nearest_neighbour)

    @functools.cached_property
    def linear(self) -> float:
        """Score of `linear_ridge`."""
        return self.score(linear_ridge)

    @functools.cached_property
    def quadratic(self) -> float:
        """Score of `quadratic_ridge`."""
        return self.score(quadratic_ridge)

    @functools.cached_property
    def smooth(self) -> float:
        """Score of `smooth_ridge`."""
        return self.score(smooth_ridge)


def _accuracy_gain(outcome: np.ndarray, predicted: np.ndarray) -> float:
    base = outcome.mean(axis=0).max()
    accuracy = np.mean(outcome.argmax(axis=1) == predicted.argmax(axis=1))
    return (accuracy - base) / (1 - base)


def _explained_variance(outcome: np.ndarray, predicted: np.ndarray) -> float:
    return 1 - np.sum((outcome - predicted) ** 2) / np.sum((outcome - outcome.mean()) ** 2)


def nearest_centroid(half: Half) -> np.ndarray:
    """Outcome of the group whose mean is nearest, (s, C)."""
    weights = half.member / half.member.sum(axis=0)
    within = np.sum(weights * (half.inner @ weights), axis=0)
    return half.group_outcomes[np.argmin(within - 2 * half.across @ weights, axis=1)]


def nearest_neighbour(half: Half) -> np.ndarray:
    """Outcome of the nearest row, the mean of several that are equally near, (s, C)."""
    distances = half.distances[1]
    nearest = distances <= distances.min(axis=1, keepdims=True) + 1e-9 * half.scale
    return nearest @ half.outcome / nearest.sum(axis=1, keepdims=True)


def naive_bayes(half: Half) -> np.ndarray:
    """Gaussian naive Bayes: outcomes of the groups weighted by their posterior, (s, C).

    Each group's variances include one imaginary row of variance 1, so none is 0.
    """
    sizes = half.member.sum(axis=0)[:, None]
    centre = half.member.T @ half.rows / sizes
    squares = np.maximum(half.member.T @ half.rows**2 - sizes * centre**2, 0.0)
    precision = (sizes + 1) / (squares + 1)
    constant = np.log(sizes[:, 0]) + 0.5 * np.sum(np.log(precision) - precision * centre**2, axis=1)
    log_posterior = constant + half.queries @ (precision * centre).T - 0.5 * half.queries**2 @ precision.T
    posterior = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
    return posterior / posterior.sum(axis=1, keepdims=True) @ half.group_outcomes


def stump(half: Half) -> np.ndarray:
    """Means on either side of the one split that explains most variance, (s, C).

    Splits tried: above the minimum and above the octiles of every column.
    """
    rows, outcome = half.rows, half.outcome
    places = np.arange(SPLITS) * (len(rows) - 1) // SPLITS
    limits = np.sort(rows.T, axis=1)[:, places]
    above = (rows.T[:, None, :] > limits[:, :, None]).reshape(-1, len(rows))
    size = np.count_nonzero(above, axis=1)[:, None]
    high = above.astype(np.float64) @ outcome
    low = outcome.sum(axis=0) - high
    means = low / np.maximum(len(rows) - size, 1), high / np.maximum(size, 1)
    between = np.sum(low * means[0] + high * means[1], axis=1)
    best = int(np.argmax(np.where(size[:, 0] > 0, between, -1.0)))
    upper = half.queries[:, best // SPLITS] > limits.ravel()[best]
    return np.where(upper[:, None], means[1][best], means[0][best])


def _ridge(inner: np.ndarray, across: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Kernel ridge regression on the centred outcome, (s, C), from (t, t) and (s, t) kernels."""
    centre = outcome.mean(axis=0)
    penalised = inner.copy()
    penalised.ravel()[:: len(inner) + 1] += PENALTY * np.trace(inner) + 1e-12
    return centre + across @ np.linalg.solve(penalised, outcome - centre)


def linear_ridge(half: Half) -> np.ndarray:
    """Linear least squares with a small penalty, in closed form, (s, C)."""
    return _ridge(half.inner, half.across, half.outcome)


def quadratic_ridge(half: Half) -> np.ndarray:
    """The same on all products of two columns, (s, C): the kernel (1 + x·y)²."""
    return _ridge((1 + half.inner / half.scale) ** 2, (1 + half.across / half.scale) ** 2, half.outcome)


def smooth_ridge(half: Half) -> np.ndarray:
    """The same on a Gaussian kernel about as wide as rows lie apart, (s, C)."""
    inner, across = (np.exp(distances * (-WIDTH / half.scale)) for distances in half.distances)
    return _ridge(inner, across, half.outcome)


FEATURES = (
    MetaFeature(
        "landmark_centroid", "gain over baseline", -1, 1, LANDMARKING,
        lambda v: v.landmarks.centroid,
        "nearest class mean (regression: of the target's fifths)",
    ),
    MetaFeature(
        "landmark_neighbour", "gain over baseline", -1, 1, LANDMARKING,
        lambda v: v.landmarks.neighbour,
        "one nearest neighbour",
    ),
    MetaFeature(
        "landmark_stump", "gain over baseline", -1, 1, LANDMARKING,
        lambda v: v.landmarks.score(stump),
        "the best single split",
    ),
    MetaFeature(
        "landmark_bayes", "gain over baseline", -1, 1, LANDMARKING,
        lambda v: v.landmarks.score(naive_bayes),
        "Gaussian naive Bayes",
    ),
    MetaFeature(
        "landmark_linear", "gain over baseline", -1, 1, LANDMARKING,
        lambda v: v.landmarks.linear,
        "linear least squares with a small penalty",
    ),
    MetaFeature(
        "landmark_quadratic", "gain over baseline", -1, 1, RIDGE,
        lambda v: v.landmarks.quadratic,
        "ridge regression on all products of two columns",
    ),
    MetaFeature(
        "landmark_smooth", "gain over baseline", -1, 1, RIDGE,
        lambda v: v.landmarks.smooth,
        "ridge regression with a Gaussian kernel",
    ),
    MetaFeature(
        "interaction_gain", "difference of gains", -2, 2, RELATIVE,
        lambda v: v.landmarks.quadratic - v.landmarks.linear,
        "what products of columns add to a linear model",
    ),
    MetaFeature(
        "nonlinear_gain", "difference of gains", -2, 2, RELATIVE,
        lambda v: max(v.landmarks.quadratic, v.landmarks.smooth) - v.landmarks.linear,
        "what the better curved model adds to a linear one",
    ),
    MetaFeature(
        "local_gain", "difference of gains", -2, 2, RELATIVE,
        lambda v: v.landmarks.neighbour - v.landmarks.centroid,
        "what the nearest row knows beyond the nearest class mean",
    ),
)  # fmt: skip
