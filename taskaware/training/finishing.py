"""What a trained classification gets at its end: a temperature, and offsets of the classes."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from taskaware.tasks.metrics import Metric
from taskaware.tasks.task import Task
from taskaware.training.deciding import asks_for_offsets, chosen_offsets
from taskaware.training.model import Model
from taskaware.training.prepare import Part
from taskaware.training.tempering import chosen_temperature, tempered


class Validated(NamedTuple):
    """Validation rows of one network at its best weights.

    Attributes:
        truth: class of each, (n,).
        logits: (n, K).
        scored: how much each counts in scores, above 0, (n,).
        trained: how much each would count in training, (n,).
    """

    truth: Int[np.ndarray, " n"]
    logits: Float[np.ndarray, "n K"]
    scored: Float[np.ndarray, " n"]
    trained: Float[np.ndarray, " n"]


def validated(
    task: Task, part: Part, logits: Float[np.ndarray, "M n K"], weights: np.ndarray | None
) -> list[Validated]:
    """The validation rows of each network, without padding.

    Args:
        task: N rows.
        part: rows and weights of each of M networks, (M, n) each.
        logits: of these rows.
        weights: of all rows in training, (N,); None where all count alike.
    """
    found = []
    for rows, scored, own in zip(np.asarray(part.rows), np.asarray(part.weight), logits, strict=True):
        there = scored > 0
        places = rows[there]
        trained = np.ones(len(places)) if weights is None else weights[places]
        found.append(Validated(task.target[places], own[there, : task.outputs], scored[there], trained))
    return found


def finished(
    model: Model, task: Task, seen: Sequence[Validated], metric: Metric, scaled: Callable | None
) -> Model:
    """The model at its temperature, with offsets where its metric asks for them, and the score of both.

    Args:
        model: of the best weights.
        task: its targets tell the shares of the classes.
        seen: validation rows of each network.
        metric: that chose the weights.
        scaled: how weights are scaled, see `Child`; without it the temperature stays 1.
    """
    temperature = 1.0
    if scaled is not None:
        parts = [(each.truth, each.logits) for each in seen]
        temperature = chosen_temperature(parts, [each.trained for each in seen])
    if scaled is not None and temperature != 1.0:
        params = jax.vmap(functools.partial(scaled, factor=1 / temperature))(model.params)
        model = dataclasses.replace(model, params=params)
    if asks_for_offsets(metric):
        shares = np.bincount(task.target, minlength=task.outputs) / len(task.target)
        parts = [(each.truth, tempered(each.logits, temperature)) for each in seen]
        offsets, score = chosen_offsets(metric, parts, shares)
        return dataclasses.replace(model, offsets=offsets, best_score=score)
    if metric.reads == "probabilities" and temperature != 1.0:
        scores = [_score(metric, each, temperature) for each in seen]
        return dataclasses.replace(model, best_score=float(np.mean(scores)))
    return model


def _score(metric: Metric, seen: Validated, temperature: float) -> float:
    """The score of one network at a temperature."""
    columns = (seen.logits / temperature, seen.truth, seen.scored, 1.0)
    return float(metric.on_device(*(jnp.asarray(column, jnp.float32) for column in columns)))
