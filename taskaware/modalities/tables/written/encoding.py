"""How code without taskaware encodes the rows that it has read, by the functions of `embedded`.

`arrays` is what an `Encoder` has learned, as far as the network reads it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

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


class Cells(NamedTuple):
    """Numbers of a table, and where they are missing.

    Attributes:
        filled: the numbers, the median where one is missing, (F, N).
        flags: 1 where it is, for the columns that had such cells, (I, N) float32.
    """

    filled: np.ndarray
    flags: np.ndarray


def embed_standardised(cells: Cells, arrays: Mapping) -> list[np.ndarray]:
    """Distances from the mean."""
    return [standardised_columns(cells.filled, arrays["mean"], arrays["std"]), cells.flags]


def embed_robust(cells: Cells, arrays: Mapping) -> list[np.ndarray]:
    """Distances from the median."""
    return [robust_columns(cells.filled, arrays["median"], arrays["spread"]), cells.flags]


def embed_quantile(cells: Cells, arrays: Mapping) -> list[np.ndarray]:
    """Ranks among the training rows."""
    return [quantile_columns(cells.filled, arrays["grid"]), cells.flags]


def embed_piecewise(cells: Cells, arrays: Mapping) -> list[np.ndarray]:
    """Shares of bins between quantiles."""
    return [piecewise_columns(cells.filled, arrays["grid"]), np.repeat(cells.flags, BINS, 0)]


def embed_periodic(cells: Cells, arrays: Mapping) -> list[np.ndarray]:
    """Sines and cosines."""
    centred = standardised_columns(cells.filled, arrays["mean"], arrays["std"])
    return [periodic_columns(centred), np.repeat(cells.flags, 2 * len(FREQUENCIES), 0)]


def encoded_numbers(numbers: np.ndarray, arrays: Mapping, embeddings: Sequence[Callable]) -> np.ndarray:
    """The embeddings of numbers side by side, (N, D) float32.

    Args:
        numbers: (N, F), NaN where one is missing.
        arrays: what was learned.
        embeddings: functions of this module.
    """
    numbers = in_units(numbers, arrays["unit"]).T
    missing = np.isnan(numbers)
    flags = missing[arrays["indicated"].astype(bool)].astype(np.float32)
    cells = Cells(np.where(missing, arrays["median"][:, None], numbers), flags)
    parts = [part for embed in embeddings for part in embed(cells, arrays)]
    return np.concatenate(parts, dtype=np.float32).T
