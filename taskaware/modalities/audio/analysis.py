"""What each clip gives by itself: statistics of its frames, and a short spectrogram."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from taskaware.modalities.audio.ragged import Ragged
from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.audio.spectra import BANDS, FLOOR, Frames, Grid, cepstra, frames_of
from taskaware.modalities.cache import CACHE

CLIP = (
    "seconds",
    "loudness",
    "centroid",
    "bandwidth",
    "flatness",
    "zero_crossings",
    "silence",
    "modulation",
    "dynamic_range",
    "middle",
)
"""Columns of `Described.clip`.

Seconds; power in dB of full scale; centroid and bandwidth of the spectrum as shares of half the sampling
rate; geometric over arithmetic mean of the bands' powers; share of successive samples that differ in sign;
share of frames 40 dB below the loudest; spread of the level's slope in dB a frame; dB between the frames'
95 % and 10 % quantiles; where the middle of the energy lies, as a share of the time.
"""

GRID = (6, 20)
"""Parts of time and groups of bands of the coarse spectrogram."""
PARTS = (8, 13)
"""Parts of time and coefficients of the coarse cepstrogram."""
LEVELS = (0.1, 0.9)
MOST_FRAMES = 256
"""Of a clip's spectrogram that patches are cut from; a longer one is averaged."""
PATCH_BANDS = 20
TOGETHER = 40_000
"""Frames that are analysed at once."""
QUIET = 40.0
LOWEST = -80.0


@dataclasses.dataclass(frozen=True, eq=False)
class Described:
    """N clips, each by itself.

    Attributes:
        mel: statistics of the log-mel spectrogram, (N, 240).
        cepstrum: statistics of the cepstra, (N, 224).
        clip: (N, len(CLIP)).
        frames: short log-mel spectrograms in PATCH_BANDS bands, float32.
    """

    mel: np.ndarray
    cepstrum: np.ndarray
    clip: np.ndarray
    frames: Ragged

    @property
    def nbytes(self) -> int:
        return self.mel.nbytes + self.cepstrum.nbytes + self.clip.nbytes + self.frames.values.nbytes

    def take(self, places: np.ndarray) -> "Described":
        """These clips, in this order."""
        counts = self.frames.counts[places]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        chosen = self.frames.values[np.repeat(self.frames.starts[places], counts) + within]
        return Described(self.mel[places], self.cepstrum[places], self.clip[places], Ragged(chosen, counts))

    def joined(self, others: Sequence["Described"]) -> "Described":
        """These clips and the others below."""
        every = [self, *others]
        mel, cepstrum, clip = (
            np.concatenate([getattr(each, name) for each in every]) for name in ("mel", "cepstrum", "clip")
        )
        values, counts = (
            np.concatenate([getattr(each.frames, name) for each in every]) for name in ("values", "counts")
        )
        return Described(mel, cepstrum, clip, Ragged(values, counts))


def described(data: Sounds) -> Described:
    """The analysis of all rows, from the cache where they are there."""
    what = "audio", "described", data.rate
    return CACHE.rows(what, data.row_hashes, lambda places: analyse(data.take(places)))


def analyse(data: Sounds) -> Described:
    """The analysis of all rows, computed."""
    with threadpool_limits(1, user_api="blas"):  # the matrices are narrow
        return in_batches(data)


def in_batches(data: Sounds) -> Described:
    """The analysis of all rows, one at least."""
    order = np.argsort(data.samples, kind="stable")
    grid = Grid(data.rate)
    parts = [_described(data.take(order[part]), grid) for part in _batches(data, order, grid)]
    joined = parts[0].joined(parts[1:])
    return joined.take(np.argsort(order, kind="stable"))


def _batches(data: Sounds, order: np.ndarray, grid: Grid) -> Iterator[slice]:
    """Runs of clips of like lengths with some ten thousand frames; a long clip is alone."""
    ends = np.cumsum(grid.count(data.samples[order]))
    start = 0
    while start < len(order):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + TOGETHER, side="right")))
        yield slice(start, stop)
        start = stop


def _described(data: Sounds, grid: Grid) -> Described:
    frames = frames_of(data.clips, grid)
    log_mel = frames.log_mel
    groups = log_mel.values.reshape(len(log_mel.values), PATCH_BANDS, -1).mean(2)
    short = log_mel.of(groups).at_most(MOST_FRAMES)
    return Described(
        _mel(log_mel),
        _cepstrum(cepstra(log_mel)),
        _clip(data, frames),
        short.of(short.values.astype(np.float32)),
    )


def _mel(log_mel: Ragged) -> np.ndarray:
    times, groups = GRID
    grid = log_mel.parts(times).reshape(len(log_mel.counts), times, groups, -1).mean(3)
    return np.hstack([log_mel.mean, log_mel.std, log_mel.delta.std, grid.reshape(len(grid), -1)])


def _cepstrum(cepstrum: Ragged) -> np.ndarray:
    times, coefficients = PARTS
    delta = cepstrum.delta
    low, high = cepstrum.quantiles(LEVELS).transpose(1, 0, 2)
    parts = cepstrum.of(cepstrum.values[:, :coefficients]).parts(times)
    spreads = [cepstrum.std, delta.std, delta.delta.std]
    return np.hstack([cepstrum.mean, *spreads, low, high, parts.reshape(len(parts), -1)])


def _clip(data: Sounds, frames: Frames) -> np.ndarray:
    power, centroid, bandwidth = frames.shape.values.T
    weighted = np.stack([power, power * centroid, power * bandwidth, power * frames.shape.places], axis=1)
    total, centroid, bandwidth, middle = frames.shape.of(weighted).mean.T + FLOOR * np.array([[1, 0, 0, 0]]).T
    log_mel = frames.log_mel
    flat = np.exp(log_mel.values.mean(1) - np.log(np.exp(log_mel.values).mean(1)))
    level = log_mel.of(np.maximum(10 * np.log10(power + FLOOR), LOWEST)[:, None])
    loudest = np.repeat(level.largest, level.counts, axis=0)
    quiet = (level.values < loudest - QUIET) | (level.values <= LOWEST)
    low, high = level.quantiles((0.1, 0.95)).transpose(1, 0, 2)
    columns = [
        data.samples / data.rate,
        10 * np.log10(total),
        centroid / total,
        bandwidth / total,
        log_mel.of(flat[:, None]).mean[:, 0],
        _crossings(data),
        log_mel.of(quiet.astype(float)).mean[:, 0],
        level.delta.std[:, 0],
        (high - low)[:, 0],
        middle / total / level.counts,
    ]
    return np.stack(columns, axis=1)


def _crossings(data: Sounds) -> np.ndarray:
    """Share of successive samples of each clip that differ in sign."""
    counted = np.zeros(data.rows)
    heard = np.flatnonzero(data.samples > 1)
    if len(heard):
        joined = np.signbit(np.concatenate([data.clips[row] for row in heard]))
        ends = np.cumsum(data.samples[heard])
        turns = np.append(joined[1:] != joined[:-1], False)
        turns[ends - 1] = False  # from one clip to the next
        counted[heard] = np.add.reduceat(turns, ends - data.samples[heard], dtype=float)
    return counted / np.maximum(data.samples - 1, 1)


assert BANDS % PATCH_BANDS == 0 == BANDS % GRID[1]
