"""The words of a text as a bag, for a network that learns a vector for each word."""

import dataclasses

import numpy as np

from taskaware.modalities.texts.counts import Counts
from taskaware.modalities.texts.ngrams import frequent, idf_of, scaled

WORDS = 1024


@dataclasses.dataclass(frozen=True, eq=False)
class Bag:
    """The most frequent words of the training texts, each with a column of its own.

    A column is not centred: most are 0 in a row, and the network's first linear map adds up the vectors of
    the words that are there.

    Attributes:
        keys: hashes of the words, ascending, (V,) uint64, V at most WORDS.
        weight: of each, the root of its inverse document frequency, (V,) float32.
        words: such words in a text, on average; the length of a row squared.
    """

    keys: np.ndarray
    weight: np.ndarray
    words: np.ndarray

    @property
    def width(self) -> int:
        return len(self.keys)

    @property
    def active(self) -> int:
        """Columns that differ from 0 in one row."""
        return min(self.width, max(1, round(float(self.words))))

    @classmethod
    def fit(cls, counts: Counts) -> "Bag":
        """Fit to counts of the words of training texts."""
        columns = frequent(counts, WORDS)
        keys, found = counts.keys[columns], counts.texts_with()[columns]
        words = max(found.sum() / max(counts.rows, 1), 1.0)
        return cls(keys, np.sqrt(idf_of(found, counts.rows)), np.array(words, np.float32))

    def transform(self, counts: Counts) -> np.ndarray:
        """Log counts, weighted, in rows of one length, (N, V) float32; a row without known words is 0."""
        found = counts.under(self.keys)
        found.data = np.log1p(found.data) * self.weight[found.indices]
        lengths = np.sqrt(np.asarray(found.multiply(found).sum(1)).ravel())
        return scaled(found, lengths / np.sqrt(float(self.words))).toarray().astype(np.float32)
