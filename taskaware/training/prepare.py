"""Task + seed → padded arrays on the device, ready for many trainings."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taskaware.arrays import bucket, pad_to
from taskaware.children.mixture.network import Columns, Inputs
from taskaware.modalities.tables.encode import EMBEDDINGS, Encoder
from taskaware.tasks.split import Split, split
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe


class Part(NamedTuple):
    """Rows of one part: where they lie in `TaskArrays.x`, and 1 for a real one, 0 for padding."""

    rows: Int[Array, " n"]
    weight: Float[Array, " n"]


class TaskArrays(NamedTuple):
    """A task as a compiled program sees it; sizes are buckets, so tasks of similar size share programs.

    Attributes:
        x: embedded columns of all rows, N of them.
        y: class indices as float, or standardised values, (N,).
        columns: what the columns of x are.
        allowed: which outputs exist, (K,).
        validation: rows that score during training.
        test: rows that are reported.
        scale: one unit of y in the target's own units, ().
    """

    x: Inputs
    y: Float[Array, " N"]
    columns: Columns
    allowed: Bool[Array, " K"]
    validation: Part
    test: Part
    scale: Float[Array, ""]


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
    """A task, split and encoded for one seed.

    Attributes:
        arrays: what the programs read.
        encoder: learned from the training part.
        train: positions of the training rows in `arrays.x`.
        target_mean, target_std: how a regression target was standardised; 0 and 1 in classification.
        problem: of the task.
        metric: name of the task's own metric.
    """

    arrays: TaskArrays
    encoder: Encoder
    train: np.ndarray
    target_mean: float
    target_std: float
    problem: str
    metric: str


def prepare(task: Task, seed: int, recipe: TrainingRecipe, parts: Split | None = None) -> Prepared:
    """Split (by the seed, unless `parts` are given), cut to the recipe's sizes, encode, pad.

    Args:
        task: N rows.
        seed: of the split and of the rows drawn where a part is larger than the recipe's size.
        recipe: gives the sizes.
        parts: rows of the three parts.
    """
    parts = split(task, seed) if parts is None else parts
    rng = np.random.default_rng(seed)
    limits = (recipe.train_rows, recipe.validation_rows, recipe.test_rows)
    kept = [
        _draw(rng, rows, limit)
        for rows, limit in zip((parts.train, parts.validation, parts.test), limits, strict=True)
    ]
    encoder = Encoder.fit(task.data, kept[0])
    rows = np.concatenate(kept)
    x = encoder.transform(task.data, rows)
    height = bucket(len(rows), 1024)
    y = task.target[rows].astype(np.float64)
    mean, std = _target_scale(task, y[: len(kept[0])])
    stops = np.cumsum([len(part) for part in kept])
    outputs = bucket(task.outputs, 4) if task.problem == "classification" else 1
    arrays = TaskArrays(
        x=padded_inputs(x, height),
        y=jnp.asarray(pad_to((y - mean) / std, height), jnp.float32),
        columns=columns_of(encoder),
        allowed=jnp.arange(outputs) < task.outputs,
        validation=_part(np.arange(stops[0], stops[1])),
        test=_part(np.arange(stops[1], stops[2])),
        scale=jnp.asarray(std, jnp.float32),
    )
    return Prepared(arrays, encoder, np.arange(stops[0]), mean, std, task.problem, task.metric)


def batches(train: np.ndarray, seed: int, steps: int, batch_size: int) -> np.ndarray:
    """Rows of each step, (steps, batch_size): passes over the training rows, each in an order of its own."""
    rng = np.random.default_rng(seed)
    passes = -(-steps * batch_size // len(train))
    order = np.concatenate([rng.permutation(train) for _ in range(passes)])
    return order[: steps * batch_size].reshape(steps, batch_size).astype(np.int32)


def columns_of(encoder: Encoder) -> Columns:
    """What the encoder's columns are, padding included."""
    block = np.full(_room(len(encoder.block)), len(EMBEDDINGS), np.int32)
    block[: len(encoder.block)] = encoder.block
    return Columns(jnp.asarray(block), jnp.asarray(encoder.active))


def padded_inputs(x: Sequence[np.ndarray], height: int) -> Inputs:
    """What an encoder gave, with rows and columns of zeros up to the buckets."""
    return Inputs(*(jnp.asarray(pad_to(pad_to(part, _room(part.shape[1]), 1), height)) for part in x))


def _room(columns: int) -> int:
    """Columns after padding; none stay none, so a table without categories does not pay for them."""
    return bucket(columns, 64) if columns else 0


def _draw(rng: np.random.Generator, rows: np.ndarray, limit: int) -> np.ndarray:
    return rows if len(rows) <= limit else np.sort(rng.choice(rows, limit, replace=False))


def _target_scale(task: Task, train: np.ndarray) -> tuple[float, float]:
    if task.problem == "classification":
        return 0.0, 1.0
    return float(train.mean()), float(train.std()) or 1.0


def _part(rows: np.ndarray) -> Part:
    size = bucket(len(rows), 256)
    weight = pad_to(np.ones(len(rows), np.float32), size)
    return Part(jnp.asarray(pad_to(rows, size), jnp.int32), jnp.asarray(weight))
