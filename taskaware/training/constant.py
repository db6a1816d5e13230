"""The constant prediction in place of networks that are worse: shares of the classes, or the mean.

Where the columns tell nothing about the target, a network learns the training rows by heart, and its answers
are worse than no network.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import cast

import jax
import numpy as np

from taskaware.arrays import as_jax
from taskaware.children.child import Child
from taskaware.errors import warn
from taskaware.tasks.metrics import Metric
from taskaware.tasks.task import Task
from taskaware.training.model import Model
from taskaware.training.prepare import Part
from taskaware.training.seen import Seen, loss_of, score_of

LEAST_SHARE = 1e-6


def shares_instead(
    model: Model,
    task: Task,
    seen: Sequence[Seen],
    metric: Metric,
    *,
    child: Child,
    temperature: float,
    weights: np.ndarray | None,
) -> Model | None:
    """A classification that always gives the shares of the classes; None where its networks are better.

    They are worse where both their score and their log loss are, on validation rows.

    Args:
        model: of the best weights.
        task: its targets tell the shares.
        seen: validation rows of each network.
        metric: that chose the weights.
        child: of the networks.
        temperature: of the networks.
        weights: of all rows in training, (N,); None where all count alike.
    """
    if child.scaled is None or child.shifted is None:
        return None
    counts = np.bincount(task.target, weights=weights, minlength=task.outputs)
    logits = np.log(np.maximum(counts / counts.sum(), LEAST_SHARE))
    flat = [each._replace(logits=np.tile(logits, (len(each.truth), 1))) for each in seen]
    score = float(np.mean([score_of(metric, each) for each in flat]))
    if np.mean([score_of(metric, each, temperature) for each in seen]) >= score:
        return None
    if loss_of(seen, temperature) <= loss_of(flat):
        return None
    _tell(task, f"always predicting '{task.classes[int(logits.argmax())]}'", metric.text(score))
    padded = np.zeros(model.outputs, np.float32)
    padded[: len(logits)] = logits
    params = jax.vmap(functools.partial(child.scaled, factor=0.0))(model.params)
    params = jax.vmap(child.shifted, (0, None))(params, as_jax(padded))
    return dataclasses.replace(model, params=params, best_score=score)


def mean_instead(model: Model, task: Task, part: Part, metric: Metric, child: Child) -> Model | None:
    """A regression that always gives the mean; None where its networks are better on validation rows.

    Args:
        model: of the best weights.
        task: N rows with one target.
        part: rows and weights of each of M networks, (M, n) each.
        metric: that chose the weights.
        child: of the networks.
    """
    if child.scaled is None or task.several or model.problem != "regression":
        return None
    mean, scores = cast(float, model.target_mean), []
    for rows, weight in zip(np.asarray(part.rows), np.asarray(part.weight), strict=True):
        truth = task.target[rows[weight > 0]]
        scores.append(metric.on_host(truth, np.full(len(truth), mean)))
    score = float(np.mean(scores))
    if not model.best_score < score:
        return None
    _tell(task, "always predicting the mean", metric.text(score))
    params = jax.vmap(functools.partial(child.scaled, factor=0.0))(model.params)
    return dataclasses.replace(model, params=params, best_score=score)


def _tell(task: Task, what: str, score: str) -> None:
    warn(
        f"No network of '{task.name}' is better on its validation rows than {what} ({score}), so "
        "that is what the model does. The columns may tell nothing about the target.",
    )
