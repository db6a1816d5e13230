"""Features of rows, computed once: kept by content in memory up to a number of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from jaxtyping import Int, UInt64

MOST_BYTES = 1 << 28


class Kept:
    """Rows of features by what they are features of.

    A row is found by its hash, so that parts of a dataset, and its rows in any order, are found, too. The
    kinds of features that were not asked for the longest are dropped first. Threads may share it.
    """

    def __init__(self, most_bytes: int = MOST_BYTES):
        self.most_bytes = most_bytes
        self._tables: OrderedDict[str, tuple[np.ndarray, np.ndarray]] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self,
        what: str,
        hashes: UInt64[np.ndarray, " n"],
        compute: Callable[[Int[np.ndarray, " m"]], np.ndarray],
    ) -> np.ndarray:
        """The features of n rows, (n, W).

        Args:
            what: names the features, and everything that they depend on beside the row.
            hashes: of the rows' content.
            compute: the features of some of the n rows (places), where they are not here.
        """
        known, features = self._table(what)
        places = np.searchsorted(known, hashes)
        here = places < len(known)
        here[here] = known[places[here]] == hashes[here]
        if here.all() and len(known):
            return features[places]
        _, first, back = np.unique(hashes, return_index=True, return_inverse=True)
        needed = np.flatnonzero(~here[first])
        new = compute(first[needed])
        found = np.empty((len(first), new.shape[1]), new.dtype)
        found[needed] = new
        rest = np.flatnonzero(here[first])
        if len(rest):
            found[rest] = features[places[first[rest]]]
        self.put(what, hashes[first[needed]], new)
        return found[back]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._tables.clear()

    @property
    def bytes(self) -> int:
        """Of all tables together."""
        return sum(known.nbytes + features.nbytes for known, features in self._tables.values())

    def _table(self, what: str) -> tuple[np.ndarray, np.ndarray]:
        with self._lock:
            if what not in self._tables:
                return np.zeros(0, np.uint64), np.zeros((0, 0))
            self._tables.move_to_end(what)
            return self._tables[what]

    def put(self, what: str, hashes: UInt64[np.ndarray, " n"], new: np.ndarray) -> None:
        """Keep the features of rows that were computed already.

        Args:
            what: as in `get`.
            hashes: of the rows' content.
            new: features, (n, W).
        """
        hashes, first = np.unique(hashes, return_index=True)
        new = new[first]
        with self._lock:
            if what in self._tables:
                known, features = self._tables.pop(what)
                fresh = ~np.isin(hashes, known)
                hashes = np.concatenate([known, hashes[fresh]])
                new = np.concatenate([features, new[fresh]])
            order = np.argsort(hashes)
            self._tables[what] = hashes[order], new[order]
            while self._tables and self.bytes > self.most_bytes:
                self._tables.popitem(last=False)


KEPT = Kept()
"""Of this process."""
