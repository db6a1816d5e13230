"""How often each word, pair of words and sequence of characters occurs in a text, under hashed names."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from taskaware.modalities.texts.words import Tokens, chunks_of, hashes_of, joined, mixed, words_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CHARACTERS = (3, 4, 5)


class Counts(NamedTuple):
    """Counts of N texts.

    Attributes:
        keys: V hashes or numbers of what is counted, ascending, (V,) uint64.
        matrix: (N, V) float32, sparse.
    """

    keys: np.ndarray
    matrix: "csr_matrix"

    @property
    def rows(self) -> int:
        return self.matrix.shape[0]

    @property
    def nbytes(self) -> int:
        matrix = self.matrix
        return self.keys.nbytes + matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes

    def take(self, places: np.ndarray) -> "Counts":
        """Only these rows (indices), in this order."""
        return Counts(self.keys, self.matrix[places])

    def joined(self, others: Sequence["Counts"]) -> "Counts":
        """These texts and the others below, under the keys of all."""
        from scipy.sparse import csr_matrix, vstack

        every = [self, *others]
        keys = np.unique(np.concatenate([each.keys for each in every]))
        parts = []
        for each in every:
            columns = np.searchsorted(keys, each.keys).astype(np.int32)[each.matrix.indices]
            arrays = each.matrix.data, columns, each.matrix.indptr
            parts.append(csr_matrix(arrays, shape=(each.rows, len(keys))))
        return Counts(keys, vstack(parts, format="csr"))

    def under(self, keys: np.ndarray) -> "csr_matrix":
        """The counts of these keys (ascending), (N, len(keys)); what has another key is left out."""
        from scipy.sparse import csr_matrix

        shape = self.rows, len(keys)
        if not len(keys) or not len(self.keys):
            return csr_matrix(shape, dtype=np.float32)
        place = np.minimum(np.searchsorted(keys, self.keys), len(keys) - 1)
        column = np.where(keys[place] == self.keys, place, -1).astype(np.int32)[self.matrix.indices]
        kept = column >= 0
        ends = np.concatenate([[0], np.cumsum(kept)])[self.matrix.indptr].astype(np.int32)
        return csr_matrix((self.matrix.data[kept], column[kept], ends), shape=shape)

    def texts_with(self) -> np.ndarray:
        """Texts in which each key occurs, (V,)."""
        return np.bincount(self.matrix.indices, minlength=len(self.keys))


Found = Mapping[str, Counts | np.ndarray]
"""Matrices with a row for each text, by name."""


def counted(rows: np.ndarray, keys: np.ndarray, texts: int) -> Counts:
    """Counts of what occurs.

    Args:
        rows: the text of each occurrence, (T,).
        keys: what occurs there, (T,) uint64.
        texts: N.
    """
    from scipy.sparse import csr_matrix

    names, codes = np.unique(keys, return_inverse=True)
    ones = np.ones(len(rows), np.float32)
    matrix = csr_matrix((ones, (rows, codes.astype(np.int32))), shape=(texts, len(names)))
    matrix.sum_duplicates()
    return Counts(names, matrix)


def word_counts(tokens: Tokens) -> Counts:
    """Counts of words."""
    return counted(tokens.rows, hashes_of(tokens.names)[tokens.codes], tokens.texts)


def gram_counts(tokens: Tokens) -> Counts:
    """Counts of words, and of two words that follow each other."""
    return counted(*grams_of(tokens), tokens.texts)


def grams_of(tokens: Tokens) -> tuple[np.ndarray, np.ndarray]:
    """Every word and every two words that follow each other: index of the text and 64-bit hash, (T,) each."""
    hashes = hashes_of(tokens.names)[tokens.codes]
    first = np.flatnonzero(tokens.rows[1:] == tokens.rows[:-1])
    pairs = joined([hashes[first], hashes[first + 1]])
    rows = np.concatenate([tokens.rows, tokens.rows[first]])
    return rows, np.concatenate([hashes, pairs])


def piece_counts(chunks: Tokens) -> Counts:
    """Counts of sequences of 3 to 5 characters within chunks, a space before and after each chunk."""
    from scipy.sparse import csr_matrix

    owner, keys = pieces_of(chunks.names)
    pieces = counted(owner, keys, len(chunks.names))
    ones = np.ones(len(chunks.codes), np.float32)
    texts = csr_matrix((ones, (chunks.rows, chunks.codes)), shape=(chunks.texts, len(chunks.names)))
    matrix = (texts @ pieces.matrix).tocsr()
    matrix.sort_indices()
    return Counts(pieces.keys, matrix)


def pieces_of(names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Every sequence of characters in each chunk: index of the chunk and 64-bit hash, (T,) each."""
    lengths = np.array([len(name) + 2 for name in names], np.int64)
    signs = np.frombuffer("".join(f" {name} " for name in names).encode("utf-32-le"), np.uint32)
    signs, owner = mixed(signs.astype(np.uint64)), np.repeat(np.arange(len(names)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(signs))
    owners, keys = [], []
    for size in CHARACTERS:
        starts = np.flatnonzero(left >= size)
        owners.append(owner[starts])
        keys.append(joined([signs[starts + place] for place in range(size)]))
    return np.concatenate(owners), np.concatenate(keys)


def counts_of(texts: Sequence[str]) -> dict[str, Counts]:
    """The counts of texts: "words", "grams" (of one and two words) and "pieces" (of characters)."""
    words = words_of(texts)
    return {
        "words": word_counts(words),
        "grams": gram_counts(words),
        "pieces": piece_counts(chunks_of(texts)),
    }
