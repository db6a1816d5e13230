"""Architectures that ascents find for a task, to be trained and learned from."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from jaxtyping import Float

from taskaware.objectives.architectures import recorded_points, rounded
from taskaware.recommendation.ascent import AscentSettings, guard, propose
from taskaware.recommendation.evaluators import query_of
from taskaware.spaces import Space
from taskaware.surrogates import Evaluator, Posterior, TaskQuery, TrainingData, fit_evaluator
from taskaware.surrogates.folds import held_out
from taskaware.surrogates.patterns import points_for
from taskaware.surrogates.training_data import architecture_features, shared
from taskaware.tasks.task import Task

PENALTIES = (4.0, 1.0)
"""Distance penalties of the ascents; with the smaller one they go further out."""
APART = 0.5
"""Smallest distance of two designs, in units of the usual gap between known architectures."""


class Designs(NamedTuple):
    """What ascents found for a task, best prediction first, and the best known architecture beside it.

    Attributes:
        points: (k, D); the last one is the best known architecture.
        mean: predicted warped scores, (k,).
        deviation: of a score from its prediction, (k,), the noise of a training included.
        distance: to the nearest known architecture beyond the usual gap, (k,).
    """

    points: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    distance: np.ndarray


def designs(evaluator: Evaluator, query: TaskQuery, count: int, *, seed: int = 0) -> Designs:
    """Ascend for a task with no price on what was never trained.

    Args:
        evaluator: that knows neither the task nor its relatives.
        query: the task.
        count: most designs; there are fewer where ascents end at one place.
        seed: of the search.
    """
    space, data = evaluator.space, evaluator.training_data
    posterior = evaluator.posterior(query)
    pool = points_for(space, np.asarray(data.u, np.float32), query.present)
    around = guard(space, pool, AscentSettings().priced(None, 1), pool[shared(data.often())])
    known, reach = np.asarray(around.features), float(around.reach)
    points: list[np.ndarray] = []
    best = None
    for share, penalty in enumerate(PENALTIES):
        free = AscentSettings(distance_penalty=penalty, untrained_penalty=0.0)
        found = propose(evaluator, query, free, seed=seed, posterior=posterior)
        best = found.points[found.came_from.index("known")] if best is None else best
        for point, origin in zip(rounded(found.points), found.came_from, strict=True):
            if len(points) >= -(-count * (share + 1) // len(PENALTIES)):
                break
            if origin != "known" and _is_apart(
                architecture_features(space, np.stack([point, *points])), reach
            ):
                points.append(point)
    every = np.stack([*points, cast(np.ndarray, best)]).astype(np.float32)
    features = architecture_features(space, every)
    mean, deviation = (np.asarray(part) for part in posterior.mean_std(features))
    nearest = np.sqrt(np.min(np.sum((features[:, None] - known[None]) ** 2, axis=-1), axis=1))
    deviation = of_a_score(posterior, deviation)
    order = np.append(np.argsort(-mean[:-1], kind="stable"), len(points))
    distance = np.maximum(nearest - reach, 0.0)
    return Designs(every[order], mean[order], deviation[order], distance[order])


def of_a_score(posterior: Posterior, deviation: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Deviations of scores from their predictions: those of the means, and the noise of a training.

    Args:
        posterior: that predicts.
        deviation: of the means.
    """
    return np.sqrt(deviation**2 + float(getattr(posterior, "noise", 0.0)))


def _is_apart(features: np.ndarray, reach: float) -> bool:
    """Whether the first of some architectures is away from all others."""
    gaps = np.linalg.norm(features[1:] - features[0], axis=1)
    return bool((gaps > APART * reach).all())


def held_out_designs(
    tasks: Sequence[Task],
    space: Space,
    data: TrainingData,
    settings: Any,
    count: int,
    *,
    folds: int = 5,
    seed: int = 0,
    draw: int = 0,
) -> dict[str, Designs]:
    """Designs for every task by its digest, each by an evaluator that knows neither it nor its relatives.

    Args:
        tasks: to design for; known ones or new ones.
        space: of the architectures.
        data: experience that the evaluators learn from.
        settings: of the evaluators.
        count: most designs of a task.
        folds: parts that the known groups are held out in.
        seed: of folds and evaluators.
        draw: of the searches.
    """
    found: dict[str, Designs] = {}
    parts = [set(np.array(data.groups)[out]) for out in held_out(data, folds, seed)]
    new = {task.group or task.name for task in tasks}.difference(*parts)
    for groups in (*parts, new):
        mine = [task for task in tasks if (task.group or task.name) in groups]
        if not mine:
            continue
        evaluator = fit_evaluator(space, data.without(*groups), settings, seed=seed)
        for task in mine:
            one = designs(evaluator, query_of(task, evaluator), count, seed=draw)
            found[task.digest] = one._replace(points=recorded_points(task, space, rounded(one.points)))
    return found
