"""`recommend`: a dataset in, an architecture out, nothing trained on it."""

import csv
import dataclasses
import functools
import time
from importlib import resources

import numpy as np

from taskaware.deprecation import renamed_arguments
from taskaware.errors import UserError
from taskaware.modalities.reading import make_task, vector
from taskaware.modalities.tables.metafeatures import NAMES, catalogue_digest
from taskaware.recommendation.ascent import AscentSettings, Proposal, propose
from taskaware.recommendation.parts import Candidate, Neighbour, TaskCard
from taskaware.recommendation.recommendation import Recommendation
from taskaware.recommendation.safety import apart, chance, default, farthest, is_strange
from taskaware.surrogates import Evaluator, fit_evaluator, load_evaluator
from taskaware.surrogates.evaluator import View
from taskaware.surrogates.training_data import FEWEST_TASKS
from taskaware.tasks.metrics import METRICS_OF
from taskaware.tasks.task import Task

NEIGHBOURS = 5
FEWEST_COMPARED = 20
CLEARLY = 0.01


@renamed_arguments(kind="problem")
def recommend(
    dataset,
    target=None,
    *,
    problem: str | None = None,
    name: str | None = None,
    evaluator: Evaluator | None = None,
    ascent: AscentSettings | None = None,
    candidates: int = 10,
    leave_out: bool = False,
    seed: int = 0,
) -> Recommendation:
    """The architecture that suits a dataset, before anything is trained on it.

    Args:
        dataset: a Task, or what one of `MODALITIES` accepts: DataFrame, (X, y), Hugging Face Dataset or
            DatasetDict, path to a CSV, TSV, Parquet, ARFF or JSON-lines file, name of a manifest, "hf:<id>",
            "openml:<id>".
        target: name of the target column (or its values, beside an X).
        problem: "classification" or "regression"; by default what the target looks like, which is said in
            `notes`.
        name: for people; by default the source's.
        evaluator: what predicts; the shipped one by default.
        ascent: how candidates are sought and judged.
        candidates: how many are kept in the answer.
        leave_out: where the dataset is in the experience already, forget it (and its relatives) first; this
            fits an evaluator without them, which takes some seconds.
        seed: of whatever is drawn; the same seed gives the same answer.

    Raises:
        UserError: the dataset cannot be used as it stands, or a value is out of range; the message names
            the value and the mend.

    >>> recommend("wine").architecture.recipe["learning_rate"] > 0
    True
    """
    began = time.perf_counter()
    if candidates < 1:
        raise UserError(f"candidates={candidates}, but at least 1 has to be kept.")
    task = dataset if isinstance(dataset, Task) else make_task(dataset, target, problem=problem, name=name)
    evaluator = _checked(evaluator or shipped_evaluator())
    evaluator, notes = recognise(task, evaluator, leave_out)
    z = vector(task)
    view = evaluator.view(z, task.problem)
    proposal = propose(evaluator, z, task.problem, ascent or AscentSettings(), seed=seed, view=view)
    notes = (*task.notes, *notes, *_other_metric(task))
    return _answer(task, evaluator, z, view, proposal, candidates, notes, seed, began)


