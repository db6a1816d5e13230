"""Notes for people beside a recommendation: what was assumed, and reasons for caution."""

import csv
import functools
from collections.abc import Sequence
from importlib import resources

import numpy as np

from taskaware.modalities.reading import modality_of
from taskaware.recommendation.ascent import Proposal
from taskaware.recommendation.cost import members_of
from taskaware.recommendation.parts import Candidate, TaskCard
from taskaware.recommendation.preference import Preference
from taskaware.recommendation.safety import farthest, separation
from taskaware.surrogates import Evaluator, TaskQuery
from taskaware.surrogates.lifted import Lifted
from taskaware.surrogates.patterns import same_pattern
from taskaware.tasks.alone import alone
from taskaware.tasks.metrics import METRICS, default_metric
from taskaware.tasks.task import Task

FEWEST_COMPARED = 20
CLEARLY = 0.01


def about_metric(task: Task) -> list[str]:
    """A note where the task's metric is not the one that is predicted."""
    scored_by = default_metric(task.problem)
    if task.metric == scored_by:
        return []
    return [
        f"{scored_by[:1].upper()}{scored_by[1:]} on the target is predicted; `fit` chooses weights by "
        f"{task.metric}."
    ]


def about_several(task: Task) -> list[str]:
    """Notes on what is different for several outputs."""
    if task.several is None:
        return []
    looked_at = len(alone(task))
    read = "their mean" if looked_at == task.outputs else f"the mean of {looked_at}"
    notes = [
        f"Known tasks have one output: the expected score is that of a task with the meta-features of the "
        f"{task.outputs} outputs, {read}. Trust it less."
    ]
    if task.problem == "multilabel" and asks_for_thresholds(task.metric):
        notes.append(
            f"`predict` gives labels of probability above 0.5; no thresholds are chosen for {task.metric}. "
            "`predict_proba` lets you choose your own."
        )
    return notes


def asks_for_thresholds(metric: str) -> bool:
    """Whether another threshold than 0.5 can score better in a metric of labels."""
    return METRICS[metric].reads == "classes" and metric not in ("accuracy", "subset_accuracy")


def about_limits(
    prefer: Preference, candidates: Sequence[Candidate], proposal: Proposal, card: TaskCard
) -> list[str]:
    """Notes on the expected score that the limits cost, and on networks that they cost.

    Args:
        prefer: the limits.
        candidates: all of them, those inside first, best first.
        proposal: of the same candidates.
        card: of the dataset.
    """
    if not prefer.limited:
        return []
    fewer = about_members(prefer, card)
    beyond, inside = candidates[proposal.inside :], proposal.inside
    best = f"{len(beyond)} of {len(candidates)} candidates are beyond the limits ({prefer.text})."
    if not beyond or not inside or proposal.bound[inside] <= proposal.bound[0]:
        return [*fewer, f"{best} None of them is ranked above the answer, so the limits cost nothing."]
    lost = beyond[0].predicted_score - candidates[0].predicted_score
    return [
        *fewer,
        f"{best} The best of them is expected to score {beyond[0].predicted_score:.3f} ± "
        f"{beyond[0].uncertainty:.3f}: the limits cost {lost:.3f}.",
    ]


def about_members(prefer: Preference, card: TaskCard) -> list[str]:
    """A note where limits leave room for fewer networks than `fit` usually averages.

    Args:
        prefer: the limits.
        card: of the dataset.
    """
    usual, members = members_of(card, Preference()), members_of(card, prefer)
    if not prefer.limited or members >= usual:
        return []
    return [
        f"`fit` averages {members} network{'s' * (members > 1)} instead of {usual}, to keep to the "
        "limits. Expected scores are those of one network; the mean of several is usually better."
    ]


def about_kind(evaluator: Evaluator, task: Task, query: TaskQuery) -> list[str]:
    """A note where no known task is of this kind of data.

    Args:
        evaluator: that was asked.
        task: the dataset.
        query: the same, as the evaluator read it.
    """
    alike = same_pattern(evaluator.space, evaluator.training_data.table(), query.present)
    if not modality_of(task).embeddings_of(task.data) or (alike.any() and not isinstance(evaluator, Lifted)):
        return []
    kinds = "the kinds of data of" if task.modality == "mixed" else f"the kind '{task.modality}' of"
    return [
        f"No known task has {kinds} this dataset: the prediction is that for a table of its feature blocks. "
        "Trust it less, and compare with a usual model of the field."
    ]


def about_distance(evaluator: Evaluator, distances: np.ndarray, unfamiliar: bool) -> list[str]:
    """A note where the known tasks are far away.

    Args:
        evaluator: that was asked.
        distances: of the task to each known task, (T,).
        unfamiliar: whether the task is farther from them than any of them is from the others.
    """
    real = evaluator.training_data.real
    distances = distances[real]
    if unfamiliar:
        return [
            f"No known task resembles this task: the nearest is at distance {distances.min():.2f}, and no "
            f"known task is farther than {farthest(evaluator):.2f} from all others. The answer is the "
            "safe default, the architecture that is best on average over the known tasks. The evaluator's "
            "own choice follows it in `candidates`."
        ]
    usual, _ = separation(evaluator)
    if distances.min() <= usual:
        return []
    return [
        f"No known task is close to this one: the nearest is at distance {distances.min():.2f}, and 95 % "
        f"of the known tasks have one within {usual:.2f}. Trust the prediction less, and compare with a "
        "baseline."
    ]


def about_baselines(evaluator: Evaluator, task: Task) -> list[str]:
    """A note on how often boosted trees beat the networks on known tables of the problem.

    Args:
        evaluator: that was asked.
        task: the dataset; trees read tables alone.
    """
    if modality_of(task).embeddings_of(task.data):
        return []
    data, trees, problem = evaluator.training_data, _tree_scores(), task.problem
    rows = [i for i, name in enumerate(data.digests) if name in trees and data.problems[i] == problem]
    if len(rows) < FEWEST_COMPARED:
        return []
    networks = data.best_test()[rows]
    lead = np.array([trees[data.digests[i]] for i in rows]) - networks
    return [
        f"Compare with gradient-boosted trees: with default settings they beat the best network by more than "
        f"{CLEARLY:g} on {(lead > CLEARLY).sum()} of {len(rows)} {problem} tasks, and lost by more than "
        f"{CLEARLY:g} on {(lead < -CLEARLY).sum()}."
    ]


@functools.cache
def _tree_scores() -> dict[str, float]:
    """Test score of scikit-learn's HistGradientBoosting on known tasks, by digest."""
    with (resources.files("taskaware.shipped") / "trees.csv").open(encoding="utf-8") as file:
        return {row["digest"]: float(row["score"]) for row in csv.DictReader(file)}
