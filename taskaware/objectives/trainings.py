"""An objective that trains points on a task; every training can be recorded as experience."""

import contextlib
import dataclasses
import os
from contextlib import AbstractContextManager

import numpy as np

from taskaware.digests import digest
from taskaware.errors import UserError
from taskaware.objectives.inheriting import Inheritance
from taskaware.objectives.readable import suited
from taskaware.objectives.record import register, teaching, trainings
from taskaware.spaces import Space
from taskaware.store import Store
from taskaware.strategies import Objective, Outcomes
from taskaware.tasks.metrics import default_metric
from taskaware.tasks.task import Task
from taskaware.training.prepare import Prepared, embeddings_of, prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import Trained, train

TOGETHER = 4
"""Candidates trained in one program; an interruption loses at most these."""


def trained(
    task: Task,
    space: Space,
    recipe: TrainingRecipe | None = None,
    seed: int = 0,
    *,
    store: "Store | str | os.PathLike | None" = None,
    together: int = TOGETHER,
    strategy: str = "search",
    inheritance: Inheritance | None = None,
) -> Objective:
    """The validation score, in the task's own metric, of a point trained on a task.

    Args:
        task: to train on.
        space: of the points. Update rules train a small network of the task's kind of data: a multilayer
            perceptron on tables, a ConvNet on images.
        recipe: of the trainings; the default one if None.
        seed: of the split and the trainings.
        store: an open store, or the path or database URL of one, that records every training.
        together: points of a round; their scores do not depend on it, within float tolerance.
        strategy: name of the strategy in the store.
        inheritance: where trainings keep their weights, and children find those of their parents. The scores
            are then no longer those of the recipe alone, and no store takes them.

    Raises:
        UserError: the recipe is out of range, points of the space do not inherit, or there is a store, too.
        StoreError: the store cannot be opened.
    """
    recipe, space = (recipe or TrainingRecipe()).check(), suited(space, task)
    if inheritance is not None and store is not None:
        raise UserError(
            "Scores of inherited weights are not those of the recipe alone, so a store does not take them. "
            "Leave out inherit=, or store=."
        )
    heirs = None if inheritance is None else inheritance.check()
    name, metric = "", "" if task.metric == default_metric(task.problem) else task.metric
    if store is not None:
        with _opened(store) as opened:
            name = register(opened, [task], space, recipe)
    prepared: list[Prepared] = []

    def evaluate(points: np.ndarray, first: int = 0, parents: tuple[int, ...] = ()) -> Outcomes:
        if not prepared:
            prepared.append(prepare(task, seed, recipe, embeddings=embeddings_of(space)))
        found = train(
            space,
            points,
            prepared[0],
            recipe,
            seed=seed,
            chunk_for=together,
            metric=task.metric,
            handover=None if heirs is None else heirs.handover(points, first, parents),
        )
        if store is not None:
            batch = trainings(
                task.digest, space, name, points, found, seed=seed, strategy=strategy, metric=metric
            )
            with _opened(store) as opened:
                for each in teaching(batch, found):
                    opened.append(each)
        return outcomes_of(found)

    about = digest([task.digest, space.digest, dataclasses.asdict(recipe), seed, task.metric])
    own = f"trainings {about}" + (f", inherit={heirs.keep}" if heirs else "")
    return Objective(evaluate, together=together, unit="training", about=own, related=heirs is not None)


def outcomes_of(found: Trained) -> Outcomes:
    """Trainings as a search takes them."""
    return Outcomes(
        found.score,
        found.test_score,
        found.seconds,
        more={"loss": found.loss, "default_score": found.default_score},
    )


def _opened(store: "Store | str | os.PathLike") -> AbstractContextManager[Store]:
    return contextlib.nullcontext(store) if isinstance(store, Store) else Store.open(store)
