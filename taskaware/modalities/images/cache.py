"""Features of rows that were computed before, found by the hash of a row; bounded in bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple

import numpy as np

MOST_BYTES = 512 << 20
LEAST_ROWS = 64
"""Fewer new rows are not kept: copying what is there would cost more than computing them again."""

Matrices = dict[str, np.ndarray]


class Kept(NamedTuple):
    """Rows of one key.

    Attributes:
        hashes: sorted, each once.
        matrices: a row for each hash.
    """

    hashes: np.ndarray
    matrices: Matrices

    @property
    def bytes(self) -> int:
        return self.hashes.nbytes + sum(matrix.nbytes for matrix in self.matrices.values())


class RowCache:
    """Matrices with a row for each row of data; what was used longest ago goes first."""

    def __init__(self, most: int = MOST_BYTES):
        """Make an empty one that holds at most so many bytes."""
        self._most = most
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def rows(self, key: Hashable, hashes: np.ndarray, compute: Callable[[np.ndarray], Matrices]) -> Matrices:
        """The matrices of these rows, in this order.

        Args:
            key: what is computed, and from which settings.
            hashes: of the rows, (n,) uint64.
            compute: indices into `hashes` → their matrices, each row for itself.
        """
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            found = compute(np.arange(len(hashes)))
            self._keep(key, _unique(hashes, found))
            return found
        places, there = _places(kept.hashes, hashes)
        missing = np.flatnonzero(~there)
        if not len(missing):
            self._touch(key)
            return {name: matrix[places] for name, matrix in kept.matrices.items()}
        fresh = compute(missing)
        result = {}
        for name, matrix in kept.matrices.items():
            result[name] = matrix[np.where(there, places, 0)]
            result[name][missing] = fresh[name]
        if len(missing) >= LEAST_ROWS:
            self._keep(key, _joined(kept, _unique(hashes[missing], fresh)))
        return result

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()

    def _touch(self, key: Hashable) -> None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)

    def _keep(self, key: Hashable, kept: Kept) -> None:
        if kept.bytes > self._most // 2 or len(kept.hashes) < LEAST_ROWS:
            return
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while sum(each.bytes for each in self._kept.values()) > self._most:
                self._kept.popitem(last=False)


def _unique(hashes: np.ndarray, matrices: Matrices) -> Kept:
    found, first = np.unique(hashes, return_index=True)
    return Kept(found, {name: matrix[first] for name, matrix in matrices.items()})


def _joined(old: Kept, new: Kept) -> Kept:
    hashes = np.concatenate([old.hashes, new.hashes])
    both = {name: np.concatenate([old.matrices[name], new.matrices[name]]) for name in old.matrices}
    return _unique(hashes, both)


def _places(sorted_hashes: np.ndarray, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each hash stands, and whether it is there."""
    places = np.minimum(np.searchsorted(sorted_hashes, hashes), max(len(sorted_hashes) - 1, 0))
    return places, sorted_hashes[places] == hashes
