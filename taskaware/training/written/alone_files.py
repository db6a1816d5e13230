"""What `predict.py` does in place of parts of `alone`, where a file may hold one value: an image or a sound.

`KIND` is written into the copy: what tells the files.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from taskaware.errors import UserError
from taskaware.modalities.listing import listed
from taskaware.modalities.plain_values import read_values_file
from taskaware.training.written.alone import table_of_rows

FILE = (
    "a folder of files, one for each row, or one such file; an array, .npy; or a CSV, TSV or text file with "
    "a column of paths"
)


class KindOfFiles(NamedTuple):
    """A kind of data: its name, and whether a file that starts so holds a value of it."""

    name: str
    begins: Callable[[bytes], bool]


KIND: KindOfFiles


def table_of_file(path: str, encoding: str, proba: bool) -> list[list]:
    """The answers for the rows of a file; of a folder, each after the name of its file.

    Args:
        path, encoding: of the file.
        proba: whether the probability of each class follows.
    """
    folder = Path(path)
    if not folder.is_dir():
        return table_of_rows(rows_in_file(path, encoding), proba)
    files, _, _ = listed(folder, KIND)
    if not files:
        raise UserError(f"'{path}' holds no {KIND.name} file. Name another folder.")
    first = ["file", *(str(file.relative_to(folder)) for file in files)]
    table = table_of_rows(list(map(str, files)), proba)
    return [[name, *row] for name, row in zip(first, table, strict=True)]


def rows_in_file(path: str, encoding: str) -> Any:
    """The rows of a file: an array, a table, or the one value that it holds."""
    if path.lower().endswith((".npy", ".csv", ".tsv", ".txt")):
        return read_values_file(path, encoding)
    return [path]
