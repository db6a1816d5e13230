"""A reader of Weka's ARFF files, dense ones: numbers, nominal values, strings and dates.

scipy.io.arff reads neither string attributes nor quoted attribute names, which real files have.
Format: Witten, Frank, Hall, "Data Mining", 2011, section 2.4.
"""

import re
from typing import cast

import numpy as np
import pandas as pd

from taskaware.data.content import Content
from taskaware.errors import UserError

_NUMERIC = ("numeric", "real", "integer")
_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_ATTRIBUTE = re.compile(rf"@attribute\s+({_QUOTED}|\S+)\s+(.*)", re.IGNORECASE)
_VALUE = re.compile(rf"\s*+(?:({_QUOTED})\s*+|([^,]*+))(?:,|$)")
"""A quoted value, or all up to the next comma; possessive, because a line may hold very many blanks."""

_JAVA_DATES = {"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def read_arff(content: Content, encoding: str = "utf-8") -> pd.DataFrame:
    """An ARFF file as a frame: nominal attributes as pandas categories, "?" as missing.

    Args:
        content: the file.
        encoding: of its text.

    Raises:
        UserError: a line cannot be read (names the line), or the file is sparse or relational.
    """
    path = content.name
    with content.open() as file:
        lines = file.read().decode(encoding).replace("\r\n", "\n").split("\n")
    attributes, first = _header(path, lines)
    numbered = [(number, line) for number, line in enumerate(lines[first:], first + 1) if not _is_blank(line)]
    rows = [_row(path, number, line, len(attributes)) for number, line in numbered]
    columns = list(zip(*rows, strict=True)) or [()] * len(attributes)
    series = {
        name: _column(path, name, kind, (values, [number for number, _ in numbered]))
        for (name, kind), values in zip(attributes.items(), columns, strict=True)
    }
    return pd.DataFrame(series)


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("%")


def _header(path: str, lines: list[str]) -> tuple[dict[str, str], int]:
    """Attribute names with their types, and the number of lines up to and with @data."""
    attributes = {}
    for number, line in enumerate(lines, 1):
        if line.strip().lower().startswith("@data"):
            break
        if line.strip().lower().startswith("@attribute"):
            found = _ATTRIBUTE.match(line.strip())
            if not found or _plain(found[1]) in attributes:
                raise UserError(f"{path}, line {number}: '{line.strip()}' is no new attribute with a type.")
            attributes[_plain(found[1])] = found[2].strip()
    else:
        raise UserError(f"{path} has no line '@data', so it is no ARFF file.")
    return attributes, number


def _row(path: str, number: int, line: str, width: int) -> list[str | None]:
    line = line.strip()
    if line.startswith("{"):
        raise UserError(f"{path}, line {number}: sparse ARFF is not read. Save it dense.")
    if "'" in line or '"' in line:
        values = [_plain(value) if value != "?" else None for value in _split(line)]
    else:
        values = [None if value == "?" else value for value in map(str.strip, line.split(","))]
    if len(values) != width:
        raise UserError(f"{path}, line {number}: {len(values)} values for {width} attributes.")
    return values


def _split(line: str) -> list[str]:
    values, place = [], 0
    while place < len(line):
        # The pattern matches anywhere, if only the empty text.
        found = cast(re.Match[str], _VALUE.match(line, place))
        values.append(found[2].rstrip() if found[1] is None else found[1])
        place = found.end()
    return values + [""] * line.endswith(",")


def _plain(text: str) -> str:
    """Without the quotes around it and the backslashes in it."""
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _column(path: str, name: str, kind: str, rows: tuple[tuple, list[int]]) -> pd.Series:
    values, numbers = rows
    word = kind.split()[0].lower() if kind else ""
    if word == "string":
        return pd.Series(values, dtype=object).infer_objects()
    if word in _NUMERIC:
        read = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").astype(np.float64)
    elif word == "date":
        read = pd.to_datetime(pd.Series(values, dtype=object), format=_date_format(kind), errors="coerce")
    elif kind.startswith("{"):
        categories = list(dict.fromkeys(map(_plain, _split(kind[1:].rstrip("} ")))))
        codes = pd.Index(categories, dtype=object).get_indexer(pd.Index(values, dtype=object))
        read = pd.Series(pd.Categorical.from_codes(codes, categories))
    else:
        raise UserError(f"{path}: attribute '{name}' is '{kind}'. Allowed: numeric, {{a, b}}, string, date.")
    wrong = [place for place in np.flatnonzero(read.isna()) if values[place] is not None]
    if wrong:
        raise UserError(
            f"{path}, line {numbers[wrong[0]]}: '{values[wrong[0]]}' is no value of '{name}' ({kind})."
        )
    return read


def _date_format(kind: str) -> str:
    found = re.search(_QUOTED, kind)
    written = _plain(found[0]) if found else "yyyy-MM-dd'T'HH:mm:ss"
    for java, python in _JAVA_DATES.items():
        written = written.replace(java, python)
    return written.replace("'", "")
