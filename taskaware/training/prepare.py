"""Task + seed → padded arrays on the device, ready for many trainings."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taskaware.arrays import as_jax, bucket, column_room, pad_to, shared_zeros
from taskaware.children.mixture.network import Columns, Inputs
from taskaware.children.mixture.presence import CATEGORY_EMBEDDINGS
from taskaware.deprecation import renamed_fields
from taskaware.embeddings import RAW, TABLE_EMBEDDINGS, raw_form
from taskaware.errors import UserError
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.reading import modality_of
from taskaware.tasks.split import Split, split
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.target_scale import Scale, device_scale, in_standard_units, target_scale

EMBEDDINGS = tuple(name for group in TABLE_EMBEDDINGS for name in group)
"""Embeddings of the preset spaces, in order."""

CELLS_AT_ONCE = 1 << 22
"""Numbers that rows are encoded as at once, at most, but for FEWEST_ROWS of them."""

FEWEST_ROWS = 64


class Part(NamedTuple):
    """Rows of one part: positions in `TaskArrays.x`, and weights (1 for a row, 0 for padding)."""

    rows: Int[Array | np.ndarray, " n"]
    weight: Float[Array | np.ndarray, " n"]


class TaskArrays(NamedTuple):
    """A task as a compiled program reads it; sizes are rounded up, so tasks of similar size share programs.

    Attributes:
        x: embedded columns of all rows, N of them.
        y: class indices as float, or standardised values, (N,); of several outputs (N, K).
        columns: embedding of each column of x.
        allowed: which outputs exist, (K,).
        validation: rows of the evaluations during training.
        test: rows of the test score.
        scale: one unit of y in the target's own units, () or of each output (K,); see `device_scale`.
    """

    x: Inputs
    y: Float[Array, "N *K"]
    columns: Columns
    allowed: Bool[Array, " K"]
    validation: Part
    test: Part
    scale: Float[Array, "*K"]


@renamed_fields(encoder="blocks")
@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
    """A task, split and turned into feature blocks for one seed.

    Attributes:
        arrays: inputs of the programs.
        blocks: fitted to the training part.
        train: positions of the training rows in `arrays.x`.
        target_mean, target_std: how a regression target was standardised, or each of several; 0 and 1 in
            classification.
        problem: of the task.
        metric: name of the task's own metric.
        embeddings: names that the arrays' columns refer to.
    """

    arrays: TaskArrays
    blocks: Blocks
    train: np.ndarray
    target_mean: Scale
    target_std: Scale
    problem: str
    metric: str
    embeddings: tuple[str, ...] = EMBEDDINGS

    def check(self, space: Any) -> "Prepared":
        """The prepared task itself, if the networks of a space can read it.

        Raises:
            UserError: the space mixes other embeddings.
        """
        if embeddings_of(space) != self.embeddings:
            raise UserError(
                f"The space '{space.name}' has the embeddings {', '.join(embeddings_of(space))}; the rows "
                f"are embedded as {', '.join(self.embeddings)}, in this order. "
                "Give embeddings=space.embedding_names to `prepare`."
            )
        return self


def embeddings_of(space: Any) -> tuple[str, ...]:
    """Names of the embeddings that a space mixes; those of tables if it mixes none."""
    return getattr(space, "embedding_names", EMBEDDINGS)


def prepare(
    task: Task,
    seed: int,
    recipe: TrainingRecipe,
    parts: Split | None = None,
    *,
    embeddings: tuple[str, ...] = EMBEDDINGS,
) -> Prepared:
    """Split (by the seed, unless `parts` are given), cut to the recipe's sizes, fit blocks, pad.

    Args:
        task: N rows.
        seed: of the split and of the rows drawn where a part is larger than the recipe's size.
        recipe: gives the sizes.
        parts: rows of the three parts.
        embeddings: names of the space that the task is trained in.

    Raises:
        UserError: the task's modality gives a block of another name, or lacks the one that the space reads.
    """
    parts = split(task, seed) if parts is None else parts
    rng = np.random.default_rng(seed)
    limits = (recipe.train_rows, recipe.validation_rows, recipe.test_rows)
    kept = [
        _draw(rng, rows, limit)
        for rows, limit in zip((parts.train, parts.validation, parts.test), limits, strict=True)
    ]
    blocks = fitted_blocks(task, kept[0], embeddings)
    columns = columns_of(blocks, embeddings)
    rows = np.concatenate(kept)
    height = bucket(len(rows), 1024)
    y = task.target[rows].astype(np.float64)
    mean, std = target_scale(task, y[: len(kept[0])])
    stops = np.cumsum([len(part) for part in kept])
    outputs = bucket(task.outputs, 4) if task.problem == "classification" else task.outputs
    arrays = TaskArrays(
        x=_encoded(blocks, task, rows, embeddings=embeddings, height=height),
        y=as_jax(pad_to(in_standard_units(y, mean, std), height), np.float32),
        columns=columns,
        allowed=as_jax(np.arange(outputs) < task.outputs),
        validation=_part(np.arange(stops[0], stops[1])),
        test=_part(np.arange(stops[1], stops[2])),
        scale=as_jax(std if isinstance(std, tuple) else device_scale(std), np.float32),
    )
    return Prepared(arrays, blocks, np.arange(stops[0]), mean, std, task.problem, task.metric, embeddings)


def fitted_blocks(task: Task, rows: np.ndarray, embeddings: tuple[str, ...]) -> Blocks:
    """The blocks of a task; of a space that reads one raw block, such as the pixels of images, that one.

    Args:
        task: with the rows.
        rows: of the training part.
        embeddings: names of the space.

    Raises:
        UserError: the task has no such block.
    """
    modality = modality_of(task)
    raw = modality.raw_blocks(task.data, rows, embeddings[0]) if len(embeddings) == 1 else None
    found = modality.fit_blocks(task.data, rows) if raw is None else raw
    for kind, rows_of in RAW.items():
        if raw_form(kind, embeddings[0]) and not set(found.widths) <= set(embeddings):
            raise UserError(
                f"The space reads {kind} of {rows_of}, and '{task.name}' is of modality '{task.modality}'. "
                f"Give a task of {rows_of}, or another space."
            )
    return found


def batches(
    train: np.ndarray, seed: int, steps: int, batch_size: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """Rows of each step, (steps, batch_size): passes over the training rows, each in a new random order.

    Args:
        train: training rows.
        seed: of the orders.
        steps: number of steps.
        batch_size: rows of each step.
        weights: of the training rows: in each pass, a row occurs in proportion to its weight, to less than
            one. By default each occurs once.
    """
    rng = np.random.default_rng(seed)
    passes = -(-steps * batch_size // len(train))
    order = np.concatenate([rng.permutation(_drawn(rng, train, weights)) for _ in range(passes)])
    return order[: steps * batch_size].reshape(steps, batch_size).astype(np.int32)


def _drawn(rng: np.random.Generator, train: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """The rows of a pass: as many as there are, at even steps along their summed weights."""
    if weights is None:
        return train
    along = np.cumsum(weights) / np.sum(weights)
    places = np.searchsorted(along, (np.arange(len(train)) + rng.random()) / len(train), side="right")
    return train[np.minimum(places, len(train) - 1)]


def columns_of(blocks: Blocks, embeddings: tuple[str, ...]) -> Columns:
    """The embedding of each column of the blocks, padding included; an embedding may have no columns.

    Raises:
        UserError: a block has no name of an embedding, or only one of "one_hot" and "learned" is given.
    """
    widths, active = blocks.widths, blocks.active
    _check_names(widths, embeddings)
    numeric = [name for name in embeddings if name not in CATEGORY_EMBEDDINGS]
    place = np.repeat(
        [embeddings.index(name) for name in numeric], [widths.get(name, 0) for name in numeric]
    ).astype(np.int32)
    block = np.full(column_room(len(place)), len(embeddings), np.int32)
    block[: len(place)] = place
    counts = np.array([active.get(name, 0) for name in embeddings], np.float32)
    return Columns(as_jax(block), as_jax(counts))


def side_by_side(matrices: Mapping[str, np.ndarray], embeddings: tuple[str, ...]) -> Inputs:
    """Blocks as a network reads them: the numeric ones side by side, and the one-hot columns."""
    rows = len(next(iter(matrices.values())))
    numeric = [matrices[name] for name in embeddings if name in matrices and name not in CATEGORY_EMBEDDINGS]
    numbers = (
        np.concatenate(numeric, axis=1, dtype=np.float32) if numeric else np.zeros((rows, 0), np.float32)
    )
    return Inputs(numbers, matrices.get("one_hot", np.zeros((rows, 0), np.float32)))


def rows_at_once(blocks: Blocks) -> int:
    """Rows that are encoded together, so that their numbers take little memory: a power of two."""
    fitting = max(FEWEST_ROWS, CELLS_AT_ONCE // max(1, sum(blocks.widths.values())))
    return 1 << (fitting.bit_length() - 1)


def inputs_of(matrices: Mapping[str, np.ndarray], embeddings: tuple[str, ...], height: int) -> Inputs:
    """`padded_inputs` of the blocks `side_by_side`, with a single copy.

    Args:
        matrices: blocks of n rows.
        embeddings: names, in order.
        height: rows after padding, if there are fewer.
    """
    parts = [matrices[name] for name in embeddings if name in matrices and name not in CATEGORY_EMBEDDINGS]
    one_hot = [matrices["one_hot"]] if "one_hot" in matrices else []
    return Inputs(_padded(parts, height), _padded(one_hot, height))


def _encoded(
    blocks: Blocks, task: Task, rows: np.ndarray, *, embeddings: tuple[str, ...], height: int
) -> Inputs:
    """The blocks of these rows, padded, in arrays of the device."""
    found, size = None, rows_at_once(blocks)
    for first in range(0, len(rows), size):
        part = inputs_of(blocks.transform(task.data, rows[first : first + size]), embeddings, 0)
        found = found or Inputs(*(shared_zeros((height, each.shape[1])) for each in part))
        for whole, each in zip(found, part, strict=True):
            whole[first : first + len(each)] = each
    # `jnp.asarray` would copy them on a CPU, too.
    return Inputs(*map(jax.device_put, found or ()))


def _padded(parts: list[np.ndarray], height: int) -> np.ndarray:
    room, start = column_room(sum(part.shape[1] for part in parts)), 0
    height = max([height, *map(len, parts)])
    found = np.zeros((height, room), np.float32)
    for part in parts:
        found[: len(part), start : start + part.shape[1]] = part
        start += part.shape[1]
    return found


def padded_inputs(x: Inputs, height: int) -> Inputs:
    """The rows, padded with rows and columns of zeros."""
    parts = (np.asarray(part) for part in x)
    return Inputs(*(as_jax(pad_to(pad_to(part, column_room(part.shape[1]), 1), height)) for part in parts))


def _check_names(widths: Mapping[str, int], embeddings: tuple[str, ...]) -> None:
    unknown = [name for name in widths if name not in embeddings]
    if unknown:
        raise UserError(
            f"Blocks {', '.join(map(repr, unknown))} are none of the space's embeddings: "
            f"{', '.join(embeddings)}. Name them after these."
        )
    read = [name for name in CATEGORY_EMBEDDINGS if name in embeddings]
    given = [name for name in read if name in widths]
    if given and (given != read or len({widths[name] for name in given}) > 1):
        raise UserError(
            f"Of the blocks {', '.join(map(repr, read))} only {', '.join(map(repr, given))} is there, or "
            "they differ in width. They are one matrix, read by two embeddings: give both, or neither."
        )


def _draw(rng: np.random.Generator, rows: np.ndarray, limit: int) -> np.ndarray:
    return rows if len(rows) <= limit else np.sort(rng.choice(rows, limit, replace=False))


def _part(rows: np.ndarray) -> Part:
    size = bucket(len(rows), 256)
    weight = pad_to(np.ones(len(rows), np.float32), size)
    return Part(as_jax(pad_to(rows, size), np.int32), as_jax(weight))
