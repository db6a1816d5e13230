"""Table → inputs of a network; fitted to the training rows alone.

Every numeric column has five embeddings side by side, and every category a one-hot block, from which the
network learns its own vectors. The network's gamma weighs them.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from taskaware.data.table import Column, Table
from taskaware.modalities.tables.embedded import (
    BINS,
    FREQUENCIES,
    LARGEST,
    QUANTILES,
    WORD_BUCKETS,
    in_units,
    one_hot_columns,
    periodic_columns,
    piecewise_columns,
    quantile_columns,
    robust_columns,
    standardised_columns,
    word_counts,
)
from taskaware.modalities.tables.saved import checked

EMBEDDINGS = ("standardised", "robust", "quantile", "piecewise", "periodic", "one_hot", "learned")
MAX_CATEGORIES = 32
MAX_ONE_HOT = 1024
MOST_FULL = 2048
"""Numeric columns (with indicators) up to which each gets all five embeddings; beyond, the first NARROW."""
NARROW = 3
COLUMNS_AT_ONCE = 4096

_SINGLE = ("median", "mean", "std", "spread", "grid", "indicated", "unit", "wide")
_PER_COLUMN = ("positions", "frequencies")


@dataclasses.dataclass(frozen=True, eq=False)
class Encoder:
    """The fitted encoder: plain arrays, so that it can be saved without code.

    Attributes:
        median: fills missing numbers, (F,); this and the next three are in the columns' units.
        mean, std: of the filled columns, (F,); a constant column has std 1.
        spread: interquartile range, or half the range where that is 0, (F,).
        grid: quantiles at equal steps from 0 to 1, (Q, F), ascending.
        indicated: columns that had missing values; each gets a 0/1 column of its own, (F,) bool.
        unit: power of two that each column is divided by, (F,); 1 but for columns of numbers whose squares
            would overflow or vanish.
        wide: category columns of more than MAX_CATEGORIES labels, whose shares are numbers, too, (G,) bool.
        positions: place of each category in its column's one-hot block, one int32 array per column; a
            category that is rare, unseen or missing has the block's place 0.
        frequencies: log share of each category, one float32 array per column; the last entry is for a
            missing category, which counts as the rarest one.
        narrow: whether numeric columns have the first NARROW embeddings only; there are over MOST_FULL.
    """

    median: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    spread: np.ndarray
    grid: np.ndarray
    indicated: np.ndarray
    unit: np.ndarray
    wide: np.ndarray
    positions: tuple[np.ndarray, ...]
    frequencies: tuple[np.ndarray, ...]
    narrow: bool = False

    @classmethod
    def fit(cls, table: Table, rows: np.ndarray) -> "Encoder":
        """Fit to these rows of the table (indices), at least one."""
        if any(column.kind == "text" for column in table.columns):
            table, rows = _words_to_numbers(table.take(rows)), np.arange(len(rows))
        counts = [
            np.bincount(codes[codes >= 0], minlength=n)
            for codes, n in zip(table.codes[rows].T, table.cardinalities, strict=True)
        ]
        positions = tuple(_places(count, _room(len(counts))) for count in counts)
        frequencies = tuple(_log_shares(count) for count in counts)
        wide = np.array([cardinality > MAX_CATEGORIES for cardinality in table.cardinalities], bool)
        columns = _numbers(table, frequencies, wide)
        # Columns are learned apart; some at once keep the copies small.
        some = [
            columns[first : first + COLUMNS_AT_ONCE]
            for first in range(0, max(len(columns), 1), COLUMNS_AT_ONCE)
        ]
        parts = [_learned(_stacked([one[rows] for one in part], len(rows), axis=1)) for part in some]
        learned: dict[str, Any] = {
            name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]
        }
        found = cls(**learned, wide=wide, positions=positions, frequencies=frequencies)
        return dataclasses.replace(found, narrow=found.numbers > MOST_FULL)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The fitted state by name; `from_arrays` reads it back."""
        arrays = {name: getattr(self, name) for name in _SINGLE}
        for name in _PER_COLUMN:
            parts = getattr(self, name)
            arrays[name] = np.concatenate(parts) if parts else np.zeros(0)
        arrays["lengths"] = np.array([len(part) for part in self.positions], np.int64)
        return arrays | {"narrow": np.array(self.narrow)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Encoder":
        """The encoder that `to_arrays` wrote, now or in an earlier version.

        Raises:
            ValueError: an array is missing, of another shape, or holds what no fit gives.
        """
        return cls(**checked(arrays, max_categories=MAX_CATEGORIES, quantiles=QUANTILES))

    def without(self, kept: tuple[np.ndarray, ...]) -> "Encoder":
        """The same encoder for tables whose categories are only these (indices, one array per column)."""
        columns = [np.append(places, -1) for places in kept]
        return dataclasses.replace(
            self,
            positions=tuple(old[new] for old, new in zip(self.positions, columns, strict=True)),
            frequencies=tuple(old[new] for old, new in zip(self.frequencies, columns, strict=True)),
        )

    @property
    def told_apart(self) -> tuple[np.ndarray, ...]:
        """Of each category column the categories (indices) that are read as another than an unseen one."""
        pairs = zip(self.positions, self.frequencies, self.wide, strict=True)
        return tuple(
            np.flatnonzero((places[:-1] > 0) | (wide & (shares[:-1] != shares[-1])))
            for places, shares, wide in pairs
        )

    @property
    def block(self) -> np.ndarray:
        """Index into EMBEDDINGS of each numeric output column, (D,) int32."""
        return block_of(self.numbers, narrow=self.narrow)

    @property
    def numbers(self) -> int:
        """Numeric columns with the indicators of their missing values: columns of a plain embedding."""
        return len(self.median) + int(self.indicated.sum())

    @property
    def categories(self) -> int:
        """Number of one-hot columns, T."""
        return sum(int(places.max()) + 1 for places in self.positions)

    @property
    def active(self) -> np.ndarray:
        """Columns of each embedding that can differ from 0 at once, (len(EMBEDDINGS),) float32."""
        counts = np.bincount(self.block, minlength=len(EMBEDDINGS)).astype(np.float32)
        counts[-2:] = len(self.positions)
        return counts

    def transform(self, table: Table, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The rows (all of them by default) as finite float32: numeric embeddings (N, D), one-hot (N, T)."""
        table = _words_to_numbers(table if rows is None else table.take(rows))
        numbers = _numbers(table, self.frequencies, self.wide)
        # Of many columns, some at once keep the copies small.
        size = COLUMNS_AT_ONCE if self.narrow else max(len(numbers), 1)
        some = [slice(first, first + size) for first in range(0, max(len(numbers), 1), size)]
        parts = [self._embedded(_stacked(numbers[part], table.rows, axis=0), part) for part in some]
        one_hot = one_hot_columns(table.codes, self.positions)
        columns = [
            pair[which] for embedding in zip(*parts, strict=True) for which in (0, 1) for pair in embedding
        ]
        return np.concatenate(columns, dtype=np.float32).T, one_hot

    def _embedded(self, numbers: np.ndarray, part: slice) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each numeric embedding the columns of some numbers, and those of their indicators, (d, N) each.

        Args:
            numbers: (f, N); a row of these arrays is a column of the table.
            part: which of the columns they are.
        """
        median, grid = self.median[part], self.grid[:, part]
        numbers = in_units(numbers, self.unit[part, None])
        missing = np.isnan(numbers)
        filled = np.where(missing, median[:, None], numbers)
        flags = missing[self.indicated[part]].astype(np.float32)
        centred = standardised_columns(filled, self.mean[part], self.std[part])
        found = [
            (centred.astype(np.float32), flags),
            (robust_columns(filled, median, self.spread[part]).astype(np.float32), flags),
            (quantile_columns(filled, grid).astype(np.float32), flags),
        ]
        if not self.narrow:
            waves = 2 * len(FREQUENCIES)
            found.append((piecewise_columns(filled, grid), np.repeat(flags, BINS, 0)))
            found.append((periodic_columns(centred), np.repeat(flags, waves, 0)))
        return found


def block_of(numbers: int, *, narrow: bool | None = None) -> np.ndarray:
    """Embedding of each numeric column that a network reads, given the numeric columns of the table."""
    widths = list(widths_of(numbers, 0, narrow=narrow).values())[:-2]
    return np.repeat(np.arange(len(widths), dtype=np.int32), widths)


def widths_of(numbers: int, categories: int, *, narrow: bool | None = None) -> dict[str, int]:
    """Columns of each embedding.

    Args:
        numbers: numeric columns, with indicators.
        categories: one-hot columns.
        narrow: see `Encoder`; by default what a fit to so many columns gives.
    """
    many = 0 if (numbers > MOST_FULL if narrow is None else narrow) else numbers
    waves = many * 2 * len(FREQUENCIES)
    widths = [numbers, numbers, numbers, many * BINS, waves, categories, categories]
    return dict(zip(EMBEDDINGS, widths, strict=True))


def layout(table: Table) -> tuple[int, int]:
    """(numeric columns with their indicators, one-hot columns) that an encoder of all its rows would give."""
    table = _words_to_numbers(table)
    wide = sum(cardinality > MAX_CATEGORIES for cardinality in table.cardinalities)
    numbers = [column for column in table.columns if column.is_numeric]
    indicated = sum(bool(column.missing.any()) for column in numbers)
    room = _room(len(table.cardinalities))
    one_hot = sum(min(room, len(np.unique(codes[codes >= 0]))) + 1 for codes in table.codes.T)
    return len(numbers) + wide + indicated, one_hot


def _room(columns: int) -> int:
    """Categories that each category column may have in one-hot, beside the place for all others."""
    return min(MAX_CATEGORIES, max(2, MAX_ONE_HOT // max(columns, 1) - 1))


def _words_to_numbers(table: Table) -> Table:
    """The table with each text column as the length of its texts and counts of hashed words.

    The texts of its rows alone are read, so that a long table costs as much in parts as it costs at once.

    The texts of later rows are others, so nothing is learned from them but how often a word of a kind occurs.
    """
    if all(column.kind != "text" for column in table.columns):
        return table
    parts = [_word_columns(column) if column.kind == "text" else (column,) for column in table.columns]
    return dataclasses.replace(table, columns=tuple(column for part in parts for column in part))


def _word_columns(column: Column) -> tuple[Column, ...]:
    used, places = np.unique(column.values, return_inverse=True)
    texts = [column.categories[code] if code >= 0 else "" for code in used]
    values = word_counts(texts)[places]
    names = [f"{column.name}.word{place}" for place in range(WORD_BUCKETS)] + [f"{column.name}.length"]
    return tuple(Column(name, "numeric", values[:, place]) for place, name in enumerate(names))


def _places(count: np.ndarray, room: int) -> np.ndarray:
    """Place of each category by falling frequency, 0 where it did not fit; one more entry for code -1."""
    order = np.argsort(-count, kind="stable")[:room]
    places = np.zeros(len(count) + 1, np.int32)
    kept = order[count[order] > 0]
    places[kept] = np.arange(1, len(kept) + 1)
    return places


def _log_shares(count: np.ndarray) -> np.ndarray:
    share = np.log((count + 1) / (count.sum() + 1))
    return np.append(share, share.min(initial=0.0)).astype(np.float32)


def _numbers(table: Table, frequencies: tuple, wide: np.ndarray) -> list[np.ndarray]:
    """The numeric columns, and a frequency column for each wide category column."""
    columns = zip(frequencies, table.codes.T, wide, strict=True)
    shares = [each[column] for each, column, is_wide in columns if is_wide]
    return [column.values for column in table.columns if column.is_numeric] + shares


def _stacked(columns: list[np.ndarray], rows: int, *, axis: int) -> np.ndarray:
    """Columns of so many rows as one array of float64; `axis` counts them."""
    if not columns:
        return np.empty((0, rows) if axis == 0 else (rows, 0))
    return np.stack(columns, axis=axis, dtype=np.float64)


def _learned(numbers: np.ndarray) -> dict[str, np.ndarray]:
    """What an encoder learns of numeric columns, (N, F), each apart from the others; the last axis is F."""
    unit = _units(numbers)
    numbers = in_units(numbers, unit)
    missing = np.isnan(numbers)
    median = np.array([_median(column) for column in numbers.T])
    filled = np.where(missing, median, numbers)
    grid = np.quantile(filled, np.linspace(0, 1, QUANTILES), axis=0).reshape(QUANTILES, -1)
    low, high = grid[QUANTILES // 4], grid[3 * QUANTILES // 4]
    return {
        "median": median,
        "mean": filled.mean(0),
        "std": _or_one(filled.std(0)),
        "spread": _or_one(np.where(high > low, high - low, (grid[-1] - grid[0]) / 2)),
        "grid": grid,
        "indicated": missing.any(0),
        "unit": unit,
    }


def _units(numbers: np.ndarray) -> np.ndarray:
    """The unit of each column, (F,): see `Encoder.unit`."""
    most = np.fmax.reduce(np.abs(numbers), axis=0, initial=0.0)
    powers = np.ldexp(1.0, np.frexp(most)[1] - 1)
    return np.where((most == 0) | ((most >= 1 / LARGEST) & (most <= LARGEST)), 1.0, powers)


def _median(column: np.ndarray) -> float:
    known = column[~np.isnan(column)]
    return float(np.median(known)) if len(known) else 0.0


def _or_one(scale: np.ndarray) -> np.ndarray:
    return np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
