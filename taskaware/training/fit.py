"""Training one architecture to the end: progress, early stopping, the best weights kept."""

import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from taskaware.bars import tqdm
from taskaware.compilation import keep_compiled
from taskaware.errors import EngineError, UserError
from taskaware.spaces import MixtureSpace
from taskaware.tasks.split import Split, split
from taskaware.tasks.task import Task
from taskaware.training.model import Model
from taskaware.training.prepare import Prepared, batches, prepare
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

UNLIMITED = 1 << 30
SEGMENT = 30
MOST_STEPS = 30_000
COOLER = 0.3
ATTEMPTS = 4


class Run(NamedTuple):
    """One attempt.

    Attributes:
        params: the best weights; None if the loss was NaN before there were any.
        history: of each evaluation: step, seconds, score, loss.
        lost: whether the loss turned NaN.
    """

    params: dict | None
    history: pd.DataFrame
    lost: bool


def fit(
    task: Task,
    space: MixtureSpace,
    point: np.ndarray,
    *,
    recipe: TrainingRecipe | None = None,
    seed: int = 0,
    parts: Split | None = None,
    patience: int = 20,
    progress: bool | None = None,
) -> Model:
    """Train an architecture on all rows of a task but a validation part.

    The number of steps is the recipe's, and more for a task with more rows than experience was collected
    on, so that each row is seen as often. Where the loss turns NaN, training begins again with a cooler
    learning rate, ATTEMPTS times in all. Ctrl-C ends the training and keeps the best weights so far.

    Args:
        task: what to learn.
        space, point: the architecture (D,).
        recipe: sizes and steps; the one experience was collected with, by default.
        seed: of the split, first weights, row order.
        parts: rows to train and validate on; by default 20 % of the rows validate.
        patience: evaluations without a better score after which training ends.
        progress: whether to show a bar; by default where there is a terminal or a notebook.

    Raises:
        UserError: a value of the recipe or the patience is out of range.
        EngineError: the loss is NaN at every learning rate tried.
    """
    if patience < 1:
        raise UserError(f"patience={patience} is too small. Give 1 evaluation or more.")
    keep_compiled()
    recipe = (recipe or TrainingRecipe()).check()
    parts = parts or split(task, seed, test=None)
    prepared = prepare(task, seed, _unlimited(recipe), parts)
    steps = _steps(recipe, len(parts.train))
    point = jnp.asarray(point, jnp.float32)
    width = groups(space, point[None])[0][0]
    program = Program(space, width, task.kind == "classification")
    chosen = candidates(program, point[None], recipe)
    for attempt in range(ATTEMPTS):
        cooled = chosen._replace(
            hyper=chosen.hyper._replace(learning_rate=chosen.hyper.learning_rate * COOLER**attempt)
        )
        run = _train(program, prepared, cooled, recipe, steps, seed, patience, progress)
        if not run.lost:
            break
    if run.params is None:
        raise EngineError(
            f"Training '{task.name}' turned NaN at {ATTEMPTS} learning rates. Check the data for outliers."
        )
    return _model(task, space, point, program, prepared, run)


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
    recipe: TrainingRecipe,
    steps: int,
    seed: int,
    patience: int,
    progress: bool | None,
) -> Run:
    init_key, dropout_key = jax.random.split(jax.random.key(seed))
    state: State = start(program, prepared.arrays, chosen, init_key)
    rows = batches(prepared.train, seed, steps, recipe.batch_size)
    rates, began = schedule(recipe, steps), time.perf_counter()
    records, best, age, kept, lost = [], -np.inf, 0, None, False
    bar = tqdm(total=steps, unit="step", desc="training", disable=None if progress is None else not progress)
    try:
        for number in range(steps // SEGMENT):
            now = slice(number * SEGMENT, (number + 1) * SEGMENT)
            key = jax.random.fold_in(dropout_key, number)
            state, (score, loss) = segment(
                program, state, prepared.arrays, chosen, rows[now], rates[now], key
            )
            score, loss = float(score[0]), float(loss[0])
            lost = not np.isfinite(loss)
            if lost:
                break
            records.append((now.stop, time.perf_counter() - began, score, loss))
            # Of equal scores the later weights: they were trained at the lower learning rate.
            if score >= best:
                age = number if score > best else age
                best, kept = score, jax.device_get(state.params)
            bar.update(SEGMENT)
            bar.set_postfix(score=f"{score:.3f}", best=f"{best:.3f}", refresh=False)
            if number - age >= patience:
                break
    except KeyboardInterrupt:
        if kept is None:
            raise
        bar.write(f"Stopped at step {records[-1][0]} of {steps}; the best weights so far are kept.")
    finally:
        bar.close()
    return Run(kept, pd.DataFrame(records, columns=["step", "seconds", "score", "loss"]), lost)


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
        params={name: jnp.asarray(value[0]) for name, value in run.params.items()},
        target_mean=prepared.target_mean,
        target_std=prepared.target_std,
        history=run.history,
    )
