"""Meta-features on one scale, and the scale of a task's scores."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Float

from taskaware.errors import unknown
from taskaware.surrogates.triplets import AnyData
from taskaware.tasks.task import PROBLEMS

WIDEST = 3.0
LOWEST = {"classification": 0.0, "regression": -1.0}
"""Smallest predicted score, by problem. R² is unbounded below; it is cut at -1."""
HIGHEST = 1.0


class Scaler(NamedTuple):
    """Scales meta-features: centred at the median of the known tasks, in units of their spread."""

    centre: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, z: Float[np.ndarray, "T M"]) -> "Scaler":
        low, centre, high = np.quantile(z, [0.1, 0.5, 0.9], axis=0)
        spread = np.where(high > low, (high - low) / 2, z.std(0))
        return cls(centre.astype(np.float32), np.where(spread > 0, spread, 1.0).astype(np.float32))

    def __call__(self, z: Float[np.ndarray, "*b M"]) -> Float[np.ndarray, "*b M"]:
        """The scaled meta-features, clipped to WIDEST."""
        return np.clip((z - self.centre) / self.spread, -WIDEST, WIDEST)


class TaskScale(NamedTuple):
    """Predicted scale of a task's scores, before any training on it; a pytree of plain numbers.

    Attributes:
        top, top_error: expected score of the best architectures, and its standard deviation.
        spread, spread_error: expected difference of top and median score, and the standard deviation of its
            logarithm.
        low, high: range of the metric.
    """

    top: float
    top_error: float
    spread: float
    spread_error: float
    low: float
    high: float

    def in_metric_units(
        self, mean: Array | np.ndarray, std: Array | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Normalised scores (n,) and standard deviations → the same in the unit of the metric."""
        scores = self.top + self.spread * np.asarray(mean, float)
        within = self.spread * np.asarray(std, float)
        return np.clip(scores, self.low, self.high), np.hypot(self.top_error, within)


class TaskLevel(NamedTuple):
    """Ridge regressions of a task's top score and log spread on its scaled meta-features, by problem.

    Attributes:
        weights: (problems, M + 1, 2), the last row is the constant.
        error: standard deviation of their errors on real tasks, leaving one group out, (problems, 2).
    """

    weights: np.ndarray
    error: np.ndarray

    @classmethod
    def fit(cls, data: AnyData, scaler: Scaler, penalty: float = 30.0) -> "TaskLevel":
        """Fit to the tasks of each problem, or to all tasks if a problem has too few.

        Args:
            data: T tasks.
            scaler: of their meta-features.
            penalty: of the squared slopes.
        """
        parts = [_level(data, data.of_problem(problem), scaler, penalty) for problem in PROBLEMS]
        weights, error = zip(*parts, strict=True)
        return cls(np.stack(weights), np.stack(error))

    def __call__(self, x: Float[np.ndarray, " M"], problem: str) -> TaskScale:
        """The scale of a task with these scaled meta-features.

        Raises:
            UserError: the problem is unknown; the nearest name is suggested.
        """
        if problem not in PROBLEMS:
            raise unknown("problem", str(problem), PROBLEMS)
        place = PROBLEMS.index(problem)
        top, log_spread = _apply(self.weights[place], x[None])[0]
        top_error, spread_error = (float(error) for error in self.error[place])
        return TaskScale(
            float(top), top_error, float(np.exp(log_spread)), spread_error, LOWEST[problem], HIGHEST
        )


def _level(data: AnyData, tasks: np.ndarray, scaler: Scaler, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights and errors of a fit to some of the tasks (a mask)."""
    x = scaler(data.z[tasks])
    y = np.stack([data.top[tasks], np.log(data.spread[tasks])], axis=1)
    groups, real = np.array(data.groups)[tasks], data.real[tasks]
    every, errors = _Moments.of(x, y), []
    for group in np.unique(groups):
        fold = groups == group
        rest = every.without(_Moments.of(x[fold], y[fold]))
        errors.append((y[fold] - _apply(rest.ridge(penalty), x[fold]))[real[fold]])
    return every.ridge(penalty), np.sqrt(np.mean(np.concatenate(errors) ** 2, axis=0))


class _Moments(NamedTuple):
    """Sums over rows, from which a ridge regression follows; those of some rows can be taken away again."""

    rows: int
    x: np.ndarray
    y: np.ndarray
    inner: np.ndarray
    across: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray) -> "_Moments":
        x = x.astype(np.float64)
        return cls(len(x), x.sum(0), y.sum(0), x.T @ x, x.T @ y)

    def without(self, part: "_Moments") -> "_Moments":
        """The sums over the other rows."""
        pairs: Any = zip(self, part, strict=True)
        return _Moments(*(whole - own for whole, own in pairs))

    def ridge(self, penalty: float) -> np.ndarray:
        """Weights of the columns, and the constant, (M + 1, outputs)."""
        centre, mean = self.x / self.rows, self.y / self.rows
        inner = self.inner - np.outer(centre, self.x) + penalty * np.eye(len(centre))
        slope = np.linalg.solve(inner, self.across - np.outer(centre, self.y))
        return np.vstack([slope, mean - centre @ slope])


def _apply(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    return x @ weights[:-1] + weights[-1]
