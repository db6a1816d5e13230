"""Scores of rows that have several labels each, on the host and inside compiled programs."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.tasks.metrics import Metric


def f1_micro(truth: np.ndarray, predicted: np.ndarray) -> float:
    """F1 = 2 hits / (labels that are there + labels that are predicted), over all labels together.

    Args:
        truth, predicted: 0 and 1, (N, K), N at least 1.

    Returns:
        A number in [0, 1]; 0 where no label is there and none is predicted.

    >>> f1_micro(np.array([[1, 1], [1, 0]]), np.array([[1, 0], [1, 0]]))
    0.8
    """
    from sklearn.metrics import f1_score

    return float(f1_score(truth, predicted, average="micro", zero_division=0))


def f1_labels(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean over the labels of the F1 of each; 0 for a label that is neither there nor predicted.

    Args:
        truth, predicted: 0 and 1, (N, K), N at least 1.

    Returns:
        A number in [0, 1].

    >>> f1_labels(np.array([[1, 1], [1, 0]]), np.array([[1, 0], [1, 0]]))
    0.5
    """
    from sklearn.metrics import f1_score

    return float(f1_score(truth, predicted, average="macro", zero_division=0))


def subset_accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Share of rows whose labels are all right, in [0, 1].

    Args:
        truth, predicted: 0 and 1, (N, K), N at least 1.

    >>> subset_accuracy(np.array([[1, 1], [1, 0]]), np.array([[1, 0], [1, 0]]))
    0.5
    """
    return float(np.mean((np.asarray(truth) == np.asarray(predicted)).all(1)))


Matrix = Float[Array, "n K"]
Rows = Float[Array, " n"]
Score = Float[Array, ""]


def _counts(outputs: Matrix, y: Matrix, weight: Rows) -> tuple[Array, Array]:
    """Hits, and labels that are there plus labels that are predicted, of each label, (K,)."""
    given, rows = (outputs > 0) * weight[:, None], y * weight[:, None]
    return jnp.sum(given * y, axis=0), jnp.sum(given + rows, axis=0)


def _f1_micro(outputs: Matrix, y: Matrix, weight: Rows, scale: Score) -> Score:
    hits, both = _counts(outputs, y, weight)
    return 2 * hits.sum() / jnp.maximum(both.sum(), 1e-12)


def _f1_labels(outputs: Matrix, y: Matrix, weight: Rows, scale: Score) -> Score:
    hits, both = _counts(outputs, y, weight)
    return jnp.mean(2 * hits / jnp.maximum(both, 1e-12))


def _subset_accuracy(outputs: Matrix, y: Matrix, weight: Rows, scale: Score) -> Score:
    right = ((outputs > 0) == (y > 0)).all(-1)
    return jnp.sum(right * weight) / weight.sum()


F1_LABELS = (f1_labels, _f1_labels)
"""Both forms of F1 macro for labels."""

PROBLEMS = ("multilabel",)
F1_MICRO = Metric(
    "f1_micro", PROBLEMS, "classes", f1_micro, _f1_micro, 0.0, 1.0, of_outputs=(f1_micro, _f1_micro)
)
SUBSET_ACCURACY = Metric(
    "subset_accuracy",
    PROBLEMS,
    "classes",
    subset_accuracy,
    _subset_accuracy,
    0.0,
    1.0,
    of_outputs=(subset_accuracy, _subset_accuracy),
)
