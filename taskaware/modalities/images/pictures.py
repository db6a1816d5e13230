"""N images in memory, shrunk to a size that blocks and meta-features need."""

import dataclasses
import functools
import hashlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, UInt64

from taskaware.tasks.data import content_digest

MISSING = np.zeros((0, 0, 1), np.uint8)
"""The pixels of a row without an image."""


class Levels(NamedTuple):
    """Which values are white, and how much of an image is kept; later rows are read with the same.

    Attributes:
        white: of arrays of numbers.
        deep_white: of files with 16 bits a pixel.
        side: pixels of the longer side that are kept; larger images are shrunk to it.
        first: channels of arrays that have them as their first axis; 0 where some have them last, or none.
    """

    white: int = 255
    deep_white: int = 65535
    side: int = 64
    first: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class Pictures:
    """N images.

    Attributes:
        pixels: for each row (height, width, 1 or 3) uint8, at most `levels.side` high and wide; grey ones
            have one channel; a missing one is `MISSING`.
        sizes: height and width that each image had, (N, 2); 0 where it is missing.
        row_hashes: of the full images.
        levels: that they were read with.
    """

    pixels: tuple[np.ndarray, ...]
    sizes: Int32[np.ndarray, "N 2"]
    row_hashes: UInt64[np.ndarray, " N"]
    levels: Levels = Levels()

    @property
    def rows(self) -> int:
        return len(self.pixels)

    @functools.cached_property
    def digest(self) -> str:
        return content_digest("image", self.row_hashes)

    @functools.cached_property
    def present(self) -> np.ndarray:
        """Whether a row has an image, (N,) bool."""
        return self.sizes[:, 0] > 0

    @functools.cached_property
    def coloured(self) -> np.ndarray:
        """Whether a row has three channels, (N,) bool."""
        return np.array([pixels.shape[2] == 3 for pixels in self.pixels], bool)

    def take(self, rows: np.ndarray) -> "Pictures":
        places = np.arange(self.rows)[rows]
        pixels = tuple(self.pixels[place] for place in places)
        return Pictures(pixels, self.sizes[places], self.row_hashes[places], self.levels)


def pixel_hash(pixels: np.ndarray) -> int:
    """A 64-bit hash of the content of an image, (height, width, channels) uint8."""
    digest = hashlib.sha256(f"{pixels.shape}".encode() + np.ascontiguousarray(pixels).tobytes()).digest()
    return int.from_bytes(digest[:8], "little")
