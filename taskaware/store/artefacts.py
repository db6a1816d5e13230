"""Artefacts: files of trainings (weights, logs) in a bounded folder beside the store.

A file is named by the SHA-256 of its content, so equal files are there once, and no name of a user becomes a
path. Content is bytes: it is compared with its SHA-256 when it is read, and never unpickled. When the area is
full, the files that were used longest ago are removed; their rows stay, marked as dropped.
"""

import contextlib
import dataclasses
import functools
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import sqlalchemy as sa

from taskaware.errors import StoreError, UserError
from taskaware.files import atomic_write
from taskaware.store import schema
from taskaware.store.area import PATH, Area
from taskaware.store.connecting import Database
from taskaware.store.records import TrainingKey, text
from taskaware.store.writing import insert_new

LONGEST_NAME = cast(sa.String, schema.artefacts.c.name.type).length or 0
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Artefact:
    """A file of a training.

    Attributes:
        key: of the training; its metric is named.
        name: of the artefact, one for each training.
        size: bytes.
        sha256: of the content, 64 hex digits.
        created: when it came into the store, UTC ISO 8601.
        dropped: when its file was removed to make room, or that it never came; empty where it is there.
    """

    key: TrainingKey
    name: str
    size: int
    sha256: str
    created: str
    dropped: str = ""


def put(connection: sa.Connection, area: Area, found: Artefact, content: bytes) -> tuple[Artefact, list[str]]:
    """Write a file and its row, and mark as dropped what no longer has room.

    Args:
        connection: in a writing transaction of the caller.
        area: of the store.
        found: what `described` gave.
        content: its bytes.

    Returns:
        The artefact as it was written, and relative paths that may have no row any more: for
        `remove_unused`, after the transaction.

    Raises:
        UserError: it is larger than the area, the store has no area, or the training is not in the store.
        StoreError: the file cannot be written.
    """
    if found.size > area.limit:
        raise UserError(
            f"'{found.name}' has {found.size:,} bytes; the artefacts of this store may have {area.limit:,} "
            "together. Raise it: Store.open(..., artefact_limit=...)."
        )
    alone(connection)
    found = dataclasses.replace(found, key=_completed(connection, found.key))
    path = _path_of(found.sha256)
    _write(area.path(path), content)
    table, mine = schema.artefacts, _is(found.key) & (schema.artefacts.c.name == found.name)
    replaced = list(connection.execute(sa.select(table.c.path).where(mine)).scalars())
    connection.execute(table.delete().where(mine))
    # the same content may have been dropped with another training
    connection.execute(table.update().where(table.c.sha256 == found.sha256).values(dropped=None))
    connection.execute(table.insert(), _row(found) | {"used": _next(connection)})
    unused = [old for old in replaced if old != path] + _make_room(connection, area.limit)
    return found, unused


def described(key: TrainingKey, name: str, content: bytes) -> Artefact:
    """The artefact of a content.

    Args:
        key: of the training.
        name: of the artefact, unique within the training.
        content: of the file.

    Raises:
        UserError: the name is empty or too long, or the content is not bytes.
    """
    if not isinstance(content, bytes):
        raise UserError(f"The content of an artefact is bytes, but {type(content).__name__} was given.")
    if not 0 < len(name) <= LONGEST_NAME or text(name) != name:
        raise UserError(f"{name!r} is no name of an artefact. Use 1 to {LONGEST_NAME} characters.")
    return Artefact(key, name, len(content), hashlib.sha256(content).hexdigest(), schema.now())


def find(connection: sa.Connection, key: TrainingKey, name: str) -> Artefact:
    """The artefact of that name.

    Args:
        connection: to the store.
        key: of the training.
        name: of the artefact.

    Raises:
        StoreError: there is none, or it was dropped.
    """
    named = {each.name: each for each in listing(connection, key)}
    if name not in named:
        have = ", ".join(f"'{each}'" for each in named) or "none"
        raise StoreError(f"This training has no artefact '{name}'. It has: {have}.")
    if named[name].dropped:
        raise StoreError(
            f"The file of '{name}' is missing since {named[name].dropped}: it was removed to make room, "
            "or was not merged with its row. Put it again, with a larger artefact_limit if need be."
        )
    return named[name]


def read(area: Area, found: Artefact) -> bytes:
    """The content of an artefact.

    Raises:
        UserError: the store has no area.
        StoreError: the file is missing or is another one.
    """
    path = area.path(_path_of(found.sha256))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"The file of '{found.name}' cannot be read: {error}. Put it again.") from error
    if len(content) != found.size or hashlib.sha256(content).hexdigest() != found.sha256:
        raise StoreError(f"The file '{path}' of '{found.name}' is damaged. Remove it, and put it again.")
    return content


def mark_used(connection: sa.Connection, found: Artefact) -> None:
    """Note that a file was read just now, so that others are dropped first."""
    alone(connection)
    table = schema.artefacts
    used = table.update().where(table.c.sha256 == found.sha256)
    connection.execute(used.values(used=_next(connection)))


