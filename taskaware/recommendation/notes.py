"""Notes for people beside a recommendation: what was assumed, and what speaks against trusting it."""

import csv
import functools
from importlib import resources

import numpy as np

from taskaware.recommendation.safety import farthest, separation
from taskaware.surrogates import Evaluator
from taskaware.tasks.metrics import default_metric
from taskaware.tasks.task import Task

FEWEST_COMPARED = 20
CLEARLY = 0.01


def about_metric(task: Task) -> list[str]:
    """Where the experience was scored by another metric than the task's: which one is predicted."""
    scored_by = default_metric(task.problem)
    if task.metric == scored_by:
        return []
    return [
        f"All that is known are scores by {scored_by}, so the expected score is one; trained by `fit`, the "
        f"best weights are those of the best {task.metric}."
    ]


def about_distance(evaluator: Evaluator, distances: np.ndarray, unfamiliar: bool) -> list[str]:
    """Where the training tasks are far away: how far.

    Args:
        evaluator: that was asked.
        distances: of the task to each training task, (T,).
        unfamiliar: whether it is farther than any of them is from the others.
    """
    real = evaluator.training_data.real
    distances = distances[real]
    if unfamiliar:
        return [
            f"Nothing known resembles this task (nearest at distance {distances.min():.2f}; no known task is "
            f"farther than {farthest(evaluator):.2f} from all others). So here is the safe default: the "
            "architecture that is best on average over the known tasks. What the evaluator would have "
            "preferred follows it in candidates."
        ]
    usual, _ = separation(evaluator)
    if distances.min() <= usual:
        return []
    return [
        f"No known task is like this one (nearest at distance {distances.min():.2f}; 95 % of the known tasks "
        f"have one within {usual:.2f}). Trust the prediction less, and compare with a baseline."
    ]


def about_baselines(evaluator: Evaluator, problem: str) -> list[str]:
    """How often a boosted tree beat the networks on training tasks of the problem."""
    data, trees = evaluator.training_data, _tree_scores()
    rows = [i for i, name in enumerate(data.digests) if name in trees and data.problems[i] == problem]
    if len(rows) < FEWEST_COMPARED:
        return []
    networks = data.best_test()[rows]
    lead = np.array([trees[data.digests[i]] for i in rows]) - networks
    return [
        f"On {(lead > CLEARLY).sum()} of {len(rows)} known {problem} tasks a gradient-boosted tree with "
        f"default settings scored more than {CLEARLY:g} above the best of the networks, on "
        f"{(lead < -CLEARLY).sum()} as much below: compare with one."
    ]


@functools.cache
def _tree_scores() -> dict[str, float]:
    """Test score of scikit-learn's HistGradientBoosting on known tasks, by digest."""
    with (resources.files("taskaware.shipped") / "trees.csv").open(encoding="utf-8") as file:
        return {row["digest"]: float(row["score"]) for row in csv.DictReader(file)}
