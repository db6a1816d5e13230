"""A typed, frozen table: what every input format becomes."""

import dataclasses
import functools
import hashlib

import numpy as np

from taskaware.errors import some

NUMERIC_KINDS = ("numeric", "boolean", "date")
CATEGORY_KINDS = ("category", "text")


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

    Attributes:
        name: as the user wrote it.
        kind: "numeric", "boolean", "date" (float64 values, NaN where missing; booleans are 0 and 1,
            dates are days since 1970-01-01) or "category", "text" (int32 codes, -1 where missing).
        values: N of them, read-only.
        categories: what the codes stand for, sorted; empty for the numeric kinds.
    """

    name: str
    kind: str
    values: np.ndarray
    categories: tuple[str, ...] = ()

    @property
    def is_numeric(self) -> bool:
        return self.kind in NUMERIC_KINDS

    @property
    def missing(self) -> np.ndarray:
        """Boolean mask of the missing values, N of them."""
        return np.isnan(self.values) if self.is_numeric else self.values < 0


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Columns of equal length under distinct names.

    Attributes:
        name: where it came from, for people ("iris", "data.csv", "frame").
        columns: in the user's order.
        rows: N.
    """

    name: str
    columns: tuple[Column, ...]
    rows: int

    def __repr__(self) -> str:
        columns = some([f"{column.name} ({column.kind})" for column in self.columns])
        return f"Table '{self.name}': {self.rows:,} rows, {len(self.columns)} columns: {columns}."

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @functools.cached_property
    def numeric(self) -> np.ndarray:
        """The numeric, boolean and date columns side by side, (N, F) float64."""
        found = [column.values for column in self.columns if column.is_numeric]
        return np.stack(found, axis=1) if found else np.empty((self.rows, 0))

    @functools.cached_property
    def codes(self) -> np.ndarray:
        """The category and text columns side by side, (N, G) int32, -1 where missing."""
        found = [column.values for column in self.columns if not column.is_numeric]
        return np.stack(found, axis=1) if found else np.empty((self.rows, 0), np.int32)

    @functools.cached_property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of categories of each column of `codes`."""
        return tuple(len(column.categories) for column in self.columns if not column.is_numeric)

    def take(self, rows: np.ndarray) -> "Table":
        """The same columns, only these rows (indices or mask), same categories."""
        columns = tuple(dataclasses.replace(c, values=c.values[rows]) for c in self.columns)
        count = len(columns[0].values) if columns else len(np.arange(self.rows)[rows])
        return Table(self.name, columns, count)

    @functools.cached_property
    def row_hashes(self) -> np.ndarray:
        """A 64-bit hash of every row, (N,) uint64: the same content, the same hash."""
        total = np.zeros(self.rows, np.uint64)
        for position, column in enumerate(self.columns):
            total = _mix(total ^ (_column_hashes(column) + np.uint64(position + 1)))
        return total

    @functools.cached_property
    def digest(self) -> str:
        """16 hex digits that name the content: kinds and rows, in any order, under any column names."""
        kinds = "|".join(column.kind for column in self.columns)
        hasher = hashlib.sha256(kinds.encode())
        hasher.update(np.sort(self.row_hashes).tobytes())
        return hasher.hexdigest()[:16]


def _mix(words: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 on every word (Steele, Lea, Flood 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _column_hashes(column: Column) -> np.ndarray:
    if column.is_numeric:
        values = np.where(np.isnan(column.values), np.nan, column.values + 0.0)
        return _mix(values.view(np.uint64))
    names = [hashlib.sha256(name.encode()).digest()[:8] for name in (*column.categories, "\0missing")]
    words = np.frombuffer(b"".join(names), np.uint64)
    return words[column.values]