def listing(connection: sa.Connection, key: TrainingKey | None = None) -> tuple[Artefact, ...]:
    """The artefacts of a training or, without a key, of all; those used longest ago first."""
    query = sa.select(schema.artefacts).order_by(schema.artefacts.c.used, *schema.artefacts.primary_key)
    if key is not None:
        query = query.where(_is(_completed(connection, key)))
    return tuple(
        Artefact(
            TrainingKey(*(row[name] for name in schema.KEYS)),
            row["name"],
            row["size"],
            row["sha256"],
            row["created"],
            row["dropped"] or "",
        )
        for row in connection.execute(query).mappings()
    )


def remove_unused(connection: sa.Connection, area: Area, paths: Iterable[str]) -> None:
    """Remove the files that no row needs.

    Args:
        connection: in a writing transaction of the caller.
        area: that holds the files.
        paths: of the files.
    """
    alone(connection)
    table = schema.artefacts
    needed = set(connection.execute(sa.select(table.c.path).where(table.c.dropped.is_(None))).scalars())
    for path in set(paths) - needed:
        with contextlib.suppress(FileNotFoundError):
            area.path(path).unlink()


def alone(connection: sa.Connection) -> None:
    """Lock the artefacts until the transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE artefacts IN SHARE ROW EXCLUSIVE MODE")


def merge(target: Database, area: Area, found: Iterable[Artefact], source: Area) -> None:
    """Add the artefacts of another store whose trainings are merged already; existing ones stay.

    If a file cannot be read, or has no room or no area in the target, its row is marked as dropped.

    Args:
        target: the database to add to.
        area: of its files.
        found: artefacts of the other store.
        source: files of the other store.
    """
    here = {(each.key, each.name): each for each in target.read(listing)}
    for each in found:
        mine = here.get((each.key, each.name))
        if mine is not None and not (mine.dropped and mine.sha256 == each.sha256):
            continue
        content = _content(source, each) if area.folder and each.size <= area.limit else None
        if content is not None:
            _, unused = target.write(functools.partial(put, area=area, found=each, content=content))
            target.write(functools.partial(remove_unused, area=area, paths=unused))
        elif mine is None:
            rows = [row_without_file(each)]
            target.write(functools.partial(insert_new, table=schema.artefacts, rows=rows))


def row_without_file(found: Artefact) -> dict:
    """The row of an artefact whose file is not here."""
    return _row(found) | {"used": 0, "dropped": found.dropped or schema.now()}


def faults(connection: sa.Connection, area: Area) -> Iterator[tuple[str, list[str]]]:
    """What is wrong with files: the fault, and the names of the artefacts that have it."""
    table = schema.artefacts
    wrong: dict[str, list[str]] = {"have a path that is none": [], "have no file, or a damaged one": []}
    paths, files = wrong.values()
    for path, sha256 in connection.execute(sa.select(table.c.path, table.c.sha256).distinct()):
        if path != _path_of(sha256) or not PATH.fullmatch(path):
            paths.append(path)
    for each in listing(connection) if area.folder and not paths else ():
        if not each.dropped and _content(area, each) is None:
            files.append(f"{each.key.task}/{each.key.architecture}/{each.name}")
    yield from ((what, names) for what, names in wrong.items() if names)


def _content(area: Area, found: Artefact) -> bytes | None:
    with contextlib.suppress(StoreError, UserError):
        return None if found.dropped else read(area, found)
    return None


def _path_of(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def _row(found: Artefact) -> dict:
    own = {"name": found.name, "size": found.size, "sha256": found.sha256, "created": found.created}
    return dataclasses.asdict(found.key) | own | {"path": _path_of(found.sha256), "dropped": None}


def _is(key: TrainingKey) -> sa.ColumnElement:
    return sa.and_(*(schema.artefacts.c[name] == getattr(key, name) for name in schema.KEYS))


def _completed(connection: sa.Connection, key: TrainingKey) -> TrainingKey:
    """The key with its metric named; UserError where no such training is in the store."""
    rows, tasks = schema.trainings.c, schema.tasks.c
    metric = sa.select(tasks.metric).where(tasks.digest == key.task).scalar_subquery()
    query = sa.select(rows.metric).where(rows.metric == (key.metric or metric))
    query = query.where(*(rows[name] == getattr(key, name) for name in schema.KEYS[:-1]))
    found = connection.execute(query).scalar()
    if found is None:
        raise UserError(f"There is no {key} in the store. Append the training first.")
    return dataclasses.replace(key, metric=found)


def _next(connection: sa.Connection) -> int:
    """A number larger than all in `used`."""
    return 1 + (connection.execute(sa.select(sa.func.max(schema.artefacts.c.used))).scalar() or 0)


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, content)
    except OSError as error:
        raise StoreError(f"The artefact cannot be written: {error}.") from error


def _make_room(connection: sa.Connection, limit: int) -> list[str]:
    """Mark files as dropped until the rest fits, those used longest ago first; their paths."""
    table, here = schema.artefacts, schema.artefacts.c.dropped.is_(None)
    query = sa.select(table.c.path, sa.func.max(table.c.size), sa.func.max(table.c.used).label("used"))
    files = connection.execute(query.where(here).group_by(table.c.path).order_by("used")).all()
    over, dropped = sum(size for _, size, _ in files) - limit, []
    for path, size, _ in files:
        if over <= 0:
            break
        over -= size
        dropped.append(path)
    if dropped:
        connection.execute(table.update().where(table.c.path.in_(dropped)).values(dropped=schema.now()))
    return dropped
