"""All of a store as one Parquet file: a row for each training, and the small tables in its metadata.

Any reader of Parquet sees these columns, in the order of the keys of the store:

    task, group, problem         names of the task, of the real task behind it, and of its problem
    metric                       name of the metric that the scores are in
    space, space_type            name and type of the space
    architecture                 its numbers, a list
    seed
    score, test_score, loss      validation score (larger is better), score on the test rows, validation loss
    seconds                      what the training took
    status, error                "ok", "diverged" (no finite score) or "failed", then with the error's text
    strategy                     what proposed the architecture
    code_version, created        version of the training code; when it came into the store, UTC ISO 8601
    parent, birth                digest of the architecture that it was made from, and the order number in its
                                 search; null where there is none
    *_digest                     the store's names of task, space, architecture and recipe

The key "taskaware" of the file's metadata holds as JSON the tasks with their meta-features, the spaces, the
recipes, and the list of artefacts, whose files stay behind. Nothing is executed when it is read. Files of
format version 1 (older names; no space_type, parent, birth) are read, too.
"""

import dataclasses
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from pyarrow import parquet

from taskaware.digests import architecture_digests, canonical, digest
from taskaware.errors import StoreError, UserError
from taskaware.saved import parse_json
from taskaware.store import artefacts, definitions, reading, schema, writing
from taskaware.store.new_file import new_file
from taskaware.store.records import DIVERGED, FAILED, OK, SpaceRecord, TaskRecord, TrainingKey, checked_space

FORMAT = "taskaware experience"
VERSION = 2
KEY = b"taskaware"
# "diverged" in files of version 1
LOST = "lost"
BLOCK = 20_000
NUMBERS = ("score", "test_score", "loss", "seconds")
TEXTS = ("status", "error", "strategy", "code_version", "created")
OWN = ("metric", *NUMBERS, *TEXTS, "parent", "birth")
DIGESTS = ("task", "space", "architecture", "recipe")
# what pyarrow and the checks raise on bytes that `export` did not write
DAMAGES = (pa.ArrowException, UserError, OSError, ValueError, TypeError, KeyError, AttributeError)


def _schema(names: tuple[str, ...], *more: pa.Field) -> pa.Schema:
    """The columns of a file: names of tasks and spaces, an architecture, a training, more, and digests."""
    return pa.schema(
        [pa.field(name, pa.string(), nullable=False) for name in names]
        + [pa.field("architecture", pa.list_(pa.float32()), nullable=False)]
        + [pa.field("seed", pa.int64(), nullable=False)]
        + [pa.field(name, pa.float64()) for name in NUMBERS]
        + [pa.field(name, pa.string(), nullable=name == "error") for name in TEXTS]
        + list(more)
        + [pa.field(f"{name}_digest", pa.string(), nullable=False) for name in DIGESTS]
    )


SCHEMA = _schema(
    ("task", "group", "problem", "metric", "space", "space_type"),
    pa.field("parent", pa.string()),
    pa.field("birth", pa.int64()),
)
SCHEMAS = {1: _schema(("task", "origin", "kind", "metric", "space")), VERSION: SCHEMA}


def export(connection: sa.Connection, path: str | os.PathLike) -> int:
    """Write the store behind the connection into a new file; see `Store.export_parquet`."""
    header = _header(connection)
    names = {entry["digest"]: entry for entry in header["tasks"]}
    names |= {
        space.digest: {"name": space.name, "type": space.type} for space in definitions.spaces(connection)
    }
    options = {"compression": "zstd", "write_page_checksum": True, "store_schema": False}
    # numbers seldom repeat, words do
    options["use_dictionary"] = [field.name for field in SCHEMA if field.type == pa.string()]
    written = 0
    with new_file(path) as file, parquet.ParquetWriter(file, SCHEMA, **options) as writer:
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
        catalogues[row.catalogue] = parse_json(row.names, finite=False)
        # JSON has no words for what is not finite
        values = [value if math.isfinite(value) else str(value) for value in _floats(row.values).tolist()]
        described.append({"task": row.task, "catalogue": row.catalogue, "values": values})
    return {
        "format": FORMAT,
        "version": VERSION,
        "tasks": [dataclasses.asdict(task) for task in definitions.tasks(connection)],
        "catalogues": catalogues,
        "metafeatures": described,
        "spaces": [dataclasses.asdict(space) for space in definitions.spaces(connection)],
        "recipes": [recipe.definition for recipe in definitions.recipes(connection)],
        "artefacts": _artefacts(connection),
    }


def _artefacts(connection: sa.Connection) -> list[dict]:
    """The artefacts in the order of their keys; whether their files are here is left out."""
    found = artefacts.listing(connection)
    order = sorted(found, key=lambda each: (dataclasses.astuple(each.key), each.name))
    return [{k: v for k, v in dataclasses.asdict(each).items() if k != "dropped"} for each in order]


def _query() -> sa.Select:
    rows, points = schema.trainings, schema.architectures
    keys = [rows.c.task, points.c.space, rows.c.architecture, rows.c.recipe, rows.c.seed]
    query = sa.select(*keys, points.c.u, *(rows.c[name] for name in OWN))
    query = query.join(points, points.c.digest == rows.c.architecture)
    return query.order_by(*(rows.c[name] for name in schema.KEYS))


