"""From probabilities to a class: offsets of the classes, chosen on validation rows for the task's metric.

A metric such as balanced accuracy or macro F1 counts rare classes more than their rows, and the most probable
class is then not the best answer. The offsets are one number times minus the logarithm of the share of each
class: 0 decides for the most probable class, 1 as if all classes were equally frequent. Of two classes that
is a threshold. One number overfits little.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from taskaware.tasks.metrics import Metric

STRENGTHS = np.linspace(0.0, 1.5, 31)
PLATEAU = 1e-3
"""Strengths whose score is this close to the best are equally good."""


def asks_for_offsets(metric: Metric) -> bool:
    """Whether a metric scores classes and the most probable class is not always its best answer."""
    of_classes = metric.reads == "classes" and "classification" in metric.problems
    return of_classes and metric.name != "accuracy"


def decided(
    probabilities: Float[np.ndarray, "n K"], offsets: Sequence[float] | np.ndarray
) -> Int[np.ndarray, " n"]:
    """The class of each row: of the largest logarithm of its probability plus the offset of the class.

    Args:
        probabilities: of each class.
        offsets: of each class; empty for the most probable class.

    >>> decided(np.array([[0.8, 0.2]]), ()).tolist(), decided(np.array([[0.8, 0.2]]), (0.0, 2.0)).tolist()
    ([0], [1])
    """
    if not len(offsets):
        return probabilities.argmax(1)
    tiny = np.finfo(np.float32).tiny
    return (np.log(np.maximum(probabilities, tiny)) + np.asarray(offsets)).argmax(1)


def chosen_offsets(
    metric: Metric,
    parts: Sequence[tuple[np.ndarray, Float[np.ndarray, "n K"]]],
    shares: Float[np.ndarray, " K"],
) -> tuple[tuple[float, ...], float]:
    """The offsets that score best on validation rows, and their score.

    Args:
        metric: scores classes.
        parts: of each network, the true classes (n,) of its validation rows and their probabilities.
        shares: of the classes among all rows.

    Returns:
        Offsets, empty where none are better than the most probable class; and the mean score of the networks.
    """
    direction = -np.log(np.maximum(shares, 1e-6))
    direction = direction - direction.min()
    truth = np.concatenate([each for each, _ in parts])
    probabilities = np.concatenate([each for _, each in parts])
    scores = np.array([metric.on_host(truth, decided(probabilities, s * direction)) for s in STRENGTHS])
    good = np.flatnonzero(scores >= scores.max() - PLATEAU)
    # The middle of the longest run of good strengths: a lucky peak is narrow.
    runs = np.split(good, np.flatnonzero(np.diff(good) > 1) + 1)
    strength = STRENGTHS[int(np.median(max(runs, key=len)))]
    if scores[0] >= scores.max() - PLATEAU or strength == 0:
        strength = 0.0
    offsets = tuple(float(number) for number in strength * direction) if strength else ()
    each = [metric.on_host(truth, decided(found, offsets)) for truth, found in parts]
    return offsets, float(np.mean(each))
