"""Which rows each network of a training learns from and is scored on, and how much each counts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from taskaware.arrays import bucket, pad_to
from taskaware.errors import UserError
from taskaware.tasks.split import Split
from taskaware.training.prepare import Part, batches


class Rows(NamedTuple):
    """Rows of the M members, as positions in `TaskArrays.x`.

    Attributes:
        train: of each step, (M, steps, B).
        validation: of the evaluations, (M, n) each.
    """

    train: np.ndarray
    validation: Part


class RowOptions(NamedTuple):
    """What is known of the N rows of a task, beside their features and targets.

    Attributes:
        groups: rows of one group stay in one part, (N,); see `splits`.
        time: the latest rows validate, (N,); see `splits`.
        weights: how often each row is trained on, (N,).
        scored: how much each row counts in validation scores, (N,).
    """

    groups: np.ndarray | None = None
    time: np.ndarray | None = None
    weights: np.ndarray | None = None
    scored: np.ndarray | None = None


def rows_of_members(
    parts: Sequence[Split], *, seed: int, steps: int, batch_size: int, about: RowOptions
) -> Rows:
    """The rows of each step and evaluation of every member.

    Args:
        parts: one split for each member.
        seed: of the order of the rows.
        steps: number of steps.
        batch_size: rows of each step.
        about: has the weights of the rows.

    Raises:
        UserError: a part has no row of weight above 0.
    """
    size = bucket(max(len(part.validation) for part in parts), 256)
    seeds = np.random.default_rng(seed).integers(1 << 31, size=len(parts)).tolist()
    train, rows, counts = [], [], []
    for part, own in zip(parts, seeds, strict=True):
        weights = _weights(about.weights, part.train, "training")
        train.append(batches(part.train, own, steps, batch_size, weights))
        rows.append(pad_to(part.validation, size).astype(np.int32))
        scored = _weights(about.scored, part.validation, "validation")
        count = np.ones(len(part.validation)) if scored is None else scored
        counts.append(pad_to(count.astype(np.float32), size))
    return Rows(np.stack(train), Part(np.stack(rows), np.stack(counts)))


def _weights(weights: np.ndarray | None, rows: np.ndarray, part: str) -> np.ndarray | None:
    """The weights of some rows, their mean 1; None where all count alike."""
    if weights is None:
        return None
    total = weights[rows].sum()
    if not total > 0:
        raise UserError(
            f"All {len(rows)} rows of a {part} part have weight 0. Give more rows a weight above 0."
        )
    return weights[rows] * (len(rows) / total)
