"""Trainings on the dataset itself: from a recommendation to a better one."""

import contextlib
import dataclasses
import time

import numpy as np

from taskaware.errors import UserError
from taskaware.objectives.trainings import TOGETHER, trained
from taskaware.recommendation.ascent import AscentSettings, Proposal, propose
from taskaware.recommendation.parts import Candidate
from taskaware.recommendation.recommendation import Recommendation
from taskaware.recommendation.refinement import Refinement, refining
from taskaware.store import Store
from taskaware.strategies import AllDiverged, search
from taskaware.surrogates import Evaluator
from taskaware.tasks.task import Task


def refine(
    recommendation: Recommendation,
    task: Task,
    *,
    trainings: int,
    evaluator: Evaluator | None = None,
    store=None,
    progress: bool | None = None,
) -> Recommendation:
    """See `Recommendation.refine`."""
    from taskaware.recommendation.recommend import recognise, shipped_evaluator

    began = time.perf_counter()
    if trainings < 1:
        raise UserError(f"trainings={trainings}, but at least 1 is needed to refine anything.")
    # What was seen of this very dataset would be told twice.
    evaluator, _ = recognise(task, evaluator or shipped_evaluator(), leave_out=True)
    z, seed = np.array(recommendation.meta_features), recommendation.seed
    proposed = propose(evaluator, z, task.problem, AscentSettings(), seed=seed)
    points, came_from = _recommended_first(recommendation, proposed)
    refinement = Refinement.begin(evaluator, z, task.problem, points)
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
    refinement = refinement.told(history.info["candidate"], history.scores)
    seconds = time.perf_counter() - began
    return _answer(recommendation, refinement, points, came_from, seconds)


def _recommended_first(recommendation: Recommendation, proposed: Proposal) -> tuple[np.ndarray, list[str]]:
    """The candidates, the recommendation before all others, each once; and where they came from."""
    first = recommendation.point[None]
    other = np.flatnonzero(np.any(np.abs(proposed.points - first) > 1e-4, axis=1))
    points = np.concatenate([first, proposed.points[other]]).astype(np.float32)
    return points, [recommendation.ranked[0].came_from, *(proposed.came_from[place] for place in other)]


def _answer(
    before: Recommendation,
    refinement: Refinement,
    points: np.ndarray,
    came_from: list[str],
    seconds: float,
) -> Recommendation:
    """The best of those trained first, then all others by what is believed of them now."""
    expected, doubt = refinement.stated()
    best = refinement.best()
    order = [best, *(row for row in np.argsort(-expected) if row != best)][: len(before.ranked)]
    done = set(refinement.rows.tolist())
    ranked = tuple(
        Candidate(
            point=tuple(float(number) for number in points[row]),
            predicted_score=float(expected[row]),
            uncertainty=float(doubt[row]),
            came_from="trained" if row in done else came_from[row],
        )
        for row in order
    )
    told = refinement.scores[refinement.rows == best][0]
    note = (
        f"{len(done)} candidates were trained on this dataset; the best of them reached {told:.3f} on "
        f"validation rows, the first recommendation {refinement.scores[0]:.3f}."
    )
    return dataclasses.replace(
        before, ranked=ranked, chance=None, notes=(*before.notes, note), seconds=before.seconds + seconds
    )
