"""The default architecture: when it is recommended, and how likely the recommended one beats it."""

import functools
import math

import numpy as np
from jaxtyping import Float

from taskaware.surrogates import Evaluator, Posterior
from taskaware.surrogates.kernel import squared_distances
from taskaware.surrogates.patterns import same_pattern
from taskaware.surrogates.training_data import FEWEST_GROUPS, architecture_features

ERROR_FACTOR = 1.5
"""Ratio of the true error of a predicted difference to the Gaussian process's own, on tasks held out."""


def chance(
    evaluator: Evaluator,
    posterior: Posterior,
    point: Float[np.ndarray, " D"],
    other: Float[np.ndarray, " D"],
) -> float | None:
    """Probability that an architecture scores above another one on a task.

    Args:
        evaluator: of the space.
        posterior: of the task.
        point, other: the two architectures.

    Returns:
        The probability; None if both are the same architecture, or the evaluator has no covariance.
    """
    if np.array_equal(point, other):
        return None
    joint = posterior.joint(architecture_features(evaluator.space, np.stack([point, other])))
    if joint is None:
        return None
    mean, covariance = joint
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    return 0.5 * math.erfc((mean[1] - mean[0]) / (ERROR_FACTOR * math.sqrt(2 * max(variance, 1e-12))))


@functools.lru_cache(maxsize=16)
def averages(
    evaluator: Evaluator, problem: str, present: tuple[str, ...] | None = None
) -> Float[np.ndarray, " A"]:
    """How good each architecture of `training_data.u` is on average over tasks of a problem.

    Args:
        evaluator: with training data.
        problem: of the task.
        present: names of the embeddings that the task has columns for; where enough groups of known tasks
            have the same kinds of data, these count alone.
    """
    data = evaluator.training_data
    chosen = data.of_problem(problem) & data.real
    alike = chosen & same_pattern(evaluator.space, data.table(), present)
    enough = len(set(np.array(data.groups)[alike])) >= FEWEST_GROUPS
    return data.take(alike if enough else chosen).averages()


def default(evaluator: Evaluator, problem: str, present: tuple[str, ...] | None = None) -> int:
    """Position in `training_data.u` of the architecture that is best on average, see `averages`.

    Args:
        evaluator, problem, present: as there.
    """
    return int(averages(evaluator, problem, present).argmax())


@functools.lru_cache(maxsize=4)
def separation(evaluator: Evaluator) -> tuple[float, float]:
    """Distance of real known tasks to the nearest of another group: 95 % are within it; the largest."""
    data = evaluator.training_data.take(evaluator.training_data.real)
    z, groups = evaluator.scaler(data.z), np.array(data.groups)
    between = np.sqrt(squared_distances(z, z) / z.shape[1])
    between[groups[:, None] == groups] = np.inf
    nearest = between.min(1)
    nearest = nearest[np.isfinite(nearest)]
    return (float(np.quantile(nearest, 0.95)), float(nearest.max())) if len(nearest) else (0.0, 0.0)


def farthest(evaluator: Evaluator) -> float:
    """Largest distance of a real known task to the nearest one of another group."""
    return separation(evaluator)[1]


def is_unfamiliar(evaluator: Evaluator, z: Float[np.ndarray, " M"]) -> bool:
    """Whether a task is farther from every known task than any known task is from the other groups.

    The evaluator was never tested at such distances, so its predictions there cannot be trusted.
    """
    return float(evaluator.distances(z)[evaluator.training_data.real].min()) > farthest(evaluator)
