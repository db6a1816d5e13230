"""Numbers, categories and texts as the columns that a network reads, given what an encoder has learned.

`Encoder` learns from a table; `written` copies these functions into code that runs without taskaware.
"""

import zlib
from collections.abc import Sequence

import numpy as np

BINS = 6
FREQUENCIES = (0.25, 0.5, 1.0)
QUANTILES = 65
WORD_BUCKETS = 32
WIDEST = 10.0
LARGEST = 1e100
TINY = 1e-290


def in_units(numbers: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """The numbers in the columns' units, cut at LARGEST, beyond which their squares would overflow."""
    with np.errstate(over="ignore"):
        return np.clip(numbers / unit, -LARGEST, LARGEST)


def word_counts(texts: Sequence[str]) -> np.ndarray:
    """How many words of each of WORD_BUCKETS kinds each text has, and its length; 0 for a missing one.

    Args:
        texts: n of them.

    Returns:
        (n + 1, WORD_BUCKETS + 1) float64, the missing one last.
    """
    counts = np.zeros((len(texts) + 1, WORD_BUCKETS + 1))
    for row, text in enumerate(texts):
        counts[row, -1] = len(text)
        for word in text.lower().split():
            counts[row, zlib.crc32(word.encode()) % WORD_BUCKETS] += 1
    return counts


def standardised_columns(filled: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Distance from the mean in standard deviations, (F, N), cut at WIDEST.

    A row of these arrays is a column of the table: long runs of numbers are quick to compute.

    Args:
        filled: numbers, (F, N).
        mean, std: of each column, (F,).
    """
    return np.clip((filled - mean[:, None]) / std[:, None], -WIDEST, WIDEST)


def robust_columns(filled: np.ndarray, median: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Distance from the median in interquartile ranges, (F, N), smoothly bent towards 3.

    Args:
        filled: numbers, (F, N).
        median, spread: of each column, (F,).
    """
    robust = (filled - median[:, None]) / spread[:, None]
    robust = robust / np.sqrt(1 + np.square(np.clip(robust, -1e6, 1e6) / 3))
    return np.clip(robust, -WIDEST, WIDEST)


def quantile_columns(filled: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Rank among the training rows, (F, N), as the quantile of a normal distribution."""
    from scipy.special import ndtri  # a slow import, and a recommendation does without

    return ndtri(np.clip(ranks(filled, grid), 0.005, 0.995))


def piecewise_columns(filled: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Piecewise-linear over BINS quantile bins, (BINS * F, N) (Gorishniy, Rubachev, Babenko 2022)."""
    edges = grid[np.linspace(0, QUANTILES - 1, BINS + 1).astype(int)][:, :, None]
    width = edges[1:] - edges[:-1]
    share = filled - edges[:-1]
    share /= np.where(width > 0, width, 1.0)
    np.clip(share, 0.0, 1.0, out=share)
    if not (width > 0).all():
        share = np.where(width > 0, share, filled >= edges[1:])
    return share.reshape(BINS * len(filled), filled.shape[1])


def one_hot_columns(codes: np.ndarray, positions: Sequence[np.ndarray]) -> np.ndarray:
    """A 1 at the place of each category, (N, T) float32; see `Encoder.positions`."""
    found = np.zeros((len(codes), sum(int(places.max()) + 1 for places in positions)), np.float32)
    every, start = np.arange(len(codes)), 0
    for places, column in zip(positions, codes.T, strict=True):
        found[every, start + places[column]] = 1
        start += int(places.max()) + 1
    return found


def ranks(filled: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Share of the training rows below each value, the middle of a run of ties, (F, N) in [0, 1]."""
    # Between numbers nearer to 0 than this the slope of a rank is no finite number.
    filled, grid = (np.where(np.abs(numbers) < TINY, 0.0, numbers) for numbers in (filled, grid))
    steps = np.linspace(0, 1, len(grid))
    found = np.empty(filled.shape)
    for place, (x, g) in enumerate(zip(filled, grid.T, strict=True)):
        below = np.interp(x, g, steps)
        tied = (g[1:] == g[:-1]).any()
        found[place] = (below + 1 - np.interp(-x, -g[::-1], steps)) / 2 if tied else below
    return found


def periodic_columns(centred: np.ndarray) -> np.ndarray:
    """Sine and cosine at fixed frequencies of the standardised value, (2 * frequencies * F, N)."""
    waves = np.empty((2, len(FREQUENCIES), *centred.shape))
    angles = 2 * np.pi * FREQUENCIES[0] * centred
    np.sin(angles, out=waves[0, 0]), np.cos(angles, out=waves[1, 0])
    # Each frequency is twice the one before, and the formulas of the double angle are far cheaper.
    for place in range(1, len(FREQUENCIES)):
        sine, cosine = waves[0, place - 1], waves[1, place - 1]
        waves[0, place], waves[1, place] = 2 * sine * cosine, 1 - 2 * sine * sine
    return waves.reshape(2 * len(FREQUENCIES) * len(centred), centred.shape[1])
