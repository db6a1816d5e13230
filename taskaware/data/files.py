"""Files as frames."""

from collections.abc import Callable, Collection
from pathlib import Path

import pandas as pd

from taskaware.data.arff import read_arff
from taskaware.data.content import PACKED, Content, content_of
from taskaware.data.delimited import read_delimited
from taskaware.data.encodings import UTF8, checked_encoding, encoding_of
from taskaware.errors import UserError, quoted
from taskaware.files import is_device, is_file, is_folder
from taskaware.saved import most_bytes, parse_json

FORMATS = (".csv", ".tsv", ".txt", ".parquet", ".arff", ".jsonl", ".ndjson", ".json", ".xlsx")
"""Endings of files that can be read; each may have one of `content.PACKED` behind it."""

_ANY = f"{', '.join(FORMATS)}, each also with {', '.join(PACKED)}"


def format_of(path: Path) -> str | None:
    """The ending of a file's name that says how it is read, or None: one of FORMATS, or PACKED, or both.

    >>> format_of(Path("sales.2024.CSV.gz")), format_of(Path("sales.zip")), format_of(Path("sales.doc"))
    ('.csv.gz', '.zip', None)
    """
    name = path.name.lower()
    packed = next((ending for ending in PACKED if name.endswith(ending)), "")
    plain = next((ending for ending in FORMATS if name.removesuffix(packed).endswith(ending)), None)
    if plain is None:
        return ".zip" if packed == ".zip" else None
    return plain + packed


def read_file(path: Path, encoding: str | None = None, as_text: Collection[str] = ()) -> pd.DataFrame:
    """A file as a frame; its name says how it is read.

    A text table may be separated by comma, semicolon, tab or bar; its first line has the names. A .json
    holds one object a line, or one list of objects.

    Args:
        path: of the file.
        encoding: of its text; by default found out.
        as_text: names of columns of a text table that stay as they are written.

    Raises:
        UserError: no such file, a directory, a format that is not in FORMATS, or content that cannot be read.
    """
    if not (is_file(path) or is_folder(path) or is_device(path)):
        looked = quoted(str(path.absolute().parent))
        raise UserError(f"There is no file {quoted(str(path))}. Check the path (looked in {looked}).")
    if path.is_dir():
        raise UserError(
            f"'{path}' is a directory. Name one file in it ({_ANY}), or put the "
            "images or sounds of each class into a folder of its own, and name the folder above."
        )
    if format_of(path) is None:
        raise UserError(f"'{path.name}' has no known format. Allowed: {_ANY}.")
    return read_content(_worded(lambda: content_of(path), str(path)), encoding, as_text, name=str(path))


def read_content(
    content: Content, encoding: str | None = None, as_text: Collection[str] = (), *, name: str = ""
) -> pd.DataFrame:
    """The bytes of a file as a frame.

    Args:
        content: the bytes, under a name that says the format.
        encoding, as_text: as for `read_file`.
        name: of the file, for messages; by default the content's.

    Raises:
        UserError: an unknown format, an unknown encoding, or bytes that cannot be read.
    """
    name, ending = name or content.name, Path(content.name).suffix.lower()
    if ending not in _READERS:
        raise UserError(f"'{content.name}' has no known format. Allowed: {_ANY}.")
    known = checked_encoding(encoding) if encoding else None
    return _worded(lambda: _READERS[ending](content, known, as_text), name)


def _worded(read: Callable, name: str):
    """The result of reading; an error of any reader becomes one of the user's file."""
    try:
        return read()
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(f"'{name}' does not fit into memory. Give a part of its rows.") from error
    except ImportError as error:
        raise UserError(f"'{name}' needs a library to be read: {error}") from error
    except Exception as error:  # each reader has its own errors: arrow, pandas, json, gzip, codecs, openpyxl
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"'{name}' cannot be read as {format_of(Path(name)) or 'a table'}: {reason}. "
            "Check that the file is whole, or read it yourself and give the frame."
        ) from error


def _read_text(content: Content, encoding: str | None, as_text: Collection[str]) -> pd.DataFrame:
    found = encoding or encoding_of(content)
    return _noted(read_delimited(content, found, as_text), found, encoding)


def _read_json(content: Content, encoding: str | None, as_text: Collection[str]) -> pd.DataFrame:
    found = encoding or encoding_of(content)
    with content.open() as file:
        text = file.read().decode(found)
    most = most_bytes()
    if text.lstrip().startswith("["):
        rows = parse_json(text, finite=False, most=most)
    else:
        # Not by `splitlines`: a string may hold other ends of lines.
        lines = (line for line in text.split("\n") if line.strip())
        rows = [parse_json(line, finite=False, most=most) for line in lines]
    if any(not isinstance(row, dict) for row in rows):
        raise ValueError("every row must be an object with the names of the columns")
    return _noted(pd.DataFrame(rows), found, encoding)


def _read_parquet(content: Content, encoding: str | None, as_text: Collection[str]) -> pd.DataFrame:
    with content.open() as file:
        return pd.read_parquet(file)


def _read_excel(content: Content, encoding: str | None, as_text: Collection[str]) -> pd.DataFrame:
    with content.open() as file:
        sheets = pd.ExcelFile(file)
        frame = pd.read_excel(sheets, sheet_name=sheets.sheet_names[0])
    if len(sheets.sheet_names) > 1:
        frame.attrs["notes"] = (
            f"Sheet '{sheets.sheet_names[0]}' is read, the first of {len(sheets.sheet_names)}.",
        )
    return frame


def _read_arff(content: Content, encoding: str | None, as_text: Collection[str]) -> pd.DataFrame:
    return read_arff(content, encoding or encoding_of(content))


def _noted(frame: pd.DataFrame, found: str, asked: str | None) -> pd.DataFrame:
    """The frame; an encoding that was guessed stands in its `attrs`."""
    if found != UTF8 and asked is None:
        frame.attrs["encoding"] = found
    return frame


_READERS = {
    ".csv": _read_text,
    ".tsv": _read_text,
    ".txt": _read_text,
    ".parquet": _read_parquet,
    ".arff": _read_arff,
    ".jsonl": _read_json,
    ".ndjson": _read_json,
    ".json": _read_json,
    ".xlsx": _read_excel,
}
