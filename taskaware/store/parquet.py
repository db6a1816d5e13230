"""All of a store as one Parquet file: a row for each training, and the small tables in its metadata.

Any reader of Parquet sees these columns, in the order of the keys of the store:

    task, group, problem, metric   names of the task, of the real task behind it, of its problem and its score
    space                        name of the space
    architecture                 its numbers, a list
    seed
    score, test_score, loss      validation score (larger is better), score on the test rows, validation loss
    seconds                      what the training took
    status, error                "ok", "diverged" (no finite score) or "failed", then with the error's text
    strategy                     what proposed the architecture
    code_version, created        version of the training code; when it came into the store, UTC ISO 8601
    *_digest                     the store's names of task, space, architecture and recipe

The key "taskaware" of the file's metadata holds as JSON the tasks with their descriptions, the spaces and the
recipes. Nothing is executed when it is read.
"""

import dataclasses
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from pyarrow import parquet

from taskaware.digests import architecture_digests, canonical, digest
from taskaware.errors import StoreError, UserError
from taskaware.store import reading, schema, writing
from taskaware.store.records import DIVERGED, FAILED, OK, SpaceRecord, TaskRecord
from taskaware.store.whole import whole_file

FORMAT = "taskaware experience"
VERSION = 1
KEY = b"taskaware"
BLOCK = 20_000
NAMES = ("group", "problem", "metric")
OWN = ("score", "test_score", "loss", "seconds", "status", "error", "strategy", "code_version", "created")
DIGESTS = ("task", "space", "architecture", "recipe")
# what pyarrow and the checks raise on bytes that `export` did not write
DAMAGES = (pa.ArrowException, UserError, OSError, ValueError, TypeError, KeyError, AttributeError)

SCHEMA = pa.schema(
    [pa.field(name, pa.string(), nullable=False) for name in ("task", *NAMES, "space")]
    + [pa.field("architecture", pa.list_(pa.float32()), nullable=False)]
    + [pa.field("seed", pa.int64(), nullable=False)]
    + [pa.field(name, pa.float64()) for name in OWN[:4]]
    + [pa.field(name, pa.string(), nullable=name == "error") for name in OWN[4:]]
    + [pa.field(f"{name}_digest", pa.string(), nullable=False) for name in DIGESTS]
)


def export(connection: sa.Connection, path: str | os.PathLike) -> int:
    """Write the store behind the connection into a new file; see `Store.export_parquet`."""
    header = _header(connection)
    names = {entry["digest"]: entry for kind in ("tasks", "spaces") for entry in header[kind]}
    options = {"compression": "zstd", "write_page_checksum": True, "store_schema": False}
    # numbers seldom repeat, words do
    options["use_dictionary"] = [field.name for field in SCHEMA if field.type == pa.string()]
    written = 0
    with whole_file(path) as file, parquet.ParquetWriter(file, SCHEMA, **options) as writer:
        writer.add_key_value_metadata({KEY: canonical(header)})
        for rows in reading.blocks(connection, _query()):
            writer.write_batch(_encoded(rows, names))
            written += len(rows)
    return written


def take_over(connection: sa.Connection, path: str | os.PathLike) -> int:
    """Write what a file holds inside the caller's transaction; see `Store.import_parquet`."""
    written = 0
    for table, rows in _tables(path):
        if table is schema.metafeatures:
            writing.describe(connection, rows)
            continue
        new = writing.insert_new(connection, table, rows)
        written += new if table is schema.trainings else 0
    return written


def _header(connection: sa.Connection) -> dict:
    """The small tables as plain data."""
    catalogues, described = {}, []
    table = schema.metafeatures
    for row in connection.execute(sa.select(table).order_by(table.c.catalogue, table.c.task)):
        catalogues[row.catalogue] = json.loads(row.names)
        # JSON has no words for what is not finite
        values = [value if math.isfinite(value) else str(value) for value in _floats(row.values).tolist()]
        described.append({"task": row.task, "catalogue": row.catalogue, "values": values})
    return {
        "format": FORMAT,
        "version": VERSION,
        "tasks": [dataclasses.asdict(task) for task in reading.tasks(connection)],
        "catalogues": catalogues,
        "metafeatures": described,
        "spaces": [dataclasses.asdict(space) for space in reading.spaces(connection)],
        "recipes": [recipe.definition for recipe in reading.recipes(connection)],
    }


def _query() -> sa.Select:
    rows, points = schema.trainings, schema.architectures
    keys = [rows.c.task, points.c.space, rows.c.architecture, rows.c.recipe, rows.c.seed]
    query = sa.select(*keys, points.c.u, *(rows.c[name] for name in OWN))
    query = query.join(points, points.c.digest == rows.c.architecture)
    return query.order_by(rows.c.task, rows.c.architecture, rows.c.recipe, rows.c.seed)


