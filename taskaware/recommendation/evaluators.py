"""The evaluator for a task: the shipped one or another, with or without the task's own experience."""

import functools
from importlib import resources

import numpy as np
from jaxtyping import Float

from taskaware.errors import UserError
from taskaware.modalities.reading import vector
from taskaware.modalities.tables.metafeatures import NAMES, catalogue_digest
from taskaware.modalities.tables.samples import draw_samples
from taskaware.surrogates import Evaluator, TaskQuery, load_evaluator
from taskaware.surrogates.training_data import FEWEST_TASKS
from taskaware.tasks.task import Task


@functools.cache
def shipped_evaluator() -> Evaluator:
    """The evaluator that comes with the package."""
    with resources.as_file(resources.files("taskaware.shipped") / "evaluator.npz") as path:
        return load_evaluator(path, catalogue=catalogue_digest())


def checked(evaluator: Evaluator) -> Evaluator:
    """The evaluator, if it reads the meta-features of this catalogue and has training data.

    Raises:
        UserError: it does not.
    """
    data = evaluator.training_data
    if data is None:
        raise UserError(
            "The evaluator comes from an older taskaware and has no training data. Fit it again: "
            "train_evaluator(settings=JointSettings(...), datasets=...)."
        )
    found, here = data.z.shape[1], len(NAMES)
    if found != here or evaluator.catalogue not in ("", catalogue_digest()):
        raise UserError(
            f"The evaluator was fitted to other meta-features ({found}; this taskaware has {here}). "
            "Fit it again: train_evaluator(...)."
        )
    return evaluator


def query_of(task: Task, evaluator: Evaluator, z: Float[np.ndarray, " M"] | None = None) -> TaskQuery:
    """A task as this evaluator reads it.

    Args:
        task: any.
        evaluator: to be queried.
        z: meta-features of the task, if they are computed already.
    """
    size = evaluator.sample_size
    samples = None if size is None else draw_samples(task, **vars(size))
    return TaskQuery(vector(task) if z is None else z, task.problem, task.digest, samples)


def recognise(task: Task, evaluator: Evaluator, leave_out: bool) -> tuple[Evaluator, list[str]]:
    """The evaluator to use, and notes for people if it was trained on this dataset.

    Args:
        task: the dataset.
        evaluator: may have been trained on it.
        leave_out: whether to replace that evaluator by one without the dataset and its relatives.

    Raises:
        UserError: too few tasks are left without the group, or the evaluator cannot be fitted again.
    """
    data = evaluator.training_data
    if task.digest not in data.digests:
        return evaluator, []
    place = data.digests.index(task.digest)
    name, group = data.names[place], data.groups[place]
    if leave_out:
        note = f"This dataset is '{name}' of the experience. It was left out, with its relatives."
        return _without(evaluator, group), [note]
    note = (
        f"This dataset is '{name}' of the experience, and the evaluator was trained on its scores. The scores "
        "of candidates that were trained on it are the measured ones. leave_out=True leaves it out."
    )
    return evaluator, [note]


@functools.lru_cache(maxsize=4)
def _without(evaluator: Evaluator, group: str) -> Evaluator:
    left = len(set(evaluator.training_data.groups) - {group})
    if left < FEWEST_TASKS:
        raise UserError(
            f"Without group '{group}', {left} tasks are left to train on, and {FEWEST_TASKS} are needed. "
            "Ask with leave_out=False."
        )
    return evaluator.without(group)
