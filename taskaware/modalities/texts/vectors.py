"""Vectors of texts from vectors of words or whole texts, fitted to training rows."""

import dataclasses

import numpy as np

from taskaware.modalities.texts.counts import Counts
from taskaware.modalities.texts.ngrams import MOST_ROWS, idf_of, moments, scaled, standardised

MOST_COLUMNS = 256


@dataclasses.dataclass(frozen=True, eq=False)
class Means:
    """The mean of the vectors of a text's words, weighted by their inverse document frequency.

    Attributes:
        keys: numbers of the words that training texts have, ascending, (V,) uint64.
        idf: of each, (V,) float32.
        unseen: the idf of all other words.
        mean, std: of the columns over the training rows, (d,) float32.
        source: name of the vectors.
    """

    keys: np.ndarray
    idf: np.ndarray
    unseen: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    source: np.ndarray

    @property
    def width(self) -> int:
        return len(self.mean)

    @classmethod
    def fit(
        cls, counts: Counts, vectors: np.ndarray, *, beside: np.ndarray | None = None, source: str = ""
    ) -> "Means":
        """Fit to counts of training texts.

        Args:
            counts: of the words that have a vector; a key is the row of its vector.
            vectors: of the words, (W, D).
            beside: more columns of the same texts, (N, E).
            source: name of the vectors.
        """
        found = counts.texts_with()
        seen = np.flatnonzero(found)
        idf, unseen = idf_of(found[seen], counts.rows), idf_of(np.zeros(1), counts.rows)[0]
        columns = _columns(counts, _weights(counts.keys, counts.keys[seen], idf, unseen), vectors, beside)
        mean, std = moments(columns)
        return cls(counts.keys[seen], idf, np.array(unseen), mean, std, np.array(source))

    def transform(self, counts: Counts, vectors: np.ndarray, beside: np.ndarray | None = None) -> np.ndarray:
        """The standardised columns, (N, d) float32.

        Args:
            counts, vectors, beside: as in `fit`.
        """
        weights = _weights(counts.keys, self.keys, self.idf, float(self.unseen))
        return standardised(_columns(counts, weights, vectors, beside), self.mean, self.std)


def _weights(keys: np.ndarray, known: np.ndarray, idf: np.ndarray, unseen: float) -> np.ndarray:
    if not len(known):
        return np.full(len(keys), unseen, np.float32)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[places] == keys, idf[places], np.float32(unseen))


def _columns(
    counts: Counts, weights: np.ndarray, vectors: np.ndarray, beside: np.ndarray | None
) -> np.ndarray:
    weighted = counts.matrix.copy()
    weighted.data = weighted.data * weights[weighted.indices]
    means = scaled(weighted, np.asarray(weighted.sum(1)).ravel()) @ vectors[counts.keys.astype(np.int64)]
    return means if beside is None else np.concatenate([means, beside], 1)


@dataclasses.dataclass(frozen=True, eq=False)
class Projected:
    """Vectors of whole texts in their leading directions.

    Attributes:
        centre: of the training rows, (D,) float32.
        components: directions, (D, d) float32, d at most MOST_COLUMNS.
        mean, std: of the d columns, (d,) float32.
        source: name of the model that gives the vectors.
    """

    centre: np.ndarray
    components: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    source: np.ndarray

    @property
    def width(self) -> int:
        return self.components.shape[1]

    @classmethod
    def fit(cls, vectors: np.ndarray, source: str) -> "Projected":
        """Fit to vectors of training texts, in the order of their hashes.

        Args:
            vectors: (N, D).
            source: name of the model that gave them.
        """
        some = vectors[:MOST_ROWS]
        centre = some.mean(0, dtype=np.float64).astype(np.float32)
        components = _leading(some - centre)
        mean, std = moments((some - centre) @ components)
        return cls(centre, components, mean, std, np.array(source))

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """The standardised columns, (N, d) float32."""
        return standardised((vectors - self.centre) @ self.components, self.mean, self.std)


def _leading(centred: np.ndarray) -> np.ndarray:
    """Leading directions, (D, d); the columns as they are where there are few."""
    width = centred.shape[1]
    if width <= MOST_COLUMNS:
        return np.eye(width, dtype=np.float32)
    turned = np.linalg.eigh(centred.T.astype(np.float64) @ centred)[1]
    return turned[:, ::-1][:, :MOST_COLUMNS].astype(np.float32)