def stated(
    evaluator: Evaluator, z: np.ndarray, problem: str, mean: np.ndarray, deviation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What predictions of an evaluator mean on a task, in the unit of its metric.

    Args:
        evaluator: that made them.
        z: meta-features of the task, (M,).
        problem: of the task.
        mean, deviation: normalised, (n,) each.

    Returns:
        Expected validation scores, and one standard deviation of them, (n,) each.
    """
    top, error, spread = evaluator.level(evaluator.scaler(z), problem)
    scores = top + spread * np.asarray(mean, float)
    return np.clip(scores, 0.0 if problem == "classification" else -1.0, 1.0), np.hypot(
        error, spread * np.asarray(deviation, float)
    )


@functools.cache
def shipped_evaluator() -> Evaluator:
    """The evaluator that comes with the package."""
    with resources.as_file(resources.files("taskaware.shipped") / "evaluator.npz") as path:
        return load_evaluator(path, catalogue=catalogue_digest())


def _checked(evaluator: Evaluator) -> Evaluator:
    """The evaluator, if it reads the meta-features of this catalogue."""
    found, here = evaluator.known.z.shape[1], len(NAMES)
    if found != here or evaluator.catalogue not in ("", catalogue_digest()):
        raise UserError(
            f"The evaluator learned from other meta-features ({found}; the catalogue here has {here}). "
            "Learn it again from the experience."
        )
    return evaluator


@functools.lru_cache(maxsize=4)
def _without(evaluator: Evaluator, group: str) -> Evaluator:
    left = len(set(evaluator.known.groups) - {group})
    if left < FEWEST_TASKS:
        raise UserError(
            f"Without '{group}' the evaluator would learn from {left} tasks; {FEWEST_TASKS} are needed. "
            "Ask with leave_out=False."
        )
    return fit_evaluator(evaluator.space, evaluator.known.without(group), seed=0)


def recognise(task: Task, evaluator: Evaluator, leave_out: bool) -> tuple[Evaluator, list[str]]:
    """The evaluator to ask, and what has to be said of a dataset that it knows."""
    if task.digest not in evaluator.known.digests:
        return evaluator, []
    place = evaluator.known.digests.index(task.digest)
    known, group = evaluator.known.names[place], evaluator.known.groups[place]
    if leave_out:
        note = f"This dataset is '{known}' of the experience; it was left out, and so were its relatives."
        return _without(evaluator, group), [note]
    note = (
        f"This dataset is '{known}' of the experience: what is predicted here was seen. "
        "leave_out=True asks without it."
    )
    return evaluator, [note]


def _answer(
    task: Task,
    evaluator: Evaluator,
    z: np.ndarray,
    view: View,
    proposal: Proposal,
    count: int,
    notes: tuple[str, ...],
    seed: int,
    began: float,
) -> Recommendation:
    scores, uncertainties = stated(evaluator, z, task.problem, proposal.mean, proposal.deviation)
    distances = evaluator.distances(z)
    safe = evaluator.known.u[default(evaluator, task.problem)].astype(np.float32)
    place = int(np.abs(proposal.points - safe).max(1).argmin())
    ranked = [
        Candidate(
            point=tuple(float(number) for number in proposal.points[i]),
            predicted_score=float(scores[i]),
            uncertainty=float(uncertainties[i]),
            came_from=proposal.came_from[i],
        )
        for i in (*range(min(count, len(proposal.points))), place)
    ]
    safest = dataclasses.replace(ranked.pop(), came_from="default")
    if strange := is_strange(evaluator, z):
        ranked = [safest, *(other for other in ranked if other.point != safest.point)][:count]
    return Recommendation(
        task=TaskCard.of(task),
        space=evaluator.space,
        ranked=tuple(ranked),
        default=safest,
        chance=chance(evaluator, view, np.array(ranked[0].point, np.float32), safe),
        known=tuple(_neighbours(evaluator, distances)),
        meta_features=tuple(float(number) for number in z),
        trace=tuple(tuple(float(v) for v in row) for row in proposal.trace),
        notes=(*notes, *_doubts(evaluator, distances, strange), *_rivals(evaluator, task.problem)),
        seed=int(seed),
        seconds=time.perf_counter() - began,
    )


def _other_metric(task: Task) -> list[str]:
    """What has to be said where the experience was scored by another metric than the task's."""
    known = METRICS_OF[task.problem][0]
    if task.metric == known:
        return []
    return [
        f"All that is known are scores by {known}, so the expected score is one; trained by `fit`, the best "
        f"weights are those of the best {task.metric}."
    ]


def _neighbours(evaluator: Evaluator, distances: np.ndarray):
    known = evaluator.known
    order = np.argsort(distances, kind="stable")
    for place in order[known.real[order]][:NEIGHBOURS]:
        yield Neighbour(
            known.names[place], known.problems[place], float(distances[place]), float(known.top[place])
        )


def _doubts(evaluator: Evaluator, distances: np.ndarray, strange: bool) -> list[str]:
    """What speaks against trusting the answer."""
    real = evaluator.known.real
    distances = distances[real]
    if strange:
        return [
            f"Nothing known resembles this task (nearest at distance {distances.min():.2f}; no known task is "
            f"farther than {farthest(evaluator):.2f} from all others). So here is the safe default: the "
            "architecture that is best on average over the known tasks. What the evaluator would have "
            "preferred follows it in candidates."
        ]
    usual, _ = apart(evaluator)
    if distances.min() <= usual:
        return []
    return [
        f"No known task is like this one (nearest at distance {distances.min():.2f}; 95 % of the known tasks "
        f"have one within {usual:.2f}). Trust the prediction less, and compare with a baseline."
    ]


def _rivals(evaluator: Evaluator, problem: str) -> list[str]:
    """How often a boosted tree beat the networks on known tasks of the problem."""
    known, trees = evaluator.known, _trees()
    rows = [i for i, name in enumerate(known.digests) if name in trees and known.problems[i] == problem]
    if len(rows) < FEWEST_COMPARED:
        return []
    networks = known.test_score[rows, np.nanargmax(known.score[rows], axis=1)]
    lead = np.array([trees[known.digests[i]] for i in rows]) - networks
    return [
        f"On {(lead > CLEARLY).sum()} of {len(rows)} known {problem} tasks a gradient-boosted tree with "
        f"default settings scored more than {CLEARLY:g} above the best of the networks, on "
        f"{(lead < -CLEARLY).sum()} as much below: compare with one."
    ]


@functools.cache
def _trees() -> dict[str, float]:
    """Test score of scikit-learn's HistGradientBoosting on known tasks, by digest."""
    with (resources.files("taskaware.shipped") / "trees.csv").open(encoding="utf-8") as file:
        return {row["digest"]: float(row["score"]) for row in csv.DictReader(file)}
