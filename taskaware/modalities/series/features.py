"""Meta-features of series alone. They are computed from at most 256 rows, chosen by content."""

from typing import Any

import numpy as np
from jaxtyping import Float

from taskaware.modalities.cache import CACHE
from taskaware.modalities.series.data import Batch, SeriesData, batches
from taskaware.modalities.tables.metafeatures.feature import MetaFeature

MOST_ROWS = 256
TINY = 1e-200
HYNDMAN = "Hyndman, Wang, Laptev 2015"
NEUMANN = "von Neumann 1941"
OWN = "taskaware"


def _sample(data: SeriesData) -> np.ndarray:
    return np.argsort(data.row_hashes, kind="stable")[:MOST_ROWS]


def _lengths(data: SeriesData) -> np.ndarray:
    there = data.lengths[data.lengths > 0]
    return there if len(there) else np.ones(1)


def _length(data: SeriesData) -> float:
    return float(np.log10(_lengths(data).mean()))


def _length_spread(data: SeriesData) -> float:
    lengths = _lengths(data)
    return float(lengths.std() / lengths.mean())


def _missing(data: SeriesData) -> float:
    counts = [(np.isnan(value).sum(), value.size) for value in data.values if value.size]
    gaps, size = np.sum(counts, 0) if counts else (0, 1)
    return float(gaps / size)


def _empty(data: SeriesData) -> float:
    return float((data.lengths == 0).mean()) if data.rows else 0.0


def _trait(data: SeriesData, place: int) -> float:
    rows = _sample(data)
    what = "series", "traits", data.channels
    found = CACHE.rows(what, data.row_hashes[rows], lambda places: _traits(data, rows[places]))
    there = found[~np.isnan(found[:, place]), place]
    return float(there.mean()) if len(there) else 0.0


def _traits(data: SeriesData, rows: np.ndarray) -> np.ndarray:
    back = np.zeros(data.rows, np.int64)
    back[rows] = np.arange(len(rows))
    found = np.full((len(rows), 5), np.nan)
    for batch in batches(data, rows):
        found[back[batch.rows]] = traits(batch)
    return found


def traits(batch: Batch) -> Float[np.ndarray, "B 5"]:
    """Trend, seasonality, spectral entropy, autocorrelation and noise of each row: means of its channels."""
    mask, count = batch.mask, batch.lengths[:, None].astype(np.float64)
    with np.errstate(all="ignore"):
        centred = (batch.values - (batch.values.sum(2) / count)[..., None]) * mask
        variance = (centred**2).sum(2)
        places = np.arange(batch.values.shape[2])
        time = (places - (batch.lengths[:, None] - 1) / 2)[:, None] * mask
        share = (centred * time).sum(2) / np.maximum((time**2).sum(2), TINY)
        rest = centred - share[..., None] * time
        trend = 1 - (rest**2).sum(2) / np.maximum(variance, TINY)
        columns = [trend, _seasonality(rest, batch.lengths), *_spectrum_and_memory(centred, mask, variance)]
    found = np.stack(columns, 2).clip(-1, 2)
    still = (variance <= TINY) | batch.absent
    found[still] = np.nan
    kept = ~np.isnan(found)
    total = kept.sum(1)
    return np.where(total > 0, np.where(kept, found, 0.0).sum(1) / np.maximum(total, 1), np.nan)


def _seasonality(rest: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The largest autocorrelation after the first that is negative, up to half the length; from 0 to 1."""
    size = rest.shape[2]
    power = np.abs(np.fft.rfft(rest, 2 * size, axis=2)) ** 2
    correlation = np.fft.irfft(power, 2 * size, axis=2)[:, :, :size]
    correlation = correlation / np.maximum(correlation[:, :, :1], TINY)
    after = np.logical_or.accumulate(correlation < 0, axis=2)
    within = np.arange(size) <= lengths[:, None, None] / 2
    return np.where(after & within, correlation, 0.0).max(2).clip(0, 1)


def _spectrum_and_memory(centred: np.ndarray, mask: np.ndarray, variance: np.ndarray) -> list[np.ndarray]:
    power = np.abs(np.fft.rfft(centred, axis=2)[:, :, 1:]) ** 2
    share = power / np.maximum(power.sum(2, keepdims=True), TINY)
    entropy = -(share * np.log(np.maximum(share, 1e-12))).sum(2) / np.log(max(share.shape[2], 2))
    memory = (centred[:, :, 1:] * centred[:, :, :-1]).sum(2) / np.maximum(variance, TINY)
    steps = (np.diff(centred, axis=2) * mask[:, :, 1:]) ** 2
    return [entropy.clip(0, 1), memory, (steps.sum(2) / np.maximum(2 * variance, TINY)).clip(0, 2)]


def _feature(*facts: Any) -> MetaFeature:
    """A meta-feature whose `compute` takes the data of series."""
    return MetaFeature(*facts)


FEATURES = (
    _feature("series_length", "log10 samples", 0, 9, OWN, _length, "logarithm of the mean length"),
    _feature("series_length_spread", "share of the mean", 0, 1e4, OWN, _length_spread, "spread of lengths"),
    _feature("series_channels", "channels", 1, 1e6, OWN, lambda data: data.channels, "channels"),
    _feature("series_missing", "share", 0, 1, OWN, _missing, "missing samples"),
    _feature("series_empty", "share", 0, 1, OWN, _empty, "rows without any sample"),
    _feature("series_trend", "share", 0, 1, HYNDMAN, lambda data: _trait(data, 0), "variance on a line"),
    _feature(
        "series_seasonality", "correlation", 0, 1, HYNDMAN, lambda data: _trait(data, 1), "strongest period"
    ),
    _feature(
        "series_entropy", "share", 0, 1, HYNDMAN, lambda data: _trait(data, 2), "entropy of the spectrum"
    ),
    _feature(
        "series_memory",
        "correlation",
        -1,
        1,
        HYNDMAN,
        lambda data: _trait(data, 3),
        "autocorrelation at lag 1",
    ),
    _feature(
        "series_noise",
        "share",
        0,
        2,
        NEUMANN,
        lambda data: _trait(data, 4),
        "variance of steps by twice the whole",
    ),
)
"""Name, unit, range and source of each."""
