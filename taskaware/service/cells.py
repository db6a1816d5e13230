"""Cells on the way in and out: no cell opens a file of the server, and none runs as a formula elsewhere."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pandas as pd

from taskaware.errors import quoted
from taskaware.modalities.mixed.reader import MixedReader
from taskaware.modalities.modality import MODALITIES
from taskaware.modalities.single import Single, SingleReader, singles
from taskaware.service.refused import Refused
from taskaware.tasks.data import Reader

_NUMBER = re.compile(r"[-+]?(\d[\d.,_' ]*|[.,]\d+)([eE][-+]?\d+)? ?%?")
_OF_FILES = tuple(kind.name for kind in singles() if kind.endings)
"""Kinds of data whose values may be names of files."""
_ENDINGS = tuple(ending for kind in singles() for ending in kind.endings)


def modalities_of(frame: pd.DataFrame, stated: Mapping[str, str]) -> dict[str, str]:
    """Kinds of data of the columns whose values must not decide, because they name files.

    A service opens no file that a cell names: such a column is one of texts or categories.

    Args:
        frame: as it was uploaded.
        stated: by the user, by column.

    Raises:
        Refused: the user states that names are images or sounds.
    """
    found = dict(stated)
    for place, name in enumerate(map(str, frame.columns)):
        column = frame.iloc[:, place]
        if name in stated:
            if stated[name] in _OF_FILES:
                check_no_names(column, name)
        elif names_files(column):
            found[name] = (
                "text" if cast(Single, MODALITIES["text"]).holds(column.dropna().tolist()) else "tables"
            )
        else:
            check_no_records(column, name)
    return found


def names_files(column: pd.Series) -> bool:
    """Whether a cell of a column ends as the name of an image or a sound does."""
    if column.dtype == object:
        return any(isinstance(cell, str) and cell.lower().endswith(_ENDINGS) for cell in column)
    if isinstance(column.dtype, pd.StringDtype):
        return bool(column.str.lower().str.endswith(_ENDINGS, na=False).any())
    return False


def check_rows(frame: pd.DataFrame, reader: Reader | None) -> None:
    """Nothing, if rows for prediction have the columns of images and sounds, and no names of files there.

    Args:
        frame: of the rows.
        reader: of the model.

    Raises:
        Refused: a column is missing, or a cell names a file.
    """
    own: Sequence[SingleReader] = ()
    if isinstance(reader, SingleReader):
        own = (reader,)
    elif isinstance(reader, MixedReader):
        own = reader.columns
    for each in own:
        if each.column not in frame:
            raise Refused(422, f"Column {quoted(each.column)} is missing. The model reads it: give it.")
        if each.modality.name in _OF_FILES:
            check_no_names(frame[each.column], each.column)


def check_no_names(column: pd.Series, name: str) -> None:
    """Nothing, if no cell of a column is the name of a file.

    Raises:
        Refused: one is.
    """
    check_no_records(column, name)
    for row, cell in enumerate(column):
        if isinstance(cell, str) and cell.strip():
            raise Refused(
                422,
                f"Column {quoted(name)} names a file in row {row}, and a service opens none. Give its bytes: "
                'in JSON {"base64": "..."}, in Parquet as binary; or upload a zip of folders.',
            )


def check_no_records(column: pd.Series, name: str) -> None:
    """Nothing, if no cell of a column is a record of a path without content.

    Raises:
        Refused: one is.
    """
    if column.dtype != object:
        return
    for row, cell in enumerate(column):
        if isinstance(cell, Mapping) and cell.get("path") and not isinstance(cell.get("bytes"), bytes):
            raise Refused(
                422, f"Column {quoted(name)} has a path in row {row}, and a service opens none. Give bytes."
            )


def decoded(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with bytes in place of each {"base64": text}, which is how JSON has them.

    Raises:
        Refused: a text is no base64.
    """
    changed = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype == object and any(_is_base64(cell) for cell in column):
            changed[name] = [_bytes_of(cell, str(name)) if _is_base64(cell) else cell for cell in column]
    return frame.assign(**{str(name): values for name, values in changed.items()}) if changed else frame


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame for a CSV file: a text that a spreadsheet would run has an apostrophe before it.

    >>> without_formulas(pd.DataFrame({"=a": ["=1+1", "-2", "red"]})).to_dict("list")
    {"'=a": ["'=1+1", '-2', 'red']}
    """
    safe = frame.rename(columns=lambda name: _safe(str(name)))
    for place, dtype in enumerate(safe.dtypes):
        if not pd.api.types.is_numeric_dtype(dtype):
            safe.isetitem(
                place, [_safe(cell) if isinstance(cell, str) else cell for cell in safe.iloc[:, place]]
            )
    return safe


def _safe(text: str) -> str:
    runs = text.lstrip().startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r", "\n"))
    return f"'{text}" if runs and not _NUMBER.fullmatch(text) else text


def _is_base64(cell: object) -> bool:
    return isinstance(cell, Mapping) and set(cell) == {"base64"}


def _bytes_of(cell: Any, name: str) -> bytes:
    try:
        return base64.b64decode(cell["base64"], validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise Refused(
            422, f"A cell of column {quoted(name)} is no base64 ({error}). Encode it anew."
        ) from error
