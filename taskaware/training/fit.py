"""Training one architecture to the end: progress, early stopping, the best weights.

Several networks of the architecture train together, each with its own validation rows, and their outputs are
averaged. So every row trains most of the networks, and their errors cancel in part.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import jax
import numpy as np
import optax
from jaxtyping import Array

from taskaware.arrays import EitherArray, as_jax
from taskaware.children.child import Design, child_of
from taskaware.compilation import keep_compiled
from taskaware.errors import EngineError
from taskaware.modalities.reading import modality_of
from taskaware.progress import tqdm
from taskaware.tasks.metrics import metric_of
from taskaware.tasks.outputs import single_problem
from taskaware.tasks.split import Split, splits
from taskaware.tasks.task import Task
from taskaware.training.advance import advance_members, start_members
from taskaware.training.attempt import Evaluation, Run
from taskaware.training.constant import mean_instead
from taskaware.training.deciding import asks_for_offsets
from taskaware.training.finishing import finished
from taskaware.training.length import Length, Pace, length_for, passes_for, patience_for
from taskaware.training.member_rows import RowOptions, Rows, rows_of_members
from taskaware.training.members import checked_members, usual_members
from taskaware.training.model import Model
from taskaware.training.prepare import (
    Part,
    Prepared,
    TaskArrays,
    embeddings_of,
    prepare,
)
from taskaware.training.programs import (
    Program,
    Steps,
    candidates,
    hyper_of,
    is_classification,
    schedule,
    share_done,
)
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.seen import validated
from taskaware.training.taken import checked_optimizer, known_changes
from taskaware.training.target_scale import score_unit

VERSION = 9
"""Raise it when the same seed would train other networks: comparisons tell scores apart by it."""

UNLIMITED = 1 << 30
COOLER = 0.3
ATTEMPTS = 4

RECIPE = TrainingRecipe(steps=600)
"""Twice the steps of the experience, and more for many rows, see `length` and `docs/evaluator.md`."""

EASED_ROWS = 1_000
"""Least number of rows of a regression whose columns learn factors: it was measured on large tables."""

NOTHING = RowOptions()


class Work(NamedTuple):
    """The networks and rows of a training.

    Attributes:
        program, design, arrays: of the task and the architecture.
        chosen: the architecture, as a batch of one.
        rows: of the M members.
        recipe: of the schedule.
        length: of the whole training.
        scale: factor of the learning rate.
    """

    program: Program
    design: Design
    arrays: TaskArrays
    chosen: Any
    rows: Rows
    recipe: TrainingRecipe
    length: Length
    scale: float = 1.0

    def cooled(self, times: int) -> "Work":
        """The same work with the learning rate times COOLER to the power of `times`."""
        return self._replace(scale=COOLER**times)

    def segment(self, number: int) -> tuple[Steps, Part]:
        """Steps of every member between two evaluations, and its validation rows, (M, ...) each."""
        whole, every = self.length
        now = slice(number * every, (number + 1) * every)
        scale = np.full(every, self.scale, np.float32)
        rate = schedule(self.recipe, whole)[now] * np.float32(self.scale)
        steps = Steps(self.rows.train[:, now], rate, share_done(whole)[now], scale)
        return steps, self.rows.validation


def fit(
    task: Task,
    space: Any,
    point: EitherArray,
    *,
    recipe: TrainingRecipe | None = None,
    seed: int = 0,
    members: int | None = None,
    validation: float = 0.2,
    patience: int | None = None,
    seconds: float | None = None,
    progress: bool | None = None,
    about: RowOptions = NOTHING,
    optimizer: optax.GradientTransformation | None = None,
    augment: Sequence[str] = (),
    on_progress: Callable[[Evaluation], object] | None = None,
) -> Model:
    """Train networks of an architecture, each on all rows of a task but its validation part.

    `length.length_for` says how many steps. In regressions of tables of EASED_ROWS rows or more, AdamW also
    learns a factor of each input column, as RealMLP does; the weights of the model contain it. If a loss is
    NaN, training starts again with a lower learning rate, ATTEMPTS times in all. Ctrl-C ends it and returns
    the best weights so far.

    Args:
        task: what to learn; its metric chooses the best weights. Where it asks for offsets of the classes,
            the loss chooses the weights, and then the metric the offsets. Networks that are worse than a
            constant prediction become one, with a warning.
        space, point: the architecture (D,).
        recipe: steps, and values that the space has no coordinates for; RECIPE by default.
        seed: of the splits, initial weights and row order.
        members: number of networks to average, 1 or more; by default `usual_members`, or 1 where a child
            trains its candidates one by one.
            Their validation parts are spread as `splits` says.
        validation: share of the rows that choose a member's best weights, in (0, 1).
        patience: training ends after this many evaluations without a better score of any member; by default
            a third of all evaluations, at least 20.
        seconds: most time of the training, compilation included: fewer steps are made where all would take
            longer. The result then depends on the speed of the machine.
        progress: whether to show a bar; by default where there is a terminal or a notebook.
        about: groups, times and weights of the rows.
        optimizer: in place of AdamW. Its learning rate and schedule are its own: those of the point and the
            recipe are not used, nor their weight decay. Dropout and label smoothing are.
        augment: names of random changes of the training rows that the child knows, see `Child.augments`.
        on_progress: called after each evaluation; the scores are in the metric's unit. A training that
            starts again with a lower learning rate counts its steps from the beginning.

    Raises:
        UserError: a value of the recipe, the shares, the members, the patience or the seconds are out of
            range, or a part has no row of weight above 0; the child takes no such optimizer or
            change of rows.
        EngineError: the loss is NaN at every learning rate tried.
    """
    pace = Pace(seconds)
    patience_for(patience, 1)
    members = None if members is None else checked_members(members)
    keep_compiled()
    own = (recipe or RECIPE).check()
    child = child_of(space)
    augment = known_changes(augment, child, space)
    prepared = prepare(task, seed, _unlimited(own), _whole(task), embeddings=embeddings_of(space))
    if members is None:
        inputs = sum(prepared.blocks.widths.values())
        members = 1 if child.one_by_one else usual_members(task.rows, inputs)
    parts = splits(task, seed, members, validation=validation, groups=about.groups, time=about.time)
    passes = passes_for(task, one_by_one=child.one_by_one)
    length = length_for(recipe, RECIPE, len(parts[0].train), passes)
    vector = as_jax(point, np.float32)
    program, design = _program(task, space, vector, own)
    own_optimizer = checked_optimizer(optimizer, child, space)
    eased = child.settled is not None and optimizer is None and is_eased(task)
    design = design._replace(optimizer=own_optimizer, augment=augment, eased=eased)
    # Its rows are encoded by now; those of a wide table take as much memory as the networks.
    task = dataclasses.replace(task, data=task.data.take(np.arange(0)))
    rows = rows_of_members(parts, seed=seed, steps=length.steps, batch_size=own.batch_size, about=about)
    chosen = candidates(program.child, design, vector[None])
    work = Work(program, design, prepared.arrays, chosen, rows, own, length)
    last, told = None, _telling(on_progress, score_unit(program.metrics[0], prepared.target_std))
    for attempt in range(ATTEMPTS):
        cooled = work.cooled(attempt)
        run = _train(cooled, pace, seed=seed, patience=patience, progress=progress, told=told)
        last = run if run.params is not None else last
        if not run.diverged:
            break
    if last is None:
        raise EngineError(
            f"The loss of '{task.name}' turned NaN at {ATTEMPTS} learning rates. Check the data for outliers."
        )
    model, metric = _model(task, work, point, prepared=prepared, run=last), program.metrics[0]
    if last.logits is None:
        return mean_instead(model, task, rows.validation, metric, child) or model
    seen = validated(task, rows.validation, last.logits, about.weights)
    return finished(model, task, seen, metric, child, about.weights)


def _program(task: Task, space: Any, point: Array, recipe: TrainingRecipe) -> tuple[Program, Design]:
    child, metrics = child_of(space), (metric_of(task.problem, task.metric),)
    [(key, _)] = child.group(space, point[None])
    return Program(child, metrics, is_classification(task.problem)), Design(space, key, hyper_of(recipe))


def _whole(task: Task) -> Split:
    """All rows in one part: the blocks learn from them all."""
    return Split(np.arange(task.rows), np.arange(0), np.arange(0))


def _unlimited(recipe: TrainingRecipe) -> TrainingRecipe:
    return TrainingRecipe(
        **{**recipe.to_dict(), "train_rows": UNLIMITED, "validation_rows": UNLIMITED, "test_rows": UNLIMITED}
    )


def _train(
    work: Work,
    pace: Pace,
    *,
    seed: int,
    patience: int | None,
    progress: bool | None,
    told: Callable[[Evaluation], object],
) -> Run:
    members, number = len(work.rows.train), 0
    shown, by_loss = work.program.metrics[0].shown, _decides_by_offsets(work)
    init_keys, step_keys = (jax.random.split(key, members) for key in jax.random.split(jax.random.key(seed)))
    state, run = start_members(work.program, work.arrays, work.chosen, init_keys), Run(members, by_loss)
    hidden = None if progress is None else not progress
    bar = tqdm(total=work.length.steps, unit="step", desc="training", disable=hidden)
    pace.shown = progress is not None or not bar.disable
    pace.begin()
    try:
        while number < work.length.evaluations and not (number and pace.over):
            keys = jax.vmap(jax.random.fold_in, (0, None))(step_keys, number)
            now = work.segment(number)
            state, found = advance_members(work.program, state, work.arrays, work.chosen, now, keys)
            scores, losses = np.asarray(found.scores, np.float64), np.asarray(found.losses, np.float64)
            number += 1
            run.add(number * work.length.every, state.params, scores, losses, found.logits)
            if run.diverged:
                break
            work = work._replace(length=work.length.of(pace.segments(work.length.evaluations)))
            bar.total = work.length.steps
            bar.update(work.length.every)
            best = max(record[2] for record in run.records) if by_loss else run.best.mean()
            score, best = (f"{shown(value):.3f}" for value in (scores.mean(), best))
            bar.set_postfix(score=score, best=best, refresh=False)
            told(Evaluation(work.length.steps, *run.records[-1]))
            if run.age >= patience_for(patience, work.length.evaluations):
                break
    except KeyboardInterrupt:
        if run.params is None:
            raise
        bar.write(
            f"Stopped at step {run.records[-1][0]} of {work.length.steps}; the best weights so far are kept."
        )
    finally:
        bar.close()
    return run


def _telling(
    on_progress: Callable[[Evaluation], object] | None, unit: float
) -> Callable[[Evaluation], object]:
    """What is called after each evaluation, with scores as the device has them."""
    if on_progress is None:
        return lambda evaluation: None
    return lambda evaluation: on_progress(evaluation._replace(score=evaluation.score * unit))


def _model(task: Task, work: Work, point: EitherArray, *, prepared: Prepared, run: Run) -> Model:
    unit = score_unit(work.program.metrics[0], prepared.target_std)
    reader, blocks = task.reader, prepared.blocks
    if reader is not None:
        reader, blocks = modality_of(task).compact(reader, blocks)
    return Model(
        name=task.name,
        problem=task.problem,
        metric=task.metric,
        target_name=task.target_name,
        classes=task.classes,
        modality=task.modality,
        reader=reader,
        blocks=blocks,
        space=work.design.space,
        point=np.asarray(point),
        width=cast(int, work.design.key),
        outputs=len(prepared.arrays.allowed),
        params=_settled(work, jax.tree.map(lambda leaf: as_jax(leaf[:, 0]), run.params)),
        target_mean=prepared.target_mean,
        target_std=prepared.target_std,
        several=task.several,
        best_score=float(run.best.mean()) * unit,
        history=run.history.assign(score=run.history["score"] * unit),
    )


def is_eased(task: Task) -> bool:
    """Whether its networks learn in an easier form, see `Child.settled`; `docs/evaluator.md` has the gain."""
    regression = single_problem(task.problem) == "regression"
    return regression and task.modality == "tables" and task.rows >= EASED_ROWS


def _settled(work: Work, params: Any) -> Any:
    """Weights of the members as their networks read them, (M, ...) each."""
    settled = work.program.child.settled
    if settled is None or not work.design.eased:
        return params
    return jax.vmap(functools.partial(settled, work.design))(params)


def _decides_by_offsets(work: Work) -> bool:
    """Whether offsets of the classes are chosen; a row with several labels has no class to decide for."""
    several = work.arrays.y.ndim > 1
    return work.program.classification and not several and asks_for_offsets(work.program.metrics[0])
