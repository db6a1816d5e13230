"""What was computed for rows, kept in memory for the next call, and the blocks that were fitted last."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

MOST_BYTES = 1 << 30
SMALL, MOST_SMALL = 64, 64
"""Entries of fewer rows than this, and how many of them are kept: each is looked through at every call."""
MOST_FITS = 16

Value = TypeVar("Value")


class Pieces(Protocol):
    """Computed rows that are no array."""

    @property
    def nbytes(self) -> int: ...

    def take(self, places: np.ndarray) -> Any:
        """These rows (indices), in this order."""

    def joined(self, others: Sequence[Any]) -> Any:
        """These rows, and those of others of the same kind below."""


class Entry(NamedTuple):
    """Rows that are kept together.

    Attributes:
        what: was computed.
        hashes: of the rows, ascending, no two alike.
        values: of them: an array, pieces, or several of these by name.
    """

    what: Hashable
    hashes: np.ndarray
    values: Any

    @property
    def nbytes(self) -> int:
        return self.hashes.nbytes + _bytes(self.values)


class Part(NamedTuple):
    """Some of the rows asked for.

    Attributes:
        entry: that has them.
        places: of them in the entry.
        asked: their places among those asked for.
    """

    entry: Entry
    places: np.ndarray
    asked: np.ndarray

    @property
    def is_whole(self) -> bool:
        """Whether all rows of the entry are asked for."""
        return len(self.places) == len(self.entry.hashes)


class RowCache:
    """Rows by what was computed and by their hashes; safe among threads.

    A row is computed once for all datasets that have it. What was used least recently goes first.
    """

    def __init__(self, most_bytes: int = MOST_BYTES):
        """Make an empty one.

        Args:
            most_bytes: of all rows together; what is larger alone is not kept.
        """
        self.most_bytes = most_bytes
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def rows(self, what: Hashable, hashes: np.ndarray, compute: Callable[[np.ndarray], Value]) -> Value:
        """Rows that were computed before, or are now; the caller may change them.

        Args:
            what: is computed, with all that it depends on beside the row.
            hashes: of the rows asked for, (N,).
            compute: gives an array, `Pieces`, or several of these by name: the rows at some places of
                `hashes`, no two of them alike. A row must not depend on the others.
        """
        distinct, first, back = np.unique(hashes, return_index=True, return_inverse=True)
        parts, missing = self._found(what, distinct)
        if len(missing) or not parts:
            fresh = Entry(what, distinct[missing], compute(first[missing]))
            self._keep(fresh)
            parts.append(Part(fresh, np.arange(len(missing)), missing))
        if len(parts) == 1:
            return _taken(parts[0].entry.values, parts[0].places[back])
        values = _joined([_taken(part.entry.values, part.places) for part in parts])
        order = np.argsort(np.concatenate([part.asked for part in parts]))
        if not all(part.is_whole for part in parts):
            return _taken(values, order[back])
        # Joining takes time, and what was asked for together will be again.
        joined = Entry(what, distinct, _taken(values, order))
        self._keep(joined, instead_of=[part.entry for part in parts])
        return _taken(joined.values, back)

    def clear(self) -> None:
        """Forget all rows."""
        with self._lock:
            self._entries = []

    @property
    def nbytes(self) -> int:
        """Of all that is kept."""
        return sum(entry.nbytes for entry in self._entries)

    def _found(self, what: Hashable, distinct: np.ndarray) -> tuple[list[Part], np.ndarray]:
        """What is kept of these rows, and the places of the others."""
        parts, others = [], []
        missing = np.arange(len(distinct))
        with self._lock:
            for entry in self._entries:
                part = _part(entry, distinct, missing) if entry.what == what else None
                if part is None:
                    others.append(entry)
                else:
                    parts.append(part)
                    missing = np.setdiff1d(missing, part.asked, assume_unique=True)
            self._entries = [*(part.entry for part in parts), *others]
        return parts, missing

    def _keep(self, entry: Entry, instead_of: Sequence[Entry] = ()) -> None:
        if not len(entry.hashes) or entry.nbytes > self.most_bytes:
            return
        with self._lock:
            kept, size, small = [], 0, 0
            for each in (entry, *self._entries):
                is_small = len(each.hashes) < SMALL
                if any(each is old for old in instead_of) or (is_small and small == MOST_SMALL):
                    continue
                size, small = size + each.nbytes, small + is_small
                if size > self.most_bytes:
                    break
                kept.append(each)
            self._entries = kept


def _part(entry: Entry, distinct: np.ndarray, wanted: np.ndarray) -> Part | None:
    """Those of the wanted rows (indices into `distinct`, which are hashes) that an entry has."""
    places = np.minimum(np.searchsorted(entry.hashes, distinct[wanted]), len(entry.hashes) - 1)
    here = entry.hashes[places] == distinct[wanted]
    return Part(entry, places[here], wanted[here]) if here.any() else None


def _bytes(values: Any) -> int:
    return sum(map(_bytes, values.values())) if isinstance(values, Mapping) else values.nbytes


def _taken(values: Any, places: np.ndarray) -> Any:
    if isinstance(values, Mapping):
        return {name: _taken(each, places) for name, each in values.items()}
    return values[places] if isinstance(values, np.ndarray) else values.take(places)


def _joined(parts: Sequence[Any]) -> Any:
    if isinstance(parts[0], Mapping):
        return {name: _joined([part[name] for part in parts]) for name in parts[0]}
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else parts[0].joined(parts[1:])


class Recent:
    """Values that were computed or asked for last, by key; safe among threads."""

    def __init__(self, most: int):
        """Make an empty one.

        Args:
            most: values that are kept.
        """
        self.most = most
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The value that was computed before, or is now; the caller must not change it.

        Args:
            key: all that the value depends on.
            compute: gives the value.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = compute()
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return value

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._kept.clear()


CACHE, FITS = RowCache(), Recent(MOST_FITS)
"""Rows, and blocks by kind of data, rows and all else that they depend on; of this process."""


def forget() -> None:
    """Empty both, for measurements and tests."""
    CACHE.clear()
    FITS.clear()
