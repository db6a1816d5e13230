"""What is computed for each text alone, once: kept in memory by the hashes of the rows."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np

from taskaware.modalities.texts.counts import Counts
from taskaware.tasks.data import Data, Listed

Found = Mapping[str, Counts | np.ndarray]
"""Matrices with a row for each text, by name."""

MOST_BYTES = 1 << 30
MOST_ROWS = 200_000
"""Rows of a dataset up to which all of them are computed together and kept."""


class Entry(NamedTuple):
    """What is kept.

    Attributes:
        what: name of the computation.
        hashes: of the distinct texts, ascending, (U,) uint64.
        found: their matrices.
    """

    what: str
    hashes: np.ndarray
    found: Found

    @property
    def nbytes(self) -> int:
        return self.hashes.nbytes + sum(matrix.nbytes for matrix in self.found.values())


class RowCache:
    """The entries that were used last, up to a number of bytes."""

    def __init__(self, most_bytes: int = MOST_BYTES):
        """Make an empty one.

        Args:
            most_bytes: of all entries together.
        """
        self.most_bytes = most_bytes
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def rows(
        self, what: str, data: Data, rows: np.ndarray, compute: Callable[[Sequence[str]], Found]
    ) -> Found:
        """Matrices of these rows.

        Args:
            what: name of the computation, and of everything that it depends on.
            data: texts.
            rows: indices.
            compute: the matrices of distinct texts; a row must not depend on the others.
        """
        hashes = data.row_hashes[rows]
        entry = self._holding(what, hashes)
        if entry is None:
            together = data.rows <= MOST_ROWS
            entry = _computed(what, data, np.arange(data.rows) if together else rows, compute)
            if together:
                self._keep(entry)
        places = np.searchsorted(entry.hashes, hashes)
        return {name: _taken(matrix, places) for name, matrix in entry.found.items()}

    def _holding(self, what: str, hashes: np.ndarray) -> Entry | None:
        with self._lock:
            entry = next((each for each in self._entries if each.what == what and _has(each, hashes)), None)
            if entry is not None:
                self._entries = [entry, *(each for each in self._entries if each is not entry)]
            return entry

    def _keep(self, entry: Entry) -> None:
        with self._lock:
            entries = [entry, *self._entries]
            sizes = np.cumsum([each.nbytes for each in entries])
            self._entries = [
                each for each, size in zip(entries, sizes, strict=True) if size <= self.most_bytes
            ]

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._entries = []


def _computed(what: str, data: Data, rows: np.ndarray, compute: Callable[[Sequence[str]], Found]) -> Entry:
    hashes, first = np.unique(data.row_hashes[rows], return_index=True)
    values = cast(Listed, data).values
    return Entry(what, hashes, compute([values[row] for row in rows[first]]))


def _has(entry: Entry, hashes: np.ndarray) -> bool:
    if not len(entry.hashes):
        return not len(hashes)
    places = np.minimum(np.searchsorted(entry.hashes, hashes), len(entry.hashes) - 1)
    return bool((entry.hashes[places] == hashes).all())


def _taken(matrix: Counts | np.ndarray, places: np.ndarray) -> Counts | np.ndarray:
    return matrix.take(places) if isinstance(matrix, Counts) else matrix[places]


CACHE = RowCache()
