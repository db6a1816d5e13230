"""Which known tasks share rows and columns with a table: a part of a known table is recognised.

A table is compared with the sketches of known ones in two steps. First its columns are paired with those of
a sketch by the values that they hold, names only breaking ties. Then the rows of the sketch are looked up in
the table, on more and more of the paired columns. The sketch is of a relative if many of its rows are found,
and fewer once each of its columns is shuffled alone.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt32

from taskaware.data.table import Table
from taskaware.recommendation.sketches import FEW_VALUES, Sketch, hashed, mixed, shipped_sketches
from taskaware.tasks.task import Task

COLUMNS = 64
"""So many columns of a table are looked at."""
ALIKE = 0.3
"""Least share of the values of a sketch's column that the paired column has."""
NEAR = 0.85
"""Least overlap of the shares of values of two paired columns of few values."""
SAME_NAME = 0.5
"""What an equal name adds to the likeness of two columns that are alike."""
SURPRISE = 0.1
"""What a bit of difference between the information of two columns costs, in shares of values."""
LEAST_PAIRS = 2
LEAST_BITS = 8.0
"""Information in the columns that a match rests on, in bits, at least."""
FOUND = 0.25
"""Least share of the rows of a sketch that are found, beyond those that are found after shuffling."""
SHUFFLES = 4


class Held(NamedTuple):
    """A column of the table.

    Attributes:
        cells: hashes of its n cells.
        name: hash of its name.
        values, shares: the hashes that occur, ascending, and how often.
        bits: its entropy.
    """

    cells: UInt32[np.ndarray, " n"]
    name: int
    values: UInt32[np.ndarray, " v"]
    shares: Float[np.ndarray, " v"]
    bits: float

    @classmethod
    def of(cls, cells: np.ndarray, name: int) -> "Held":
        """A column by the hashes of its cells and of its name."""
        values, counts = np.unique(cells, return_counts=True)
        shares = counts / len(cells)
        return cls(cells, name, values, shares, float(-np.sum(shares * np.log2(shares))))


class Entries(NamedTuple):
    """Which values columns have, and how often, for one look-up in all of them.

    Attributes:
        values: the distinct hashes, ascending, (v,).
        ends: where the entries of each value end, (v,).
        columns, shares: of each entry: a column, and the share of its cells with the value.
        width: number of columns.
    """

    values: np.ndarray
    ends: np.ndarray
    columns: np.ndarray
    shares: np.ndarray
    width: int

    @classmethod
    def of(cls, values: np.ndarray, columns: np.ndarray, shares: np.ndarray, *, width: int) -> "Entries":
        """The entries of some triples, each pair of value and column once.

        Args:
            values, columns, shares: of each entry.
            width: number of columns.
        """
        order = np.lexsort((columns, values))
        distinct, ends = np.unique(values[order], return_index=True)
        ends = np.append(ends[1:], len(values))
        return cls(distinct, ends, columns[order], shares[order], width)

    def lookup(self, column: Held) -> tuple[np.ndarray, np.ndarray]:
        """The entries whose values a column has, by its values in order, and places of these values there."""
        if not len(self.values):
            return np.zeros(0, int), np.zeros(0, int)
        where = np.minimum(np.searchsorted(self.values, column.values), len(self.values) - 1)
        there = np.flatnonzero(self.values[where] == column.values)
        ends = self.ends[where[there]]
        sizes = ends - np.where(where[there] > 0, self.ends[where[there] - 1], 0)
        steps = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return np.repeat(ends - sizes, sizes) + steps, np.repeat(there, sizes)


class Index(NamedTuple):
    """All sketches, side by side.

    Attributes:
        cells: values of the columns' cells.
        few: values of the columns of few values, whose shares are known; no entry of the others.
        is_few: which columns these are, (c,).
        names: hashes of the columns' names, (c,).
        first: the first column of each sketch.
    """

    cells: Entries
    few: Entries
    is_few: np.ndarray
    names: np.ndarray
    first: np.ndarray

    @classmethod
    def of(cls, sketches: Sequence[Sketch]) -> "Index":
        """The index of some sketches."""
        widths = [one.cells.shape[1] for one in sketches]
        width, first = sum(widths), np.cumsum(widths) - widths
        tables = [table for one in sketches for table in one.shares]
        few = Entries.of(
            np.array([value for table in tables for value in table], np.uint32),
            np.repeat(np.arange(width), [len(table) for table in tables]),
            np.array([share for table in tables for share in table.values()], float),
            width=width,
        )
        is_few = np.array([bool(table) for table in tables], bool)
        names = np.concatenate([one.names for one in sketches])
        return cls(_cells(sketches), few, is_few, names, first)

    def quality(self, columns: Sequence[Held]) -> Float[np.ndarray, "c m"]:
        """How well all columns of the sketches go with m columns of a table; 0 where they do not."""
        found = np.stack([self._quality(column) for column in columns], axis=1)
        alike = self.names[:, None] == np.array([column.name for column in columns], np.uint32)
        return np.where(found > 0, found + SAME_NAME * alike, 0.0)

    def _quality(self, column: Held) -> np.ndarray:
        likeness = self._likeness(column)
        overlap = self._overlap(column) if len(column.values) <= FEW_VALUES else 0.0
        return np.where(self.is_few, overlap, np.where(likeness >= ALIKE, likeness, 0.0))

    def _likeness(self, column: Held) -> np.ndarray:
        """At most 1: the share of the cells whose values the column has, less a cost of each bit by which
        they are more or less surprising there than the column's own."""
        entries, places = self.cells.lookup(column)
        columns, shares = self.cells.columns[entries], self.cells.shares[entries]
        surprise = -np.log2(column.shares)[places]
        found = np.bincount(columns, shares, self.cells.width)
        usual = np.bincount(columns, shares * surprise, self.cells.width) / np.maximum(found, 1e-9)
        return found - SURPRISE * np.abs(usual - column.bits)

    def _overlap(self, column: Held) -> np.ndarray:
        """Sum of the smaller shares of each value; 0 below NEAR."""
        entries, places = self.few.lookup(column)
        smaller = np.minimum(self.few.shares[entries], column.shares[places])
        total = np.bincount(self.few.columns[entries], smaller, self.few.width)
        return np.where(total >= NEAR, total, 0.0)


