"""Values of later rows where there is NumPy alone: what is copied into the code of an exported model.

`about` is the entry "reads" of its `export.json`: the reader of the model as data, and the blocks in order.
"""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from taskaware.errors import UserError
from taskaware.modalities.tables.written.copying import Definition
from taskaware.modalities.tables.written.plain import named_columns, own_value, read_file

PLAIN = "taskaware.modalities.plain_values"


@dataclasses.dataclass(frozen=True)
class Written:
    """How the code of an exported model reads a kind of data.

    Attributes:
        read: function of rows and `about` → a sequence with an item for each row.
        blocks: function of such a sequence, the arrays that the blocks learned, and their names → matrices.
        takes: forms of the rows, for people.
        file: name of a file of rows, or of a folder, for people.
        begins: function that tells files which hold one value each by their first bytes; None if none do.
        shared: arrays that several blocks read, by the first part of their names.
        refused: blocks that cannot be written → why.
        instead: definitions that are written in place of others.
    """

    read: Definition
    blocks: Definition
    takes: str
    file: str = "new.npy"
    begins: Definition | None = None
    shared: tuple[str, ...] = ()
    refused: Mapping[str, str] = dataclasses.field(default_factory=dict)
    instead: Mapping[Definition, Definition] = dataclasses.field(default_factory=dict)


class PlainParsed(NamedTuple):
    """Values of one column, read, and notes on what was assumed."""

    data: Any
    notes: tuple[str, ...] = ()


def is_missing(value: object) -> bool:
    """Whether a value stands for none: None, NaN, or what pandas writes."""
    return own_value(value) is None


def values_of(rows: Any, about: Mapping) -> Sequence:
    """One value for each row: an array or a list of values, or the column of a table.

    Args:
        rows: an array, a list of values, a dict of columns, a list of dicts, or a frame.
        about: how they are read.
    """
    if isinstance(rows, np.ndarray):
        return cast(Sequence, rows)
    tabular = isinstance(rows, Mapping) or hasattr(rows, "columns")
    if not (tabular or (isinstance(rows, list | tuple) and rows and isinstance(rows[0], Mapping))):
        return [own_value(value) for value in rows]
    if about["columns"]:
        return cast(Sequence, beside_each_other(named_columns(rows, about["columns"])))
    return named_columns(rows, [about["column"]])[about["column"]]


def values_or_files(rows: Any, about: Mapping, is_value: Callable[[object], bool]) -> Sequence:
    """As `values_of`; one value alone is a row, and dicts may be values, such as {"bytes": , "path": }.

    Args:
        rows, about: as there.
        is_value: whether something is such a value.
    """
    if isinstance(rows, str | bytes | os.PathLike) or is_value(rows):
        return [rows]
    if isinstance(rows, list) and any(isinstance(row, Mapping) and is_value(row) for row in rows):
        return rows
    return values_of(rows, about)


def beside_each_other(columns: Mapping[str, Sequence]) -> np.ndarray:
    """Columns of numbers as rows, NaN where one is missing."""
    try:
        found = {name: [np.nan if v is None else float(v) for v in each] for name, each in columns.items()}
    except ValueError as error:
        raise UserError(f"A column holds no numbers ({error}). Replace what is none.") from error
    return np.array(list(found.values()), np.float64).T.reshape(-1, len(columns))


def read_values_file(path: str, encoding: str = "utf-8-sig") -> Any:
    """Rows of a file: an array of NumPy, or a text table under a line of names."""
    if path.lower().endswith(".npy"):
        return np.load(path, allow_pickle=False)
    return read_file(path, encoding)
