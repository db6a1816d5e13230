"""The evaluator to ask about a task: the shipped one or another, less what would be answered from memory."""

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
            "The evaluator comes from an older taskaware, and has no training data to start from. Learn it "
            "again: train_evaluator(settings=JointSettings(...), datasets=...)."
        )
    found, here = data.z.shape[1], len(NAMES)
    if found != here or evaluator.catalogue not in ("", catalogue_digest()):
        raise UserError(
            f"The evaluator learned from other meta-features ({found}; the catalogue here has {here}). "
            "Learn it again from the experience."
        )
    return evaluator


def query_of(task: Task, evaluator: Evaluator, z: Float[np.ndarray, " M"] | None = None) -> TaskQuery:
    """A task as this evaluator reads it.

    Args:
        task: any.
        evaluator: that will be asked.
        z: meta-features of the task, where they are there already.
    """
    size = evaluator.sample_size
    samples = None if size is None else draw_samples(task, **vars(size))
    return TaskQuery(vector(task) if z is None else z, task.problem, task.digest, samples)


def recognise(task: Task, evaluator: Evaluator, leave_out: bool) -> tuple[Evaluator, list[str]]:
    """The evaluator to ask, and notes for people where it was trained on the very dataset.

    Args:
        task: to be asked about.
        evaluator: that may have learned from it.
        leave_out: whether an evaluator that did is replaced by one that did not, nor from relatives.

    Raises:
        UserError: without the group there is too little to learn from, or the evaluator cannot learn anew.
    """
    data = evaluator.training_data
    if task.digest not in data.digests:
        return evaluator, []
    place = data.digests.index(task.digest)
    name, group = data.names[place], data.groups[place]
    if leave_out:
        note = f"This dataset is '{name}' of the experience; it was left out, and so were its relatives."
        return _without(evaluator, group), [note]
    note = (
        f"This dataset is '{name}' of the experience: the evaluator was trained on its scores. "
        "leave_out=True asks without it."
    )
    return evaluator, [note]


@functools.lru_cache(maxsize=4)
def _without(evaluator: Evaluator, group: str) -> Evaluator:
    left = len(set(evaluator.training_data.groups) - {group})
    if left < FEWEST_TASKS:
        raise UserError(
            f"Without '{group}' the evaluator would learn from {left} tasks; {FEWEST_TASKS} are needed. "
            "Ask with leave_out=False."
        )
    return evaluator.without(group)
