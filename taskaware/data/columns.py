"""One pandas column: its kind, and its values as numbers, labels or days.

Strings are read through their distinct values, so that a column of few categories costs little.
"""

import datetime
import decimal
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from taskaware.errors import UserError

MISSING_MARKS = frozenset(
    ("", "?", "NA", "N/A", "n/a", "#N/A", "nan", "NaN", "NAN", "None", "null", "NULL", "NaT", "<NA>")
)
DATE_PARTS = ("days", "month", "weekday", "hour")

_ATTRIBUTES = {"weekday": "day_of_week"}
_DATES_PARSED = 0.95
_TEXT_DISTINCT = 0.7
_TEXT_MIN_VALUES = 10
_TEXT_LENGTH = 30
_DAY = np.timedelta64(1, "D")
_ISO_DATE = re.compile(r"[+-]?\d{4}-\d{2}-\d{2}")
_TRUTH = {"true": "1", "false": "0"}
_SCALARS = (
    *(str, bool, int, float, decimal.Decimal),
    *(datetime.date, datetime.time, datetime.timedelta, pd.Interval, pd.Period),
    *(np.number, np.bool_, np.datetime64, np.timedelta64),
)
_OBJECT_KINDS = {
    "boolean": "boolean",
    "date": "date",
    "datetime": "date",
    "datetime64": "date",
    "period": "date",
    "empty": "numeric",
    "integer": "numeric",
    "floating": "numeric",
    "mixed-integer-float": "numeric",
    "decimal": "numeric",
    "timedelta": "numeric",
    "timedelta64": "numeric",
}


def describe(series: pd.Series) -> tuple[str, tuple[str, ...]]:
    """The kind of a column, and its categories if it has any.

    Args:
        series: N values of any pandas dtype.

    Returns:
        kind: "numeric" for numbers of every dtype, durations, strings that are all numbers or missing
            marks, and columns without a single value; integers of few values stay numeric. "boolean" for
            True and False. "date" for dates and times, and strings of which at least 95 in 100 distinct ones
            are ISO dates. "text" for strings of which at least 70 in 100 are distinct and that are long (30
            characters on average) or hold a space (every second one). "category" for the rest.
        categories: the labels of a "category" column, sorted; empty for the other kinds.

    Raises:
        UserError: the values are not scalars but lists, dicts or bytes.

    >>> describe(pd.Series(["1.5", "?", "2"]))
    ('numeric', ())
    >>> describe(pd.Series(["red", "green", "red"]))
    ('category', ('green', 'red'))
    """
    kind = _kind_of_dtype(series.dtype) or _OBJECT_KINDS.get(_found_type(series))
    if kind not in (None, "category"):
        return kind, ()
    codes, names = distinct(series)
    kind = kind or _kind_of_strings(codes, names)
    return kind, tuple(names) if kind == "category" else ()


def _kind_of_dtype(dtype) -> str | None:
    """The kind by the dtype alone; None if the values decide."""
    types = pd.api.types
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if types.is_bool_dtype(dtype):
        return "boolean"
    if (types.is_numeric_dtype(dtype) and dtype.kind != "c") or dtype.kind == "m":
        return "numeric"
    return "date" if dtype.kind == "M" or isinstance(dtype, pd.PeriodDtype) else None


def _found_type(series: pd.Series) -> str:
    """What pandas finds among the values of a column: "string", "decimal", "mixed", ..."""
    if isinstance(series.dtype, pd.StringDtype):
        return "string"
    return pd.api.types.infer_dtype(series, skipna=True)


