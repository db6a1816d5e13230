"""True scores of many candidates at once.

All code is written for one candidate; each compiled program maps it by `vmap` and runs the steps by `scan`,
see `programs`. Candidates of one group (see `children.child`) train together, in chunks; see `chunks`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray, as_jax
from taskaware.children.child import Design, child_of
from taskaware.compilation import keep_compiled
from taskaware.training.chunks import chunk_size, in_lanes, lanes, parameter_count, placed
from taskaware.training.prepare import Prepared, TaskArrays, batches
from taskaware.training.programs import (
    Program,
    Steps,
    candidates,
    evaluate,
    group_design,
    is_classification,
    schedule,
    scored_by,
    segment,
    share_done,
    start,
)
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.results import Trained, joined, summary

__all__ = ["VERSION", "Trained", "train", "train_chunks"]

VERSION = 2
"""Raise it when the same recipe would give other scores: stored trainings are told apart by it."""


class Chunk(NamedTuple):
    """Points that train together.

    Attributes:
        design: of their group.
        rows: of the points.
        size: how many train, the first ones once more where there are fewer rows.
        compiling: to be held while programs of the group are called, so that one thread compiles each. A
            call returns before its program has run.
    """

    design: Design
    rows: np.ndarray
    size: int
    compiling: threading.Lock

    @property
    def padded(self) -> np.ndarray:
        return np.resize(self.rows, self.size)


class Run(NamedTuple):
    """What all trainings of a call share.

    Attributes:
        program: that trains them.
        arrays: the task, on the devices.
        recipe: of the trainings.
        steps: all of a training.
        first: key of the initial weights.
        key: of the random draws of the steps.
    """

    program: Program
    arrays: TaskArrays
    recipe: TrainingRecipe
    steps: Steps
    first: Array
    key: Array


class Handover(NamedTuple):
    """How weights come to trainings and leave them, in a chunk of C points.

    Attributes:
        begin: (rows of the points, fresh weights (C, ...)) → the weights that they start from.
        end: (rows of the points, trained weights, of these points first) → nothing.
    """

    begin: Callable[[np.ndarray, Any], Any]
    end: Callable[[np.ndarray, Any], None]


def train(
    space: Any,
    points: Float[EitherArray, "n D"],
    prepared: Prepared,
    recipe: TrainingRecipe,
    *,
    seed: int,
    chunk_for: int = 0,
    metric: str | None = None,
    handover: Handover | None = None,
) -> Trained:
    """Train every point to the end and score it.

    Args:
        space: of the points, with a child in `children.child.CHILDREN`.
        points: n candidates.
        prepared: the task, split and encoded.
        recipe: steps, sizes and the reduction to a score.
        seed: of initial weights, row order and random draws; the same for every candidate.
        chunk_for: use the chunk size of this many candidates, even if there are fewer, so that a compiled
            program is reused.
        metric: name of the metric of the scores, for instance `prepared.metric`, the task's own; the default
            one of the task's problem if None.
        handover: of weights, in place of fresh ones.

    Returns:
        The results, in the order of the points. A candidate trained alone gets the same results, within
        float tolerance. Where the processor is faster with it, products have factors of bfloat16, see
        `children.products`.

    Raises:
        UserError: the metric is unknown, or scores another problem; or the space has no child, or one that
            cannot read the task.
    """
    chunks = train_chunks(
        space, points, prepared, recipe, seed=seed, chunk_for=chunk_for, metric=metric, handover=handover
    )
    return joined(list(chunks))


def train_chunks(
    space: Any,
    points: Float[EitherArray, "n D"],
    prepared: Prepared,
    recipe: TrainingRecipe,
    *,
    seed: int,
    chunk_for: int = 0,
    metric: str | None = None,
    handover: Handover | None = None,
) -> Iterator[tuple[np.ndarray, Trained]]:
    """`train`, chunk by chunk: (rows of the points, their results), so that each is recorded when it ends.

    Args:
        space, points, prepared, recipe, seed, chunk_for, metric, handover: as in `train`.
    """
    run, vectors, chunks = run_of(space, prepared, recipe, seed=seed, metric=metric), as_jax(points), []
    # A chunk picks its points on the host, where that compiles nothing.
    given = np.asarray(points, np.float32)
    for key, members in run.program.child.group(space, vectors):
        design, compiling = group_design(space, key, recipe), threading.Lock()
        parameters = parameter_count(run.program, design, run.arrays, vectors)
        size = chunk_size(parameters, max(chunk_for, len(members)))
        parts = (members[first : first + size] for first in range(0, len(members), size))
        chunks += [Chunk(design, part, size, compiling) for part in parts]

    def trained(chunk: Chunk, check: Callable[[], None]) -> Trained:
        return _train_chunk(run, chunk, given, handover, check)

    # Weights are handed over in the order of the chunks.
    busy = min(lanes(), len(chunks)) if handover is None else 1
    for chunk, found in zip(chunks, in_lanes(trained, chunks, busy), strict=True):
        used = len(chunk.rows)
        kept = Trained(*(column[:used] for column in found))
        yield chunk.rows, kept._replace(seconds=kept.seconds * (chunk.size / used / busy))


def run_of(space: Any, prepared: Prepared, recipe: TrainingRecipe, *, seed: int, metric: str | None) -> Run:
    """What the trainings of some points share.

    Args:
        space, prepared, recipe, seed, metric: as in `train`.
    """
    keep_compiled()
    metrics = scored_by(prepared.problem, metric)
    program = Program(child_of(space), metrics, is_classification(prepared.problem))
    arrays = jax.device_put(prepared.check(space).arrays, placed())
    rows = batches(prepared.train, seed, recipe.steps, recipe.batch_size)
    ones = np.ones(recipe.steps, np.float32)
    steps = Steps(rows, schedule(recipe, recipe.steps), share_done(recipe.steps), ones)
    first, key = jax.random.split(jax.random.key(seed))
    return Run(program, arrays, recipe, steps, first, key)


def _train_chunk(
    run: Run,
    chunk: Chunk,
    points: Float[np.ndarray, "n D"],
    handover: Handover | None,
    check: Callable[[], None],
) -> Trained:
    """Results of the candidates of a chunk, those that fill it up included."""
    program, arrays, recipe = run.program, run.arrays, run.recipe
    with chunk.compiling:
        spread = jax.device_put(points[chunk.padded], placed("candidates"))
        chosen = candidates(program.child, chunk.design, spread)
        state = start(program, arrays, chosen, run.first)
    if handover is not None:
        begun = handover.begin(chunk.padded, state.params)
        state = state._replace(params=jax.device_put(begun, placed("candidates")))
    curves, loss, began = [], None, time.perf_counter()
    for number in range(recipe.evaluations):
        now = slice(number * recipe.segment, (number + 1) * recipe.segment)
        with chunk.compiling:
            key, part = jax.random.fold_in(run.key, number), Steps(*(each[now] for each in run.steps))
            state, (scores, loss) = segment(program, state, arrays, chosen, part, key)
        curves.append(scores)
        jax.block_until_ready(scores)
        check()
        if number == 0 and recipe.evaluations > 1:
            # The first part compiles.
            began = time.perf_counter()
    spent = time.perf_counter() - began
    with chunk.compiling:
        test_scores, _ = evaluate(program, state.params, arrays, chosen, arrays.test)
    scored = np.stack(jax.device_get(curves), axis=1)
    measured = max(recipe.evaluations - 1, 1) / recipe.evaluations
    seconds = spent / measured / len(scored)
    if handover is not None:
        handover.end(chunk.rows, state.params)
    return summary(recipe, scored, np.asarray(test_scores), np.asarray(loss), seconds)
