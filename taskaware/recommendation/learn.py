"""`learn`: your own tasks join the training data of an evaluator."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from taskaware.objectives.collect import CollectSettings, collect
from taskaware.objectives.readable import is_readable
from taskaware.recommendation.designed import price_of, scored
from taskaware.recommendation.designs import held_out_designs
from taskaware.recommendation.joined import together
from taskaware.recommendation.teach import experience_of, read_tasks, train_evaluator
from taskaware.spaces import preset
from taskaware.store import Experience, Store
from taskaware.surrogates import Evaluator, EvaluatorSettings
from taskaware.surrogates import training_data as training_data
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe

BY_ASCENT = "ascent"
"""Strategy that designs are recorded with."""


def learn(
    datasets: Iterable | str,
    *,
    architectures: int = 64,
    store: str = "experience.sqlite",
    trainer: TrainingRecipe | None = None,
    with_shipped: bool = True,
    designs: int = 0,
    progress: bool | None = None,
) -> Evaluator:
    """Train architectures on tasks of your own, record the scores, and fit an evaluator to them.

    The architectures are those of the shipped experience, in the same order, so that your tasks and the
    shipped ones are scored on the same points. Trainings that the store already holds are not repeated.
    Fitting the evaluator takes seconds, and it also learns from the shipped experience.

    Tables are trained in the space `compact`. If any dataset is of another kind, all are trained in the
    space `universal`, which has embeddings for every kind of data.

    Args:
        datasets: name of a suite, or datasets, each a Task, (data, target), or data that `make_task` reads
            without a target.
        architectures: number of architectures trained on each task.
        store: path or URL of your experience.
        trainer: the training recipe; None is the recipe of the shipped experience.
        with_shipped: whether to learn also from the shipped experience.
        designs: number of further architectures that gradient ascent designs for each task, as if it were
            new. They are trained too, and the evaluator learns from them the price of an untrained
            architecture.
        progress: whether to show a progress bar; by default only in a terminal.

    Returns:
        The evaluator, for `recommend(..., evaluator=...)` or `save_evaluator`.

    Raises:
        UserError: a dataset cannot be used, or there are too few tasks to learn from.
    """
    tasks = read_tasks(datasets)
    tables = all(is_readable(task, preset("compact")) for task in tasks)
    space = "compact" if tables else "universal"
    settings = CollectSettings(space=space, architectures=architectures, trainer=trainer or TrainingRecipe())
    with Store.open(store) as opened:
        collect(tasks, opened, settings, show=progress)
        if not designs:
            return train_evaluator(store, space=space, with_shipped=with_shipped)
        # Without earlier designs, so that a second call makes the same ones.
        before = training_data(
            _undesigned(experience_of(opened, preset(space), with_shipped=with_shipped), tasks)
        )
        found = held_out_designs(tasks, preset(space), before, EvaluatorSettings(), designs)
        chosen = {digest: one.points for digest, one in found.items()}
        settings = dataclasses.replace(settings, batch=designs + 1)
        collect(tasks, opened, settings, chosen=chosen, strategy=BY_ASCENT, show=progress)
        known = experience_of(opened, preset(space), with_shipped=with_shipped)
    evaluator = train_evaluator(known, space=space)
    table = scored(evaluator.training_data.table(), [found], {task.digest: task.rows for task in tasks})
    return dataclasses.replace(evaluator, price=price_of(table))


def _undesigned(experience: Experience, tasks: Sequence[Task]) -> Experience:
    """The experience without what was designed for some tasks."""
    digests = {task.digest for task in tasks}
    mine = np.array([record.digest in digests for record in experience.tasks], bool)[experience.task]
    designed = np.array([name == BY_ASCENT for name in experience.strategies], bool)[experience.strategy]
    return together(experience.take(~(mine & designed)))
