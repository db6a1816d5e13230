"""Recording tasks, spaces, recipes and trainings in the store."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from taskaware.errors import UserError
from taskaware.modalities.reading import modality_of, vector
from taskaware.modalities.tables.metafeatures import NAMES, catalogue_digest
from taskaware.spaces import Space
from taskaware.store import SpaceRecord, Store, TaskRecord, Trainings
from taskaware.tasks.metrics import default_metric
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import VERSION, Trained


def trainings(
    task: str,
    space: Space,
    recipe: str,
    points: np.ndarray,
    trained: Trained,
    *,
    seed: int,
    strategy: str,
    metric: str = "",
) -> Trainings:
    """Results of some points of a space on a task, as a batch for the store.

    Args:
        task: digest of the task.
        space: of the points.
        recipe: digest that `register` gave for the recipe.
        points: n architectures, (n, D).
        trained: their results.
        seed: of the split and the training.
        strategy: name of the strategy that proposed the points.
        metric: name of the score; "" is the default one of the task's problem.
    """
    return Trainings(
        task,
        space.digest,
        recipe,
        points,
        seeds=seed,
        scores=trained.score,
        test_scores=trained.test_score,
        losses=trained.loss,
        seconds=trained.seconds,
        strategy=strategy,
        code_version=str(VERSION),
        metric=metric,
    )


def teaching(batch: Trainings, trained: Trained) -> list[Trainings]:
    """The batch and, where it is in a metric of the task's own, the same in the default metric.

    Surrogates learn from default metrics, in which tasks can be compared.

    Args:
        batch: trainings.
        trained: their results.
    """
    if not batch.metric:
        return [batch]
    plain = dataclasses.replace(batch, metric="", scores=trained.default_score, test_scores=None)
    return [batch, plain]


def register(store: Store, tasks: Iterable[Task], space: Space, recipe: TrainingRecipe) -> str:
    """Record tasks, a space and a recipe in a store.

    Args:
        store: to record in.
        tasks: meta-features are computed for those that have none in the store.
        space: of the architectures.
        recipe: how they are trained.

    Returns:
        The digest of the recipe.

    Raises:
        UserError: a task has several outputs.
    """
    tasks = list(tasks)
    for task in tasks:
        if task.several:
            raise UserError(
                f"Task '{task.name}' has {task.outputs} outputs, and experience is of tasks with one. Leave "
                "the store out, or name one target."
            )
    described = store.described(catalogue_digest())
    for task in tasks:
        if task.digest not in described:
            describe(store, task)
    store.add_space(SpaceRecord(space.digest, space.name, space.to_dict()))
    return store.add_recipe(definition(recipe))


def definition(recipe: TrainingRecipe) -> dict:
    """A recipe as the store records it, with the version of the trainer, which changes the scores."""
    return {**recipe.to_dict(), "trainer": VERSION}


def describe(store: Store, task: Task) -> None:
    """Record a task and its meta-features."""
    store.add_task(
        TaskRecord(
            task.digest,
            task.name,
            task.group or task.name,
            task.problem,
            default_metric(task.problem),
            task.rows,
            modality_of(task).card(task).features,
            task.outputs,
        )
    )
    store.add_metafeatures(task.digest, catalogue=catalogue_digest(), names=NAMES, values=vector(task))
