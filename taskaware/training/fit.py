"""Training one architecture to the end: progress, early stopping, the best weights kept.

Several networks of it train together, each with rows of its own set apart for early stopping, and answer as
one: so no row is lost to training, and their errors cancel in part.
"""

import functools
import time
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from taskaware.arrays import bucket, pad_to
from taskaware.bars import tqdm
from taskaware.compilation import keep_compiled
from taskaware.errors import EngineError, UserError
from taskaware.spaces import MixtureSpace
from taskaware.tasks.split import Split, splits
from taskaware.tasks.task import Task
from taskaware.training.model import Model
from taskaware.training.prepare import Part, Prepared, TaskArrays, batches, prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import (
    Candidates,
    Program,
    State,
    candidates,
    groups,
    schedule,
    segment,
    start,
)

VERSION = 3
"""Raise it when the same seed would train other networks: scores of comparisons are told apart by it."""

UNLIMITED = 1 << 30
SEGMENT = 30
MOST_STEPS = 30_000
COOLER = 0.3
ATTEMPTS = 4

RECIPE = TrainingRecipe(steps=600)
"""Twice the steps that experience is collected with, see `docs/evaluator.md`."""

MEMBERS = 5
"""Networks by default, see `experiments/compare-models`; a larger table trains one."""

MOST_ROWS = 10_000
"""Of a table for which MEMBERS networks are worth their time."""


class Rows(NamedTuple):
    """Which rows the M members read, as positions in `TaskArrays.x`.

    Attributes:
        train: of each step, (M, steps, B).
        validation: that score during training, (M, n) each.
    """

    train: np.ndarray
    validation: Part


class Run(NamedTuple):
    """One attempt.

    Attributes:
        params: the best weights of each member, (M, ...); None if a loss was NaN before there were any.
        best: their validation scores, (M,).
        history: of each evaluation: step, seconds, score, loss (means over the members).
        lost: whether a loss turned NaN.
    """

    params: dict | None
    best: np.ndarray
    history: pd.DataFrame
    lost: bool


def fit(
    task: Task,
    space: MixtureSpace,
    point: np.ndarray,
    *,
    recipe: TrainingRecipe | None = None,
    seed: int = 0,
    members: int | None = None,
    validation: float = 0.2,
    patience: int = 20,
    progress: bool | None = None,
) -> Model:
    """Train networks of an architecture, each on all rows of a task but its validation part.

    The number of steps is the recipe's, and more for a task with more rows than the recipe takes, so that
    each row is seen as often. Where a loss turns NaN, training begins again with a cooler learning rate,
    ATTEMPTS times in all. Ctrl-C ends the training and keeps the best weights so far.

    Args:
        task: what to learn; its metric chooses the best weights.
        space, point: the architecture (D,).
        recipe: steps, and what the space has no coordinates for; RECIPE by default.
        seed: of the splits, first weights, row order.
        members: networks, 1 or more, whose answers are averaged; by default MEMBERS for at most MOST_ROWS
            rows, else 1. Their validation parts are spread as `splits` says.
        validation: share of the rows that choose a member's best weights, in (0, 1).
        patience: evaluations without a better score of any member after which training ends.
        progress: whether to show a bar; by default where there is a terminal or a notebook.

    Raises:
        UserError: a value of the recipe, the shares, the members or the patience is out of range.
        EngineError: the loss is NaN at every learning rate tried.
    """
    if patience < 1:
        raise UserError(f"patience={patience} is too small. Give 1 evaluation or more.")
    keep_compiled()
    recipe = (recipe or RECIPE).check()
    if members is None:
        members = MEMBERS if task.rows <= MOST_ROWS else 1
    parts = splits(task, seed, members, validation=validation)
    prepared = prepare(task, seed, _unlimited(recipe), _whole(task))
    steps = _steps(recipe, len(parts[0].train))
    rows = _rows(parts, seed, steps, recipe.batch_size)
    point = jnp.asarray(point, jnp.float32)
    width = groups(space, point[None])[0][0]
    program = Program(space, width, task.metric)
    chosen = candidates(program, point[None], recipe)
    for attempt in range(ATTEMPTS):
        cooled = chosen._replace(
            hyper=chosen.hyper._replace(learning_rate=chosen.hyper.learning_rate * COOLER**attempt)
        )
        run = _train(program, prepared, cooled, rows, schedule(recipe, steps), seed, patience, progress)
        if not run.lost:
            break
    if run.params is None:
        raise EngineError(
            f"Training '{task.name}' turned NaN at {ATTEMPTS} learning rates. Check the data for outliers."
        )
    return _model(task, space, point, program, prepared, run)


@functools.partial(jax.jit, static_argnames="program")
def start_members(program: Program, arrays: TaskArrays, chosen: Candidates, keys: Array) -> State:
    """Fresh state of M networks of one candidate, from M keys; every leaf is (M, 1, ...)."""
    return jax.vmap(lambda key: start(program, arrays, chosen, key))(keys)


