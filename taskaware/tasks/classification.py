"""Scores of predicted classes and of their probabilities, on the host and inside compiled programs."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.tasks.labels import F1_LABELS
from taskaware.tasks.metrics import MASKED, SMALLER, SMALLEST, Metric, negated

NO_ORDER = 0.5
"""ROC AUC where all rows are of one class."""


def accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Share of rows whose class is right, in [0, 1].

    Args:
        truth, predicted: class indices, (N,), N at least 1.

    >>> accuracy(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2]))
    0.75
    """
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(truth, predicted))


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
    from sklearn.metrics import recall_score

    # The same number as balanced_accuracy_score gives, which warns of classes that are predicted only.
    return float(recall_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0))


def roc_auc(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Area under the ROC curve: of class 1 where there are two classes, else the mean of one-versus-rest.

    Args:
        truth: class indices, (N,), N at least 1.
        probabilities: of each class, (N, K); ties count half.

    Returns:
        A number in [0, 1]. Classes that do not occur do not count; 0.5 where only one occurs.

    Source: Fawcett 2006.

    >>> roc_auc(np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.2, 0.8]]))
    0.875
    """
    from sklearn.metrics import roc_auc_score

    count = probabilities.shape[1]
    classes = [1] if count == 2 else range(count)
    scores = [
        roc_auc_score(truth == each, probabilities[:, each])
        for each in classes
        if 0 < np.sum(truth == each) < len(truth)
    ]
    return float(np.mean(scores)) if scores else NO_ORDER


def f1_macro(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean over the classes that occur or are predicted of F1 = 2 hits / (rows of the class + predictions).

    Args:
        truth, predicted: class indices, (N,), N at least 1.

    Returns:
        A number in [0, 1].

    >>> round(f1_macro(np.array([0, 0, 1]), np.array([0, 1, 1])), 4)
    0.6667
    """
    from sklearn.metrics import f1_score

    return float(f1_score(truth, predicted, average="macro", zero_division=0))


def log_loss(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean logarithm of the probability of the right class: minus the log loss (natural logarithm).

    Args:
        truth: class indices, (N,), N at least 1; -1 is a class to which no probability was given.
        probabilities: of each class, (N, K); cut at SMALLEST.

    Returns:
        A number of at most 0.

    >>> round(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]])), 4)
    -0.6931
    """
    from sklearn.metrics import log_loss as loss

    probabilities = np.asarray(probabilities, np.float32)
    if (truth < 0).any():
        probabilities = np.pad(probabilities, ((0, 0), (0, 1)))
        truth = np.where(truth < 0, probabilities.shape[1] - 1, truth)
    return -float(loss(truth, probabilities, labels=np.arange(probabilities.shape[1])))


def perplexity(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Minus the perplexity, exp of the log loss; arguments as of `log_loss`.

    >>> round(perplexity(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]])), 4)
    -2.0
    """
    return -math.exp(-log_loss(truth, probabilities))


