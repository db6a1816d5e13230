"""Text tables: rows of values between separators, under a line of names."""

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

from taskaware.data import numerals
from taskaware.data.columns import MISSING_MARKS
from taskaware.data.content import Content
from taskaware.data.written import typed
from taskaware.errors import UserError, some

_HEAD = 1 << 16
_MOST_HEAD = 1 << 26
_LEAST_LINES = 3
_TITLED = 60
"""Lines among which those of a title are looked for."""
_BLOCK, _BLOCK_OF_COLUMN, _MOST_BLOCK = 1 << 20, 1 << 13, 1 << 28
SEPARATORS = ",;\t|"


class Layout(NamedTuple):
    """How a text table is laid out.

    Attributes:
        encoding: of the text.
        opening: of its first lines.
        row_names: 0 where every row begins with a name of its own that the line of names lacks, else False.
    """

    encoding: str
    opening: "Opening"
    row_names: int | bool


class Opening(NamedTuple):
    """What the first lines of a text table say of all lines.

    Attributes:
        separator: a comma, a semicolon, a tab, a bar, or what a line before the names says, as in "sep=;".
        skipped: lines before the names.
        spaced: whether blanks stand behind separators, as in `"a", "b"`; they are no part of a value.
        title: the first of the lines before the names where they are a title; else empty.
    """

    separator: str
    skipped: int
    spaced: bool
    title: str = ""


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
    opening = opening_of(head)
    rows = first_rows(head, opening)
    if not rows:
        raise UserError(f"'{content.name}' is empty. Its first line must hold the names of the columns.")
    shown = _decimals(rows)
    decimal = "," if opening.separator == ";" and "," in shown else "."
    layout = Layout(encoding, opening, _index_column(rows))
    values = _pandas(content, layout, na_values=sorted(MISSING_MARKS))
    frame = typed(values, _strings(content, layout, values), decimal=decimal, as_text=as_text)
    frame.attrs |= {"decimal": decimal, "notes": _notes(rows, opening), "twice": _twice(rows[0])}
    frame.attrs["shown"] = shown if len(shown) == 1 else ""
    return frame


def opening_of(head: str) -> Opening:
    """What the beginning of a file, with "\\n" at the ends of its lines, says of all lines.

    >>> opening_of("a;b\\n1;2"), opening_of("sep=|\\na|b").skipped, opening_of('"a", "b"').spaced
    (Opening(separator=';', skipped=0, spaced=False, title=''), 1, True)
    """
    lines = head.lstrip("\ufeff\n ")
    named = re.match(r'"?sep=([^\n])"?[ ,;]*(?:\n|$)', lines, re.IGNORECASE)
    skipped, title = (1, "") if named else _titles(head)
    lines = _from_line(lines if named else head, skipped).lstrip("\ufeff\n ")
    lines = re.sub(r'"[^"]*"', '""', lines)
    names = lines.split("\n", 1)[0]
    separator = max(SEPARATORS, key=names.count)
    separator = named[1] if named else separator if separator in names else ","
    mark = re.escape(separator)
    spaced = re.search(rf'{mark} +"', lines) or re.search(rf"{mark} +[^ ]", names)
    return Opening(separator, skipped, separator != " " and spaced is not None, title)


def _titles(head: str) -> tuple[int, str]:
    """How many lines of a title stand above the line of names, blank ones counted, and the first of them.

    A title fills one cell, two of four or more, or begins with "#"; the names fill all, and none is a number.
    """
    lines = head.lstrip("\ufeff").split("\n")[:_TITLED]
    first = next((line for line in lines if line.strip()), "")
    rest = "\n".join(lines[1:])
    likely = [
        sign
        for sign in SEPARATORS
        if sign in rest and (first.startswith("#") or sum(map(bool, first.split(sign))) in (1, 2))
    ]
    with contextlib.suppress(csv.Error):  # A cell is larger than the reader takes.
        return max((_titles_above(lines, sign) for sign in likely), default=(0, 0, ""))[1:]
    return 0, ""


def _titles_above(lines: list[str], separator: str) -> tuple[int, int, str]:
    """The number of names below a title, of the lines above them, and its text; 0, 0, "" without one."""
    reader = csv.reader(lines, delimiter=separator)
    rows = [(row, reader.line_num) for row in reader]
    width = collections.Counter(len(row) for row, _ in rows if row).most_common(1)[0][0]
    title, above = "", 0
    for row, line in rows if width > 1 else ():
        filled = [cell.strip() for cell in row if cell.strip()]
        if filled and not _is_title(row, filled, width):
            plain = np.isnan(numerals.plain_numbers(filled)).all() and len(set(filled)) == len(row)
            found = title and plain and width - len(row) in (0, 1)
            return (len(row), above, title) if found else (0, 0, "")
        title, above = title or " ".join(filled), line
    return 0, 0, ""


def _is_title(row: list[str], filled: list[str], width: int) -> bool:
    if filled[0].startswith("#") and len(row) != width:
        return True
    if not row[0].strip():  # A first name may be empty: that of row names.
        return False
    if width == 2:  # R leaves out the name of row names.
        return len(filled) == 1 and " " in filled[0]
    return len(filled) == 1 or (len(filled) == 2 and width > 3)


