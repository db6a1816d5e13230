"""Collecting experience: train random architectures on every task of a suite and record the triplets.

A job is one task, one seed and one batch of architectures. What the store has already is no job, so the same
call again goes on where it stopped. A result does not depend on what else is in its batch.
"""

import dataclasses
import functools
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import jax
import numpy as np
import pandas as pd

from taskaware.arrays import bucket
from taskaware.compilation import keep_compiled
from taskaware.data.named import listed
from taskaware.digests import architecture_digests, digest
from taskaware.errors import UserError
from taskaware.modalities.suites import suite_named
from taskaware.objectives.record import definition, register, teaching, trainings
from taskaware.runner import Job, Journal, Outcome, Progress, RunnerSettings, run
from taskaware.spaces import MixtureSpace, Space, preset
from taskaware.store import Store, Trainings
from taskaware.tasks.metrics import default_metric
from taskaware.tasks.task import Task
from taskaware.training.prepare import Prepared, prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import Trained, train

GRID = np.float32(2**-10)
TASKS_BETWEEN_CLEARINGS = 8

SMALLEST_CHUNK = 16
"""Candidates that a smaller batch is padded to, as many as a CPU trains at once: then a result does not
depend on its batch."""


@dataclasses.dataclass(frozen=True)
class CollectSettings:
    """What experience is to be collected, and how."""

    # Suites: "bundled", or folders with an index.csv.
    suite: tuple[str, ...] = ("bundled",)
    # Names of the tasks that are wanted; all of the suites if empty.
    tasks: tuple[str, ...] = ()
    # Tasks made of each of them by changing it, see `tasks.variants`; they are held out with it.
    variants: int = 0
    # Preset that the architectures are drawn from.
    space: str = "compact"
    # Architectures; every task is trained with the same ones.
    architectures: int = 256
    # Seeds 0, 1, ...; each has a split, first weights and an order of rows of its own.
    seeds: int = 1
    # Tasks with so many rows or more are not trained with seed 1, 2, ...; empty: every seed on every task.
    seed_rows: tuple[int, ...] = ()
    # Architectures in a job: what is lost when it is interrupted, and what an accelerator trains at once.
    batch: int = 64
    # How each is trained and scored.
    trainer: TrainingRecipe = TrainingRecipe()
    # Path or database URL of the experience.
    store: str = "experience.sqlite"
    # Where the jobs run.
    runner: RunnerSettings = RunnerSettings()

    def check(self) -> "CollectSettings":
        """The settings themselves.

        Raises:
            UserError: a value is out of range; it is named with what is allowed.
        """
        for name, least in {"architectures": 1, "seeds": 1, "batch": 1, "variants": 0}.items():
            if getattr(self, name) < least:
                raise UserError(f"Setting {name}={getattr(self, name)} is too small. Give {least} or more.")
        suite_named(*self.suite).only(*self.tasks)
        preset(self.space)
        self.trainer.check()
        self.runner.check()
        return self

    def smoke(self) -> "CollectSettings":
        """The same in seconds: two small tasks, four architectures, a few steps, nothing recorded."""
        return dataclasses.replace(
            self,
            suite=("bundled",),
            tasks=listed("smoke.collect"),
            variants=min(self.variants, 1),
            architectures=4,
            seeds=min(self.seeds, 2),
            trainer=dataclasses.replace(self.trainer, steps=2 * self.trainer.evaluations),
            store=":memory:",
        )

    def seeds_of(self, task: Task) -> list[int]:
        """The seeds that a task is trained with."""
        limits = (np.inf, *self.seed_rows, *[np.inf] * self.seeds)
        return [seed for seed in range(self.seeds) if task.rows < limits[seed]]


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """What a worker needs to know of a job beside the task.

    Attributes:
        space: of the architectures.
        points: (n, D).
        recipe: how to train.
        seed: of the split and the training.
        chunk_for: see `trainer.train`.
        metric: name of the score; "" is the default one of the task's problem.
    """

    space: Space
    points: np.ndarray
    recipe: TrainingRecipe
    seed: int
    chunk_for: int
    metric: str = ""


@dataclasses.dataclass(frozen=True)
class Collected:
    """What a collection has done, counted.

    Attributes:
        tasks: that were asked for.
        jobs: that had to be done.
        failed: jobs that were given up.
        added: trainings that came into the store.
        diverged: of these, trainings that turned NaN.
        seconds: of the whole collection.
    """

    tasks: int
    jobs: int
    failed: int
    added: int
    diverged: int
    seconds: float


def common_architectures(space: Space, count: int) -> np.ndarray:
    """The architectures that every task is trained with, (count, D): the same for everybody.

    Rounded to GRID, so that the last bit of one machine's draw does not make an architecture of its own.
    """
    drawn = jax.jit(space.sample, static_argnums=1)(jax.random.key(0), bucket(count, 64))
    return np.round(np.asarray(drawn)[:count] / GRID).astype(np.float32) * GRID


