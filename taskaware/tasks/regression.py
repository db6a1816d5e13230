"""Scores of predicted numbers, on the host and inside compiled programs."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.tasks.metrics import SMALLER, Metric, negated
from taskaware.tasks.scale import unit_of

FARTHEST = 1e150
"""Largest prediction in units of the spread of the truth, when R² is computed."""

WORST_R2 = -1.0
"""Smallest recorded R²: differences below it carry no information."""


def r2(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Coefficient of determination: 1 - squared error / squared error of the mean.

    Args:
        truth, predicted: values, (N,), N at least 1.

    Returns:
        A number of at most 1; 0 for predicting the mean. Where `truth` is constant: 1 if the prediction
        is exact, otherwise 0.

    Source: Wright 1921; scikit-learn's convention for a constant truth.

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    0.5
    """
    from sklearn.metrics import r2_score

    truth, predicted = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    if truth.min() == truth.max():
        return float((truth == predicted).all())
    return float(r2_score(*_by_spread(truth, predicted)))


def rmse(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Minus the root of the mean squared error, in the target's units.

    Args:
        truth, predicted: values, (N,), N at least 1.

    >>> rmse(np.array([1.0, 2.0]), np.array([1.0, 4.0])) == -(2**0.5)
    True
    """
    from sklearn.metrics import root_mean_squared_error

    unit, truth, predicted = _by_size(truth, predicted)
    return -float(root_mean_squared_error(truth, predicted)) * unit


def mae(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Minus the mean absolute error, in the target's units.

    Args:
        truth, predicted: values, (N,), N at least 1.

    >>> mae(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    -1.0
    """
    from sklearn.metrics import mean_absolute_error

    unit, truth, predicted = _by_size(truth, predicted)
    return -float(mean_absolute_error(truth, predicted)) * unit


def _by_size(truth: np.ndarray, predicted: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """A power of two near the largest number, and both in this unit: squares neither overflow nor vanish."""
    truth, predicted = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    unit = unit_of(truth, predicted)
    return unit, truth / unit, predicted / unit


def _by_spread(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both in the unit of the spread of the truth; what is too far off is cut, so that squares are finite."""
    size = unit_of(truth)
    spread = unit_of(truth / size - (truth / size).mean())
    with np.errstate(over="ignore"):
        far = np.clip(predicted / size / spread, -FARTHEST, FARTHEST)
    return truth / size / spread, far


Outputs = Float[Array, "n K"]
Rows = Float[Array, " n"]
Score = Float[Array, ""]


def _r2(outputs: Outputs, y: Rows, weight: Rows, scale: Score) -> Score:
    """R²; far below WORST_R2 where all rows have one value."""
    mean = jnp.sum(y * weight) / weight.sum()
    spread = jnp.sum(jnp.square(y - mean) * weight)
    left = jnp.sum(jnp.square(outputs[:, 0] - y) * weight)
    return 1 - left / jnp.maximum(spread, 1e-12)


def _rmse(outputs: Outputs, y: Rows, weight: Rows, scale: Score) -> Score:
    return -scale * jnp.sqrt(jnp.sum(jnp.square(outputs[:, 0] - y) * weight) / weight.sum())


def _mae(outputs: Outputs, y: Rows, weight: Rows, scale: Score) -> Score:
    return -scale * jnp.sum(jnp.abs(outputs[:, 0] - y) * weight) / weight.sum()


PROBLEMS = ("regression", "multioutput")

R2 = Metric("r2", PROBLEMS, "values", r2, _r2, WORST_R2, 1.0)
RMSE = Metric("rmse", PROBLEMS, "values", rmse, _rmse, high=0.0, shown=negated, direction=SMALLER)
MAE = Metric("mae", PROBLEMS, "values", mae, _mae, high=0.0, shown=negated, direction=SMALLER)
