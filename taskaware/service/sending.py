"""What a client sends: data as an open file; and what it makes of a refusal."""

import contextlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from taskaware.data.frames import is_table, table_frame
from taskaware.errors import EngineError, UserError, quoted
from taskaware.files import expanded


def raise_refusal(status: int, content: bytes) -> None:
    """Nothing, if a status says that a request was carried out.

    Args:
        status: of HTTP.
        content: of the answer.

    Raises:
        UserError: the request was refused.
        EngineError: the service has failed, or is busy.
    """
    if status < 400:
        return
    try:
        message = str(json.loads(content)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        message = f"The answer has the status {status} and is none of taskaware. Check the URL."
    # 423: the service is busy with the same upload.
    raise UserError(message) if status < 500 and status != 423 else EngineError(message)


@contextlib.contextmanager
def opened(data: Any, name: str | None) -> Iterator[tuple[BinaryIO, str]]:
    """Data as an open file, and a name that says its format.

    Args:
        data: a table, or the path of a file or of a folder with a sub-folder for each class.
        name: for people; by default that of the file.

    Raises:
        UserError: it is neither, or cannot be read.
    """
    if is_table(data):
        yield _as_parquet(table_frame(data)), f"{name or 'data'}.parquet"
        return
    if not isinstance(data, str | os.PathLike):
        raise UserError(f"A {type(data).__name__} is neither a table nor a path. Give a frame, or a path.")
    path = expanded(data)
    if path.is_dir():
        with tempfile.TemporaryFile() as packed:
            _pack(path, packed)
            packed.seek(0)
            yield packed, f"{name or path.name}.zip"
        return
    try:
        with path.open("rb") as file:
            ending = "".join(Path(path.name).suffixes[-2:])
            yield file, path.name if name is None else f"{name}{ending}"
    except OSError as error:
        raise UserError(f"{quoted(str(path))} cannot be read ({error.strerror}). Check the path.") from error


def _as_parquet(frame: pd.DataFrame) -> BinaryIO:
    import pyarrow as pa

    found = io.BytesIO()
    try:
        frame.rename(columns=str).to_parquet(found, index=False)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise UserError(
            f"The frame cannot be written as Parquet ({str(error)[:200]}). Give its columns one type each."
        ) from error
    found.seek(0)
    return found


def _pack(folder: Path, file: Any) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(folder).as_posix())