def collect(
    tasks: Iterable[Task],
    store: Store,
    settings: CollectSettings,
    *,
    journal: Journal | None = None,
    show: bool | None = None,
) -> Collected:
    """Train what the store does not have yet; every job is recorded as soon as it is finished.

    Args:
        tasks: in any form, each scored by its own metric; the settings' suite, tasks and variants do not
            count here.
        store: where the triplets go; what it holds already is not trained again. A job that failed before
            is tried again.
        settings: of everything else.
        journal: where the end of each job is noted.
        show: see `Progress`.
    """
    began = time.perf_counter()
    settings.check()
    keep_compiled()
    tasks = list(tasks)
    register(store, tasks, preset(settings.space), settings.trainer)
    jobs = list(plan(tasks, store, settings))
    added = diverged = failed = 0
    resources = {task.digest: task for task in tasks}
    outcomes = run(jobs, train_batch, settings.runner, resources=resources, halve=halve)
    with Progress(jobs, unit="training", show=show) as progress:
        for outcome in outcomes:
            batches = recorded(outcome)
            added += [store.append(batch) for batch in batches][0]
            if outcome.error is None:
                diverged += (gone := int(np.isinf(batches[0].scores).sum()))
            else:
                gone, failed = 0, failed + 1
            if journal is not None:
                journal.add(outcome, diverged=gone)
            progress.add(outcome)
    seconds = time.perf_counter() - began
    # A job that was halved has ended as several.
    return Collected(len(tasks), max(len(jobs), progress.ended), failed, added, diverged, seconds)


def plan(tasks: Sequence[Task], store: Store, settings: CollectSettings) -> Iterator[Job]:
    """The jobs that are left, task by task and narrow architectures first, so that programs serve again."""
    # Narrow ones first: only a mixture has a width, and every preset is one.
    space, recipe = cast(MixtureSpace, preset(settings.space)), settings.trainer
    points = common_architectures(space, settings.architectures)
    points = points[np.argsort(np.asarray(jax.jit(space.width)(points)), kind="stable")]
    names = architecture_digests(space.digest, points)
    recipe_digest = store.add_recipe(definition(recipe))
    for task in tasks:
        metric = "" if task.metric == default_metric(task.problem) else task.metric
        for seed in settings.seeds_of(task):
            missing = np.flatnonzero(~store.done(task.digest, recipe_digest, seed, names, metric))
            # Bounds of batches that do not move with what is done already.
            for _, part in pd.Series(missing).groupby(missing // settings.batch):
                batch = Batch(space, points[part], recipe, seed, max(settings.batch, SMALLEST_CHUNK), metric)
                yield _job(task.digest, task.name, recipe_digest, names[part], batch)


def train_batch(task: Task, batch: Batch) -> Trained:
    """What a worker does with a job: train its architectures, scored by its metric."""
    prepared = _prepared(task, batch.seed, batch.recipe)
    return train(
        batch.space,
        batch.points,
        prepared,
        batch.recipe,
        seed=batch.seed,
        chunk_for=batch.chunk_for,
        metric=batch.metric or None,
    )


def halve(job: Job) -> tuple[Job, ...]:
    """The job as two of half the size, trained in chunks of half the size; () where it is a single one."""
    batch: Batch = job.spec
    middle = len(batch.points) // 2
    if not middle:
        return ()
    names = architecture_digests(batch.space.digest, batch.points)
    return tuple(
        _job(
            job.needs,
            job.about["task"],
            job.about["recipe"],
            names[part],
            dataclasses.replace(batch, points=batch.points[part], chunk_for=middle),
        )
        for part in (slice(None, middle), slice(middle, None))
    )


def recorded(outcome: Outcome) -> list[Trainings]:
    """The end of a job as the store takes it; a job that failed has its error with each architecture."""
    job = outcome.job
    batch: Batch = job.spec
    about = (job.needs, batch.space, job.about["recipe"], batch.points)
    record = functools.partial(trainings, *about, seed=batch.seed, strategy="random", metric=batch.metric)
    if outcome.error is None:
        return teaching(record(outcome.result), outcome.result)
    count = len(batch.points)
    failed = record(Trained(*(np.full(count, np.nan) for _ in Trained._fields)))
    return [dataclasses.replace(failed, errors=[outcome.error] * count)]


def _job(task: str, name: str, recipe: str, names: np.ndarray, batch: Batch) -> Job:
    return Job(
        id=digest(
            [task, recipe, batch.space.digest, batch.seed, names.tolist(), *filter(None, [batch.metric])]
        ),
        spec=batch,
        label=f"{name}, seed {batch.seed}, {len(names)} from {names[0]}",
        needs=task,
        size=len(names),
        about={"task": name, "seed": batch.seed, "recipe": recipe},
    )


@functools.lru_cache(maxsize=2)
def _prepared(task: Task, seed: int, recipe: TrainingRecipe) -> Prepared:
    # Every compiled program holds memory maps, of which a process may have only so many.
    if _prepared.cache_info().misses % TASKS_BETWEEN_CLEARINGS == 0:
        jax.clear_caches()
    return prepare(task, seed, recipe)