def _kind_of_strings(codes: np.ndarray, names: list[str]) -> str:
    if not names or not np.isnan(_parsed_numbers(names)).any():
        return "numeric"
    if _ISO_DATE.match(names[len(names) // 2]) and _parsed_days(names).notna().mean() >= _DATES_PARSED:
        return "date"
    return "text" if _is_text(codes, names) else "category"


def _is_text(codes: np.ndarray, names: list[str]) -> bool:
    if len(names) < max(_TEXT_MIN_VALUES, _TEXT_DISTINCT * (codes >= 0).sum()):
        return False
    spaced = sum(" " in name for name in names)
    return spaced >= len(names) / 2 or sum(map(len, names)) >= _TEXT_LENGTH * len(names)


def distinct(series: pd.Series) -> tuple[np.ndarray, list[str]]:
    """The distinct values of a column as strings, and which of them stands in each row.

    Args:
        series: N scalars of any dtype. A whole number of any dtype is written without a point, so that
            1 and 1.0 are one label. Blanks around a string are removed; missing marks are missing.

    Returns:
        codes: (N,) int32, -1 where missing.
        names: the strings, sorted, distinct.

    >>> distinct(pd.Series(["b", " a", "?", "b"]))
    (array([ 1,  0, -1,  1], dtype=int32), ['a', 'b'])
    """
    found_codes, written = _factorized(series)
    names = sorted(set(written) - MISSING_MARKS)
    return _placed(found_codes, written, names), names


def codes_in(series: pd.Series, categories: Sequence[str]) -> np.ndarray:
    """Place of each value among known categories, (N,) int32; -1 where it is missing or not among them.

    >>> codes_in(pd.Series([1.0, 3.0]), ["1", "2"])
    array([ 0, -1], dtype=int32)
    """
    return _placed(*_factorized(series), categories)


def _placed(found_codes: np.ndarray, written: list[str], names: Sequence[str]) -> np.ndarray:
    place = dict(zip(names, range(len(names)), strict=True))
    lookup = [place.get(name, -1) for name in written]
    return np.array([*lookup, -1], np.int32)[found_codes]


def _factorized(series: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Index of each value among the distinct ones, -1 where missing, and those as strings."""
    codes, found = pd.factorize(_scalars(series))
    listed = np.asarray(found).tolist()
    if set(map(type, listed)) <= {str}:
        return codes, list(map(str.strip, listed))
    return codes, list(map(label, listed))


def _scalars(series: pd.Series) -> pd.Series:
    """The column itself, after a check that every value is a scalar."""
    dtype = series.dtype
    plain = isinstance(dtype, np.dtype) and dtype.kind not in "Oc"
    if plain or isinstance(dtype, pd.StringDtype | pd.CategoricalDtype):
        return series
    series = series.astype(object)
    if _found_type(series) == "string":
        return series
    nested = ~series.isna().to_numpy() & [not isinstance(value, _SCALARS) for value in series]
    if nested.any():
        row = int(np.flatnonzero(nested)[0])
        raise UserError(
            f"Column '{series.name}' holds a {type(series.iloc[row]).__name__} in row {row}. Allowed: "
            f"numbers, strings, booleans and dates. Spread it into columns of these, or drop '{series.name}'."
        )
    return series


def label(value) -> str:
    """How a value is written as a category: 1, 1.0 and " 1" are all "1"."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def numbers(series: pd.Series) -> np.ndarray:
    """A column as numbers.

    Args:
        series: N numbers of any dtype, booleans (0 and 1), durations (days), or strings that are numbers,
            true or false.

    Returns:
        (N,) float64, NaN where missing.

    Raises:
        UserError: a value is not a number (names column, value and row), or infinite.

    >>> numbers(pd.Series(["1.5", "?", "2"], name="size"))
    array([1.5, nan, 2. ])
    """
    values = _as_floats(series)
    infinite = np.isinf(values)
    if infinite.any():
        raise UserError(_infinite_message(series.name, infinite))
    return values


def _as_floats(series: pd.Series) -> np.ndarray:
    dtype = series.dtype
    if dtype.kind == "m":
        return (series.astype("timedelta64[us]") / _DAY).to_numpy(np.float64, na_value=np.nan)
    if dtype.kind != "c" and (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)):
        if isinstance(dtype, np.dtype):
            return series.to_numpy().astype(np.float64)
        return series.to_numpy(np.float64, na_value=np.nan)
    if _found_type(series).startswith("timedelta"):
        return _as_floats(pd.to_timedelta(series))
    return _floats_of_strings(series)


def _floats_of_strings(series: pd.Series) -> np.ndarray:
    codes, names = distinct(series)
    values = _parsed_numbers([_TRUTH.get(name.lower(), name) for name in names])
    wrong = np.append(np.isnan(values), False)[codes]
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise UserError(
            f"Column '{series.name}' is numeric, but row {row} holds '{names[codes[row]]}' "
            f"({wrong.sum()} such rows). Write a number there, or leave it empty."
        )
    return np.append(values, np.nan)[codes]


def _parsed_numbers(names: list[str]) -> np.ndarray:
    return pd.to_numeric(pd.Series(names, dtype=object), errors="coerce").to_numpy(np.float64)


def _infinite_message(name, infinite: np.ndarray) -> str:
    rows = np.flatnonzero(infinite)
    first = ", ".join(map(str, rows[:3])) + (", ..." if len(rows) > 3 else "")
    values, where = ("value", "row") if len(rows) == 1 else ("values", "rows")
    return (
        f"Column '{name}' has {len(rows)} infinite {values} ({where} {first}). Replace by NaN, or drop them."
    )


def moments(series: pd.Series) -> pd.DatetimeIndex:
    """A column as moments in UTC, NaT where missing.

    Args:
        series: N dates, times with or without zone, periods (their start), or ISO strings.

    Raises:
        UserError: the values are numbers, or more than one string in twenty is no ISO date; a stray one
            counts as missing.

    >>> moments(pd.Series(["2024-02-29", None])).month.tolist()
    [2.0, nan]
    """
    if isinstance(series.dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    if series.dtype.kind == "M":
        return pd.DatetimeIndex(pd.to_datetime(series, utc=True))
    if _OBJECT_KINDS.get(_found_type(series)) == "date":
        return pd.DatetimeIndex(pd.to_datetime(series, utc=True, errors="coerce"))
    codes, names = distinct(series)
    days = _parsed_days(names)
    if names and days.notna().mean() < _DATES_PARSED:
        row = int(np.flatnonzero(np.append(days.isna(), False)[codes])[0])
        raise UserError(
            f"Column '{series.name}' holds dates, but row {row} holds '{names[codes[row]]}'. "
            "Write dates as 2024-12-31 or 2024-12-31T23:59:00."
        )
    return days.append(pd.DatetimeIndex([pd.NaT], tz="UTC"))[codes]


def _parsed_days(names: list[str]) -> pd.DatetimeIndex:
    dated = [name if _ISO_DATE.match(name) else None for name in names]
    return pd.to_datetime(pd.Index(dated, dtype=object), format="ISO8601", utc=True, errors="coerce")


def date_part(when: pd.DatetimeIndex, part: str) -> np.ndarray:
    """One of DATE_PARTS of N moments, (N,) float64, NaN where missing.

    "days" since 1970-01-01 with their fraction; "month" 1 to 12; "weekday" 0 (Monday) to 6; "hour" 0 to 23.

    >>> date_part(pd.DatetimeIndex(["1970-01-02T12:00"]), "days")
    array([1.5])
    """
    if part != "days":
        return np.array(getattr(when, _ATTRIBUTES.get(part, part)), np.float64)
    naive = when.tz_convert(None) if when.tz is not None else when
    return (naive.to_numpy().astype("datetime64[us]") - np.datetime64(0, "us")) / _DAY
