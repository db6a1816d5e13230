"""The tables of the store (schema version 2), and how an older store is brought to them."""

import datetime
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Double, ForeignKey, LargeBinary, String, Text

from taskaware.digests import LENGTH
from taskaware.errors import StoreError

VERSION = 2
APPLICATION_ID = 0x54614177

# from version n to n + 1, in this order; each runs in a transaction of its own
MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {}


def _names_of_version_2(connection: sa.Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE tasks RENAME COLUMN kind TO problem")
    connection.exec_driver_sql('ALTER TABLE tasks RENAME COLUMN origin TO "group"')
    connection.exec_driver_sql("UPDATE trainings SET status = 'diverged' WHERE status = 'lost'")


MIGRATIONS[1] = _names_of_version_2

metadata = sa.MetaData()


def _digest(name: str, table: str | None = None, **options: object) -> Column:
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
    Column("score", Double),
    Column("test_score", Double),
    Column("loss", Double),
    Column("seconds", Double),
    Column("status", String(8), nullable=False),
    Column("error", Text),
    Column("strategy", Text, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("created", String(32), nullable=False),
    sqlite_with_rowid=False,
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
    entries = dict(connection.execute(sa.select(meta)).all()) if keys == {"key", "value"} else {}
    version, application = entries.get("schema_version", ""), entries.get("application_id")
    if mark != APPLICATION_ID or application != f"{APPLICATION_ID:x}" or not version.isdigit():
        raise StoreError(
            f"'{place}' is a database of another application and was left as it is. Choose another place."
        )
    return int(version)


def create(connection: sa.Connection, place: str) -> None:
    """All tables in an empty database, inside the caller's transaction; nothing where they are there."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(APPLICATION_ID)))
    if found_version(connection, place) is not None:
        return
    metadata.create_all(connection)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    entries = {"schema_version": str(VERSION), "application_id": f"{APPLICATION_ID:x}", "created": now()}
    connection.execute(meta.insert(), [{"key": key, "value": value} for key, value in entries.items()])


def refuse_newer(version: int, place: str) -> None:
    """Nothing, or StoreError where the store was written by a newer taskaware."""
    if version > VERSION:
        raise StoreError(
            f"The store '{place}' has schema version {version}; this taskaware reads up to {VERSION}. "
            "Update it: pip install --upgrade taskaware"
        )


def migrate_once(connection: sa.Connection, place: str) -> int:
    """One step to the next version, inside the caller's transaction; none where the store is up to date.

    Returns:
        The version reached.

    Raises:
        StoreError: no step leads on from the present version.
    """
    version = found_version(connection, place)
    if version >= VERSION:
        return version
    if version not in MIGRATIONS:
        raise StoreError(
            f"The store '{place}' has schema version {version}, from which nothing leads to {VERSION}. "
            "Open it with the taskaware that wrote it."
        )
    MIGRATIONS[version](connection)
    is_version = meta.c.key == "schema_version"
    connection.execute(meta.update().where(is_version).values(value=str(version + 1)))
    return version + 1
