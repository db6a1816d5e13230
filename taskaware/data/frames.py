"""Tables of any library, and rows in any form, as pandas frames."""

import dataclasses
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from taskaware.errors import UserError, quoted

_DENSE_CELLS = 100_000_000
_HALVES = re.compile("[\ud800-\udfff]")


def valid_text(text: str) -> str:
    """The text with U+FFFD, a replacement character, for every half of one, which no file can hold.

    >>> ascii(valid_text("a\\ud800")), valid_text("ä")
    ("'a\\\\ufffd'", 'ä')
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return _HALVES.sub("\ufffd", text)
    return text


def one_form(text: str) -> str:
    """A valid text in the normal form of Unicode that has "é" as one character, not as "e" and an accent.

    >>> len("e\u0301"), len(one_form("e\u0301"))
    (2, 1)
    """
    return text if text.isascii() else valid_text(unicodedata.normalize("NFC", text))


def is_table(source: object) -> bool:
    """Whether an object is a table with named columns.

    It is a frame of pandas or polars, an Arrow table, a dict, a structured array, or a list of rows that have
    names: dicts, named tuples, records of a dataclass, or rows of a frame.
    """
    if isinstance(source, list):
        return bool(source) and all(map(_has_names, source))
    if isinstance(source, np.ndarray):
        return source.dtype.names is not None
    return isinstance(source, pd.DataFrame | Mapping) or _is_arrow(source)


def table_frame(source: object) -> pd.DataFrame:
    """A table of `is_table` as a frame. A dict holds columns, or the values of one row.

    Raises:
        UserError: its columns differ in length.

    >>> table_frame({"a": [1, 2]}).shape, table_frame({"a": 1, "b": "x"}).shape, table_frame([{"a": 1}]).shape
    ((2, 1), (1, 2), (1, 1))
    """
    if isinstance(source, pd.DataFrame):
        return source
    if _is_arrow(source):
        return _from_arrow(source)
    if isinstance(source, list):
        # By name: the fields of rows may stand in different orders.
        source = list(map(_named, source))
    if isinstance(source, np.ndarray):
        source = {name: source[name] for name in source.dtype.names or ()}
    if isinstance(source, Mapping) and not any(map(_is_column, source.values())):
        source = [dict(source)]
    try:
        return pd.DataFrame(source)
    except ValueError as error:
        raise UserError(
            f"The columns cannot be put side by side: {error}. Give all of them one length."
        ) from error


def feature_frame(features) -> pd.DataFrame:
    """A frame of (N, F) features: a table of `is_table`, an array, rows in lists, or a sparse matrix.

    The columns of an array are called "x0", "x1", ...

    Raises:
        UserError: not two axes, or a sparse matrix of more than 100 million cells.
    """
    # First of all, because a sparse matrix of the form "dictionary of keys" is a dict.
    if hasattr(features, "toarray"):
        features = _dense(features)
    if is_table(features):
        return table_frame(features)
    kind, features = type(features).__name__, _array(features)
    if not features.ndim:
        raise UserError(f"The rows are a {kind}. Give a frame, an array of two axes, or a list of rows.")
    if features.ndim != 2:
        mend = " For a single feature: X.reshape(-1, 1)." if features.ndim == 1 else ""
        if mend and features.dtype.kind in "OU":
            mend += " If these are texts: modality='text'."
        raise UserError(f"X has shape {features.shape}; it needs two axes, rows and columns.{mend}")
    frame = pd.DataFrame(features, columns=[f"x{place}" for place in range(features.shape[1])])
    return frame.infer_objects()


def _has_names(row: object) -> bool:
    if isinstance(row, pd.Series):
        return bool(len(row)) and all(isinstance(name, str) for name in row.index)
    return isinstance(row, Mapping) or hasattr(row, "_fields") or _is_record(row)


def _is_record(row: object) -> bool:
    return dataclasses.is_dataclass(row) and not isinstance(row, type)


def _named(row: Any) -> Any:
    """A row of `_has_names` as a dict."""
    if hasattr(row, "_fields"):
        return row._asdict()
    if _is_record(row):
        return {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    return dict(row)


def _is_arrow(source: object) -> bool:
    """Whether a table speaks Arrow: polars, pyarrow, duckdb and others."""
    return (
        hasattr(source, "__arrow_c_stream__")
        and hasattr(type(source), "columns")
        or (type(source).__module__.partition(".")[0] == "pyarrow" and hasattr(source, "schema"))
    )


def _is_column(value: object) -> bool:
    return not isinstance(value, str | bytes) and hasattr(value, "__len__")


def _from_arrow(source) -> pd.DataFrame:
    import pyarrow as pa

    table = source if isinstance(source, pa.Table) else pa.table(source)
    for place, field in enumerate(table.schema):
        if pa.types.is_string_view(field.type) or pa.types.is_binary_view(field.type):
            # pandas reads no views.
            kind = pa.large_string() if pa.types.is_string_view(field.type) else pa.large_binary()
            table = table.set_column(place, field.name, table.column(place).cast(kind))
    return table.to_pandas()


def _array(features) -> np.ndarray:
    try:
        return whole_characters(unmasked(features))
    except ValueError as error:
        raise UserError(
            "The rows of X differ in length. Give every row one value for each column."
        ) from error


def unmasked(values: Any) -> np.ndarray:
    """Values as an array; a masked cell is a missing one.

    >>> unmasked(np.ma.masked_array([1, 2], [False, True]))
    array([ 1., nan])
    """
    if not isinstance(values, np.ma.MaskedArray) or not np.ma.is_masked(values):
        return np.asarray(values)
    number = values.dtype.kind in "iuf"
    return np.ma.filled(values.astype(np.float64 if number else object), np.nan if number else None)


def whole_characters(values: np.ndarray) -> np.ndarray:
    """The values, with strings as `valid_text` has them; pandas takes no others."""
    if values.dtype.kind not in "UO":
        return values
    listed = values.ravel().tolist()
    try:
        "".join(value for value in listed if isinstance(value, str)).encode()
    except UnicodeEncodeError:
        cleaned = np.empty(len(listed), object)
        cleaned[:] = [valid_text(value) if isinstance(value, str) else value for value in listed]
        return cleaned.reshape(values.shape)
    return values


def _dense(matrix) -> np.ndarray:
    if np.prod(matrix.shape, dtype=float) > _DENSE_CELLS:
        raise UserError(
            f"X is sparse with {' x '.join(map(str, matrix.shape))} cells, too many to write out. "
            "Reduce its columns first, for instance by sklearn.decomposition.TruncatedSVD."
        )
    return matrix.toarray()


def refuse_one_value(rows: Any) -> None:
    """Nothing, if rows are no array without axes, of NumPy or JAX.

    Raises:
        UserError: they are one, such as `np.array("a text")`.
    """
    # NumPy's scalars have no axes either; some are texts, and the others are refused by their types.
    if getattr(rows, "ndim", None) == 0 and not isinstance(rows, np.generic):
        raise UserError(
            f"The rows are an array of one value, {quoted(rows.item())}, without an axis. Give a frame, an "
            "array of two axes, or a list with a value for each row."
        )
