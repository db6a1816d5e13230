"""The safe answer beside the recommended one: when it is preferred, and how likely it is beaten."""

import functools
import math

import numpy as np
from jaxtyping import Float

from taskaware.surrogates.evaluator import Evaluator, ProcessView, View
from taskaware.surrogates.kernel import squared_distances
from taskaware.surrogates.training_data import architecture_features

DOUBT = 1.5
"""By how much more two beliefs differ by chance than the process says, on tasks held out."""


def chance(
    evaluator: Evaluator, view: View, point: Float[np.ndarray, " D"], other: Float[np.ndarray, " D"]
) -> float | None:
    """Probability that an architecture scores above another one on a task.

    Args:
        evaluator: of the space.
        view: of the task.
        point, other: the two.

    Returns:
        The probability; None for the same architecture twice, and for a view that does not know what the
        errors of its two predictions have in common.
    """
    if not isinstance(view, ProcessView) or np.array_equal(point, other):
        return None
    mean, covariance = view.belief.joint(architecture_features(evaluator.space, np.stack([point, other])))
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    return 0.5 * math.erfc((mean[1] - mean[0]) / (DOUBT * math.sqrt(2 * max(variance, 1e-12))))


@functools.lru_cache(maxsize=4)
def default(evaluator: Evaluator, problem: str) -> int:
    """Position in `known.u` of the architecture that is best on average over the known tasks of a problem."""
    known = evaluator.known.take(evaluator.known.of_problem(problem) & evaluator.known.real)
    return int(known.filled().mean(0).argmax())


@functools.lru_cache(maxsize=4)
def apart(evaluator: Evaluator) -> tuple[float, float]:
    """Distance of known real tasks to the nearest of another group: of 95 % of them within, and at most."""
    known = evaluator.known.take(evaluator.known.real)
    z, groups = evaluator.scaler(known.z), np.array(known.groups)
    between = np.sqrt(squared_distances(z, z) / z.shape[1])
    between[groups[:, None] == groups] = np.inf
    nearest = between.min(1)
    nearest = nearest[np.isfinite(nearest)]
    return (float(np.quantile(nearest, 0.95)), float(nearest.max())) if len(nearest) else (0.0, 0.0)


def farthest(evaluator: Evaluator) -> float:
    """Largest distance of a known real task to the nearest one of another group."""
    return apart(evaluator)[1]


def is_strange(evaluator: Evaluator, z: Float[np.ndarray, " M"]) -> bool:
    """Whether a task is farther from all known ones than any known one is from those of other groups.

    How good the evaluator is was measured on tasks that are nearer, so nothing is known of its answers here.
    """
    return float(evaluator.distances(z)[evaluator.known.real].min()) > farthest(evaluator)
