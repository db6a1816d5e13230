"""The samples of series themselves, for networks that read series."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from taskaware.embeddings import raw_form
from taskaware.errors import UserError
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.series.data import SeriesData
from taskaware.modalities.series.resampling import at_length

LEARNED_FROM = 5000
"""Training rows that mean and spread are learned from; the first ones by hash."""

MOST_SPREADS = 100.0
"""A sample is at most so many spreads from the mean; a later row may be of another size."""


@dataclasses.dataclass(frozen=True, eq=False)
class SampleBlocks(Blocks):
    """Series on equally many samples, standardised, as one block of rows (length, channels).

    Attributes:
        length: L, see `resampling.resampled`.
        mean, spread: of the values of each channel, (C,).
    """

    length: int
    mean: np.ndarray
    spread: np.ndarray

    @property
    def channels(self) -> int:
        """C."""
        return len(self.mean)

    @property
    def name(self) -> str:
        return f"samples_{self.length}_{self.channels}"

    @property
    def widths(self) -> Mapping[str, int]:
        return {self.name: self.length * self.channels}

    def transform(
        self, data: SeriesData, rows: np.ndarray | None = None
    ) -> Mapping[str, Float[np.ndarray, "n width"]]:
        """The block of these rows; 0, the mean, in a missing row or channel."""
        taken = data if rows is None else data.take(rows)
        found = at_length(taken, np.arange(taken.rows), self.length)
        scaled = np.clip((found - self.mean[:, None]) / self.spread[:, None], -MOST_SPREADS, MOST_SPREADS)
        filled = np.nan_to_num(scaled).astype(np.float32)
        return {self.name: filled.transpose(0, 2, 1).reshape(len(filled), -1)}

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"length": np.array(self.length, np.int64), "mean": self.mean, "spread": self.spread}


def fit_samples(data: SeriesData, rows: np.ndarray, name: str) -> SampleBlocks:
    """Mean and spread of the channels of some training rows.

    Args:
        data: series.
        rows: of the training part.
        name: of the block: "samples_64_2" is of 64 samples and two channels.

    Raises:
        UserError: the series have other channels.
    """
    length, channels = raw_form("samples", name) or (0, 0)
    if channels != data.channels:
        raise UserError(
            f"The channels differ: the space reads {channels}, these series have {data.channels}. Give "
            f"cells(axes=1, channels={data.channels}), or the name 'cells', which takes the task's."
        )
    rows = np.arange(data.rows)[rows]
    values = at_length(data, rows[np.argsort(data.row_hashes[rows], kind="stable")][:LEARNED_FROM], length)
    mean, spread = channel_scale(values)
    return SampleBlocks(length, mean, spread)


def samples_from(arrays: Mapping[str, np.ndarray]) -> SampleBlocks:
    """The blocks that `SampleBlocks.to_arrays` wrote.

    Raises:
        ValueError: an array is missing, unknown, of a wrong shape, or not finite.
    """
    if set(arrays) != {"length", "mean", "spread"}:
        raise ValueError("the blocks of samples have arrays of other names")
    length, mean, spread = (arrays[name] for name in ("length", "mean", "spread"))
    if length.shape != () or length.dtype.kind != "i" or not 1 <= length <= 9999:
        raise ValueError("the blocks of samples have another form")
    if mean.ndim != 1 or spread.shape != mean.shape or any(e.dtype.kind != "f" for e in (mean, spread)):
        raise ValueError("the blocks of samples have another form")
    if not (len(mean) and np.isfinite(mean).all() and np.isfinite(spread).all() and spread.min() > 0):
        raise ValueError("the blocks of samples hold what is no finite number, or no spread")
    return SampleBlocks(int(length), mean, spread)


def channel_scale(values: Float[np.ndarray, "n C length"]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of each channel, (C,); a spread of 1 where all values are one."""
    there = ~np.isnan(values)
    count = np.maximum(there.sum((0, 2)), 1)
    filled = np.where(there, values, 0.0)
    mean = filled.sum((0, 2)) / count
    std = np.sqrt((np.where(there, filled - mean[:, None], 0.0) ** 2).sum((0, 2)) / count)
    return mean, np.where(std > 1e-9 * np.abs(mean), np.maximum(std, 1e-200), 1.0)
