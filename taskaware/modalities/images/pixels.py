"""The pixels of images themselves, for networks that read images."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from taskaware.embeddings import raw_form
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.images.pictures import Pictures
from taskaware.modalities.images.resize import squares

LEARNED_FROM = 5000
"""Training images that mean and spread are learned from; the first ones by hash."""

LEAST_SPREAD = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class PixelBlocks(Blocks):
    """Images as standardised squares, one block of rows (side, side, channels).

    Attributes:
        side: of the squares.
        mean, spread: of the values of each channel, (channels,).
    """

    side: int
    mean: np.ndarray
    spread: np.ndarray

    @property
    def name(self) -> str:
        return f"pixels_{self.side}_{len(self.mean)}"

    @property
    def widths(self) -> Mapping[str, int]:
        return {self.name: self.side**2 * len(self.mean)}

    def transform(
        self, data: Pictures, rows: np.ndarray | None = None
    ) -> Mapping[str, Float[np.ndarray, "n width"]]:
        taken = data if rows is None else data.take(rows)
        there = np.flatnonzero(taken.present)
        result = np.zeros((taken.rows, self.side, self.side, len(self.mean)), np.float32)
        if len(there):
            found = _squares(taken, there, self.side, len(self.mean))
            result[there] = (found - self.mean) / self.spread
        return {self.name: result.reshape(taken.rows, -1)}

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"side": np.array(self.side, np.int64), "mean": self.mean, "spread": self.spread}


def fit_pixels(data: Pictures, rows: np.ndarray, name: str) -> PixelBlocks:
    """Mean and spread of the channels of some training images.

    Args:
        data: images.
        rows: of the training part.
        name: of the block: "pixels_16_3" is of 16 × 16 pixels and three channels.
    """
    side, channels = raw_form("pixels", name) or (0, 0)
    taken = data.take(np.arange(data.rows)[rows])
    order = np.argsort(taken.row_hashes, kind="stable")
    there = order[taken.present[order]][:LEARNED_FROM]
    if not len(there):
        return PixelBlocks(side, np.zeros(channels, np.float32), np.ones(channels, np.float32))
    found = _squares(taken, there, side, channels)
    mean, spread = found.mean((0, 1, 2)), found.std((0, 1, 2))
    return PixelBlocks(side, mean, np.maximum(spread, LEAST_SPREAD).astype(np.float32))


def pixels_from(arrays: Mapping[str, np.ndarray]) -> PixelBlocks:
    """The blocks that `PixelBlocks.to_arrays` wrote.

    Raises:
        ValueError: an array is missing, unknown, of a wrong shape, or not finite.
    """
    if set(arrays) != {"side", "mean", "spread"}:
        raise ValueError("the blocks of pixels have arrays of other names")
    side, mean, spread = (arrays[name] for name in ("side", "mean", "spread"))
    if side.shape != () or side.dtype.kind != "i" or not 1 <= side <= 999 or mean.shape not in ((1,), (3,)):
        raise ValueError("the blocks of pixels have another form")
    if spread.shape != mean.shape or any(each.dtype.kind != "f" for each in (mean, spread)):
        raise ValueError("the blocks of pixels have another form")
    if not (np.isfinite(mean).all() and np.isfinite(spread).all() and spread.min() > 0):
        raise ValueError("the blocks of pixels hold what is no finite number, or no spread")
    return PixelBlocks(int(side), mean, spread)


def _squares(data: Pictures, rows: np.ndarray, side: int, channels: int) -> np.ndarray:
    return squares([data.pixels[row] for row in rows], side, channels).transpose(0, 2, 3, 1)
