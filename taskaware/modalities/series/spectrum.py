"""The power of each channel of a series by frequency."""

import numpy as np
from jaxtyping import Float

from taskaware.modalities.series.data import Batch

HARMONICS = 12
"""Bands of one cycle per series each."""
BANDS = 16
"""Bands of equal ratio from one cycle per series to half a cycle per sample."""
FLOOR = 1e-6
TINY = 1e-200


def spectrum(batch: Batch) -> Float[np.ndarray, "B width"]:
    """Of each channel: log share of the power in 12 + 16 bands, its total, and where it lies: 36 columns.

    The bands are relative to the length: the first 12 are of 1, 2, ... cycles per series, the others of equal
    ratio from 1 cycle per series to half a cycle per sample. Further columns: the two strongest
    frequencies with their shares, the centroid, the frequency below which 85 % lie, the entropy. NaN for a
    channel without any sample.
    """
    with np.errstate(all="ignore"):
        power, cycles = _power(batch)
        total = power.sum(2)
        share = power / np.maximum(total, TINY)[..., None]
        columns = [
            np.log(_banded(share, cycles, _edges(batch.lengths)) + FLOOR),
            np.log(np.maximum(total, TINY) / batch.lengths[:, None]).clip(-40)[..., None],
            _places(share, cycles, batch.lengths),
        ]
        found = np.concatenate(columns, 2)
    found[batch.absent] = np.nan
    return found.reshape(len(batch.rows), -1)


def _power(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Power at (B, C, F), and the cycles per series of each, (B, F); the mean and the straight line between
    the ends of a row are taken off, so that a trend is no low frequency."""
    length = batch.values.shape[2]
    mask, count = batch.mask, batch.lengths[:, None]
    mean = batch.values.sum(2) / count
    power = np.abs(np.fft.rfft((batch.values - mean[..., None]) * mask, axis=2)) ** 2
    power[:, :, 0] = 0.0
    cycles = np.arange(power.shape[2]) / length * count
    return power, cycles


def _edges(lengths: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Bounds of the bands in cycles per series, each (B,)."""
    lengths = lengths.astype(np.float64)
    top = np.maximum(lengths / 2, 1.0)
    flat = [(np.full_like(top, k - 0.5), np.full_like(top, k + 0.5)) for k in range(1, HARMONICS + 1)]
    steps = [0.5 * (2 * top) ** (k / BANDS) for k in range(BANDS + 1)]
    return [*flat, *zip(steps[:-1], steps[1:], strict=True)]


def _banded(share: np.ndarray, cycles: np.ndarray, edges: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The share within each band, (B, C, bands); a frequency's power is spread evenly around it."""
    total = np.concatenate([np.zeros((*share.shape[:2], 1)), np.cumsum(share, 2)], 2)
    step = cycles[:, 1] if cycles.shape[1] > 1 else np.ones(len(cycles))
    last = share.shape[2]
    found = []
    for low, high in edges:
        parts = [_total_at(total, np.clip(edge / step + 0.5, 0, last)) for edge in (low, high)]
        found.append(parts[1] - parts[0])
    return np.stack(found, 2).clip(0)


def _total_at(total: np.ndarray, places: np.ndarray) -> np.ndarray:
    below = np.minimum(places.astype(np.int64), total.shape[2] - 2)
    low, high = (np.take_along_axis(total, (below + up)[:, None, None], 2)[..., 0] for up in (0, 1))
    return low + (places - below)[:, None] * (high - low)


def _places(share: np.ndarray, cycles: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(B, C, 7): strongest frequencies, their shares, centroid, roll-off and entropy."""
    order = np.log1p(cycles) / np.log1p(lengths / 2)[:, None]
    first = share.argmax(2)
    rest = share.copy()
    for beside in (-1, 0, 1):
        near = np.clip(first + beside, 0, share.shape[2] - 1)
        np.put_along_axis(rest, near[..., None], 0.0, 2)
    second = rest.argmax(2)
    rows = np.arange(len(share))[:, None]
    roll = (np.cumsum(share, 2) < 0.85).sum(2).clip(max=share.shape[2] - 1)
    entropy = -(share * np.log(share + FLOOR)).sum(2) / np.log(share.shape[2] + 1)
    found = [order[rows, first], share.max(2), order[rows, second], rest.max(2)]
    found += [(share * order[:, None]).sum(2), order[rows, roll], entropy]
    return np.stack(found, 2)
