"""The design of a network that is not trained, for a task."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from taskaware.arrays import EitherArray
from taskaware.modalities.reading import modality_of
from taskaware.spaces import MixtureSpace, Space
from taskaware.tasks.scale import mean_and_std
from taskaware.tasks.task import Task
from taskaware.training.fit import RECIPE
from taskaware.training.length import MOST_STEPS, SEGMENT, passes_for
from taskaware.training.written.design import Design, Schedule, Target, checked, checked_reader


def untrained(task: Task, space: Space, point: EitherArray) -> Design:
    """The design of an architecture for a task; the encoder learns from all rows, as it does in `fit`.

    Args:
        task: of a table.
        space, point: the architecture, (D,).

    Raises:
        UserError: as for `checked`.
    """
    reader = checked_reader(task.reader, task.modality)
    modality = modality_of(task)
    blocks = modality.fit_blocks(task.data, np.arange(task.rows))
    reader, blocks = modality.compact(reader, blocks)
    mean, std = (0.0, 1.0) if task.classes else mean_and_std(task.target)
    target = Target(task.target_name, task.classes, (), mean, std, task.target_form)
    found = checked(space, point, reader, blocks, target=target, params={})
    return dataclasses.replace(found, schedule=_schedule(task, found.space, point))


def _schedule(task: Task, space: MixtureSpace, point: EitherArray) -> Schedule:
    names = [coordinate.name for coordinate in space.recipe]
    found = np.asarray(space.weights(jnp.asarray(point, jnp.float32)).recipe, np.float64)
    values = dict(zip(names, found.tolist(), strict=True))
    return Schedule(
        RECIPE.steps,
        RECIPE.steps * RECIPE.batch_size // passes_for(task),
        MOST_STEPS,
        SEGMENT,
        RECIPE.batch_size,
        float(values.get("learning_rate", RECIPE.learning_rate)),
        float(values.get("weight_decay", RECIPE.weight_decay)),
    )
