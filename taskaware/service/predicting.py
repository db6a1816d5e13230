"""Rows of a request → predictions of a model, in the form that was asked for."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from taskaware.data.frames import is_table, table_frame
from taskaware.data.load import load
from taskaware.modalities.single import SingleReader
from taskaware.saved import parse_json
from taskaware.service.cells import check_rows, decoded, without_formulas
from taskaware.service.datasets import worded
from taskaware.service.limits import Limits
from taskaware.service.refused import Refused
from taskaware.service.sizing import check_file, ending_of
from taskaware.service.summaries import plain
from taskaware.service.unpacking import unpack
from taskaware.training.model import Model

JSON, CSV, ARROW = "application/json", "text/csv", "application/vnd.apache.arrow.stream"
TYPES = {
    JSON: "", CSV: ".csv", "text/tab-separated-values": ".tsv", "application/x-ndjson": ".jsonl",
    "application/vnd.apache.parquet": ".parquet", ARROW: ".arrow", "application/zip": ".zip",
}  # fmt: skip
"""How the body of a request is read, by its type; a query `name=new.parquet` says it, too."""


def rows_of(body: Path, ending: str, model: Model, limits: Limits) -> pd.DataFrame:
    """The rows of a request as a frame, within the limits.

    Args:
        body: file with the body of the request.
        ending: says the format; "" for JSON.
        model: that will read them.
        limits: of the service.

    Raises:
        Refused, UserError: they cannot be read, are too many, or name files.
    """
    if ending == "":
        frame = _of_json(body)
    elif ending == ".arrow":
        frame = _of_arrow(body, limits)
    elif ending == ".zip" and _column_of_files(model):
        frame = _of_archive(body, _column_of_files(model), limits)
    else:
        frame = _of_file(body, ending, model, limits)
    if len(frame) > limits.predict_rows:
        raise Refused(
            413, f"There are {len(frame):,} rows; {limits.predict_rows:,} are allowed at once. Split."
        )
    limits.check_shape(*frame.shape)
    check_rows(frame, model.reader)
    return frame


def answer(model: Model, rows: pd.DataFrame, *, proba: bool, form: str) -> tuple[bytes, str]:
    """The predictions, and their type.

    Args:
        model: that predicts.
        rows: for it.
        proba: whether the probability of each class follows.
        form: JSON, CSV or ARROW.

    Raises:
        UserError: the rows are not usable, or `proba` is asked of a regression.
    """
    found = model.predict_frame(rows, proba=proba)
    if form == CSV:
        return without_formulas(found).to_csv(index=False).encode(), f"{CSV}; charset=utf-8"
    if form == ARROW:
        return _as_arrow(found), ARROW
    columns = {str(name): column.tolist() for name, column in found.items()}
    return json.dumps({"rows": len(found), "columns": plain(columns)}).encode(), JSON


def _of_json(body: Path) -> pd.DataFrame:
    try:
        given = parse_json(body.read_bytes(), finite=False)
    except ValueError as error:
        raise Refused(400, f"The body is no JSON: {error}. Send {{'rows': [...]}}.") from error
    rows = given.get("rows", given) if isinstance(given, Mapping) else given
    if isinstance(rows, Mapping):
        rows = dict(rows)
    if not is_table(rows):
        raise Refused(422, "The body holds no rows. Send {'rows': [{'column': value, ...}, ...]}.")
    return decoded(table_frame(rows))


def _of_arrow(body: Path, limits: Limits) -> pd.DataFrame:
    import pyarrow as pa

    try:
        with pa.OSFile(str(body)) as file, pa.ipc.open_stream(file) as stream:
            batches, rows = [], 0
            for batch in stream:
                rows += batch.num_rows
                limits.check_shape(rows, batch.num_columns)
                batches.append(batch)
            return pa.Table.from_batches(batches, stream.schema).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise Refused(
            422, f"The body is no stream of Arrow that can be read ({str(error)[:120]})."
        ) from error


def _of_archive(body: Path, column: str, limits: Limits) -> pd.DataFrame:
    """The bytes of each file of an archive, in the order of their names."""
    folder = body.with_suffix(".files")
    try:
        unpack(body, folder, limits)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return pd.DataFrame({column: pd.Series([path.read_bytes() for path in paths], dtype=object)})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _of_file(body: Path, ending: str, model: Model, limits: Limits) -> pd.DataFrame:
    # The reader goes by the ending; the name is random in any case.
    path = body.rename(body.with_suffix(ending_of(f"rows{ending}")))
    written = {*getattr(model.reader, "written", ())}
    if any(isinstance(label, str) for label in model.classes):
        written.add(model.target_name)
    with worded(path, "the body"):
        check_file(path, limits)
        return load(path, as_text=written).frame


def _column_of_files(model: Model) -> str:
    """The column of a model of images or sounds alone; "" for any other model."""
    reader = model.reader
    return reader.column if isinstance(reader, SingleReader) and reader.modality.endings else ""


def _as_arrow(frame: pd.DataFrame) -> bytes:
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()
