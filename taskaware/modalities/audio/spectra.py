"""Sounds as spectra: power in mel bands of short frames, and cepstra; in batches, without a loop over frames.

Frames of 25 ms every 10 ms under a Hann window, triangular mel bands and their cosine transform, as Davis and
Mermelstein 1980 have them. What a frame gives depends on its samples and the sampling rate alone.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from taskaware.modalities.audio.ragged import Ragged

BANDS = 40
COEFFICIENTS = 20
FLOOR = 1e-9
"""Power added to each band before the logarithm; full scale is near 1."""
ON_HAND = 1 << 20
"""Numbers of a batch of frames that are in memory at once."""


class Frames(NamedTuple):
    """What is known of each frame of N clips.

    Attributes:
        log_mel: natural logarithm of the power in each band, (F, BANDS).
        shape: power, centroid and bandwidth of the whole spectrum, (F, 3); the latter as shares of half the
            sampling rate.
    """

    log_mel: Ragged
    shape: Ragged


@dataclasses.dataclass(frozen=True)
class Grid:
    """How sounds of one sampling rate are cut into frames.

    Attributes:
        rate: samples a second.
    """

    rate: int

    @property
    def window(self) -> int:
        """Samples of a frame."""
        return max(32, round(0.025 * self.rate))

    @property
    def hop(self) -> int:
        """Samples from a frame to the next."""
        return max(8, round(0.010 * self.rate))

    @property
    def points(self) -> int:
        """Of the Fourier transform: the next power of 2."""
        return 1 << (self.window - 1).bit_length()

    def count(self, samples: np.ndarray) -> np.ndarray:
        """Frames of clips that are so many samples long; an empty one has one."""
        return np.maximum(1, -(-samples // self.hop))


@functools.lru_cache(maxsize=16)
def mel_filters(grid: Grid, bands: int = BANDS) -> np.ndarray:
    """Weights of each bin in each mel band, (bins, bands); each band's largest weight is near 1."""
    bins = np.linspace(0, grid.rate / 2, grid.points // 2 + 1)
    edges = _hertz(np.linspace(0, _mel(grid.rate / 2), bands + 2))
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling))
    nearest = np.abs(bins[:, None] - edges[1:-1]).argmin(0)
    filters[nearest, np.arange(bands)] = np.maximum(filters[nearest, np.arange(bands)], 0.5)
    filters.setflags(write=False)
    return filters


def frames_of(clips: Sequence[np.ndarray], grid: Grid) -> Frames:
    """The frames of clips; an empty clip has one silent frame."""
    lengths = np.array([len(clip) for clip in clips])
    counts = grid.count(lengths)
    buffer, begins = _in_one(clips, lengths, grid)
    within = Ragged(np.zeros((counts.sum(), 0)), counts)
    starts = np.repeat(begins, counts) + within.places * grid.hop
    step = max(1, ON_HAND // grid.points)
    found = [_spectra(buffer, starts[at : at + step], grid) for at in range(0, len(starts), step)]
    log_mel, shape = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Frames(within.of(log_mel), within.of(shape))


def cepstra(log_mel: Ragged, coefficients: int = COEFFICIENTS) -> Ragged:
    """Mel-frequency cepstral coefficients, (F, coefficients)."""
    return log_mel.of(cosine_transform(log_mel.values)[:, :coefficients])


def cosine_transform(rows: np.ndarray) -> np.ndarray:
    """The orthonormal cosine transform, type 2, of each row, (F, D)."""
    from scipy.fft import dct

    return dct(rows, norm="ortho", axis=1)


def fourier_transform(rows: np.ndarray, points: int) -> np.ndarray:
    """The Fourier transform of each row, filled up with zeros, (n, points // 2 + 1); the rows are lost."""
    from scipy.fft import rfft

    return rfft(rows, n=points, axis=1, overwrite_x=True)


def _in_one(clips: Sequence[np.ndarray], lengths: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Clips behind one another with silence between them, and where each one's first frame begins."""
    begins = np.cumsum(lengths + 2 * grid.window) - lengths - 2 * grid.window
    buffer = np.zeros(begins[-1] + lengths[-1] + 2 * grid.window, np.float32)
    for clip, begin in zip(clips, begins + grid.window, strict=True):
        buffer[begin : begin + len(clip)] = clip
    return buffer, begins + grid.window - grid.window // 2


def _spectra(buffer: np.ndarray, starts: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    window = np.hanning(grid.window + 2)[1:-1].astype(np.float32)
    cut = np.lib.stride_tricks.sliding_window_view(buffer, grid.window)[starts] * window
    spectrum = fourier_transform(cut, grid.points)
    power = (spectrum.real**2 + spectrum.imag**2) / (window @ window)
    sums = (power @ _weights(grid)).astype(np.float64)
    log_mel = np.log(sums[:, :BANDS] + FLOOR)
    total = sums[:, BANDS] + FLOOR
    centroid, square = sums[:, BANDS + 1] / total, sums[:, BANDS + 2] / total
    bandwidth = np.sqrt(np.maximum(0, square - centroid**2))
    return log_mel, np.stack([sums[:, BANDS] / power.shape[1], centroid, bandwidth], axis=1)


@functools.lru_cache(maxsize=16)
def _weights(grid: Grid) -> np.ndarray:
    """The mel filters, and the powers 0, 1 and 2 of each bin's share of the highest frequency."""
    filters = mel_filters(grid)
    share = np.linspace(0, 1, len(filters))
    return np.column_stack([filters, np.ones_like(share), share, share**2]).astype(np.float32)


def _mel(hertz: float) -> float:
    return 2595 * np.log10(1 + hertz / 700)


def _hertz(mel: np.ndarray) -> np.ndarray:
    return 700 * (10 ** (mel / 2595) - 1)