def _from_line(text: str, number: int) -> str:
    return "\n".join(text.split("\n")[number:]) if number else text


def first_rows(head: str, opening: Opening) -> list[list[str]]:
    """The names and some of the rows that stand at the beginning of a file."""
    lines = io.StringIO(_from_line(head, opening.skipped))
    reader = csv.reader(lines, delimiter=opening.separator, skipinitialspace=opening.spaced)
    return [row for row in reader if row][:50]


def first_text(content: Content, encoding: str) -> str:
    """The beginning of a file as text, up to the end of a line: some lines at least, however long they are.

    Raises:
        ValueError: it holds zero bytes.
    """
    size = _HEAD
    while True:
        with content.open() as file:
            block = file.read(size)
        # Old programs of Apple's end lines with "\r".
        head = block.decode(encoding, errors="ignore").replace("\r\n", "\n").replace("\r", "\n")
        if len(block) < size or head.count("\n") >= _LEAST_LINES or size >= _MOST_HEAD:
            break
        size *= 4
    if "\0" in head:
        raise ValueError("it holds zero bytes, so it is no text")
    return head if len(block) < size else head[: head.rfind("\n") + 1]


def _strings(content: Content, layout: Layout, values: pd.DataFrame) -> pa.Table:
    """Every value as it is written, under the numbers of the columns."""
    # Arrow keeps blanks behind separators, and the quotes behind them.
    if layout.row_names is False and not layout.opening.spaced:
        with contextlib.suppress(pa.ArrowException, UnicodeError, KeyError):
            found = _arrow_strings(content, layout, values.shape[1])
            if found.num_rows == len(values):
                return found
    # Slower, but it fills short rows and says which one is too long.
    frame = _pandas(content, layout, dtype=str, na_values=[""])
    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    texts = [pa.array(column, from_pandas=True).cast(pa.large_string()) for column in columns]
    return pa.table(texts, names=[str(place) for place in range(len(texts))])


def _arrow_strings(content: Content, layout: Layout, columns: int) -> pa.Table:
    from pyarrow import csv as arrow

    names = [str(place) for place in range(columns)]
    with content.open() as file:
        return arrow.read_csv(
            file,
            read_options=arrow.ReadOptions(
                encoding="utf-8" if layout.encoding == "utf-8-sig" else layout.encoding,
                column_names=names,
                skip_rows=1 + layout.opening.skipped,
                # A row must fit, and each block gives every column an array of its own.
                block_size=min(max(_BLOCK, columns * _BLOCK_OF_COLUMN), _MOST_BLOCK),
            ),
            parse_options=arrow.ParseOptions(delimiter=layout.opening.separator, newlines_in_values=True),
            convert_options=arrow.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )


def _pandas(content: Content, layout: Layout, **options: Any) -> pd.DataFrame:
    with content.open() as file:
        frame = pd.read_csv(
            file,
            sep=layout.opening.separator,
            skiprows=layout.opening.skipped,
            skipinitialspace=layout.opening.spaced,
            encoding=layout.encoding,
            index_col=layout.row_names,
            keep_default_na=False,
            low_memory=False,
            **options,
        )
    if layout.opening.spaced:
        frame.columns = frame.columns.str.strip()
    return frame.reset_index(drop=True)


def _index_column(rows: list[list[str]]) -> int | bool:
    """0 where rows begin with a name that the line of names lacks; False where all columns have one.

    R writes such row names. A separator at the end of every row adds nothing.
    """
    names, *values = rows
    longer = bool(values) and all(len(row) == len(names) + 1 for row in values)
    return 0 if longer and any(row[-1] for row in values) else False


def _notes(rows: list[list[str]], opening: Opening) -> tuple[str, ...]:
    notes, twice = [], _twice(rows[0])
    if opening.title:
        notes.append(f"The lines above the names are left out, from {some([opening.title])} on.")
    if twice:
        notes.append(
            f"The line of names has {some(twice)} more than once; a second column is called '{twice[0]}.1'."
        )
    if _index_column(rows) is not False:
        notes.append("Rows begin with a name that has no column; it is left out.")
    return tuple(notes)


def _twice(names: list[str]) -> list[str]:
    return sorted(name for name, count in collections.Counter(names).items() if count > 1 and name)


def _decimals(rows: list[list[str]]) -> str:
    """The decimal signs that some value cannot do without, of "," and "."."""
    cells = [cell.strip() for row in rows[1:] for cell in row]
    # Mostly one of the first values tells: in turn, because a file may have very many.
    return "".join(sign for sign in ",." if any(sign in cell and _needs(cell, sign) for cell in cells))


def _needs(cell: str, sign: str) -> bool:
    """Whether a value is a number only with this decimal sign."""
    other = "." if sign == "," else ","
    own, with_other = (
        numerals.parsed([cell], form) for form in (numerals.Form(sign, other), numerals.Form(other, sign))
    )
    return not np.isnan(own[0]) and bool(np.isnan(with_other[0]))
