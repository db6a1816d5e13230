"""The blocks of images from the arrays of a file, which may be damaged."""

import dataclasses
from collections.abc import Mapping
from typing import cast

import numpy as np

from taskaware.embeddings import IMAGE_EMBEDDINGS
from taskaware.modalities.images import raw
from taskaware.modalities.images.blocks import MODEL, ImageBlocks
from taskaware.modalities.images.patches import PATCH, Dictionary
from taskaware.modalities.images.pictures import Pictures
from taskaware.modalities.images.raw import Working
from taskaware.modalities.images.scaling import scaling_from


def image_blocks_from(arrays: Mapping[str, np.ndarray]) -> ImageBlocks:
    """The blocks that `ImageBlocks.to_arrays` wrote.

    Raises:
        ValueError: an array is missing, unknown, of a wrong shape, or not finite.
    """
    try:
        working = _working(arrays["working"])
        names = [name for name in IMAGE_EMBEDDINGS if f"{name}.mean" in arrays]
        scalings = {name: scaling_from(arrays, name) for name in names}
        dictionary = _dictionary_from(arrays, working)
        model = str(arrays["model"])
    except KeyError as error:
        raise ValueError(f"the blocks of images lack {error}") from None
    blocks = ImageBlocks(working, dictionary, scalings, model)
    if set(blocks.to_arrays()) != set(arrays) or arrays["model"].shape != ():
        raise ValueError("the blocks of images have arrays of other names")
    _check_columns(blocks)
    return blocks


def _working(array: np.ndarray) -> Working:
    sizes = (raw.SMALL, raw.LARGE)
    if array.shape != (2,) or array.dtype.kind != "i" or array[0] not in sizes or array[1] not in (1, 3):
        raise ValueError(f"images cannot be made alike to {array.tolist()}")
    return Working(int(array[0]), int(array[1]))


def _dictionary_from(arrays: Mapping[str, np.ndarray], working: Working) -> Dictionary | None:
    if not any(name.startswith("dictionary.") for name in arrays):
        return None
    names = [each.name for each in dataclasses.fields(Dictionary)]
    found = Dictionary(**{name: arrays[f"dictionary.{name}"] for name in names})
    parts = (found.mean, found.whitening, found.centres)
    if any(part.dtype.kind != "f" or not np.isfinite(part).all() for part in parts):
        raise ValueError("the dictionary of patches holds what is no finite number")
    if [part.ndim for part in parts] != [1, 2, 2] or found.centres.shape[1] != found.whitening.shape[1]:
        raise ValueError("the dictionary of patches has arrays of other shapes")
    if not found.mean.shape == found.whitening.shape[:1] == (PATCH**2 * working.channels,):
        raise ValueError("the dictionary is that of patches of another size")
    return found


def _check_columns(blocks: ImageBlocks) -> None:
    """Nothing, if every scaling has the columns that its raw features have."""
    one = np.zeros((1, 1, 1), np.uint8)
    image = Pictures((one,), np.ones((1, 2), np.int32), np.zeros(1, np.uint64))
    found = cast(Mapping, dataclasses.replace(blocks, model="")._raw(image))
    names = {*found, MODEL} if blocks.model else set(found)
    if set(blocks.scalings) != names:
        raise ValueError(f"the blocks of images are {sorted(blocks.scalings)}")
    for name, matrix in found.items():
        if matrix.shape[1] != len(blocks.scalings[name].mean):
            raise ValueError(f"'{name}' has {len(blocks.scalings[name].mean)} columns, not {matrix.shape[1]}")
