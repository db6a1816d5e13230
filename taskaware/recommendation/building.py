"""The recommended network: as a module, as source code, and trained."""

import dataclasses

from taskaware import plain
from taskaware.errors import UserError
from taskaware.modalities.reading import make_task
from taskaware.recommendation.record import Record
from taskaware.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class FitOptions:
    """How `Recommendation.fit` trains; see there."""

    # Of splits and first weights; the recommendation's own if None.
    seed: int | None = None
    # How many networks; by the number of rows if None.
    members: int | None = None
    # Share of the rows that choose a network's best weights, in (0, 1).
    validation: float = 0.2
    # Evaluations without a better score after which training ends.
    patience: int = 20
    # Whether to show a bar; by default where there is a terminal.
    progress: bool | None = None


def module(record: Record):
    """The network as a Flax Linen module, to be called with (numbers (n, D), one-hot (n, T))."""
    from taskaware.children.mixture.fixed import FixedNetwork

    task, point = record.task, tuple(float(number) for number in record.point)
    block = tuple(task.block(record.space).tolist())
    return FixedNetwork(record.space, point, task.outputs, block, task.categories)


def source(record: Record) -> str:
    """The same network as readable Flax code that runs on its own."""
    from taskaware.children.mixture import source as writing

    task = record.task
    block = task.block(record.space)
    return writing.source(
        record.space, record.point, block=block, categories=task.categories, outputs=task.outputs
    )


def fit(record: Record, task: Task, options: FitOptions):
    """The trained network: a `Model`.

    Args:
        record: of the recommendation.
        task: to be trained on.
        options: how.
    """
    from taskaware.training.fit import fit as train

    settings = dataclasses.asdict(options)
    settings["seed"] = record.seed if options.seed is None else plain.seed(options.seed)
    return train(task, record.space, record.point, **settings)


def task_for(record: Record, dataset, target=None) -> Task:
    """A dataset in any form → a task like the one that the recommendation was made for.

    Args:
        record: of the recommendation.
        dataset: in any form that `recommend` takes.
        target: name of the target, the recommendation's own by default, or its values.

    Raises:
        UserError: the dataset cannot be used, or is of another problem or other classes.
    """
    if isinstance(dataset, Task):
        return _fitting(record, dataset)
    card = record.task
    if target is None and not isinstance(dataset, tuple):
        target = card.target_name
    metric = card.own_metric or card.metric
    task = make_task(
        dataset, target, problem=card.problem, name=card.name, metric=metric, modality=card.modality
    )
    return _fitting(record, task)


def _fitting(record: Record, task: Task) -> Task:
    made_for, given = (f"{one.problem} of {one.outputs} outputs" for one in (record.task, task))
    if given != made_for:
        raise UserError(
            f"This dataset is a {given}; the recommendation was made for a {made_for}. "
            "Call recommend on this one."
        )
    return task
