"""What is computed for each image by itself, before anything is fitted."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from taskaware.modalities.cache import CACHE
from taskaware.modalities.images.colours import colour_features
from taskaware.modalities.images.frequencies import frequencies
from taskaware.modalities.images.gradients import hog
from taskaware.modalities.images.pictures import Pictures
from taskaware.modalities.images.resize import shrunk, squares

Matrices = dict[str, np.ndarray]
"""With a row for each image, by name."""

CHUNK, THREADS = 256, 8
SMALL, LARGE, SMALL_UP_TO = 32, 48, 40
CELLS = 8
NAMES = ("pixels_8", "pixels_16", "gradients", "colours", "frequencies")


class Working(NamedTuple):
    """What images are made alike to.

    Attributes:
        side: of the squares.
        channels: 3, or 1 where no training image has colour.
    """

    side: int
    channels: int


def working_of(data: Pictures) -> Working:
    """The size of the squares for some training images: 32 where half of them have a longer side of at most
    40 pixels, and 48 otherwise; colour where at least one image has it."""
    sizes = data.sizes[data.present]
    small = not len(sizes) or np.median(sizes.max(axis=1)) <= SMALL_UP_TO
    return Working(SMALL if small else LARGE, 3 if data.coloured.any() else 1)


def threads() -> int:
    """Chunks that are computed at once."""
    return min(THREADS, os.cpu_count() or 1)


def raw_features(data: Pictures, working: Working) -> Matrices:
    """The features of each row by block, float32; zeros where an image is missing."""

    def compute(rows: np.ndarray) -> Matrices:
        taken = data.take(rows)
        return by_chunks(taken, working, lambda images, sizes: features_of(images, sizes, working))

    return CACHE.rows(("image", "raw", working, data.levels.side), data.row_hashes, compute)


def by_chunks(
    data: Pictures, working: Working, compute: Callable[[np.ndarray, np.ndarray], Matrices]
) -> Matrices:
    """Matrices of all rows, computed for some present rows at a time.

    Args:
        data: some images.
        working: what they are made alike to.
        compute: squares and sizes of a chunk → its matrices.
    """
    present = np.flatnonzero(data.present)
    chunks = [present[start : start + CHUNK] for start in range(0, len(present), CHUNK)]
    if not chunks:
        one = np.zeros((1, working.channels, working.side, working.side), np.float32)
        found = compute(one, np.ones((1, 2), np.int32))
        return {name: np.zeros((data.rows, each.shape[1]), np.float32) for name, each in found.items()}

    def computed(chunk: np.ndarray) -> Matrices:
        images = squares([data.pixels[row] for row in chunk], *working)
        return compute(images, data.sizes[chunk])

    result: Matrices = {}
    # NumPy lets other threads work; a product is done by one thread, so that its sums are always the same.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads()) as pool:
        for chunk, matrices in zip(chunks, pool.map(computed, chunks), strict=True):
            for name, matrix in matrices.items():
                result.setdefault(name, np.zeros((data.rows, matrix.shape[1]), np.float32))[chunk] = matrix
    return result


def features_of(images: np.ndarray, sizes: np.ndarray, working: Working) -> Matrices:
    """The features of each square by block, float32.

    Args:
        images: squares, (n, c, s, s).
        sizes: height and width before they were squares, (n, 2).
        working: what they were made alike to.
    """
    parts = (
        shrunk(images, 8).reshape(len(images), -1),
        shrunk(images, 16).reshape(len(images), -1),
        hog(images, working.side // CELLS),
        colour_features(images, sizes),
        frequencies(images),
    )
    return dict(zip(NAMES, parts, strict=True))
