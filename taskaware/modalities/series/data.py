"""Series as data, and as batches of one padded length."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from taskaware.tasks.data import Listed, content_digest

EXACT = 64
"""Samples up to which series are padded to no length but their own; beyond, to the next of 16 an octave."""
AT_ONCE = 1 << 20
"""Numbers of a batch."""


@dataclasses.dataclass(frozen=True, eq=False)
class SeriesData:
    """N series of the same channels; lengths may differ.

    Attributes:
        values: of each row, (C, T_i) float64; NaN where a sample is missing, (C, 0) where the row is.
        channels: C.
        time_first: whether rows were given as (T, C), so that later ones are, too.
    """

    values: tuple[np.ndarray, ...]
    channels: int
    time_first: bool = False

    @property
    def rows(self) -> int:
        return len(self.values)

    @functools.cached_property
    def row_hashes(self) -> UInt64[np.ndarray, " N"]:
        return Listed("series", self.values).row_hashes

    @functools.cached_property
    def digest(self) -> str:
        return content_digest(f"series|{self.channels}", self.row_hashes)

    @functools.cached_property
    def lengths(self) -> Int[np.ndarray, " N"]:
        """Samples of each row, 0 where it is missing."""
        return np.array([value.shape[1] for value in self.values], np.int64)

    def take(self, rows: np.ndarray) -> "SeriesData":
        kept = tuple(self.values[row] for row in np.arange(self.rows)[rows])
        return SeriesData(kept, self.channels, self.time_first)


class Batch(NamedTuple):
    """Rows that are padded to one length, which depends on nothing but a row's own.

    Attributes:
        rows: their indices, (B,).
        values: missing samples filled, zeros after the end and in an absent channel, (B, C, P) float64.
        lengths: samples of each, at least 1, (B,).
        absent: channels without any sample, (B, C).
    """

    rows: Int[np.ndarray, " B"]
    values: Float[np.ndarray, "B C P"]
    lengths: Int[np.ndarray, " B"]
    absent: Bool[np.ndarray, "B C"]

    @property
    def mask(self) -> Float[np.ndarray, "B 1 P"]:
        """1 where a row has a sample, 0 after its end."""
        inside = np.arange(self.values.shape[2]) < self.lengths[:, None]
        return inside[:, None].astype(np.float64)


def batches(data: SeriesData, rows: Int[np.ndarray, " n"]) -> Iterator[Batch]:
    """The rows (indices) that are not missing, each in one batch."""
    padded = padded_length(data.lengths[rows])
    for length in np.unique(padded[padded > 0]):
        group = rows[padded == length]
        size = max(1, AT_ONCE // (int(length) * data.channels))
        for first in range(0, len(group), size):
            yield _batch(data, group[first : first + size], int(length))


def padded_length(lengths: Int[np.ndarray, "*n"]) -> Int[np.ndarray, "*n"]:
    """The length that series of these lengths are padded to.

    >>> padded_length(np.array([0, 24, 65, 100, 1000])).tolist()
    [0, 24, 68, 100, 1024]
    """
    octave = np.floor(np.log2(np.maximum(lengths - 1, 1))).astype(np.int64)
    step = 2 ** np.maximum(octave - 4, 0)
    return np.where(lengths <= EXACT, lengths, -(-lengths // step) * step)


def _batch(data: SeriesData, rows: np.ndarray, length: int) -> Batch:
    lengths = data.lengths[rows]
    values = np.zeros((len(rows), data.channels, length))
    if (lengths == length).all():
        np.stack([data.values[row] for row in rows], out=values)
    else:
        for place, row in enumerate(rows):
            values[place, :, : lengths[place]] = data.values[row]
    gaps = np.isnan(values)
    absent = gaps.sum(2) == lengths[:, None]
    for row, channel in np.argwhere(gaps.any(2)):
        here = values[row, channel, : lengths[row]]
        here[:] = 0.0 if absent[row, channel] else filled(here)
    return Batch(rows, values, lengths, absent)


def filled(values: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
    """The series with straight lines over its gaps; before the first and after the last sample, that one.

    >>> filled(np.array([np.nan, 1.0, np.nan, 3.0])).tolist()
    [1.0, 1.0, 2.0, 3.0]
    """
    places, there = np.arange(len(values)), ~np.isnan(values)
    return np.interp(places, places[there], values[there])
