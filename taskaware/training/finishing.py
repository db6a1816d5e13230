"""What a trained classification gets at its end: a temperature, and offsets of the classes."""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import numpy as np

from taskaware.children.child import Child
from taskaware.tasks.metrics import Metric
from taskaware.tasks.task import Task
from taskaware.training.constant import shares_instead
from taskaware.training.deciding import asks_for_offsets, chosen_offsets
from taskaware.training.model import Model
from taskaware.training.seen import Seen, score_of
from taskaware.training.tempering import chosen_temperature, tempered


def finished(
    model: Model,
    task: Task,
    seen: Sequence[Seen],
    metric: Metric,
    child: Child,
    weights: np.ndarray | None = None,
) -> Model:
    """The model at its temperature, with offsets where its metric asks for them, and the score of both.

    A constant takes the place of networks that are worse, see `constant`.

    Args:
        model: of the best weights.
        task: its targets tell the shares of the classes.
        seen: validation rows of each network.
        metric: that chose the weights.
        child: of the networks; where it does not scale weights, the temperature stays 1.
        weights: of all rows in training, (N,); None where all count alike.
    """
    temperature, scaled = 1.0, child.scaled
    if scaled is not None:
        parts = [(each.truth, each.logits) for each in seen]
        temperature = chosen_temperature(parts, [each.trained for each in seen])
    if not asks_for_offsets(metric):
        constant = shares_instead(
            model, task, seen, metric, child=child, temperature=temperature, weights=weights
        )
        if constant is not None:
            return constant
    if scaled is not None and temperature != 1.0:
        params = jax.vmap(functools.partial(scaled, factor=1 / temperature))(model.params)
        model = dataclasses.replace(model, params=params)
    if asks_for_offsets(metric):
        shares = np.bincount(task.target, minlength=task.outputs) / len(task.target)
        parts = [(each.truth, tempered(each.logits, temperature)) for each in seen]
        offsets, score = chosen_offsets(metric, parts, shares)
        return dataclasses.replace(model, offsets=offsets, best_score=score)
    if metric.reads == "probabilities" and temperature != 1.0:
        scores = [score_of(metric, each, temperature) for each in seen]
        return dataclasses.replace(model, best_score=float(np.mean(scores)))
    return model
