"""The tables of the store, schema version 2.

    tasks ─────────┬─< metafeatures              z of a task, once for each catalogue
      digest PK    │     task PK → tasks, catalogue PK, names, values (float32)
      name, group  │
      problem      │   spaces                    what the architectures are points of
      metric       │     digest PK, name, type, definition (JSON)
      rows, ...    │       │
                   │     architectures           a point each; their lengths may differ
    recipes        │       digest PK, space → spaces, u (float32)
      digest PK    │       │
      definition   │       │
           └───────┴─< trainings >─┘             the true scores
                         task PK, architecture PK, recipe PK, seed PK, metric PK
                         score, test_score, loss, seconds, status, error
                         strategy, code_version, created
                         parent (digest of an architecture or NULL), birth (order number or NULL)
                           │
                       artefacts                 files of a training, in the artefact area
                         the five keys of the training PK, name PK
                         size, sha256, path, created, used, dropped

    meta: key PK, value                          schema_version, application_id, created

A digest is 16 hex digits. `metric` of a training is the name of the metric that its score is in. `parent` is
no foreign key, as the parent may have been pruned. `dropped` is when the file of an artefact was removed to
make room; NULL means that it is there. How an older store is brought to these tables: `migrations`.
"""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Double, ForeignKey, LargeBinary, String, Text

from taskaware.digests import LENGTH
from taskaware.errors import StoreError

VERSION = 2
APPLICATION_ID = 0x54614177
KEYS = ("task", "architecture", "recipe", "seed", "metric")
"""The columns of the key of a training."""

metadata = sa.MetaData()


def _digest(name: str, table: str | None = None, **options: Any) -> Column:
    return Column(name, String(LENGTH), *([ForeignKey(f"{table}.digest")] if table else []), **options)


meta = sa.Table(
    "meta",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)
tasks = sa.Table(
    "tasks",
    metadata,
    _digest("digest", primary_key=True),
    Column("name", Text, nullable=False),
    Column("group", Text, nullable=False),
    Column("problem", String(64), nullable=False),
    Column("metric", String(64), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("features", BigInteger, nullable=False),
    Column("outputs", BigInteger, nullable=False),
    Column("info", Text, nullable=False),
    Column("added", String(32), nullable=False),
)
metafeatures = sa.Table(
    "metafeatures",
    metadata,
    _digest("task", "tasks", primary_key=True),
    _digest("catalogue", primary_key=True),
    Column("names", Text, nullable=False),
    Column("values", LargeBinary, nullable=False),
)
spaces = sa.Table(
    "spaces",
    metadata,
    _digest("digest", primary_key=True),
    Column("name", Text, nullable=False),
    Column("type", String(64), nullable=False),
    Column("definition", Text, nullable=False),
)
architectures = sa.Table(
    "architectures",
    metadata,
    _digest("digest", primary_key=True),
    _digest("space", "spaces", nullable=False, index=True),
    Column("u", LargeBinary, nullable=False),
)
recipes = sa.Table(
    "recipes",
    metadata,
    _digest("digest", primary_key=True),
    Column("definition", Text, nullable=False),
)
trainings = sa.Table(
    "trainings",
    metadata,
    _digest("task", "tasks", primary_key=True),
    _digest("architecture", "architectures", primary_key=True),
    _digest("recipe", "recipes", primary_key=True),
    Column("seed", BigInteger, primary_key=True),
    Column("metric", String(64), primary_key=True),
    Column("score", Double),
    Column("test_score", Double),
    Column("loss", Double),
    Column("seconds", Double),
    Column("status", String(8), nullable=False),
    Column("error", Text),
    Column("strategy", Text, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("created", String(32), nullable=False),
    _digest("parent"),
    Column("birth", BigInteger),
    sqlite_with_rowid=False,
)
artefacts = sa.Table(
    "artefacts",
    metadata,
    *(Column(name, trainings.c[name].type, primary_key=True) for name in KEYS),
    Column("name", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("created", String(32), nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("dropped", String(32)),
    sa.ForeignKeyConstraint(KEYS, [trainings.c[name] for name in KEYS]),
)


def now() -> str:
    """This moment, UTC, ISO 8601 to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def found_version(connection: sa.Connection, place: str) -> int | None:
    """Schema version of the store behind the connection; None where the database is empty.

    Raises:
        StoreError: the database belongs to another application.
    """
    inspector = sa.inspect(connection)
    names = set(inspector.get_table_names())
    sqlite = connection.dialect.name == "sqlite"
    mark = connection.exec_driver_sql("PRAGMA application_id").scalar() if sqlite else APPLICATION_ID
    if not (names if sqlite else names & set(metadata.tables)) and mark in (0, APPLICATION_ID):
        return None
    keys = {column["name"] for column in inspector.get_columns("meta")} if "meta" in names else set()
    rows = connection.execute(sa.select(meta)).all() if keys == {"key", "value"} else ()
    entries = {row.key: row.value for row in rows}
    version, application = entries.get("schema_version", ""), entries.get("application_id")
    if mark != APPLICATION_ID or application != f"{APPLICATION_ID:x}" or not version.isdigit():
        raise StoreError(
            f"'{place}' is a database of another application and was left as it is. Choose another place."
        )
    # A view of the same name could be without end.
    missing = sorted(set(metadata.tables) - names) if int(version) == VERSION else []
    if missing:
        raise StoreError(
            f"'{place}' lacks the tables {', '.join(missing)}: it is damaged. Take a copy, or another store."
        )
    return int(version)


def create(connection: sa.Connection, place: str) -> None:
    """All tables in an empty database, inside the caller's transaction; nothing where they are there."""
    one_at_a_time(connection)
    if found_version(connection, place) is not None:
        return
    metadata.create_all(connection)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    entries = {"schema_version": str(VERSION), "application_id": f"{APPLICATION_ID:x}", "created": now()}
    connection.execute(meta.insert(), [{"key": key, "value": value} for key, value in entries.items()])


def one_at_a_time(connection: sa.Connection) -> None:
    """Until the transaction ends, no other process creates or migrates; SQLite's writers are alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(APPLICATION_ID)))