def bits_per_character(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Minus the log loss in bits; arguments as of `log_loss`.

    >>> round(bits_per_character(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]])), 4)
    -1.0
    """
    return log_loss(truth, probabilities) / math.log(2)


Outputs = Float[Array, "n K"]
Rows = Float[Array, " n"]
Score = Float[Array, ""]


def _accuracy(outputs: Outputs, y: Rows, weight: Rows, scale: Score) -> Score:
    return jnp.sum((outputs.argmax(-1) == y) * weight) / weight.sum()


def _balanced_accuracy(outputs: Outputs, y: Rows, weight: Rows, scale: Score) -> Score:
    right = (outputs.argmax(-1) == y) * weight
    classes = y.astype(jnp.int32)
    hits, rows = (jax.ops.segment_sum(part, classes, outputs.shape[-1]) for part in (right, weight))
    return jnp.sum(hits / jnp.maximum(rows, 1e-12)) / jnp.sum(rows > 0)


def _roc_auc(outputs: Outputs, y: Rows, weight: Rows, scale: Score) -> Score:
    count = outputs.shape[-1]
    own = jax.nn.one_hot(y.astype(jnp.int32), count) * weight[:, None]
    other = weight[:, None] - own
    areas = jax.vmap(_area, in_axes=1)(jax.nn.softmax(outputs), own, other)
    two = jnp.sum(outputs[0] > MASKED / 2) == 2
    counts = (own.sum(0) > 0) & (other.sum(0) > 0) & ~(two & (jnp.arange(count) == 0))
    mean = jnp.sum(jnp.where(counts, areas, 0.0)) / jnp.maximum(counts.sum(), 1)
    return jnp.where(counts.any(), mean, NO_ORDER)


def _area(scores: Rows, own: Rows, other: Rows) -> Score:
    """Share of pairs of an own and another row in which the own one has the larger score; ties count half."""
    order = jnp.argsort(scores)
    ordered = scores[order]
    share = other[order] / jnp.maximum(other.sum(), 1e-12)
    upto = jnp.concatenate([jnp.zeros(1), jnp.cumsum(share)])
    below, with_ties = (upto[jnp.searchsorted(ordered, ordered, side=side)] for side in ("left", "right"))
    return jnp.sum(own[order] * (below + with_ties)) / 2 / jnp.maximum(own.sum(), 1e-12)


def _f1_macro(outputs: Outputs, y: Rows, weight: Rows, scale: Score) -> Score:
    count = outputs.shape[-1]
    own = jax.nn.one_hot(y.astype(jnp.int32), count)
    given = jax.nn.one_hot(outputs.argmax(-1), count) * weight[:, None]
    rows = jnp.sum(own * weight[:, None], axis=0) + given.sum(0)
    each = 2 * jnp.sum(own * given, axis=0) / jnp.maximum(rows, 1e-12)
    return each.sum() / jnp.sum(rows > 0)


def _log_loss(outputs: Outputs, y: Rows, weight: Rows, scale: Score) -> Score:
    own = jnp.take_along_axis(jax.nn.log_softmax(outputs), y.astype(jnp.int32)[:, None], axis=1)[:, 0]
    return jnp.sum(jnp.maximum(own, math.log(SMALLEST)) * weight) / weight.sum()


def _perplexity(outputs: Outputs, y: Rows, weight: Rows, scale: Score) -> Score:
    return -jnp.exp(-_log_loss(outputs, y, weight, scale))


def _bits_per_character(outputs: Outputs, y: Rows, weight: Rows, scale: Score) -> Score:
    return _log_loss(outputs, y, weight, scale) / math.log(2)


PROBLEMS = ("classification", "multilabel")
ONE_CLASS = ("classification",)

ACCURACY = Metric("accuracy", PROBLEMS, "classes", accuracy, _accuracy, 0.0, 1.0)
BALANCED_ACCURACY = Metric(
    "balanced_accuracy", PROBLEMS, "classes", balanced_accuracy, _balanced_accuracy, 0.0, 1.0
)
ROC_AUC = Metric("roc_auc", PROBLEMS, "probabilities", roc_auc, _roc_auc, 0.0, 1.0)
F1_MACRO = Metric("f1_macro", PROBLEMS, "classes", f1_macro, _f1_macro, 0.0, 1.0, of_outputs=F1_LABELS)
LOG_LOSS = Metric(
    "log_loss", PROBLEMS, "probabilities", log_loss, _log_loss, high=0.0, shown=negated, direction=SMALLER
)
PERPLEXITY = Metric(
    "perplexity",
    ONE_CLASS,
    "probabilities",
    perplexity,
    _perplexity,
    high=-1.0,
    shown=negated,
    direction=SMALLER,
)
BITS_PER_CHARACTER = Metric(
    "bits_per_character",
    ONE_CLASS,
    "probabilities",
    bits_per_character,
    _bits_per_character,
    high=0.0,
    shown=negated,
    direction=SMALLER,
)