def _encoded(rows: Sequence[Sequence[Any]], names: Mapping[str, Mapping]) -> pa.RecordBatch:
    """Rows of `_query` as columns of `SCHEMA`."""
    task, space, architecture, recipe, seed, u, *own = zip(*rows, strict=True)
    ends = np.cumsum([0, *(len(blob) // 4 for blob in u)], dtype=np.int32)
    columns: dict[str, Any] = {"task": [names[digest]["name"] for digest in task]}
    columns |= {name: [names[digest][name] for digest in task] for name in ("group", "problem")}
    columns |= {"space": [names[digest]["name"] for digest in space]}
    columns |= {"space_type": [names[digest]["type"] for digest in space]}
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
            yield schema.artefacts, [_artefact_row(entry) for entry in header.get("artefacts", [])]
    except FileNotFoundError as error:
        raise StoreError(f"There is no file '{path}'. Check the path.") from error
    except DAMAGES as error:
        raise StoreError(
            f"'{path}' is damaged or is no experience of taskaware ({error}). Nothing of it was imported. "
            "Export or fetch it again."
        ) from error


def _checked_header(file: parquet.ParquetFile, path: str | os.PathLike) -> dict:
    """The small tables of a file that `export` wrote.

    Raises:
        StoreError: the file is of something else, or of a newer taskaware.
    """
    words = (file.metadata.metadata or {}).get(KEY)
    header = parse_json(words, finite=False) if words else None
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
    if file.schema_arrow.remove_metadata() != SCHEMAS[header["version"]]:
        raise ValueError("its columns are others")
    return header


def _small_tables(header: dict) -> Iterator[tuple[sa.Table, list[dict]]]:
    yield schema.tasks, [writing.task_row(TaskRecord.from_dict(task)) for task in header["tasks"]]
    yield (
        schema.spaces,
        [writing.space_row(checked_space(SpaceRecord(**space))) for space in header["spaces"]],
    )
    yield schema.recipes, [writing.recipe_row(definition) for definition in header["recipes"]]
    names = header["catalogues"]
    described = []
    for entry in header["metafeatures"]:
        task, catalogue, values = (entry[name] for name in ("task", "catalogue", "values"))
        z = [float(value) for value in values]
        described.append(writing.metafeatures_row(task, catalogue, names[catalogue], z))
    yield schema.metafeatures, described


def _artefact_row(entry: Mapping) -> dict:
    """The row of an artefact whose file stayed behind; ValueError where it is none."""
    sha256, name = entry["sha256"], entry["name"]
    found = artefacts.Artefact(
        TrainingKey(**entry["key"]), name, int(entry["size"]), sha256, str(entry["created"])
    )
    if not artefacts.SHA256.fullmatch(sha256):
        raise ValueError(f"the artefact '{name}' has the SHA-256 '{sha256}'")
    return artefacts.row_without_file(found)


def _decoded(batch: pa.RecordBatch, known: Mapping[str, set]) -> Iterator[tuple[sa.Table, list[dict]]]:
    """Columns of `SCHEMA` as rows of architectures and of trainings.

    Raises:
        ValueError: they refer to what is not there, or do not agree with themselves.
    """
    columns = {name: batch[name].to_pylist() for name in batch.schema.names if name != "architecture"}
    if "birth" not in columns:
        nothing = [None] * len(batch)
        status = [DIVERGED if status == LOST else status for status in columns["status"]]
        columns |= {"status": status, "parent": nothing, "birth": nothing}
    for name in ("task", "space", "recipe"):
        if missing := set(columns[f"{name}_digest"]) - known[f"{name}s"]:
            raise ValueError(f"it lacks the {name} '{missing.pop()}'")
    for status, score, error in zip(columns["status"], columns["score"], columns["error"], strict=True):
        right = {OK: (True, False), DIVERGED: (False, False), FAILED: (False, True)}.get(status)
        if right != (score is not None and math.isfinite(score), error is not None):
            raise ValueError(f"a training is '{status}' with the score {score} and the error {error!r}")
    yield schema.architectures, _architectures(batch, columns)
    own = {name: columns[f"{name}_digest"] for name in ("task", "architecture", "recipe")}
    own |= {name: columns[name] for name in ("seed", *OWN)}
    yield schema.trainings, [dict(zip(own, row, strict=True)) for row in zip(*own.values(), strict=True)]


def _architectures(batch: pa.RecordBatch, columns: Mapping[str, list]) -> list[dict]:
    """The rows of `architectures`, each once; ValueError where one does not match its digest."""
    lists = batch["architecture"]
    spaces, names = np.array(columns["space_digest"]), np.array(columns["architecture_digest"])
    lengths = np.diff(lists.offsets.to_numpy())
    found: dict[str, dict] = {}
    # grouped, as digests of a matrix are made faster than those of a list
    for space, length in sorted(set(zip(spaces.tolist(), lengths.tolist(), strict=True))):
        mine = np.flatnonzero((spaces == space) & (lengths == length))
        u = lists.take(pa.array(mine)).flatten().to_numpy().reshape(len(mine), length)
        if (architecture_digests(space, u) != names[mine]).any():
            raise ValueError(f"an architecture of the space '{space}' does not match its digest")
        found |= {
            name: {"digest": name, "space": space, "u": row.tobytes()}
            for name, row in zip(names[mine].tolist(), u.astype("<f4"), strict=True)
        }
    return list(found.values())
