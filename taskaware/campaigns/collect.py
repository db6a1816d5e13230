"""Collecting experience: train random architectures on every task of a suite and keep the triplets."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import jax
import numpy as np

from taskaware.metafeatures import NAMES, catalogue_digest, vector
from taskaware.spaces import MixtureSpace
from taskaware.store import SpaceRecord, Store, TaskRecord, Trainings, architecture_digests
from taskaware.tasks.task import Task
from taskaware.training.prepare import prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import VERSION, train_chunks

GRID = np.float32(2**-10)


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a collection is, after each chunk of trainings.

    Attributes:
        task: name of the task at work.
        seed: at work.
        finished: trainings kept by this chunk.
        lost: how many of them turned NaN.
    """

    task: str
    seed: int
    finished: int
    lost: int


def common_architectures(space: MixtureSpace, count: int) -> np.ndarray:
    """The architectures that every task is trained with, (count, D): the same for everybody.

    Rounded to GRID, so that the last bit of one machine's draw does not make an architecture of its own.
    """
    return np.round(np.asarray(space.sample(jax.random.key(0), count)) / GRID).astype(np.float32) * GRID


def collect(
    tasks: Iterable[Task],
    store: Store,
    space: MixtureSpace,
    recipe: TrainingRecipe,
    architectures: np.ndarray,
    *,
    seeds: Callable[[Task], Sequence[int]],
    report: Callable[[Progress], None] = lambda progress: None,
) -> int:
    """Train what the store does not have yet; every chunk is kept as soon as it is finished.

    Args:
        tasks: read one after the other.
        store: where the triplets go; what it holds already is not trained again.
        space: of the architectures.
        recipe: how to train and score.
        architectures: (n, D) points of the space.
        seeds: the seeds for a task; each draws a split of its own.
        report: called after each chunk.

    Returns:
        The number of trainings that were added.
    """
    store.add_space(SpaceRecord(space.digest, space.name, space.to_dict()))
    recipe_digest = store.add_recipe({**recipe.check().to_dict(), "trainer": VERSION})
    names = architecture_digests(space.digest, architectures)
    added = 0
    for task in tasks:
        add_task(store, task)
        for seed in seeds(task):
            missing = np.flatnonzero(~store.done(task.digest, recipe_digest, seed, names))
            if not len(missing):
                continue
            prepared = prepare(task, seed, recipe)
            for chunk, trained in train_chunks(
                space, architectures[missing], prepared, recipe, seed=seed, chunk_for=1 << 20
            ):
                batch = Trainings(
                    task.digest,
                    space.digest,
                    recipe_digest,
                    architectures[missing[chunk]],
                    seeds=seed,
                    scores=trained.score,
                    test_scores=trained.test_score,
                    losses=trained.loss,
                    seconds=trained.seconds,
                    strategy="random",
                    code_version=str(VERSION),
                )
                added += store.append(batch)
                report(Progress(task.name, seed, len(chunk), int(np.isinf(trained.score).sum())))
        # Every compiled program holds memory maps, of which a process may have only so many.
        jax.clear_caches()
    return added


def add_task(store: Store, task: Task) -> None:
    """Keep a task and its meta-features."""
    columns = task.table.columns
    store.add_task(
        TaskRecord(
            task.digest,
            task.name,
            task.origin or task.name,
            task.kind,
            task.metric,
            task.rows,
            len(columns),
            task.outputs,
        )
    )
    store.add_metafeatures(task.digest, catalogue=catalogue_digest(), names=NAMES, values=vector(task))
