"""Statistics of each channel of a series: of its values, of its differences, and between channels."""

import numpy as np
from jaxtyping import Float

from taskaware.modalities.series.data import Batch

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LAGS = (1, 2, 3, 5, 8)
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Lags in shares of the length."""
MOST_PAIRS = 28
TINY = 1e-100


def summary(batch: Batch) -> Float[np.ndarray, "B width"]:
    """Statistics of B rows: 60 of each channel, correlations of at most 28 pairs of channels, the length.

    NaN for a channel without any sample. Of the values and of their first differences: place (mean,
    quantiles, extremes), spread (also its logarithm), skewness, kurtosis, autocorrelations at lags in
    samples, crossings of the mean; of the values also slope, curvature, first and last value, the places of
    the extremes, energy by quarter, peaks, autocorrelations at lags in shares of the length.
    """
    mask = batch.mask
    with np.errstate(all="ignore"):
        parts = [_statistics(batch.values, batch.lengths, mask), _shape(batch.values, batch.lengths, mask)]
        if batch.values.shape[2] > 1:
            steps = np.diff(batch.values, axis=2) * mask[:, :, 1:]
        else:
            steps = np.zeros_like(batch.values)
        parts.append(_statistics(steps, np.maximum(batch.lengths - 1, 1), _shorter(mask)))
        by_channel = np.concatenate(parts, 2)
        by_channel[batch.absent] = np.nan
        pairs = _correlations(batch.values, mask, batch.absent)
    flat = by_channel.reshape(len(batch.rows), -1)
    return np.concatenate([flat, pairs, np.log(batch.lengths)[:, None]], 1)


def _shorter(mask: np.ndarray) -> np.ndarray:
    return mask[:, :, 1:] if mask.shape[2] > 1 else mask


def _statistics(values: np.ndarray, lengths: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(B, C, 22): place, spread, form and memory of values (B, C, P) that are 0 after the end."""
    count = lengths[:, None].astype(np.float64)
    mean = values.sum(2) / count
    centred = (values - mean[..., None]) * mask
    std = np.sqrt((centred**2).sum(2) / count)
    unit = np.where(std > TINY + 1e-12 * np.abs(mean), std, np.inf)
    z = centred / unit[..., None]
    ranked = np.sort(np.where(mask > 0, values, np.inf), axis=2)
    quantiles = [_quantile(ranked, lengths, share) for share in (0.0, *QUANTILES, 1.0)]
    crossings = (np.diff(np.signbit(centred), axis=2) * mask[:, :, 1:]).sum(2) / count
    lags = [_autocorrelation(z, count, lag) for lag in LAGS]
    form = [(z**3).sum(2) / count, np.log1p((z**4).sum(2) / count), crossings]
    size = [mean, std, np.log(std + TINY).clip(-20), np.abs(values).sum(2) / count]
    return np.stack([*size, *quantiles, *form, *lags, *_form_of_quantiles(quantiles)], 2)


def _form_of_quantiles(quantiles: list[np.ndarray]) -> list[np.ndarray]:
    """Skewness and weight of the tails that outliers do not move."""
    low, lower, middle, upper, high = quantiles[1:-1]
    wide, narrow = np.maximum(high - low, TINY), np.maximum(upper - lower, TINY)
    return [
        (high + low - 2 * middle) / wide,
        (upper + lower - 2 * middle) / narrow,
        np.log(np.clip(wide / narrow, 1e-3, 1e3)),
    ]


def _quantile(ranked: np.ndarray, lengths: np.ndarray, share: float) -> np.ndarray:
    places = share * (lengths - 1)
    low = places.astype(np.int64)
    high = np.minimum(low + 1, lengths - 1)
    found = [np.take_along_axis(ranked, each[:, None, None], 2)[..., 0] for each in (low, high)]
    return found[0] + (places - low)[:, None] * (found[1] - found[0])


def _autocorrelation(z: np.ndarray, count: np.ndarray, lag: int) -> np.ndarray:
    if lag >= z.shape[2]:
        return np.zeros(z.shape[:2])
    return (z[:, :, lag:] * z[:, :, :-lag]).sum(2) / count


def _shape(values: np.ndarray, lengths: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(B, C, 16): trend, ends, extremes, quarters and memory at lags in shares of the length."""
    count = lengths[:, None].astype(np.float64)
    places = np.arange(values.shape[2])
    time = np.clip((2 * places - lengths[:, None] + 1) / np.maximum(lengths[:, None] - 1, 1), -1, 1)
    time = time[:, None] * mask
    centred = (values - (values.sum(2) / count)[..., None]) * mask
    std = np.sqrt((centred**2).sum(2) / count)
    z = centred / np.where(std > TINY, std, np.inf)[..., None]
    bent = (time**2 - (time**2).sum(2, keepdims=True) / count[..., None]) * mask
    found = [_share_of(z, time), _share_of(z, bent)]
    inside = np.broadcast_to(mask > 0, values.shape)
    last = np.take_along_axis(values, (lengths - 1)[:, None, None], 2)[..., 0]
    found += [values[:, :, 0], last]
    found += [
        np.where(inside, values, -np.inf).argmax(2) / count,
        np.where(inside, values, np.inf).argmin(2) / count,
    ]
    found += _quarters(z, places, lengths)
    found.append(_peaks(values, inside) / count)
    found.append((z > 1).sum(2) / count)
    found += [_relative_autocorrelation(z, lengths, share) for share in SHARES]
    return np.stack(found, 2)


def _share_of(z: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Correlation of the row with a direction in time, (B, 1, P)."""
    size = np.sqrt((direction**2).sum(2) * (z**2).sum(2))
    return (z * direction).sum(2) / np.where(size > TINY, size, np.inf)


def _quarters(z: np.ndarray, places: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """The share of the energy in each quarter of the time."""
    quarter = np.minimum(4 * places // lengths[:, None], 4)
    energy = z**2
    whole = np.maximum(energy.sum(2), TINY)
    return [(energy * (quarter == each)[:, None]).sum(2) / whole for each in range(4)]


def _peaks(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    if values.shape[2] < 3:
        return np.zeros(values.shape[:2])
    middle = values[:, :, 1:-1]
    higher = (middle > values[:, :, :-2]) & (middle >= values[:, :, 2:]) & inside[:, :, 2:]
    return higher.sum(2).astype(np.float64)


def _relative_autocorrelation(z: np.ndarray, lengths: np.ndarray, share: float) -> np.ndarray:
    lags = np.maximum((share * lengths).astype(np.int64), 1)
    found = np.zeros(z.shape[:2])
    for lag in np.unique(lags):
        rows = lags == lag
        found[rows] = _autocorrelation(z[rows], lengths[rows, None].astype(np.float64), int(lag))
    return found


def _correlations(values: np.ndarray, mask: np.ndarray, absent: np.ndarray) -> np.ndarray:
    """Correlations between neighbouring channels first, then between those further apart, (B, pairs)."""
    channels = values.shape[1]
    pairs = [(a, a + gap) for gap in range(1, channels) for a in range(channels - gap)][:MOST_PAIRS]
    if not pairs:
        return np.zeros((len(values), 0))
    centred = (values - values.sum(2, keepdims=True) / mask.sum(2, keepdims=True)) * mask
    size = np.sqrt((centred**2).sum(2))
    first, second = np.array(pairs).T
    product = np.stack([(centred[:, a] * centred[:, b]).sum(1) for a, b in pairs], 1)
    scale = size[:, first] * size[:, second]
    found = np.where(scale > TINY, product / np.maximum(scale, TINY), 0.0)
    return np.where(absent[:, first] | absent[:, second], np.nan, found)
