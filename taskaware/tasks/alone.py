"""A task of several outputs as tasks of one output each: how what knows single outputs reads it."""

import dataclasses

import numpy as np

from taskaware.tasks.outputs import single_problem
from taskaware.tasks.task import Task

MOST = 8
"""Outputs that are looked at by default: meta-features of each take time."""


def alone(task: Task, most: int = MOST) -> tuple[Task, ...]:
    """Tasks of one output each, on the same rows; the task itself where it has one output.

    Args:
        task: of K outputs; one that is the same in every row tells nothing and is left out.
        most: how many, at most; of more, those at even steps.

    >>> from taskaware.modalities.tables.build import make_task
    >>> X = np.arange(40.0).reshape(20, 2)
    >>> [one.problem for one in alone(make_task((X, X % 3)))]
    ['regression', 'regression']
    """
    if task.several is None:
        return (task,)
    varying = np.flatnonzero(task.target.min(0) < task.target.max(0))
    steps = np.arange(min(most, len(varying))) * len(varying) // max(min(most, len(varying)), 1)
    return tuple(_output(task, place, str(task.several.names[place])) for place in varying[steps].tolist())


def _output(task: Task, place: int, name: str) -> Task:
    problem = single_problem(task.problem)
    labels = problem == "classification"
    return dataclasses.replace(
        task,
        problem=problem,
        target_name=name,
        target=task.target[:, place].astype(np.int32 if labels else np.float64),
        classes=(0, 1) if labels else (),
        several=None,
        test=None,
    )
