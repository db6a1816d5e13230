"""Series of any length → series of one length."""

import numpy as np
from jaxtyping import Float

from taskaware.modalities.series.data import Batch, SeriesData, batches

POINTS = 64
"""Points of each channel."""
MOST_POINTS = 256
"""Points of all channels together."""


def resampled(batch: Batch, length: int) -> Float[np.ndarray, "B C length"]:
    """Each row on `length` points from its first sample to its last.

    Points are on straight lines between the samples; where there are fewer points than samples, each is the
    mean over its share of the time, so that nothing between the points is lost.

    Args:
        batch: B rows.
        length: at least 1.

    >>> batch = Batch(np.arange(1), np.array([[[0.0, 1.0, 2.0, 3.0]]]), np.array([4]), np.zeros((1, 1), bool))
    >>> resampled(batch, 7)[0, 0].tolist(), resampled(batch, 2)[0, 0].tolist()
    ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0], [0.5, 2.5])
    """
    found = np.empty((*batch.values.shape[:2], length))
    for chosen, compute in ((batch.lengths <= length, _interpolated), (batch.lengths > length, _averaged)):
        if chosen.any():
            found[chosen] = compute(batch.values[chosen], batch.lengths[chosen], length)
    return found


def at_length(data: SeriesData, rows: np.ndarray, length: int) -> Float[np.ndarray, "n C length"]:
    """The rows (indices, each once) on `length` samples each, NaN in a missing row or channel.

    Args:
        data: of the modality.
        rows: indices.
        length: at least 1.
    """
    back = np.zeros(data.rows, np.int64)
    back[rows] = np.arange(len(rows))
    found = np.full((len(rows), data.channels, length), np.nan)
    for batch in batches(data, rows):
        part = resampled(batch, length)
        part[batch.absent] = np.nan
        found[back[batch.rows]] = part
    return found


def points_of(channels: int) -> int:
    """Points of each channel in the block: POINTS, fewer where channels are many, at least 4."""
    return max(4, min(POINTS, MOST_POINTS // channels))


def _interpolated(values: np.ndarray, lengths: np.ndarray, length: int) -> np.ndarray:
    if (lengths == length).all():
        return values[:, :, :length]
    places = np.linspace(0.0, 1.0, length) * (lengths[:, None] - 1)
    return _at(values, places, lengths - 1)


def _averaged(values: np.ndarray, lengths: np.ndarray, length: int) -> np.ndarray:
    total = np.concatenate([np.zeros((*values.shape[:2], 1)), np.cumsum(values, 2)], 2)
    edges = np.linspace(0.0, 1.0, length + 1) * lengths[:, None]
    shares = lengths / length
    return np.diff(_at(total, edges, lengths), axis=2) / shares[:, None, None]


def _at(values: np.ndarray, places: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The values (B, C, P) at real places (B, n), none beyond the last place of each row (B,)."""
    below = np.minimum(places.astype(np.int64), np.maximum(last - 1, 0)[:, None])
    above = np.minimum(below + 1, last[:, None])
    share = (places - below)[:, None]
    low = np.take_along_axis(values, below[:, None], 2)
    return low + share * (np.take_along_axis(values, above[:, None], 2) - low)
