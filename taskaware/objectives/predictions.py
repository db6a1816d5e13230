"""An objective that predicts: the score that a surrogate expects on a task; fast, with gradients."""

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import jax
import numpy as np
from jaxtyping import Array, Float

from taskaware import plain
from taskaware.errors import UserError
from taskaware.spaces import ChoiceSpace, RelaxedChoices, Space, relaxed
from taskaware.strategies import Objective, gradient_ascent, maximise, traced
from taskaware.surrogates import Evaluator, Posterior, TaskQuery

STARTS, ROUNDS = 128, 40
"""Climbs of an ascent in a space of choices, and their steps."""


def predicted(
    evaluator: Evaluator,
    query: TaskQuery | None = None,
    *,
    kappa: float = 0.0,
    together: int = 16,
    space: Space | None = None,
) -> Objective:
    """The predicted score less kappa standard deviations.

    Args:
        evaluator: the surrogate.
        query: the task; None for one of which nothing is known yet: the middle of the known tasks.
        kappa: number of standard deviations to subtract; 0 for the mean, 1 for a lower confidence bound.
        together: points of a round.
        space: of the points; None for that of the evaluator. `ta.spaces.relaxed` of it gives gradients where
            the evaluator's points are choices.
    """
    return traced(_value(evaluator, query, kappa, space), together)


def predictor(evaluator: Evaluator, query: TaskQuery | None = None, *, kappa: float = 0.0) -> Callable:
    """What `ta.strategies.promising` asks: points (n, D) → their predicted scores (n,).

    Args:
        evaluator: the surrogate.
        query: the task; None as in `predicted`.
        kappa: number of standard deviations to subtract.
    """
    return jax.jit(jax.vmap(_value(evaluator, query, kappa)))


def best_of_nearest(
    evaluator: Evaluator, query: TaskQuery | None = None, *, tasks: int = 5, each: int = 2
) -> Float[np.ndarray, "n D"]:
    """Points that did best on the known tasks nearest to a task, for `ta.strategies.portfolio_then`.

    Args:
        evaluator: knows the tasks.
        query: the task, with its meta-features; None as in `predicted`.
        tasks: how many of the known ones, the nearest first.
        each: points of each, the best first.

    Returns:
        The points, each once; those of the nearest task come first.

    Raises:
        UserError: the query has no meta-features.
    """
    z = (query or usual_query(evaluator)).z
    if z is None:
        raise UserError("Nearest tasks are found by meta-features, and the query has none. Give z=...")
    places = evaluator.best_of_nearest(z, tasks=tasks, each=each)
    return np.asarray(evaluator.training_data.u)[list(dict.fromkeys(places.tolist()))]


def climbed(
    evaluator: Evaluator,
    query: TaskQuery | None = None,
    *,
    count: int = 20,
    kappa: float = 0.0,
    seed: int = 0,
) -> Float[np.ndarray, "n D"]:
    """Points of a space of choices that gradient ascent on the predicted score finds, for `portfolio_then`.

    The ascent climbs in the relaxed space, see `ta.spaces.relaxed`, from random points. Each step of each
    climb stands for the nearest point of the space; the best predicted of these are returned.

    Args:
        evaluator: learned in a space of choices.
        query: the task; None as in `predicted`.
        count: points at most.
        kappa: number of standard deviations to subtract from the predicted score.
        seed: of the random points.

    Returns:
        The points, each once, the best predicted first.

    Raises:
        UserError: the space of the evaluator is not one of choices, or the count is below 1.
    """
    plain.whole("count", count, low=1)
    around = relaxed(cast(ChoiceSpace, evaluator.space))
    posterior = evaluator.posterior(query or usual_query(evaluator))
    points, values = _climb(around, posterior, float(kappa), jax.random.key(plain.seed(seed)))
    points, first = np.unique(np.asarray(points), axis=0, return_index=True)
    best = np.argsort(-np.asarray(values)[first], kind="stable")[:count]
    return points[best]


def usual_query(evaluator: Evaluator) -> TaskQuery:
    """A task of which nothing is known: the middle of the known ones, with their most frequent problem.

    Raises:
        UserError: the evaluator reads raw rows of the task.
    """
    if evaluator.sample_size is not None:
        raise UserError("This evaluator reads rows of the task. Give it one: query=ta.TaskQuery(...).")
    problem = Counter(evaluator.training_data.problems).most_common(1)[0][0]
    return TaskQuery(np.asarray(evaluator.scaler.centre), problem)


@functools.partial(jax.jit, static_argnums=0)
def _climb(space: RelaxedChoices, posterior: Posterior, kappa: Any, key: Array) -> tuple[Array, Array]:
    """All points that the climbs come by, with their predicted scores."""
    ascent = gradient_ascent()(space, STARTS)
    trace = maximise(ascent, lambda point: _bound(space, posterior, kappa, point), key, ROUNDS)
    points = space.nearest(trace.points.reshape(-1, space.dimension))
    return points, jax.lax.map(
        lambda point: _bound(space.choices, posterior, kappa, point), points, batch_size=STARTS
    )


def _value(
    evaluator: Evaluator, query: TaskQuery | None, kappa: float, space: Space | None = None
) -> Callable[[Float[Array, " D"]], Float[Array, ""]]:
    posterior, own = evaluator.posterior(query or usual_query(evaluator)), space or evaluator.space
    return functools.partial(_bound, own, posterior, kappa)


def _bound(space: Space, posterior: Posterior, kappa: Any, point: Float[Array, " D"]) -> Float[Array, ""]:
    mean, deviation = posterior.mean_std(space.features(point)[None])
    return (mean - kappa * deviation)[0]
