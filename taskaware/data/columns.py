"""One pandas column: its values as numbers or labels.

Strings are read through their distinct values, so that a column of few categories costs little.
"""

import datetime
import decimal
from collections.abc import Sequence

import numpy as np
import pandas as pd

from taskaware.data import numerals
from taskaware.data.frames import one_form
from taskaware.data.number_words import MARKS
from taskaware.errors import UserError, some, warn

MISSING_MARKS = frozenset(
    ("", "?", "NA", "N/A", "n/a", "#N/A", "nan", "NaN", "NAN", "null", "NULL", "NaT", "<NA>")
    + ("#NA", "#N/A N/A", "-nan", "-NaN", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN")
    + ("#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!")
)

_DAY = pd.Timedelta(days=1)
_TRUTH = {"true": "1", "false": "0"}
_SCALARS = (
    *(str, bool, int, float, decimal.Decimal),
    *(datetime.date, datetime.time, datetime.timedelta, pd.Interval, pd.Period),
    *(np.number, np.bool_, np.datetime64, np.timedelta64),
)
OBJECT_KINDS = {
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
"""The kind of a column of objects by what pandas finds among them; strings are not told by that."""


def found_type(series: pd.Series) -> str:
    """What pandas finds among the values of a column: "string", "decimal", "mixed", ..."""
    if isinstance(series.dtype, pd.StringDtype):
        return "string"
    return pd.api.types.infer_dtype(series, skipna=True)


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
    place = dict(zip(map(one_form, names), range(len(names)), strict=True))
    lookup = [place.get(name, -1) for name in written]
    return np.array([*lookup, -1], np.int32)[found_codes]


def _factorized(series: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Index of each value among the distinct ones, -1 where missing, and those as strings."""
    codes, found = pd.factorize(_scalars(series))
    values = np.asarray(found).tolist()
    if set(map(type, values)) <= {str}:
        return codes, _stripped(values)
    return codes, list(map(label, values))


def _stripped(texts: list[str]) -> list[str]:
    if not "".join(texts).isascii():
        texts = list(map(one_form, texts))
    return list(map(str.strip, texts))


def _scalars(series: pd.Series) -> pd.Series:
    """The column itself, after a check that every value is a scalar."""
    dtype = series.dtype
    plain = isinstance(dtype, np.dtype) and dtype.kind not in "Oc"
    if plain or isinstance(dtype, pd.StringDtype | pd.CategoricalDtype):
        return series
    series = series.astype(object)
    if found_type(series) == "string":
        return series
    nested = ~series.isna().to_numpy() & np.array([not isinstance(value, _SCALARS) for value in series], bool)
    if nested.any():
        row = int(np.flatnonzero(nested)[0])
        if isinstance(series.iloc[row], bytes):
            raise UserError(
                f"Column '{series.name}' holds the bytes {series.iloc[row]!r:.40} in row {row}. Decode them "
                f"first: frame['{series.name}'].str.decode('utf-8')."
            )
        raise UserError(
            f"Column '{series.name}' holds a {type(series.iloc[row]).__name__} in row {row}. Allowed: "
            f"numbers, strings, booleans and dates. Spread it into columns of these, or drop '{series.name}'."
        )
    return series


def label(value) -> str:
    """How a value is written as a category: 1, 1.0 and " 1" are all "1"."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str):  # of an enumeration, what it stands for
        return one_form(str.__str__(value).strip())
    return one_form(str(value).strip())


def numbers(series: pd.Series, form: tuple[str, ...] = (), *, strict: bool = True) -> np.ndarray:
    """A column as numbers.

    Args:
        series: N numbers of any dtype, booleans (0 and 1), durations (days), or strings that are numbers,
            true or false.
        form: how strings are written, see `Description`; by default as Python writes them. Where the column
            is of a file that shows another decimal sign (`series.attrs["decimal"]`), that sign counts.
        strict: whether every string must be a number or a mark of a missing one. Otherwise another string
            counts as missing, with a warning, as long as most are numbers.

    Returns:
        (N,) float64, NaN where missing.

    Raises:
        UserError: a value is not a number (names column, value and row), or infinite.

    >>> numbers(pd.Series(["1.5", "?", "2"], name="size"))
    array([1.5, nan, 2. ])
    """
    values = _as_floats(series, form, strict)
    refuse_infinite(series.name, values)
    return values


def refuse_infinite(column: object, values: np.ndarray) -> None:
    """Nothing, if no number of a column is infinite.

    Raises:
        UserError: some are; it names the rows.
    """
    infinite = np.isinf(values)
    if infinite.any():
        raise UserError(_infinite_message(column, infinite))


def _as_floats(series: pd.Series, form: tuple[str, ...], strict: bool) -> np.ndarray:
    dtype = series.dtype
    if dtype.kind == "m":
        return (series / _DAY).to_numpy(np.float64, na_value=np.nan)
    if dtype.kind != "c" and (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)):
        if isinstance(dtype, np.dtype):
            return series.to_numpy().astype(np.float64)
        return series.to_numpy(np.float64, na_value=np.nan)
    if found_type(series).startswith("timedelta"):
        return _as_floats(pd.to_timedelta(series), form, strict)
    return _floats_of_strings(series, form, strict)


def _floats_of_strings(series: pd.Series, form: tuple[str, ...], strict: bool) -> np.ndarray:
    codes, names = distinct(series)
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    own = numerals.form_beside(names, counts, numerals.Form(*form), series.attrs.get("decimal", ""))
    return floats_of(series.name, codes, names, form=own, strict=strict)


def floats_of(
    column: object, codes: np.ndarray, names: list[str], *, form: numerals.Form, strict: bool
) -> np.ndarray:
    """The numbers that the strings of a column mean, (N,) float64, NaN where missing.

    Args:
        column: its name, for messages.
        codes, names: of `distinct`.
        form: how the strings are written.
        strict: as for `numbers`, errors too.
    """
    values = numerals.parsed(names, form).copy()
    left = np.isnan(values)
    truth = [_TRUTH.get(names[place].lower(), names[place]) for place in np.flatnonzero(left)]
    values[left] = numerals.plain_numbers(truth)
    wrong = np.isnan(values) & np.array([name.lower() not in MARKS for name in names], bool)
    in_rows = np.append(wrong, False)[codes]
    if in_rows.any():
        first = names[codes[int(in_rows.argmax())]]
        others = [name for name, odd in zip(names, wrong, strict=True) if odd and name != first]
        _refuse_or_warn(column, [first, *others], in_rows, strict)
    return np.append(values, np.nan)[codes]


def _refuse_or_warn(name: object, odd: list[str], rows: np.ndarray, strict: bool) -> None:
    """The first of the odd values is the one of the first odd row."""
    first, count = int(rows.argmax()), int(rows.sum())
    if strict or 2 * count >= len(rows):
        raise UserError(
            f"Column '{name}' is numeric, but row {first} holds {some(odd[:1])} "
            f"({count} such rows). Write a number there, or leave it empty."
        )
    warn(
        f"Column '{name}' is numeric; {some(odd)} in {count} of {len(rows)} rows is read as missing.",
    )


def _infinite_message(name, infinite: np.ndarray) -> str:
    rows = np.flatnonzero(infinite)
    first = ", ".join(map(str, rows[:3])) + (", ..." if len(rows) > 3 else "")
    values, where = ("value", "row") if len(rows) == 1 else ("values", "rows")
    return (
        f"Column '{name}' has {len(rows)} infinite {values} ({where} {first}). Replace by NaN, or drop them."
    )
