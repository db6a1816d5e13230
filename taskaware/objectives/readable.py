"""Which tasks a space has embeddings for, and a space for a task."""

import dataclasses

import numpy as np

from taskaware.errors import UserError
from taskaware.modalities.images.pictures import Pictures
from taskaware.modalities.reading import modality_of
from taskaware.spaces import Space
from taskaware.spaces.rules import RuleSpace
from taskaware.tasks.task import Task

MOST_PIXELS, FEWEST_PIXELS = 16, 8
"""Sides of the images that update rules are trained on, unless the space says so: two cores train these."""


def is_readable(task: Task, space: Space) -> bool:
    """Whether a space has the embeddings of the task's kind of data."""
    return set(modality_of(task).embeddings_of(task.data)) <= set(getattr(space, "embedding_names", ()))


def check_readable(task: Task, space: Space) -> None:
    """Nothing, if the space has the embeddings of the task's kind of data.

    Raises:
        UserError: it lacks some.
    """
    if not is_readable(task, space):
        raise UserError(
            f"Task '{task.name}' is of the kind '{task.modality}', and the space '{space.name}' has no "
            "embeddings for it. Set space=universal."
        )


def suited(space: Space, task: Task) -> Space:
    """The space as it is searched on a task: update rules train the network of the task's kind of data.

    Args:
        space: any; only update rules depend on the task, where they do not say what they train on.
        task: of images, their sides are a multiple of 4 up to MOST_PIXELS, near the median longer side.
    """
    if not isinstance(space, RuleSpace) or space.pixels is not None or not isinstance(task.data, Pictures):
        return space
    sizes = task.data.sizes[task.data.present]
    side = int(np.median(sizes.max(axis=1))) if len(sizes) else MOST_PIXELS
    side = min(max(4 * round(side / 4), FEWEST_PIXELS), MOST_PIXELS)
    return dataclasses.replace(space, pixels=(side, 3 if task.data.coloured.any() else 1))
