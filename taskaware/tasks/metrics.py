"""Scores of predictions. Larger is better in every one of them."""

from collections.abc import Callable

import numpy as np


def accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Share of rows whose class is right.

    Args:
        truth, predicted: class indices, (N,), N at least 1.

    Returns:
        A number in [0, 1].

    >>> accuracy(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2]))
    0.75
    """
    return float(np.mean(truth == predicted))


def balanced_accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean over the classes that occur in `truth` of the share of their rows that are right.

    Args:
        truth, predicted: class indices, (N,), N at least 1.

    Returns:
        A number in [0, 1]; 1 / classes for a constant prediction.

    Source: Brodersen, Ong, Stephan, Buhmann 2010.

    >>> balanced_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]))
    0.5
    """
    _, places, rows = np.unique(truth, return_inverse=True, return_counts=True)
    right = np.bincount(places, weights=truth == predicted, minlength=len(rows))
    return float(np.mean(right / rows))


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
    error = float(np.sum(np.square(np.asarray(truth, np.float64) - predicted)))
    spread = float(np.sum(np.square(truth - np.mean(truth, dtype=np.float64))))
    if spread == 0.0:
        return float(error == 0.0)
    return 1.0 - error / spread


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "r2": r2,
}

METRICS_OF = {"classification": ("accuracy", "balanced_accuracy"), "regression": ("r2",)}
"""The metrics of each problem; the first is the default."""
