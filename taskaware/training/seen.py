"""Validation rows of trained networks, their scores and their log loss."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.arrays import bucket, pad_to
from taskaware.tasks.metrics import Metric
from taskaware.tasks.task import Task
from taskaware.training.prepare import Part
from taskaware.training.tempering import tempered

ROWS = 256
"""Least number of rows that are scored, padding included."""


class Seen(NamedTuple):
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
) -> list[Seen]:
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
        found.append(Seen(task.target[places], own[there, : task.outputs], scored[there], trained))
    return found


def score_of(metric: Metric, seen: Seen, temperature: float = 1.0) -> float:
    """The score of one network.

    Args:
        metric: of the score.
        seen: its validation rows.
        temperature: that its logits are divided by.
    """
    # Padded, so that one program scores any number of rows.
    size = bucket(len(seen.truth), ROWS)
    columns = (seen.logits / temperature, seen.truth, seen.scored)
    return float(_score(metric, *(pad_to(np.asarray(each, np.float32), size) for each in columns)))


@functools.partial(jax.jit, static_argnames="metric")
def _score(metric: Metric, logits: Array, truth: Array, weight: Array) -> Array:
    return metric.on_device(logits, truth, weight, jnp.float32(1))


def loss_of(seen: Sequence[Seen], temperature: float = 1.0) -> float:
    """The log loss of all networks at a temperature, by the weights of training."""
    own = [tempered(each.logits, temperature)[np.arange(len(each.truth)), each.truth] for each in seen]
    weights = np.concatenate([each.trained for each in seen])
    return float(np.average(-np.log(np.maximum(np.concatenate(own), 1e-30)), weights=weights))
