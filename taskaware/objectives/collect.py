"""Collecting experience: train random architectures on every task of a suite and record the triplets.

A job is one task, one seed and one batch of architectures. Trainings that the store holds are not repeated,
so the same call resumes an interrupted collection. A result does not depend on the rest of its batch.
"""

import dataclasses
import functools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import jax
import numpy as np
import pandas as pd

from taskaware.compilation import keep_compiled
from taskaware.data.named import listed
from taskaware.digests import architecture_digests, digest
from taskaware.errors import UserError
from taskaware.modalities.modality import MODALITIES
from taskaware.modalities.suites import Suite, smallest, suite_named
from taskaware.objectives.architectures import narrow_first, recorded_points, rounded, turns
from taskaware.objectives.readable import check_readable, raw_kinds
from taskaware.objectives.record import definition, register, teaching, trainings
from taskaware.runner import Job, Journal, Outcome, Progress, RunnerSettings, run
from taskaware.secrets import discreet
from taskaware.spaces import Space
from taskaware.spaces.presets import space_named
from taskaware.store import Store, Trainings
from taskaware.tasks.metrics import default_metric
from taskaware.tasks.task import Task
from taskaware.training.padding import coarse
from taskaware.training.prepare import Prepared, embeddings_of, prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import Trained, train

TASKS_BETWEEN_CLEARINGS = 8

SMALLEST_CHUNK = 16
"""Smaller batches are padded to this number of candidates, which a CPU trains at once; so a result does not
depend on its batch."""


