"""Trainings on the dataset itself: from a recommendation to a better one."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from taskaware.errors import UserError
from taskaware.objectives.trainings import TOGETHER, trained
from taskaware.recommendation.ascent import AscentSettings, Proposal, propose
from taskaware.recommendation.evaluators import for_task, query_of, recognise
from taskaware.recommendation.expected import constant_score
from taskaware.recommendation.narrowing import Limits
from taskaware.recommendation.notes import about_members
from taskaware.recommendation.parts import Candidate
from taskaware.recommendation.preference import Preference
from taskaware.recommendation.record import Record
from taskaware.recommendation.refinement import Refinement, refining
from taskaware.store import Store
from taskaware.strategies import AllDiverged, search
from taskaware.surrogates import Evaluator
from taskaware.surrogates.level import HIGHEST
from taskaware.tasks.metrics import METRICS, Metric
from taskaware.tasks.task import Task


def refine(
    recommendation: Record,
    task: Task,
    *,
    trainings: int,
    evaluator: Evaluator | str | os.PathLike | None = None,
    prefer: Preference | Mapping[str, Any] | None = None,
    store=None,
    progress: bool | None = None,
) -> Record:
    """A better recommendation, after a few trainings; see `Recommendation.refine`.

    Args:
        recommendation: to start from.
        task: to train on.
        trainings: how many, 1 or more.
        evaluator: the one that made the recommendation; the shipped one by default.
        prefer: limits of all candidates; by default those of the recommendation.
        store: path or URL of an experience that records every training; None records nothing.
        progress: whether to show a bar; by default where there is a terminal.

    Raises:
        UserError: trainings is less than 1, or the evaluator cannot learn from single trainings.
    """
    began = time.perf_counter()
    if trainings < 1:
        raise UserError(f"trainings={trainings}, but at least 1 is needed to refine anything.")
    if prefer is not None:
        recommendation = dataclasses.replace(recommendation, prefer=Preference.of(prefer))
    # Experience with this dataset is left out: scores from it would count twice.
    evaluator, _ = recognise(task, for_task(task, evaluator), leave_out=True)
    query, seed = query_of(task, evaluator, np.array(recommendation.meta_features)), recommendation.seed
    limits = Limits.of(evaluator, query, recommendation.task, recommendation.prefer)
    if limits is not None:
        recommendation = dataclasses.replace(
            recommendation, prefer=limits.prefer, default=_default_inside(recommendation, limits)
        )
    proposed = propose(evaluator, query, AscentSettings(), seed=seed, limits=limits)
    points, came_from = _recommended_first(recommendation, proposed, limits)
    refinement = Refinement.begin(evaluator, query, points)
    with contextlib.nullcontext() if store is None else Store.open(store) as opened:
        objective = trained(task, evaluator.space, seed=seed, store=opened, strategy="refine")
        try:
            history = search(
                refining(refinement, points),
                objective,
                space=evaluator.space,
                budget=min(trainings, len(points)),
                seed=seed,
                together=TOGETHER,
                errors="raise",
                progress=progress,
                title="refining",
            )
        except AllDiverged as error:
            history = error.history
    # The evaluator predicts the default metric, so it learns from that; the task's own metric chooses.
    candidates = history.info["candidate"]
    refinement = refinement.update(candidates, history.info["default_score"])
    found = Refined(refinement, points, tuple(came_from), candidates, history.scores)
    answer = _answer(recommendation, found, METRICS[task.metric])
    return dataclasses.replace(answer, seconds=answer.seconds + time.perf_counter() - began)


@dataclasses.dataclass(frozen=True, eq=False)
class Refined:
    """The result of the trainings.

    Attributes:
        refinement: the posterior after them.
        points: N candidates, (N, D).
        came_from: where each was found, N.
        trained: candidates that were trained, n, in this order.
        scores: their validation scores in the task's own metric, (n,).
    """

    refinement: Refinement
    points: np.ndarray
    came_from: tuple[str, ...]
    trained: np.ndarray
    scores: np.ndarray


def _recommended_first(
    recommendation: Record, proposed: Proposal, limits: Limits | None
) -> tuple[np.ndarray, list[str]]:
    """The candidates inside the limits without repetition, the recommended one first, and where they came
    from."""
    first, inside = recommendation.point[None], proposed.points[: proposed.inside]
    if limits is not None and not limits.inside(first).all():
        return inside.astype(np.float32), list(proposed.came_from[: proposed.inside])
    other = np.flatnonzero(np.any(np.abs(inside - first) > 1e-4, axis=1))
    points = np.concatenate([first, proposed.points[other]]).astype(np.float32)
    return points, [recommendation.ranked[0].found_by, *(proposed.came_from[place] for place in other)]


def _default_inside(recommendation: Record, limits: Limits) -> Candidate | None:
    """The default of the recommendation, if it keeps to the limits."""
    default = recommendation.default
    if default is None or not limits.inside(np.array([default.point], np.float32)).all():
        return None
    return default


def _answer(before: Record, found: Refined, metric: Metric) -> Record:
    """The best trained candidate first, then the others by expected score."""
    expected, deviation = found.refinement.in_metric_units()
    expected = np.clip(expected, constant_score(np.array(before.meta_features)), HIGHEST)
    best = int(found.trained[found.scores.argmax()])
    order = [best, *(row for row in np.argsort(-expected) if row != best)]
    done = set(found.trained.tolist())
    candidates = tuple(
        Candidate(
            point=tuple(float(number) for number in found.points[row]),
            predicted_score=float(expected[row]),
            uncertainty=float(deviation[row]),
            found_by="trained" if row in done else found.came_from[row],
        )
        for row in order
    )
    reached, first = metric.shown(found.scores.max()), metric.shown(found.scores[0])
    old = np.abs(found.points[0] - before.point).max() <= 1e-4
    whose = "the first recommendation" if old else "the first of them"
    note = (
        f"{len(done)} candidates were trained on this dataset. On validation rows, the best one reached "
        f"{metric.name} {reached:.3f}; {whose} reached {first:.3f}."
    )
    fewer = [each for each in about_members(before.prefer, before.task) if each not in before.notes]
    return dataclasses.replace(
        before,
        ranked=candidates[: len(before.ranked)],
        chance=None,
        notes=(*before.notes, *fewer, note),
        scored=candidates,
    )