def _encoded(rows: list[sa.Row], names: Mapping[str, Mapping]) -> pa.RecordBatch:
    """Rows of `_query` as columns of `SCHEMA`."""
    task, space, architecture, recipe, seed, u, *own = zip(*rows, strict=True)
    ends = np.cumsum([0, *(len(blob) // 4 for blob in u)], dtype=np.int32)
    columns = {"task": [names[digest]["name"] for digest in task]}
    columns |= {name: [names[digest][name] for digest in task] for name in NAMES}
    columns |= {"space": [names[digest]["name"] for digest in space]}
    columns |= {"architecture": pa.ListArray.from_arrays(ends, _floats(b"".join(u))), "seed": seed}
    columns |= dict(zip(OWN, own, strict=True))
    columns |= {"task_digest": task, "space_digest": space}
    columns |= {"architecture_digest": architecture, "recipe_digest": recipe}
    return pa.record_batch([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def _floats(blob: bytes) -> np.ndarray:
    return np.frombuffer(blob, "<f4").astype(np.float32)


def _tables(path: str | os.PathLike) -> Iterator[tuple[sa.Table, list[dict]]]:
    """The rows in a file, table by table and block by block, each after what it refers to."""
    try:
        with Path(path).open("rb") as opened:
            file = parquet.ParquetFile(opened, page_checksum_verification=True)
            header = _checked_header(file, path)
            yield from _small_tables(header)
            known = {kind: {entry["digest"] for entry in header[kind]} for kind in ("tasks", "spaces")}
            known["recipes"] = {digest(definition) for definition in header["recipes"]}
            for batch in file.iter_batches(BLOCK):
                yield from _decoded(batch, known)
    except FileNotFoundError as error:
        raise StoreError(f"There is no file '{path}'. Check the path.") from error
    except DAMAGES as error:
        raise StoreError(
            f"'{path}' is damaged or is no experience of taskaware ({error}). Nothing of it was taken over. "
            "Export or fetch it again."
        ) from error


def _checked_header(file: parquet.ParquetFile, path: str | os.PathLike) -> dict:
    """The small tables of a file that `export` wrote.

    Raises:
        StoreError: the file is of something else, or of a newer taskaware.
    """
    words = (file.metadata.metadata or {}).get(KEY)
    header = json.loads(words) if words else None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise StoreError(
            f"'{path}' is no experience of taskaware: its metadata lacks tasks and recipes. Take the file "
            "that the export wrote, not one that another program wrote from it."
        )
    if header["version"] > VERSION:
        raise StoreError(
            f"'{path}' has format version {header['version']}; this taskaware reads up to {VERSION}. "
            "Update it: pip install --upgrade taskaware"
        )
    if file.schema_arrow.remove_metadata() != SCHEMA:
        raise ValueError("its columns are others")
    return header


def _small_tables(header: dict) -> Iterator[tuple[sa.Table, list[dict]]]:
    yield schema.tasks, [writing.task_row(TaskRecord.from_dict(task)) for task in header["tasks"]]
    yield schema.spaces, [writing.space_row(SpaceRecord(**space)) for space in header["spaces"]]
    yield schema.recipes, [writing.recipe_row(definition) for definition in header["recipes"]]
    names = header["catalogues"]
    described = []
    for entry in header["metafeatures"]:
        task, catalogue, values = (entry[name] for name in ("task", "catalogue", "values"))
        z = [float(value) for value in values]
        described.append(writing.metafeatures_row(task, catalogue, names[catalogue], z))
    yield schema.metafeatures, described


def _decoded(batch: pa.RecordBatch, known: Mapping[str, set]) -> Iterator[tuple[sa.Table, list[dict]]]:
    """Columns of `SCHEMA` as rows of architectures and of trainings.

    Raises:
        ValueError: they refer to what is not there, or do not agree with themselves.
    """
    columns = {name: batch[name].to_pylist() for name in batch.schema.names if name != "architecture"}
    for name in ("task", "space", "recipe"):
        if missing := set(columns[f"{name}_digest"]) - known[f"{name}s"]:
            raise ValueError(f"it lacks the {name} '{missing.pop()}'")
    for status, score, error in zip(columns["status"], columns["score"], columns["error"], strict=True):
        right = {OK: (True, False), DIVERGED: (False, False), FAILED: (False, True)}.get(status)
        if right != (score is not None and math.isfinite(score), error is not None):
            raise ValueError(f"a training is '{status}' with the score {score} and the error {error!r}")
    yield schema.architectures, _architectures(batch, columns)
    kept = {name: columns[f"{name}_digest"] for name in ("task", "architecture", "recipe")}
    kept |= {name: columns[name] for name in ("seed", *OWN)}
    yield schema.trainings, [dict(zip(kept, row, strict=True)) for row in zip(*kept.values(), strict=True)]


def _architectures(batch: pa.RecordBatch, columns: Mapping[str, list]) -> list[dict]:
    """The rows of `architectures`, each once; ValueError where one is not what its digest says."""
    lists = batch["architecture"]
    spaces, names = np.array(columns["space_digest"]), np.array(columns["architecture_digest"])
    found = {}
    for space in np.unique(spaces).tolist():
        mine = np.flatnonzero(spaces == space)
        values = lists.take(pa.array(mine))
        u = values.flatten().to_numpy().reshape(len(mine), -1)
        if (np.diff(values.offsets.to_numpy()) != u.shape[1]).any():
            raise ValueError(f"the architectures of the space '{space}' are not equally long")
        if (architecture_digests(space, u) != names[mine]).any():
            raise ValueError(f"an architecture of the space '{space}' is not what its digest says")
        found |= {
            name: {"digest": name, "space": space, "u": row.tobytes()}
            for name, row in zip(names[mine].tolist(), u.astype("<f4"), strict=True)
        }
    return list(found.values())
