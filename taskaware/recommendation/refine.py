"""Trainings on the dataset itself: from a recommendation to a better one."""

import contextlib
import dataclasses
import time

import numpy as np

from taskaware.errors import UserError
from taskaware.objectives import record as keeping
from taskaware.objectives.record import register
from taskaware.progress import tqdm
from taskaware.recommendation.ascent import AscentSettings, Proposal, propose
from taskaware.recommendation.evaluators import query_of, recognise, shipped_evaluator
from taskaware.recommendation.parts import Candidate
from taskaware.recommendation.record import Record
from taskaware.recommendation.refinement import Refinement
from taskaware.store import Store
from taskaware.surrogates import Evaluator
from taskaware.tasks.task import Task
from taskaware.training.prepare import prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train

TOGETHER = 4
"""Candidates trained in one program; what an interruption can lose."""


def refine(
    recommendation: Record,
    task: Task,
    *,
    trainings: int,
    evaluator: Evaluator | None = None,
    store=None,
    progress: bool | None = None,
) -> Record:
    """See `Recommendation.refine`."""
    began = time.perf_counter()
    if trainings < 1:
        raise UserError(f"trainings={trainings}, but at least 1 is needed to refine anything.")
    # What was seen of this very dataset would be told twice.
    evaluator, _ = recognise(task, evaluator or shipped_evaluator(), leave_out=True)
    query, seed = query_of(task, evaluator, np.array(recommendation.meta_features)), recommendation.seed
    proposed = propose(evaluator, query, AscentSettings(), seed=seed)
    points, came_from = _recommended_first(recommendation, proposed)
    refinement = Refinement.begin(evaluator, query, points)
    recipe = TrainingRecipe()
    hidden = None if progress is None else not progress
    with contextlib.nullcontext() if store is None else Store.open(store) as opened:
        name = "" if opened is None else register(opened, [task], evaluator.space, recipe)
        prepared = prepare(task, seed, recipe)
        bar = tqdm(total=trainings, desc="refining", unit="training", disable=hidden)
        while len(refinement.rows) < min(trainings, len(points)):
            rows = refinement.next(min(TOGETHER, trainings - len(refinement.rows)))
            trained = train(evaluator.space, points[rows], prepared, recipe, seed=seed, chunk_for=TOGETHER)
            if opened is not None:
                about = (task.digest, evaluator.space, name, points[rows], trained)
                opened.append(keeping.trainings(*about, seed=seed, strategy="refine"))
            refinement = refinement.told(rows, trained.score)
            bar.update(len(rows))
        bar.close()
    seconds = time.perf_counter() - began
    return _answer(recommendation, refinement, points, came_from, seconds)


def _recommended_first(recommendation: Record, proposed: Proposal) -> tuple[np.ndarray, list[str]]:
    """The candidates, the recommendation before all others, each once; and where they came from."""
    first = recommendation.point[None]
    other = np.flatnonzero(np.any(np.abs(proposed.points - first) > 1e-4, axis=1))
    points = np.concatenate([first, proposed.points[other]]).astype(np.float32)
    return points, [recommendation.ranked[0].found_by, *(proposed.came_from[place] for place in other)]


def _answer(
    before: Record,
    refinement: Refinement,
    points: np.ndarray,
    came_from: list[str],
    seconds: float,
) -> Record:
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
            found_by="trained" if row in done else came_from[row],
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
