"""How code without taskaware encodes the rows that it has read, by the functions of `embedded`.

`arrays` is what an `Encoder` has learned, as far as the network reads it.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from taskaware.modalities.tables.embedded import (
    BINS,
    FREQUENCIES,
    in_units,
    periodic_columns,
    piecewise_columns,
    quantile_columns,
    robust_columns,
    standardised_columns,
)


def embed_standardised(filled: np.ndarray, flags: np.ndarray, arrays: Mapping) -> list[np.ndarray]:
    """Distances from the mean."""
    return [standardised_columns(filled, arrays["mean"], arrays["std"]), flags]


def embed_robust(filled: np.ndarray, flags: np.ndarray, arrays: Mapping) -> list[np.ndarray]:
    """Distances from the median."""
    return [robust_columns(filled, arrays["median"], arrays["spread"]), flags]


def embed_quantile(filled: np.ndarray, flags: np.ndarray, arrays: Mapping) -> list[np.ndarray]:
    """Ranks among the training rows."""
    return [quantile_columns(filled, arrays["grid"]), flags]


def embed_piecewise(filled: np.ndarray, flags: np.ndarray, arrays: Mapping) -> list[np.ndarray]:
    """Shares of bins between quantiles."""
    return [piecewise_columns(filled, arrays["grid"]), np.repeat(flags, BINS, 1)]


def embed_periodic(filled: np.ndarray, flags: np.ndarray, arrays: Mapping) -> list[np.ndarray]:
    """Sines and cosines."""
    centred = standardised_columns(filled, arrays["mean"], arrays["std"])
    return [periodic_columns(centred), np.repeat(flags, 2 * len(FREQUENCIES), 1)]


def encoded_numbers(numbers: np.ndarray, arrays: Mapping, embeddings: Sequence[Callable]) -> np.ndarray:
    """The embeddings side by side, (N, D) float32, of numbers, (N, F); NaN is a missing one."""
    numbers = in_units(numbers, arrays["unit"])
    missing = np.isnan(numbers)
    filled = np.where(missing, arrays["median"], numbers)
    flags = missing[:, arrays["indicated"].astype(bool)].astype(np.float32)
    parts = [part for embed in embeddings for part in embed(filled, flags, arrays)]
    return np.concatenate(parts, axis=1, dtype=np.float32)
