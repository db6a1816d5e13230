"""Which columns of a text table are numbers: those that lose nothing of what is written. 007 stays 007.

Columns are looked at many at a time, so that ten thousand of them cost little more than their cells.
"""

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_FEW, _SEVERAL = 64, 2000
_CELLS_AT_ONCE = 1 << 20
_BLANKS = [ord(sign) for sign in " \t\n\f\r"]
_NOT_A_NUMBER = r"^\s*(\+|-?0\d)"
"""A sign or a leading zero that a number would lose."""


def typed(values: pd.DataFrame, strings: pa.Table, *, decimal: str, as_text: Collection[str]) -> pd.DataFrame:
    """The values that pandas reads, or what is written where a column would lose by it.

    Args:
        values: N rows, as pandas reads them.
        strings: the same columns as large strings.
        decimal: the decimal sign of strings that can be read with both.
        as_text: names of columns that stay as they are written.
    """
    plain = np.zeros(values.shape[1], bool)
    fixed = np.array([str(name) in as_text for name in values.columns], bool)
    numeric: dict[np.dtype, list[int]] = {}
    for place, dtype in enumerate(values.dtypes):
        if fixed[place]:
            continue
        if dtype.kind in "iuf":
            numeric.setdefault(dtype, []).append(place)
        else:
            plain[place] = dtype == np.dtype(bool) or (
                dtype == np.dtype(object) and _are_booleans(values.iloc[:, place])
            )
    for places in numeric.values():
        for group in _groups(places, len(values)):
            block = values.iloc[:, group].to_numpy().T
            plain[group] = _lose_nothing(block, [strings.column(place) for place in group], decimal)
    kept = np.flatnonzero(~plain).tolist()
    frame = values.copy(deep=False)
    for place, column in zip(kept, strings.select(kept).to_pandas().items(), strict=True):
        frame.isetitem(place, column[1])
    return frame


def _are_booleans(column: pd.Series) -> bool:
    return bool(column.dropna().map(type).eq(bool).all())


def _groups(places: list[int], rows: int) -> Iterator[list[int]]:
    size = max(1, _CELLS_AT_ONCE // max(rows, 1))
    return (places[first : first + size] for first in range(0, len(places), size))


def _lose_nothing(numbers: np.ndarray, texts: list[pa.ChunkedArray], decimal: str) -> np.ndarray:
    """Whether columns of numbers, (c, N), lose nothing of what is written, (c,)."""
    whole = pa.concat_arrays([chunk for text in texts for chunk in text.chunks] or [_NONE])
    lost = lost_by_numbers(whole)
    if decimal != ".":
        lost |= pc.match_substring(whole, ".").fill_null(False).to_numpy(zero_copy_only=False)
    fine = np.asarray(~lost.reshape(numbers.shape).any(1))
    # 250.0 and 250.00 are one number, and may be two labels.
    few = np.flatnonzero(fine & (_distinct(numbers[:, :_SEVERAL]) <= _FEW))
    few = few[_distinct(numbers[few]) <= _FEW]
    for place in few[_any_twice(numbers[few], [texts[place] for place in few])]:
        fine[place] = False
    return fine


def _any_twice(numbers: np.ndarray, texts: list[pa.ChunkedArray]) -> np.ndarray:
    """Whether columns have a number that is written in several ways, (c,)."""
    if not len(numbers):
        return np.zeros(0, bool)
    whole = pa.concat_arrays([chunk for text in texts for chunk in text.chunks] or [_NONE])
    codes = whole.dictionary_encode().indices.fill_null(-1).to_numpy().reshape(numbers.shape)
    codes = np.where(np.isnan(numbers) | (codes < 0), np.nan, codes)
    return _distinct(codes) != _distinct(numbers)


def _distinct(numbers: np.ndarray) -> np.ndarray:
    """Number of distinct values of each column but NaN, (c,), of (c, N)."""
    if not numbers.shape[1]:
        return np.zeros(len(numbers), int)
    ordered = np.sort(numbers, axis=1)
    known = ~np.isnan(ordered)
    return known[:, 0] + ((ordered[:, 1:] != ordered[:, :-1]) & known[:, 1:]).sum(1)


def lost_by_numbers(texts: pa.LargeStringArray) -> np.ndarray:
    """Whether each text has a sign or a leading zero that a number would lose.

    >>> lost_by_numbers(pa.array(["7", "007", "-0.5", "+1", None, " 01"], pa.large_string())).tolist()
    [False, True, False, True, False, True]
    """
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    if not len(data):
        return np.zeros(len(texts), bool)
    ends = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    first = _signs(data, ends, np.arange(len(texts)), 0)
    if np.isin(first, _BLANKS).any():
        found = pc.match_substring_regex(texts, _NOT_A_NUMBER)
        return found.fill_null(False).to_numpy(zero_copy_only=False)
    lost = first == ord("+")
    for leading, place in ((b"0", 0), (b"-", 1)):
        rows = np.flatnonzero(first == leading[0])
        zero, after = (_signs(data, ends, rows, place + step) for step in (0, 1))
        lost[rows] = (zero == ord("0")) & (after >= ord("0")) & (after <= ord("9"))
    return lost


def _signs(data: np.ndarray, ends: np.ndarray, rows: np.ndarray, place: int) -> np.ndarray:
    """The byte at a place of each of some texts, 0 where it is shorter."""
    at = ends[rows] + place
    return np.where(at < ends[rows + 1], data[np.minimum(at, len(data) - 1)], 0)


_NONE = pa.array([], pa.large_string())
