"""An objective that predicts: the score that a surrogate expects on a task; fast, with gradients."""

from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import Array, Float

from taskaware.errors import UserError
from taskaware.strategies import Objective, traced
from taskaware.surrogates import Evaluator, TaskQuery


def predicted(evaluator: Evaluator, query: TaskQuery, *, kappa: float = 0.0, together: int = 16) -> Objective:
    """The predicted score less kappa standard deviations.

    Args:
        evaluator: the surrogate.
        query: the task.
        kappa: number of standard deviations to subtract; 0 for the mean, 1 for a lower confidence bound.
        together: points of a round.
    """
    return traced(_value(evaluator, query, kappa), together)


def predictor(evaluator: Evaluator, query: TaskQuery, *, kappa: float = 0.0) -> Callable:
    """What `ta.strategies.promising` asks: points (n, D) → their predicted scores (n,).

    Args:
        evaluator: the surrogate.
        query: the task.
        kappa: number of standard deviations to subtract.
    """
    return jax.jit(jax.vmap(_value(evaluator, query, kappa)))


def best_of_nearest(
    evaluator: Evaluator, query: TaskQuery, *, tasks: int = 5, each: int = 2
) -> Float[np.ndarray, "n D"]:
    """Points that did best on the known tasks nearest to a task, for `ta.strategies.portfolio_then`.

    Args:
        evaluator: knows the tasks.
        query: the task, with its meta-features.
        tasks: how many of the known ones, the nearest first.
        each: points of each, the best first.

    Returns:
        The points, each once; those of the nearest task come first.

    Raises:
        UserError: the query has no meta-features.
    """
    if query.z is None:
        raise UserError("Nearest tasks are found by meta-features, and the query has none. Give z=...")
    places = evaluator.best_of_nearest(query.z, tasks=tasks, each=each)
    return np.asarray(evaluator.training_data.u)[list(dict.fromkeys(places.tolist()))]


def _value(
    evaluator: Evaluator, query: TaskQuery, kappa: float
) -> Callable[[Float[Array, " D"]], Float[Array, ""]]:
    posterior = evaluator.posterior(query)

    def value(point: Float[Array, " D"]) -> Float[Array, ""]:
        mean, deviation = posterior.mean_std(evaluator.space.features(point)[None])
        return (mean - kappa * deviation)[0]

    return value