@discreet
@dataclasses.dataclass(frozen=True)
class CollectSettings:
    """Settings of a collection of experience."""

    # Suites: "bundled", or folders with an index.csv.
    suite: tuple[str, ...] = ("bundled",)
    # Names of tasks; all tasks of the suites if empty.
    tasks: tuple[str, ...] = ()
    # Kinds of data to use from a folder; if empty, those for which the space has embeddings.
    modalities: tuple[str, ...] = ()
    # Altered copies of each task to add as tasks; they are held out together with it.
    variants: int = 0
    # Name of the space of the architectures, or what its to_dict gives: as JSON, or in a file.
    space: str = "compact"
    # Architectures; every task is trained with the same ones, or with one turn of them.
    architectures: int = 256
    # Equal parts of the architectures; a task is trained with one part, so more of them become known.
    turns: int = 1
    # Number of seeds (0, 1, ...); each has its own split, initial weights and order of rows.
    seeds: int = 1
    # Tasks with this many rows or more skip seed 1, 2, ...; if empty, every seed is trained on every task.
    seed_rows: tuple[int, ...] = ()
    # Architectures in a job: an accelerator trains them at once, and an interruption loses them.
    batch: int = 64
    # Round the sizes of tasks up to a few, so that tasks share compiled programs. For a space whose programs
    # take longer to compile than to run.
    coarse: bool = False
    # Training recipe.
    trainer: TrainingRecipe = TrainingRecipe()
    # Path or database URL of the experience.
    store: str = "experience.sqlite"
    # Where the jobs run.
    runner: RunnerSettings = RunnerSettings()

    def check(self) -> "CollectSettings":
        """The settings themselves, if they are valid.

        Raises:
            UserError: a value is out of range; the message names it and the range.
        """
        for name, least in {"architectures": 1, "turns": 1, "seeds": 1, "batch": 1, "variants": 0}.items():
            if getattr(self, name) < least:
                raise UserError(f"Setting {name}={getattr(self, name)} is too small. Give {least} or more.")
        space_named(self.space)
        self.chosen()
        self.trainer.check()
        self.runner.check()
        return self

    def chosen(self) -> Suite:
        """The tasks that the settings name, not read yet."""
        return suite_named(*self.suite, modalities=self.kinds).only(*self.tasks)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the kinds of data to use from a folder."""
        space = space_named(self.space)
        there = set(embeddings_of(space))
        mixed = (name for name in MODALITIES if set(MODALITIES[name].embeddings) <= there)
        return self.modalities or raw_kinds(space) or tuple(mixed)

    def smoke(self) -> "CollectSettings":
        """A tiny version: the smallest tasks, two architectures, few steps of few rows, nothing recorded."""
        return dataclasses.replace(
            self,
            **smallest(
                self.suite,
                self.tasks,
                2,
                bundled=listed("smoke.collect"),
                modalities=self.kinds,
            ),
            variants=min(self.variants, 1),
            architectures=2,
            turns=1,
            seeds=min(self.seeds, 2),
            trainer=dataclasses.replace(
                self.trainer,
                steps=2 * self.trainer.evaluations,
                batch_size=min(self.trainer.batch_size, 16),
            ),
            store=":memory:",
        )

    def seeds_of(self, task: Task) -> list[int]:
        """The seeds that a task is trained with."""
        limits = (np.inf, *self.seed_rows, *[np.inf] * self.seeds)
        return [seed for seed in range(self.seeds) if task.rows < limits[seed]]


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """The part of a job that a worker needs beside the task.

    Attributes:
        space: of the architectures.
        points: (n, D).
        recipe: how to train.
        seed: of the split and the training.
        chunk_for: see `trainer.train`.
        metric: name of the score; "" is the default one of the task's problem.
        coarse: whether the sizes of the task are rounded up to a few.
        strategy: name of what chose the points.
    """

    space: Space
    points: np.ndarray
    recipe: TrainingRecipe
    seed: int
    chunk_for: int
    metric: str = ""
    coarse: bool = False
    strategy: str = "random"


@dataclasses.dataclass(frozen=True)
class Collected:
    """Counts of a collection.

    Attributes:
        tasks: of the settings.
        jobs: that were left to do.
        failed: jobs that failed in every attempt.
        added: trainings added to the store.
        diverged: those of them that turned NaN.
        seconds: run time of the collection.
    """

    tasks: int
    jobs: int
    failed: int
    added: int
    diverged: int
    seconds: float


def collect(
    tasks: Iterable[Task],
    store: Store,
    settings: CollectSettings,
    *,
    chosen: Mapping[str, np.ndarray] | None = None,
    strategy: str = "random",
    journal: Journal | None = None,
    show: bool | None = None,
) -> Collected:
    """Run the trainings that the store lacks; every job is recorded as soon as it ends.

    Args:
        tasks: tasks to train on, each scored by its own metric; the suite, tasks and variants of the settings
            are not used here.
        store: store that records the trainings; those that it holds are not repeated. Failed jobs are tried
            again.
        settings: all other settings.
        chosen: architectures for each task by its digest, (n, D), instead of random ones.
        strategy: name of the strategy that chose them.
        journal: records the end of each job.
        show: see `Progress`.
    """
    began = time.perf_counter()
    settings.check()
    keep_compiled()
    tasks = list(tasks)
    for task in tasks:
        check_readable(task, space_named(settings.space))
    register(store, tasks, space_named(settings.space), settings.trainer)
    jobs = list(plan(tasks, store, settings, chosen=chosen, strategy=strategy))
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
    # A halved job ends as several jobs.
    return Collected(len(tasks), max(len(jobs), progress.ended), failed, added, diverged, seconds)


def plan(
    tasks: Sequence[Task],
    store: Store,
    settings: CollectSettings,
    *,
    chosen: Mapping[str, np.ndarray] | None = None,
    strategy: str = "random",
) -> Iterator[Job]:
    """The jobs that are left, task by task, narrow architectures first so that compiled programs are reused.

    Args:
        tasks: to train on.
        store: trainings that it holds are left out.
        settings: of the collection.
        chosen, strategy: see `collect`.
    """
    space, recipe = space_named(settings.space), settings.trainer
    common = turns(space, settings.architectures, settings.turns) if chosen is None else []
    recipe_digest = store.add_recipe(definition(recipe))
    for task in tasks:
        # The digest tells the turn, so that it does not depend on the other tasks.
        turn = int(task.digest[:8], 16) % settings.turns
        points = common[turn] if chosen is None else rounded(chosen[task.digest])
        own = recorded_points(task, space, narrow_first(space, points))
        names = architecture_digests(space.digest, own)
        metric = "" if task.metric == default_metric(task.problem) else task.metric
        for seed in settings.seeds_of(task):
            missing = np.flatnonzero(~store.done(task.digest, recipe_digest, seed, names, metric))
            # The bounds of batches do not depend on what the store holds.
            for _, part in pd.Series(missing).groupby(missing // settings.batch):
                chunk = 0 if settings.coarse else max(settings.batch, SMALLEST_CHUNK)
                if chosen is not None:
                    # Each task has its own architectures, as many as a batch: padding would only cost time.
                    chunk = settings.batch
                batch = Batch(space, own[part], recipe, seed, chunk, metric, settings.coarse, strategy)
                yield _job(task.digest, task.name, recipe_digest, names[part], batch)


def train_batch(task: Task, batch: Batch) -> Trained:
    """Train the architectures of a job and score them by its metric; runs on a worker."""
    prepared = _prepared(task, batch.seed, batch.recipe, embeddings_of(batch.space), batch.coarse)
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
    """The job as two jobs of half the size, with half the chunk; () if it has one architecture."""
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
    """The trainings of an ended job; if it failed, each architecture has its error."""
    job = outcome.job
    batch: Batch = job.spec
    about = (job.needs, batch.space, job.about["recipe"], batch.points)
    record = functools.partial(
        trainings, *about, seed=batch.seed, strategy=batch.strategy, metric=batch.metric
    )
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
def _prepared(
    task: Task, seed: int, recipe: TrainingRecipe, embeddings: tuple[str, ...], rounded_up: bool
) -> Prepared:
    if not rounded_up:
        _begin(task.digest)
    prepared = prepare(task, seed, recipe, embeddings=embeddings)
    return coarse(prepared) if rounded_up else prepared


@functools.lru_cache(maxsize=1)
def _begin(task: str) -> None:
    """Called for each seed of a task, does its work for the first: all seeds share compiled programs."""
    del task
    # Every compiled program holds memory maps, whose number per process is limited.
    if _begin.cache_info().misses % TASKS_BETWEEN_CLEARINGS == 0:
        jax.clear_caches()
