"""Files on this machine as frames."""

import gzip
import json
import re
from pathlib import Path

import pandas as pd

from taskaware.data.arff import read_arff
from taskaware.data.encodings import UTF8, encoding_of
from taskaware.errors import UserError

FORMATS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".arff", ".jsonl", ".jsonl.gz", ".json")


def format_of(path: Path) -> str | None:
    """The one of FORMATS that a file's name ends with, or None.

    >>> format_of(Path("sales.2024.CSV.gz"))
    '.csv.gz'
    """
    return next((ending for ending in FORMATS if path.name.lower().endswith(ending)), None)


def read_file(path: Path) -> pd.DataFrame:
    """A file as a frame; its name says how it is read.

    A .csv may be separated by comma, semicolon, tab or bar; its first line has the names. A .json holds
    one object a line, or one list of objects.

    Raises:
        UserError: no such file, a directory, a format that is not in FORMATS, or content that cannot be read.
    """
    if not path.exists():
        raise UserError(f"There is no file '{path}'. Check the path (looked in {path.absolute().parent}).")
    if path.is_dir():
        raise UserError(f"'{path}' is a directory. Name one file in it ({', '.join(FORMATS)}).")
    ending = format_of(path)
    if ending is None:
        raise UserError(f"'{path.name}' has no known format. Allowed: {', '.join(FORMATS)}.")
    try:
        return _READERS[ending.removesuffix(".gz")](path)
    except UserError:
        raise
    except Exception as error:  # each reader has its own errors: arrow, pandas, json, gzip, codecs
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"'{path}' cannot be read as {ending}: {reason}. {_mend(ending)}") from error


def _mend(ending: str) -> str:
    if ending == ".parquet":
        return "Check that the file is whole."
    return "Check that the file is whole, or read it yourself and give the frame."


def _first_text(path: Path, encoding: str) -> str:
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rt", encoding=encoding, errors="ignore") as file:
        head = file.read(65536)
    if "\0" in head:
        raise ValueError("it holds zero bytes, so it is no text")
    return head


def _read_delimited(path: Path) -> pd.DataFrame:
    """A text table; the separator is the sign that the line of names has most often outside quotes."""
    encoding = encoding_of(path)
    names = re.sub(r'"[^"]*"', "", _first_text(path, encoding).lstrip().split("\n", 1)[0])
    separator = max(",;\t|", key=names.count) if any(sign in names for sign in ",;\t|") else ","
    return _noted(pd.read_csv(path, sep=separator, low_memory=False, encoding=encoding), encoding)


def _read_json(path: Path) -> pd.DataFrame:
    encoding = encoding_of(path)
    head = _first_text(path, encoding).lstrip()
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rt", encoding=encoding) as file:
        rows = (
            json.load(file) if head.startswith("[") else [json.loads(line) for line in file if line.strip()]
        )
    return _noted(pd.DataFrame(rows), encoding)


def _noted(frame: pd.DataFrame, encoding: str) -> pd.DataFrame:
    """The frame; an encoding that was guessed stands in its `attrs`."""
    if encoding != UTF8:
        frame.attrs["encoding"] = encoding
    return frame


_READERS = {
    ".csv": _read_delimited,
    ".tsv": _read_delimited,
    ".parquet": pd.read_parquet,
    ".arff": read_arff,
    ".jsonl": _read_json,
    ".json": _read_json,
}
