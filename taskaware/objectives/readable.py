"""Which tasks a space has embeddings for, and a space for a task."""

import dataclasses

import numpy as np

from taskaware.embeddings import raw_form
from taskaware.errors import UserError
from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.images.pictures import Pictures
from taskaware.modalities.reading import modality_of
from taskaware.modalities.series.data import SeriesData
from taskaware.spaces import CellSpace, Space
from taskaware.spaces.rules import RuleSpace
from taskaware.tasks.data import Data
from taskaware.tasks.task import Task

MOST_PIXELS, FEWEST_PIXELS = 16, 8
"""Sides of the images that update rules are trained on, unless the space says so: two cores train these."""

MOST_SAMPLES, FEWEST_SAMPLES = 128, 8
"""Of the series that cells are trained on, unless the space says so."""


RAW_KINDS = {"pixels": "image", "samples": "series"}
"""What a raw block is made of → the kind of data whose rows give it."""


def raw_kinds(space: Space) -> tuple[str, ...]:
    """The kinds of data that a space reads by a raw block, such as pixels; () where it reads other blocks.

    >>> from taskaware.spaces import preset
    >>> raw_kinds(preset("front")), raw_kinds(preset("compact"))
    (('image',), ())
    """
    names: tuple[str, ...] = getattr(space, "embedding_names", ())
    return tuple(kind for raw, kind in RAW_KINDS.items() if len(names) == 1 and raw_form(raw, names[0]))


def is_readable(task: Task, space: Space) -> bool:
    """Whether a space has the embeddings of the task's kind of data, or reads its raw rows."""
    if raw := raw_kinds(space):
        return task.modality in raw
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
    """The space as it is searched on a task: networks of cells, and those of update rules, read its rows.

    Args:
        space: any; only cells and update rules depend on the task. Rules that say what they train on, and
            cells of series, stay as they are.
        task: of images, update rules have a side that is a multiple of 4 up to MOST_PIXELS, near the median
            longer side. Cells read the spectrograms of sounds; on series they have one axis, the channels of
            the series, and their median length, as a multiple of 4 up to MOST_SAMPLES.
    """
    if isinstance(space, CellSpace):
        return _cells_for(space, task.data)
    if not isinstance(space, RuleSpace) or space.pixels is not None or not isinstance(task.data, Pictures):
        return space
    sizes = task.data.sizes[task.data.present]
    side = int(np.median(sizes.max(axis=1))) if len(sizes) else MOST_PIXELS
    side = min(max(4 * round(side / 4), FEWEST_PIXELS), MOST_PIXELS)
    return dataclasses.replace(space, pixels=(side, 3 if task.data.coloured.any() else 1))


def _cells_for(space: CellSpace, data: Data) -> CellSpace:
    if space.axes == 1:
        return space
    if isinstance(data, Sounds):
        return dataclasses.replace(space, stack=space.stack._replace(channels=1))
    if not isinstance(data, SeriesData):
        return space
    lengths = data.lengths[data.lengths > 0]
    side = int(np.median(lengths)) if len(lengths) else FEWEST_SAMPLES
    side = min(max(4 * round(side / 4), FEWEST_SAMPLES), MOST_SAMPLES)
    stack = space.stack._replace(side=side, channels=data.channels)
    return dataclasses.replace(space, stack=stack, axes=1)
