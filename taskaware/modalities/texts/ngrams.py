"""TF-IDF of counts and its leading directions: latent semantic analysis.

Deerwester et al. 1990; the directions by a randomised range finder (Halko, Martinsson, Tropp 2011).
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from taskaware.modalities.texts.counts import Counts

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST_KEYS = 8192
DIRECTIONS = 192
OVERSAMPLES = 10
POWERS = 2
MOST_ROWS = 4000
RARE_FROM = 200
"""Texts from which a key has to occur in two of them."""
WIDEST = 10.0
SMALLEST = 1e-3
"""Share of the largest squared singular value from which a direction is kept: smaller ones are noise."""


def idf_of(texts_with: np.ndarray, texts: int) -> np.ndarray:
    """Inverse document frequency, (V,) float32: 1 for what every text has.

    Args:
        texts_with: texts in which each key occurs, (V,).
        texts: all of them.
    """
    return (np.log((1 + texts) / (1 + texts_with)) + 1).astype(np.float32)


def tf_idf(counts: "csr_matrix", idf: np.ndarray) -> "csr_matrix":
    """Rows of length 1: (1 + log count) times idf; a row without counts stays 0."""
    weighted = counts.copy()
    weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
    return scaled(weighted, np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel()))


def scaled(rows: "csr_matrix", lengths: np.ndarray) -> "csr_matrix":
    """Each row divided by a number; by 1 where that is 0."""
    rows.data = rows.data / np.repeat(np.where(lengths > 0, lengths, 1), np.diff(rows.indptr))
    rows.data = rows.data.astype(np.float32)
    return rows


def frequent(counts: Counts, most: int) -> np.ndarray:
    """Columns of the keys that occur in most texts, ascending; rare ones only where there are few texts."""
    found = counts.texts_with()
    least = 2 if counts.rows >= RARE_FROM else 1
    order = np.argsort(-found, kind="stable")[:most]
    return np.sort(order[found[order] >= least])


def directions(matrix: "csr_matrix", most: int) -> np.ndarray:
    """Leading right singular vectors of a sparse matrix, (V, at most `most`) float32, the largest first."""
    width = min(most + OVERSAMPLES, *matrix.shape)
    start = np.random.default_rng(0).standard_normal((matrix.shape[1], width), dtype=np.float32)
    turned = matrix.T.tocsr()
    basis = np.linalg.qr(matrix @ start)[0]
    for _ in range(POWERS):
        basis = np.linalg.qr(matrix @ (turned @ basis))[0]
    images = turned @ basis
    squares, rotation = np.linalg.eigh((images.T @ images).astype(np.float64))
    kept = np.flatnonzero(squares > SMALLEST * squares[-1])[::-1][:most]
    return images @ (rotation[:, kept] / np.sqrt(squares[kept])).astype(np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class Ngrams:
    """Fitted directions of one kind of counts.

    Attributes:
        keys: of the counts that are used, ascending, (V,) uint64.
        idf: of each, (V,) float32.
        components: directions, (V, d) float16.
        mean, std: of the d columns over the training rows, (d,) float32.
    """

    keys: np.ndarray
    idf: np.ndarray
    components: np.ndarray
    mean: np.ndarray
    std: np.ndarray

    @property
    def width(self) -> int:
        return self.components.shape[1]

    @classmethod
    def fit(cls, counts: Counts, *, keys: int = MOST_KEYS, most: int = DIRECTIONS) -> "Ngrams":
        """Fit to counts of training texts, in the order of their hashes.

        Args:
            counts: of the texts.
            keys: that are used at most, the most frequent ones.
            most: directions.
        """
        columns = frequent(counts, keys)
        idf = idf_of(counts.texts_with()[columns], counts.rows)
        some = counts.take(np.arange(min(counts.rows, MOST_ROWS)))
        matrix = tf_idf(some.under(counts.keys[columns]), idf)
        found = directions(matrix, most) if matrix.nnz else np.zeros((len(columns), 0), np.float32)
        components = found.astype(np.float16)
        projected = matrix @ components.astype(np.float32)
        return cls(counts.keys[columns], idf, components, *moments(projected))

    def transform(self, counts: Counts) -> np.ndarray:
        """The standardised columns, (N, d) float32."""
        projected = tf_idf(counts.under(self.keys), self.idf) @ self.components.astype(np.float32)
        return standardised(projected, self.mean, self.std)


def moments(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of each column, (d,) float32; a constant column has spread 1."""
    if not len(columns):
        return np.zeros(columns.shape[1], np.float32), np.ones(columns.shape[1], np.float32)
    std = columns.std(0, dtype=np.float64)
    mean = columns.mean(0, dtype=np.float64)
    return mean.astype(np.float32), np.where(std > 1e-6, std, 1).astype(np.float32)


def standardised(columns: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Distance from the mean in spreads, (N, d) float32, cut at WIDEST.

    Args:
        columns: (N, d).
        mean, std: of each column, (d,).
    """
    return np.clip((columns - mean) / std, -WIDEST, WIDEST).astype(np.float32)
