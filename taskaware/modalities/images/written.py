"""How the code of an exported model reads images and computes their blocks, with NumPy alone."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from taskaware.modalities.columns import of_part
from taskaware.modalities.images.forms import is_image_file, is_one_array
from taskaware.modalities.images.patches import patch_features
from taskaware.modalities.images.pictures import Pictures
from taskaware.modalities.images.raw import Working, features_of
from taskaware.modalities.images.reading import pictures_of
from taskaware.modalities.images.resize import squares
from taskaware.modalities.images.scaling import scaled_block
from taskaware.modalities.plain_values import PLAIN, Written, values_or_files
from taskaware.modalities.tables.written.copying import Definition

_OWN = "taskaware.modalities.images.written"
_ROOM = "taskaware.modalities.images"
INSTALL = "pip install pillow"
BITS = 22
"""Of the fractions by which Pillow weighs pixels."""


class PlainPictures(NamedTuple):
    """N images: pixels, full sizes, hashes, and the levels that they were read with."""

    pixels: tuple
    sizes: np.ndarray
    row_hashes: np.ndarray
    levels: Any


def read_images(rows: Any, about: Mapping) -> list[tuple[np.ndarray, np.ndarray]]:
    """The pixels and the full size of each image; the size is 0 where one is missing."""
    if isinstance(rows, np.ndarray) and is_one_array(rows, about["options"].get("first", 0)):
        rows = rows[None]
    values = values_or_files(rows, about, is_image_file)
    found = pictures_of(values, column=about["column"], **about["options"]).data
    pictures = cast(Pictures, found)
    return list(zip(pictures.pixels, pictures.sizes, strict=True))


def shrunk_by_box(pixels: np.ndarray, side: int) -> np.ndarray:
    """At most `side` high and wide, as Pillow 13 shrinks with `BOX`, to the last bit."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    # Pillow shrinks the width first, the height first of a tall image, and rounds in between.
    for axis in (0, 1) if height > 2 * width else (1, 0):
        size = pixels.shape[axis]
        weights = box_weights(size, max(1, round(size * scale)))
        # Whole numbers below 2 ** 53: their products are exact, and fast, as floats.
        sums = np.tensordot(weights, pixels.astype(np.float64), (1, axis)).astype(np.int64)
        pixels = np.moveaxis((sums + (1 << (BITS - 1))) >> BITS, 0, axis).clip(0, 255).astype(np.uint8)
    return pixels


def box_weights(size: int, wanted: int) -> np.ndarray:
    """Weights (wanted, size) of the mean over the area of each new pixel, in fractions of 2 ** BITS."""
    scale, found = size / wanted, np.zeros((wanted, size))
    for place in range(wanted):
        centre = (place + 0.5) * scale
        low, high = int(centre - scale / 2 + 0.5), min(size, int(centre + scale / 2 + 0.5))
        apart = (np.arange(low, high) - centre + 0.5) * (1 / scale)
        inside = ((apart > -0.5) & (apart <= 0.5)).astype(np.float64)
        found[place, low:high] = np.floor(0.5 + inside / inside.sum() * (1 << BITS))
    return found


def image_blocks(values: Sequence, arrays: Mapping, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The blocks of these names; 0 where an image is missing.

    Args:
        values: pixels and full size of each image.
        arrays: what the blocks learned.
        names: of the blocks.
    """
    working = Working(*arrays["working"].tolist())
    there = np.array([size[0] > 0 for _, size in values], bool)
    # One square at least, so that every block has its width.
    pixels = [pixels for pixels, size in values if size[0] > 0] or [np.zeros((1, 1, 1), np.uint8)]
    sizes = np.array([size for _, size in values if size[0] > 0] or [(1, 1)])
    images = squares(pixels, *working)
    raw = features_of(images, sizes, working)
    if "image_patches" in names:
        raw["image_patches"] = patch_features(images, of_part(arrays, "dictionary"))
    found = {}
    for name in names:
        columns = scaled_block(raw[name], of_part(arrays, name))
        found[name] = np.zeros((len(values), columns.shape[1]), np.float32)
        found[name][there] = columns[: there.sum()]
    return found


WRITTEN = Written(
    Definition(_OWN, "read_images"),
    Definition(_OWN, "image_blocks"),
    takes="an array (N, height, width) or (N, height, width, 3), a list of such images, a list of paths "
    "or of bytes of image files, which Pillow reads, or a table of them",
    file="images/",
    begins=Definition(f"{_ROOM}.forms", "starts_as_image"),
    shared=("working", "dictionary"),
    refused={"vision_model": "it needs the vision model itself"},
    instead={
        Definition(f"{_ROOM}.decode", "INSTALL"): Definition(_OWN, "INSTALL"),
        Definition(f"{_ROOM}.reading", "shrunk_to"): Definition(_OWN, "shrunk_by_box"),
        Definition(f"{_ROOM}.pictures", "Pictures"): Definition(_OWN, "PlainPictures"),
        Definition("taskaware.modalities.single", "Parsed"): Definition(PLAIN, "PlainParsed"),
    },
)
