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
from taskaware.training.halving import endings, train_halved
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
    halvings: int = 0,
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
        halvings: how often the half of a round with the larger validation loss ends early: after the first
            evaluation behind a fifth of the steps, and then after equal numbers of them. What ended is scored
            as it is then, so a score depends on the other points of the round, and no store takes it.

    Raises:
        UserError: the recipe is out of range, or has too few evaluations for the halvings; points of the
            space do not inherit; or two of store, inheritance and halvings are given.
        StoreError: the store cannot be opened.
    """
    recipe, space = (recipe or TrainingRecipe()).check(), suited(space, task)
    if inheritance is not None and store is not None:
        raise UserError(
            "Scores of inherited weights are not those of the recipe alone, so a store does not take them. "
            "Leave out inherit=, or store=."
        )
    if halvings and (store is not None or inheritance is not None):
        other = "store=" if store is not None else "inherit="
        raise UserError(
            "With halvings= a score depends on the other points of its round, so it is not recorded or "
            f"handed down. Leave out halvings=, or {other}."
        )
    endings(recipe, halvings)
    heirs = None if inheritance is None else inheritance.check()
    name, metric = "", "" if task.metric == default_metric(task.problem) else task.metric
    if store is not None:
        with _opened(store) as opened:
            name = register(opened, [task], space, recipe)
    prepared: list[Prepared] = []

    def evaluate(points: np.ndarray, first: int = 0, parents: tuple[int, ...] = ()) -> Outcomes:
        if not prepared:
            prepared.append(prepare(task, seed, recipe, embeddings=embeddings_of(space)))
        if halvings:
            given = (space, points, prepared[0], recipe)
            halved, steps = train_halved(*given, seed=seed, halvings=halvings, metric=task.metric)
            outcomes = outcomes_of(halved)
            return outcomes._replace(more={**(outcomes.more or {}), "steps": steps.astype(float)})
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
    own += f", halvings={halvings}" if halvings else ""
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
