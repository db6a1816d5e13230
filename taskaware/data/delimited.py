"""Text tables: rows of values between separators, under a line of names.

Every value is read as it stands. A column becomes numbers only where nothing is lost by it: 007 stays 007.
"""

import collections
import contextlib
import csv
import io
import re
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from taskaware.data import numerals
from taskaware.data.columns import MISSING_MARKS, listed
from taskaware.data.content import Content
from taskaware.errors import UserError

SEPARATORS = ",;\t|"
_HEAD = 1 << 16
_LINES = 50
_FEW, _SEVERAL = 64, 2000
_NOT_A_NUMBER = r"^\s*(\+|-?0\d)"
"""A sign or a leading zero that a number would lose."""


class Layout(NamedTuple):
    """How a text table is laid out.

    Attributes:
        encoding: of the text.
        separator: one of SEPARATORS.
        row_names: 0 where every row begins with a name of its own that the line of names lacks, else False.
        decimal: the decimal sign of strings that can be read with both.
    """

    encoding: str
    separator: str
    row_names: int | bool
    decimal: str


def read_delimited(content: Content, encoding: str, as_text: Collection[str] = ()) -> pd.DataFrame:
    """A text table as a frame.

    The separator is the sign that the line of names has most often outside quotes. The frame's `attrs` say
    what was found: the "decimal" sign, names that stand "twice", and "notes", one sentence each.

    Args:
        content: the file.
        encoding: of its text.
        as_text: names of columns that stay as they are written.

    Raises:
        UserError: the file is empty.
    """
    head = first_text(content, encoding)
    names = re.sub(r'"[^"]*"', "", head.lstrip().split("\n", 1)[0])
    separator = max(SEPARATORS, key=names.count) if any(sign in names for sign in SEPARATORS) else ","
    rows = [row for row in csv.reader(io.StringIO(head), delimiter=separator) if row][:_LINES]
    if not rows:
        raise UserError(f"'{content.name}' is empty. Its first line must hold the names of the columns.")
    decimal = "," if separator == ";" and _has_decimal_comma(rows) else "."
    layout = Layout(encoding, separator, _index_column(rows), decimal)
    strings, values = _strings(content, layout), _pandas(content, layout, na_values=sorted(MISSING_MARKS))
    if len(strings) != len(values):
        strings = _pandas(content, layout, dtype=str, na_values=[""])
    frame = _typed(values, strings, decimal=decimal, as_text=as_text)
    frame.attrs |= {"decimal": decimal, "notes": _notes(rows), "twice": _twice(rows[0])}
    return frame


def first_text(content: Content, encoding: str) -> str:
    """The beginning of a file as text, up to the end of a line.

    Raises:
        ValueError: it holds zero bytes.
    """
    with content.open() as file:
        block = file.read(_HEAD)
    head = block.decode(encoding, errors="ignore")
    if "\0" in head:
        raise ValueError("it holds zero bytes, so it is no text")
    return head if len(block) < _HEAD else head[: head.rfind("\n") + 1]


def _strings(content: Content, layout: Layout) -> pd.DataFrame:
    """Every value as it is written."""
    if layout.row_names is False:
        with contextlib.suppress(pa.ArrowException, UnicodeError, KeyError):
            return _arrow_strings(content, layout)
    # Slower, but it fills short rows and says which one is too long.
    return _pandas(content, layout, dtype=str, na_values=[""])


def _arrow_strings(content: Content, layout: Layout) -> pd.DataFrame:
    from pyarrow import csv as arrow

    first = _pandas(content, layout, dtype=str, nrows=0)
    with content.open() as file:
        table = arrow.read_csv(
            file,
            read_options=arrow.ReadOptions(
                encoding="utf-8" if layout.encoding == "utf-8-sig" else layout.encoding,
                column_names=[str(place) for place in range(first.shape[1])],
                skip_rows=1,
            ),
            parse_options=arrow.ParseOptions(delimiter=layout.separator, newlines_in_values=True),
            convert_options=arrow.ConvertOptions(
                column_types={str(place): pa.large_string() for place in range(first.shape[1])},
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    return table.to_pandas().set_axis(first.columns, axis=1)


def _pandas(content: Content, layout: Layout, **options: Any) -> pd.DataFrame:
    with content.open() as file:
        frame = pd.read_csv(
            file,
            sep=layout.separator,
            encoding=layout.encoding,
            index_col=layout.row_names,
            keep_default_na=False,
            low_memory=False,
            **options,
        )
    return frame.reset_index(drop=True)


def _index_column(rows: list[list[str]]) -> int | bool:
    """0 where rows begin with a name that the line of names lacks; False where all columns have one.

    R writes such row names. A separator at the end of every row adds nothing.
    """
    names, *values = rows
    longer = bool(values) and all(len(row) == len(names) + 1 for row in values)
    return 0 if longer and any(row[-1] for row in values) else False


def _notes(rows: list[list[str]]) -> tuple[str, ...]:
    notes, twice = [], _twice(rows[0])
    if twice:
        notes.append(
            f"The line of names has {listed(twice)} more than once; a second column is called '{twice[0]}.1'."
        )
    if _index_column(rows) is not False:
        notes.append("Rows begin with a name that has no column; it is left out.")
    return tuple(notes)


def _twice(names: list[str]) -> list[str]:
    return sorted(name for name, count in collections.Counter(names).items() if count > 1 and name)


def _has_decimal_comma(rows: list[list[str]]) -> bool:
    """Whether a value is a number only with a comma as its decimal sign."""
    cells = [cell.strip() for row in rows[1:] for cell in row if "," in cell]
    with_comma, without = (numerals.parsed(cells, numerals.Form(*form)) for form in ((",", "."), (".", ",")))
    return bool((~np.isnan(with_comma) & np.isnan(without)).any())


def _typed(
    values: pd.DataFrame, strings: pd.DataFrame, *, decimal: str, as_text: Collection[str]
) -> pd.DataFrame:
    """The values that pandas reads, or what is written where a column would lose by it."""
    columns = {}
    for place, name in enumerate(strings.columns):
        found, written = values.iloc[:, place], strings.iloc[:, place]
        kept = str(name) in as_text or not _is_plain(found, written, decimal)
        columns[place] = written if kept else found
    return pd.DataFrame(columns).set_axis(strings.columns, axis=1)


def _is_plain(found: pd.Series, written: pd.Series, decimal: str) -> bool:
    """Whether a column is numbers or truth values, and nothing of what is written is lost."""
    if found.dtype.kind not in "iuf":
        present = found.dropna()
        return found.dtype == bool or (found.dtype == object and bool(present.map(type).eq(bool).all()))
    text = pa.array(written, from_pandas=True)
    if pc.any(pc.match_substring_regex(text, _NOT_A_NUMBER)).as_py():
        return False
    if decimal != "." and pc.any(pc.match_substring(text, ".")).as_py():
        return False
    # 250.0 and 250.00 are one number, and may be two labels.
    few = found.head(_SEVERAL).nunique() <= _FEW and found.nunique() <= _FEW
    return not few or bool(written[found.notna()].nunique() == found.nunique())
