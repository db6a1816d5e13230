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


class Index(NamedTuple):
    """The cells of all sketches, for one look-up of each column of a table.

    Attributes:
        values: the distinct hashes, ascending, (v,).
        ends: where the entries of each value end, (v,).
        columns, shares: of each entry: a column of all sketches, and the share of its cells with the value.
        first: the first column of each sketch.
        width: columns of all sketches.
    """

    values: np.ndarray
    ends: np.ndarray
    columns: np.ndarray
    shares: np.ndarray
    first: np.ndarray
    width: int

    @classmethod
    def of(cls, sketches: Sequence[Sketch]) -> "Index":
        """The index of some sketches."""
        cells = np.concatenate([one.cells.ravel(order="F") for one in sketches])
        sizes = np.concatenate([np.full(one.cells.shape[1], len(one.cells)) for one in sketches])
        values, places = np.unique(cells, return_inverse=True)
        entries, times = np.unique(
            places * len(sizes) + np.repeat(np.arange(len(sizes)), sizes), return_counts=True
        )
        places, columns = np.divmod(entries, len(sizes))
        widths = [one.cells.shape[1] for one in sketches]
        ends = np.searchsorted(places, np.arange(len(values)), side="right")
        first = np.cumsum(widths) - widths
        return cls(values, ends, columns, times / sizes[columns], first, len(sizes))

    def likeness(self, column: Held) -> Float[np.ndarray, " c"]:
        """How well the cells of each column of all sketches go with a column of the table, at most 1.

        It is the share of the cells whose values the column has, less a cost of each bit by which they are
        more or less surprising there than the column's own.
        """
        where = np.minimum(np.searchsorted(self.values, column.values), len(self.values) - 1)
        there = self.values[where] == column.values
        ends = self.ends[where[there]]
        sizes = ends - np.where(where[there] > 0, self.ends[where[there] - 1], 0)
        steps = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        entries = np.repeat(ends - sizes, sizes) + steps
        columns, shares = self.columns[entries], self.shares[entries]
        surprise = np.repeat(-np.log2(column.shares[there]), sizes)
        found = np.bincount(columns, shares, self.width)
        usual = np.bincount(columns, shares * surprise, self.width) / np.maximum(found, 1e-9)
        return found - SURPRISE * np.abs(usual - column.bits)


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
    likeness = np.stack([index.likeness(column) for column in columns], axis=1)
    ends = np.append(index.first[1:], index.width)
    parts = zip(sketches, index.first, ends, strict=True)
    return [one for one, first, end in parts if is_relative(one, columns, likeness[first:end])]


@functools.cache
def _shipped_index() -> Index:
    return Index.of(shipped_sketches())


def is_relative(one: Sketch, columns: Sequence[Held], likeness: Float[np.ndarray, "c m"]) -> bool:
    """Whether a table has rows of a sketch, on at least two of its columns.

    Args:
        one: the sketch.
        columns: of the table, m.
        likeness: of the columns of the sketch and of the table, see `Index.likeness`.
    """
    pairs = _paired(one, columns, likeness)
    if len(pairs) < LEAST_PAIRS:
        return False
    pairs.sort(key=lambda pair: -columns[pair[1]].bits)
    bits = np.cumsum([columns[held].bits for _, held in pairs])
    return any(
        information >= LEAST_BITS and found - by_chance >= FOUND
        for information, found, by_chance in zip(bits[1:], *_found(one, columns, pairs), strict=True)
    )


def _paired(one: Sketch, columns: Sequence[Held], likeness: np.ndarray) -> list[tuple[int, int]]:
    """Columns of the sketch and of the table that hold like values, best first, each column once."""
    quality = np.where(likeness >= ALIKE, likeness, 0.0)
    few = [place for place, column in enumerate(columns) if len(column.values) <= FEW_VALUES]
    for row, shares in enumerate(one.shares):
        if shares:
            quality[row] = 0.0
            quality[row, few] = [_overlap(shares, columns[place]) for place in few]
    alike = one.names[:, None] == np.array([column.name for column in columns], np.uint32)
    quality = np.where(quality > 0, quality + SAME_NAME * alike, 0.0)
    pairs, rows, places = [], set(), set()
    for flat in np.argsort(-quality, axis=None, kind="stable"):
        row, place = divmod(int(flat), len(columns))
        if quality[row, place] <= 0:
            break
        if row not in rows and place not in places:
            pairs.append((row, place))
            rows.add(row)
            places.add(place)
    return pairs


def _overlap(shares: dict[int, float], column: Held) -> float:
    """Sum of the smaller shares of each value; 0 below NEAR."""
    own = zip(column.values.tolist(), column.shares.tolist(), strict=True)
    total = sum(min(share, shares.get(value, 0.0)) for value, share in own)
    return total if total >= NEAR else 0.0


def _found(
    one: Sketch, columns: Sequence[Held], pairs: Sequence[tuple[int, int]]
) -> tuple[list[float], list[float]]:
    """Share of the sketch's rows found on the first two pairs, three, ...; and after shuffling columns."""
    rng = np.random.default_rng(0)
    tables = [one.cells, *(rng.permuted(one.cells, axis=0) for _ in range(SHUFFLES))]
    keys = zip(
        _keys([columns[held].cells for _, held in pairs]),
        *(_keys([table[:, row] for row, _ in pairs]) for table in tables),
        strict=True,
    )
    shares = [[float(np.isin(part, own).mean()) for part in parts] for own, *parts in keys]
    return [each[0] for each in shares], [float(np.mean(each[1:])) for each in shares]


def _keys(cells: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """A word for each row on the first two columns, on the first three, ..."""
    words = np.zeros(len(cells[0]), np.uint64)
    for place, column in enumerate(cells):
        words = mixed(words ^ (column.astype(np.uint64) + np.uint64(place + 1)))
        if place:
            yield words