@functools.partial(jax.jit, static_argnames="program", donate_argnames="state")
def advance_members(
    program: Program,
    state: State,
    arrays: TaskArrays,
    chosen: Candidates,
    rows: Rows,
    rates: Array,
    keys: Array,
) -> tuple[State, tuple[Float[Array, " M"], Float[Array, " M"]]]:
    """`segment` for M networks of one candidate, each with its own rows and keys: state, scores, losses."""

    def one(state, rows, key):
        own = arrays._replace(validation=rows.validation)
        return segment(program, state, own, chosen, rows.train, rates, key)

    state, (score, loss) = jax.vmap(one)(state, rows, keys)
    return state, (score[:, 0], loss[:, 0])


def _whole(task: Task) -> Split:
    """All rows in one part: the encoder learns from them all."""
    return Split(np.arange(task.rows), np.arange(0), np.arange(0))


def _rows(parts: Sequence[Split], seed: int, steps: int, batch_size: int) -> Rows:
    size = bucket(max(len(part.validation) for part in parts), 256)
    seeds = np.random.default_rng(seed).integers(1 << 31, size=len(parts))
    train = [batches(part.train, own, steps, batch_size) for part, own in zip(parts, seeds, strict=True)]
    validation = [pad_to(part.validation, size).astype(np.int32) for part in parts]
    weight = [pad_to(np.ones(len(part.validation), np.float32), size) for part in parts]
    return Rows(np.stack(train), Part(np.stack(validation), np.stack(weight)))


def _unlimited(recipe: TrainingRecipe) -> TrainingRecipe:
    return TrainingRecipe(
        **{**recipe.to_dict(), "train_rows": UNLIMITED, "validation_rows": UNLIMITED, "test_rows": UNLIMITED}
    )


def _steps(recipe: TrainingRecipe, rows: int) -> int:
    wanted = recipe.steps * max(1.0, rows / recipe.train_rows)
    return SEGMENT * max(1, round(min(wanted, MOST_STEPS) / SEGMENT))


def _train(
    program: Program,
    prepared: Prepared,
    chosen: Candidates,
    rows: Rows,
    rates: np.ndarray,
    seed: int,
    patience: int,
    progress: bool | None,
) -> Run:
    members, steps = rows.train.shape[:2]
    init_keys, dropout_keys = (
        jax.random.split(key, members) for key in jax.random.split(jax.random.key(seed))
    )
    state, began = start_members(program, prepared.arrays, chosen, init_keys), time.perf_counter()
    best, age = np.full(members, -np.inf), np.zeros(members, int)
    records, kept, lost = [], None, False
    bar = tqdm(total=steps, unit="step", desc="training", disable=None if progress is None else not progress)
    try:
        for number in range(steps // SEGMENT):
            now = slice(number * SEGMENT, (number + 1) * SEGMENT)
            keys = jax.vmap(jax.random.fold_in, (0, None))(dropout_keys, number)
            own = rows._replace(train=rows.train[:, now])
            state, results = advance_members(program, state, prepared.arrays, chosen, own, rates[now], keys)
            score, loss = (np.asarray(result, np.float64) for result in results)
            lost = not np.isfinite(loss).all()
            if lost:
                break
            records.append((now.stop, time.perf_counter() - began, float(score.mean()), float(loss.mean())))
            # Of equal scores the later weights: they were trained at the lower learning rate.
            kept = _better(score >= best, jax.device_get(state.params), kept)
            age = np.where(score > best, number, age)
            best = np.maximum(best, score)
            bar.update(SEGMENT)
            bar.set_postfix(score=f"{score.mean():.3f}", best=f"{best.mean():.3f}", refresh=False)
            if number - age.max() >= patience:
                break
    except KeyboardInterrupt:
        if kept is None:
            raise
        bar.write(f"Stopped at step {records[-1][0]} of {steps}; the best weights so far are kept.")
    finally:
        bar.close()
    return Run(kept, best, pd.DataFrame(records, columns=["step", "seconds", "score", "loss"]), lost)


def _better(better: np.ndarray, now: dict, kept: dict | None) -> dict:
    """The weights of members (M, ...) that are better now, and what was kept of the others."""
    if kept is None:
        return now
    return jax.tree.map(lambda a, b: np.where(better.reshape(-1, *[1] * (a.ndim - 1)), a, b), now, kept)


def _model(
    task: Task, space: MixtureSpace, point: np.ndarray, program: Program, prepared: Prepared, run: Run
) -> Model:
    return Model(
        name=task.name,
        kind=task.kind,
        metric=task.metric,
        target_name=task.target_name,
        classes=task.classes,
        schema=task.schema,
        encoder=prepared.encoder,
        space=space,
        point=np.asarray(point),
        width=program.width,
        outputs=len(prepared.arrays.allowed),
        params={name: jnp.asarray(value[:, 0]) for name, value in run.params.items()},
        target_mean=prepared.target_mean,
        target_std=prepared.target_std,
        best_score=float(run.best.mean()),
        history=run.history,
    )
