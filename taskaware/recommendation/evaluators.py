"""The evaluator for a task: the shipped one or another, with or without the task's own experience."""

import functools
import os
from importlib import resources
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import Float

from taskaware.errors import UserError, quoted
from taskaware.files import is_file
from taskaware.modalities.cache import Recent
from taskaware.modalities.reading import modality_of, vector
from taskaware.modalities.tables.metafeatures import NAMES, catalogue_digest
from taskaware.objectives.readable import is_readable, raw_kinds
from taskaware.recommendation.relatives import relatives
from taskaware.spaces import MixtureSpace
from taskaware.surrogates import Evaluator, TaskQuery, load_evaluator
from taskaware.surrogates.lifted import for_any_kind, lifted
from taskaware.surrogates.training_data import FEWEST_TASKS, TaskList
from taskaware.tasks.outputs import single_problem
from taskaware.tasks.task import Task

SHIPPED = {"compact": "evaluator.npz", "universal": "evaluator-universal.npz"}
"""Files that come with the package, by space."""

NAMED = {"learned": "evaluator-learned.npz"}
"""Further files, by the name that `evaluator=` takes."""

READ = Recent(128)
"""Meta-features and embeddings of the last datasets that were asked for, by their content."""


def shipped_evaluator(space: str = "compact") -> Evaluator:
    """The evaluator that comes with the package.

    Args:
        space: "compact", for tables, or "universal", for any kind of data.
    """
    return _shipped(SHIPPED[space])


def evaluator_named(name: str | os.PathLike) -> Evaluator:
    """An evaluator by its name in NAMED, or from the file that `save_evaluator` wrote.

    "learned" reads meta-features that a network computes from raw rows, beside the statistical ones.

    Raises:
        UserError: it is neither.
        CheckpointError: the file is damaged, or no evaluator.
    """
    if name in NAMED:
        return _shipped(NAMED[str(name)])
    if not is_file(Path(name)):
        raise UserError(
            f"There is no evaluator {quoted(str(name))}. Give {', '.join(map(repr, NAMED))}, or the path of "
            "a file that `taskaware train-evaluator` wrote."
        )
    return load_evaluator(name, catalogue=catalogue_digest())


@functools.cache
def _shipped(file: str) -> Evaluator:
    with resources.as_file(resources.files("taskaware.shipped") / file) as path:
        return load_evaluator(path, catalogue=catalogue_digest())


def for_task(task: Task, evaluator: Evaluator | str | os.PathLike | None = None) -> Evaluator:
    """The evaluator in a space with the embeddings of the task's kind of data.

    Args:
        task: any.
        evaluator: as `recommend` was given it; None for the shipped one of the kind of data.

    Raises:
        UserError: the evaluator given cannot be used, see `checked` and `evaluator_named`.
    """
    if isinstance(evaluator, (str, os.PathLike)):
        evaluator = evaluator_named(evaluator)
    found = shipped_evaluator() if evaluator is None else checked(evaluator)
    if raw_kinds(found.space):
        raise UserError(
            f"The evaluator predicts points of the space '{found.space.name}', which reads raw rows; a "
            "recommendation is a network of feature blocks. Climb its prediction instead: ta.search("
            "evaluator.space, 'gradient_ascent', objective=ta.objectives.predicted(evaluator, query))."
        )
    if not hasattr(found.space, "embedding_names") or is_readable(task, found.space):
        return found
    if evaluator is None:
        return shipped_evaluator("universal")
    return lifted(found, for_any_kind(cast(MixtureSpace, found.space)))


def checked(evaluator: Evaluator) -> Evaluator:
    """The evaluator, if it reads the meta-features of this catalogue and has training data.

    Raises:
        UserError: it does not.
    """
    if not hasattr(evaluator, "training_data"):
        raise UserError(
            f"evaluator={quoted(evaluator)} is no evaluator. Read one first: ta.load_evaluator('mine.npz')."
        )
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
    size, modality = evaluator.sample_size, modality_of(task)
    samples = None if size is None else modality.samples(task, **vars(size))
    if z is None:
        z = READ.get(("z", modality, task.digest), lambda: vector(task))
    present = READ.get(("present", modality, task.digest), lambda: modality.present(task))
    return TaskQuery(z, single_problem(task.problem), task.digest, samples, present)


def recognise(task: Task, evaluator: Evaluator, leave_out: bool) -> tuple[Evaluator, list[str]]:
    """The evaluator to use, and notes for people if it was trained on this dataset or on relatives.

    Args:
        task: the dataset.
        evaluator: may have been trained on it.
        leave_out: whether to replace that evaluator by one without the dataset and its relatives.

    Raises:
        UserError: too few tasks are left without the group, or the evaluator cannot be fitted again.
    """
    data = evaluator.training_data
    groups = groups_of(task, data)
    if not groups:
        return evaluator, []
    if task.digest in data.digests:
        name = data.names[data.digests.index(task.digest)]
        what = f"This dataset is '{name}' of the experience"
        trained = (
            "its scores. The scores of candidates that were trained on it are the measured ones. "
            "leave_out=True leaves it out"
        )
        left = "It was left out, with its relatives"
    else:
        named = ", ".join(f"'{group}'" for group in groups)
        what = f"This dataset seems to share rows and columns with {named} of the experience"
        trained = "scores of that. leave_out=True leaves it out"
        left = "That was left out, with its relatives"
    if leave_out:
        return _without(evaluator, groups), [f"{what}. {left}."]
    return evaluator, [f"{what}, and the evaluator was trained on {trained}."]


def groups_of(task: Task, data: TaskList) -> tuple[str, ...]:
    """Groups of the known tasks that hold a dataset, or rows and columns of it.

    A part of a table is recognised where the package has a sketch of the table, see `sketches`.

    Args:
        task: the dataset.
        data: what an evaluator learned from.
    """
    if task.digest in data.digests:
        return (data.groups[data.digests.index(task.digest)],)
    there = set(data.groups)
    return tuple(sorted({one.group for one in relatives(task)} & there))


@functools.lru_cache(maxsize=4)
def _without(evaluator: Evaluator, groups: tuple[str, ...]) -> Evaluator:
    left = len(set(evaluator.training_data.groups) - set(groups))
    if left < FEWEST_TASKS:
        named = ", ".join(f"'{group}'" for group in groups)
        raise UserError(
            f"Without group {named}, {left or 'no'} task is left to train on, and {FEWEST_TASKS} are needed. "
            "Ask with leave_out=False."
        )
    return evaluator.without(*groups)
