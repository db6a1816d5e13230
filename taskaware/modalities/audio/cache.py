"""What was computed for rows, kept for the next call: by the rows' hashes, bounded in bytes."""

import collections
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

MOST_BYTES = 512 << 20
"""Of what is kept; what was used least recently goes first."""


class Rows(Protocol):
    """Computed rows; an array has to be put into `Matrix`."""

    @property
    def nbytes(self) -> int: ...

    def take(self, places: np.ndarray) -> Any: ...


class Matrix(NamedTuple):
    """Rows of an array."""

    values: np.ndarray

    @property
    def nbytes(self) -> int:
        return self.values.nbytes

    def take(self, places: np.ndarray) -> np.ndarray:
        return self.values[places]


class Whole(NamedTuple):
    """One value that belongs to no row."""

    value: Any
    nbytes: int

    def take(self, places: np.ndarray) -> Any:
        return self.value


class Entry(NamedTuple):
    """Rows that were computed together.

    Attributes:
        hashes: of the rows, in ascending order, no two alike.
        rows: in the same order.
    """

    hashes: np.ndarray
    rows: Rows


class RowCache:
    """Rows by what was computed and by their hashes; safe among threads."""

    def __init__(self, most_bytes: int = MOST_BYTES):
        """Make an empty one.

        Args:
            most_bytes: of all rows together; larger ones are not kept.
        """
        self.most_bytes = most_bytes
        self._entries: collections.OrderedDict[tuple, Entry] = collections.OrderedDict()
        self._lock = threading.Lock()

    def rows(self, what: str, hashes: np.ndarray, compute: Callable[[np.ndarray], Rows]) -> Any:
        """Rows that were computed before, or are now.

        Args:
            what: is computed, with all that it depends on beside the row.
            hashes: of the rows asked for, (N,).
            compute: gives the rows at these places (of `hashes`), no two of them alike.
        """
        distinct, first, places = np.unique(hashes, return_index=True, return_inverse=True)
        entry = self._found(what, distinct)
        if entry is None:
            entry = Entry(distinct, compute(first))
            self._add(what, entry)
        return entry.rows.take(np.searchsorted(entry.hashes, distinct)[places])

    def whole(self, what: str, compute: Callable[[], Whole]) -> Any:
        """A value that was computed before, or is now.

        Args:
            what: is computed, with all that it depends on.
            compute: gives the value and its size.
        """
        return self.rows(what, np.zeros(1, np.uint64), lambda _: compute())

    def clear(self) -> None:
        """Forget all rows."""
        with self._lock:
            self._entries.clear()

    @property
    def nbytes(self) -> int:
        """Of all that is kept."""
        return sum(entry.rows.nbytes for entry in self._entries.values())

    def _found(self, what: str, distinct: np.ndarray) -> Entry | None:
        with self._lock:
            for key in reversed(self._entries):
                entry = self._entries[key]
                if key[0] == what and _all_in(distinct, entry.hashes):
                    self._entries.move_to_end(key)
                    return entry
        return None

    def _add(self, what: str, entry: Entry) -> None:
        if entry.rows.nbytes > self.most_bytes:
            return
        with self._lock:
            self._entries[what, entry.hashes.tobytes()] = entry
            while self._entries and self.nbytes > self.most_bytes:
                self._entries.popitem(last=False)


def _all_in(distinct: np.ndarray, hashes: np.ndarray) -> bool:
    places = np.minimum(np.searchsorted(hashes, distinct), len(hashes) - 1)
    return bool(len(distinct) <= len(hashes) and (hashes[places] == distinct).all())


CACHE = RowCache()
"""Of this process."""
