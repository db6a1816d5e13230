"""How large a table is, told before it is read whole: by its bytes, its lines, or its own description."""

import zipfile
from pathlib import Path
from typing import Any

from taskaware.data.content import PACKED, Content, content_of
from taskaware.data.files import FORMATS, format_of
from taskaware.errors import quoted
from taskaware.service.limits import Limits
from taskaware.service.refused import Refused
from taskaware.service.unpacking import check_zip

_BLOCK = 1 << 20
_ROWS = 1 << 14
_SEPARATORS = b",;\t|"
_LINES = (".csv", ".tsv", ".txt", ".arff", ".jsonl", ".ndjson")


def ending_of(name: str) -> str:
    """The ending that says how an upload is read, in lower case; the rest of its name has no meaning.

    Raises:
        Refused: it is none that is read.

    >>> ending_of("../../Sales.CSV.gz")
    '.csv.gz'
    """
    found = format_of(Path(name.replace("\\", "/").rpartition("/")[2]))
    if found is None:
        raise Refused(
            415,
            f"{quoted(name)} has no known format. Allowed: {', '.join(FORMATS)}, each also with "
            f"{', '.join(PACKED)}, and a .zip of folders of images or sounds.",
        )
    return found


def check_file(path: Path, limits: Limits) -> None:
    """Nothing, if a file of a table is within the limits.

    Args:
        path: of the file; its ending says the format.
        limits: of the service.

    Raises:
        Refused: it has too many bytes, rows, columns or cells.
        UserError: it cannot be unpacked.
    """
    if path.suffix == ".zip":
        check_zip(path, limits)
    try:
        content = content_of(path)
        ending = Path(content.name).suffix.lower()
        if ending == ".parquet":
            _check_parquet(content, limits)
        elif ending == ".xlsx":
            _check_excel(content, limits)
        else:
            _check_text(content, limits, lines=ending in _LINES)
    except (OSError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise Refused(422, f"The file cannot be unpacked ({error}). Check that it is whole.") from error


def _check_text(content: Content, limits: Limits, *, lines: bool) -> None:
    rows, size, columns = 0, 0, 1
    with content.open() as file:
        while block := file.read(_BLOCK):
            if not size and lines:
                columns = _columns(block)
            size += len(block)
            _check_bytes(size, limits)
            rows += block.count(b"\n") if lines else 0
            # The first line has the names; the last one may end without a sign.
            limits.check_shape(max(rows - 1, 0), columns)


def _columns(block: bytes) -> int:
    line = block.partition(b"\n")[0]
    return 1 + max(line.count(sign) for sign in _SEPARATORS)


def _check_parquet(content: Content, limits: Limits) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with content.open() as file:
            whole = _whole(file, limits)
            texts = [field.name for field in pq.read_schema(whole) if _is_text(field.type)]
            # A short file may repeat a long text in every row, so texts are read as places in a list.
            table = pq.ParquetFile(whole, read_dictionary=texts)
            about: Any = table.metadata
            groups = [about.row_group(place).total_byte_size for place in range(about.num_row_groups)]
            limits.check_shape(about.num_rows, about.num_columns)
            _check_bytes(sum(groups), limits)
            size = 0
            for batch in table.iter_batches(_ROWS):
                size += sum(map(_bytes_of, batch.columns))
                _check_bytes(size, limits)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Refused(422, f"This is no Parquet file that can be read ({str(error)[:120]}).") from error


def _is_text(kind: Any) -> bool:
    import pyarrow.types as types

    tests = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    return any(test(kind) for test in tests)


def _bytes_of(column: Any) -> int:
    """Bytes of a column with its texts written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type) or not _is_text(column.type.value_type):
        return int(column.nbytes)
    lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
    return int(pc.sum(lengths).as_py() or 0) + 8 * len(column)


def _whole(file: Any, limits: Limits) -> Any:
    """A file that can be read at any place: itself, or the bytes of a packed one."""
    import io

    if file.seekable():
        return file
    content = file.read(limits.unpacked_bytes + 1)
    _check_bytes(len(content), limits)
    return io.BytesIO(content)


def _check_excel(content: Content, limits: Limits) -> None:
    with content.open() as file, zipfile.ZipFile(_whole(file, limits)) as book:
        _check_bytes(sum(entry.file_size for entry in book.infolist()), limits)


def _check_bytes(size: int, limits: Limits) -> None:
    if size > limits.unpacked_bytes:
        raise Refused(
            413,
            f"The file unpacks to more than {limits.unpacked_bytes >> 20:,} MB. Give a part of it, or start "
            "the service with --limit unpacked_bytes=N.",
        )
