"""The network of the recommended architecture: as a module, as source code, and trained."""

import dataclasses
import os
import weakref
from typing import TYPE_CHECKING

from taskaware.children.forms import Sizes, written
from taskaware.errors import UserError
from taskaware.modalities.reading import make_task
from taskaware.recommendation.record import Record
from taskaware.tasks.metrics import default_metric, metric_name
from taskaware.tasks.outputs import LINKS
from taskaware.tasks.task import Task

if TYPE_CHECKING:
    from taskaware.training.model import Model
    from taskaware.training.options import FitOptions

MOST_CELLS = 4_000_000
"""Cells of a table that a recommendation keeps for `source`: 32 MB."""

_MADE_FROM: weakref.WeakKeyDictionary[Record, Task] = weakref.WeakKeyDictionary()


def module(record: Record):
    """The network as a Flax Linen module, to be called with (numbers (n, D), one-hot (n, T))."""
    return written("module", record.space, record.point, _sizes(record))


def source(record: Record) -> str:
    """The same network as readable Flax code that runs on its own."""
    return written("source", record.space, record.point, _sizes(record))


def _sizes(record: Record) -> Sizes:
    task = record.task
    return Sizes(dict(task.columns), task.outputs, LINKS[task.problem])


def write_source(record: Record, folder: str | os.PathLike, task: Task | None, *, force: bool) -> str:
    """Write the folder of `Recommendation.source`; the text of its `network.py`.

    Args:
        record: of the recommendation.
        folder: that is made.
        task: that the encoder learns from; by default the one that the recommendation was made from.
        force: whether a folder of this kind is replaced.

    Raises:
        UserError: there is no task, or as for `Recommendation.source`.
    """
    from taskaware.training.written.folder import check_folder, write
    from taskaware.training.written.untrained import untrained

    check_folder(folder, force=force)
    task = _MADE_FROM.get(record) if task is None else task
    if task is None:
        raise UserError(
            "This recommendation has no data at hand (it was loaded, or made from a large table). "
            "Give the data as well: rec.source(folder, data)."
        )
    return write(untrained(task, record.space, record.point), folder, force=force)


def remember(record: Record, task: Task) -> None:
    """Keep the table that a recommendation was made from, as long as this process has both.

    Args:
        record: of the recommendation.
        task: that it was made from; one of more than MOST_CELLS is not kept.
    """
    cells = task.rows * len(getattr(task.data, "columns", ()))
    if task.modality == "tables" and cells <= MOST_CELLS:
        _MADE_FROM[record] = task


def fit(record: Record, task: Task, options: "FitOptions") -> "Model":
    """The trained network.

    Args:
        record: of the recommendation.
        task: to be trained on.
        options: how.
    """
    from taskaware.training.options import fit_with

    options = dataclasses.replace(
        options,
        seed=record.seed if options.seed is None else options.seed,
        members=record.prefer.members if options.members is None else options.members,
    )
    # The training has the only reference, and lets go of the rows when they are encoded.
    only = [task]
    del task
    return fit_with(options, only, record.space, record.point)


def task_for(record: Record, dataset, target=None, metric: str | None = None) -> Task:
    """A dataset in any form → a task like the one that the recommendation was made for.

    Args:
        record: of the recommendation.
        dataset: in any form that `recommend` takes.
        target: name of the target, the recommendation's own by default, or its values.
        metric: name in METRICS; by default the recommendation's own, or that of a Task that has another than
            the default.

    Raises:
        UserError: the dataset cannot be used, is of another problem or other classes, or the metric does not
            score the problem.
    """
    card = record.task
    if isinstance(dataset, Task):
        own = dataset.metric if dataset.metric != default_metric(dataset.problem) else card.own_metric
        return with_metric(_fitting(record, dataset), metric or own)
    if target is None and not isinstance(dataset, tuple):
        target = card.target_columns
    metric = metric or card.own_metric or card.metric
    task = make_task(
        dataset,
        target,
        problem=card.problem,
        name=card.name,
        metric=metric,
        modality=card.modality,
        kinds=dict(card.kinds),
        modalities=dict(card.modalities),
        # A frame may lack by now what was to be left out.
        drop=[name for name in card.drop if name in getattr(dataset, "columns", card.drop)],
    )
    return _fitting(record, task)


def with_metric(task: Task, metric: str | None) -> Task:
    """The task scored by a metric; itself where none is given.

    Raises:
        UserError: the metric is unknown, or scores another problem.
    """
    return dataclasses.replace(task, metric=metric_name(task.problem, metric)) if metric else task


def _fitting(record: Record, task: Task) -> Task:
    made_for, given = (f"{one.problem} of {one.outputs} outputs" for one in (record.task, task))
    own, names = (one.several and one.several.names for one in (record.task, task))
    if given == made_for and own != names:
        raise UserError(
            f"This dataset has the outputs {names}; the recommendation was made for {own}. Call recommend on "
            "this one."
        )
    if given != made_for:
        raise UserError(
            f"This dataset is a {given}; the recommendation was made for a {made_for}. "
            "Call recommend on this one."
        )
    return task