def _cells(sketches: Sequence[Sketch]) -> Entries:
    cells = np.concatenate([one.cells.ravel(order="F") for one in sketches])
    sizes = np.concatenate([np.full(one.cells.shape[1], len(one.cells)) for one in sketches])
    values, places = np.unique(cells, return_inverse=True)
    pairs, times = np.unique(
        places * len(sizes) + np.repeat(np.arange(len(sizes)), sizes), return_counts=True
    )
    places, columns = np.divmod(pairs, len(sizes))
    return Entries.of(values[places], columns, times / sizes[columns], width=len(sizes))


def relatives(task: Task, known: Sequence[Sketch] | None = None) -> list[Sketch]:
    """The sketches of the tables that share rows and columns with a task; none for other kinds of data.

    Args:
        task: any.
        known: sketches to compare with; the shipped ones by default.
    """
    sketches = shipped_sketches() if known is None else tuple(known)
    if not isinstance(task.data, Table) or not sketches:
        return []
    index = _shipped_index() if known is None else Index.of(sketches)
    seen = hashed(task, COLUMNS)
    columns = [Held.of(*each) for each in zip(seen.columns, seen.names.tolist(), strict=True)]
    quality = index.quality(columns)
    ends = np.append(index.first[1:], len(quality))
    parts = zip(sketches, index.first, ends, strict=True)
    return [one for one, first, end in parts if is_relative(one, columns, quality[first:end])]


@functools.cache
def _shipped_index() -> Index:
    return Index.of(shipped_sketches())


def is_relative(one: Sketch, columns: Sequence[Held], quality: Float[np.ndarray, "c m"]) -> bool:
    """Whether a table has rows of a sketch, on at least two of its columns.

    Args:
        one: the sketch.
        columns: of the table, m.
        quality: of the columns of the sketch and of the table, see `Index.quality`.
    """
    usable = np.flatnonzero((quality > 0).any(0))
    if len(usable) < LEAST_PAIRS or sum(columns[int(place)].bits for place in usable) < LEAST_BITS:
        return False
    pairs = _paired(quality)
    pairs.sort(key=lambda pair: -columns[pair[1]].bits)
    information = np.cumsum([columns[held].bits for _, held in pairs])[1:]
    if len(pairs) < LEAST_PAIRS or information[-1] < LEAST_BITS:
        return False
    own = list(_keys([columns[held].cells for _, held in pairs]))
    found = _found(own, one.cells, pairs)
    if not ((information >= LEAST_BITS) & (found >= FOUND)).any():
        return False
    rng = np.random.default_rng(0)
    shuffled = [_found(own, rng.permuted(one.cells, axis=0), pairs) for _ in range(SHUFFLES)]
    return bool(((information >= LEAST_BITS) & (found - np.mean(shuffled, axis=0) >= FOUND)).any())


def _paired(quality: np.ndarray) -> list[tuple[int, int]]:
    """Columns of the sketch and of the table that go together, best first, each column once."""
    pairs, rows, places = [], set(), set()
    positive = np.flatnonzero(quality)
    for flat in positive[np.argsort(-quality.ravel()[positive], kind="stable")]:
        row, place = divmod(int(flat), quality.shape[1])
        if row not in rows and place not in places:
            pairs.append((row, place))
            rows.add(row)
            places.add(place)
    return pairs


def _found(own: Sequence[np.ndarray], cells: np.ndarray, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Share of the rows of a sketch that are found on the first two pairs, three, ..."""
    keys = _keys([cells[:, row] for row, _ in pairs])
    return np.array([np.isin(part, whole).mean() for part, whole in zip(keys, own, strict=True)])


def _keys(cells: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """A word for each row on the first two columns, on the first three, ..."""
    words = np.zeros(len(cells[0]), np.uint64)
    for place, column in enumerate(cells):
        words = mixed(words ^ (column.astype(np.uint64) + np.uint64(place + 1)))
        if place:
            yield words
