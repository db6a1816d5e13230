"""From a path or a URL to a database that is checked: ours, and up to date."""

import os
import sqlite3
import time
import urllib.parse
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from taskaware.errors import StoreError, quoted
from taskaware.files import expanded
from taskaware.secrets import masked_value, remember
from taskaware.store import migrations, schema
from taskaware.store.connecting import WRITING, Database
from taskaware.store.failures import explained

BUSY = 1.0
"""Seconds for which SQLite itself waits for another writer."""
STEPS = 100_000
"""Steps of SQLite's machine between two looks at signals."""
SETTING = "TASKAWARE_STORE_TIMEOUT"
TIMEOUT = 60.0
"""Seconds to wait for other writers where neither the call nor the environment says how long."""

MEMORY = (None, "", ":memory:")
# keys are random, so that each batch changes pages all over the file: writing them back seldom (in pages) is
# twice as fast at a million trainings
PRAGMAS = ("foreign_keys = ON", "synchronous = NORMAL", "cache_size = -65536", "wal_autocheckpoint = 8000")


def place_of(target: str | os.PathLike) -> sa.URL:
    """The URL of a store; what has no "://" is the path of an SQLite file.

    Raises:
        StoreError: it is neither.

    >>> place_of("experience.db").get_backend_name()
    'sqlite'
    """
    if "://" not in str(target):
        name = str(target)
        path = name if name in MEMORY else str(expanded(target))
        return sa.URL.create("sqlite", database=path)
    try:
        url = sa.make_url(str(target))
    except (sa.exc.ArgumentError, ValueError):
        # SQLAlchemy's own error holds the URL, and so the password.
        shown = quoted(masked_value(str(target)), 300)
        raise StoreError(f"{shown} is no database URL. Write postgresql://user@host/name.") from None
    _remember(url)
    return url


def file_of(url: sa.URL) -> str:
    """The path of an SQLite file; empty for any other database."""
    return str(url.database) if _is_sqlite_file(url) else ""


def shown(url: sa.URL) -> str:
    """The place for people: a path, or a URL without its password."""
    if url.get_backend_name() == "sqlite":
        return url.database or ":memory:"
    return masked_value(url.render_as_string(hide_password=True))


def _remember(url: sa.URL) -> None:
    """Let no later message hold the password, nor what a query gives as one."""
    remember(url.password)
    hidden = masked_value(url.render_as_string(hide_password=False))
    for values in url.normalized_query.values():
        for value in values:
            if urllib.parse.quote_plus(value) not in hidden:
                remember(value)


def chosen_timeout(given: float | None) -> float:
    """Seconds to wait for other writers: those that are given, or of the environment, or TIMEOUT.

    Raises:
        StoreError: what is given is no number from 0 on.
    """
    value = os.environ.get(SETTING, TIMEOUT) if given is None else given
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        where = SETTING if given is None else "timeout"
        raise StoreError(f"{where} is {quoted(value)}. Give seconds, 0 or more, for example 30.")
    return seconds


def open_database(url: sa.URL, *, create: bool, readonly: bool, timeout: float) -> Database:
    """The database of a store, with the present schema version.

    Args:
        url: of the database.
        create, readonly, timeout: as in `Store.open`.

    Raises:
        StoreError: see `Store.open`.
    """
    place, is_file = shown(url), _is_sqlite_file(url)
    create = create and not readonly
    if is_file:
        _check_file(place, create=create, readonly=readonly)
    database = Database(_engine(url, create, readonly, timeout), place, readonly=readonly, timeout=timeout)
    try:
        _prepare(database, create, readonly, timeout)
    except BaseException:
        database.close()
        raise
    return database


def _is_sqlite_file(url: sa.URL) -> bool:
    return url.get_backend_name() == "sqlite" and url.database not in MEMORY


def _check_file(place: str, *, create: bool, readonly: bool) -> None:
    """Raise a StoreError for a wrong path, where SQLite's own message would be unclear."""
    path = Path(place)
    if "\0" in place:
        raise StoreError(f"{quoted(place)} is no name of a file. Check the path.")
    try:
        there = path.exists()
    except OSError as error:
        raise StoreError(f"{quoted(place)} cannot be opened: {error.strerror}. Check the path.") from error
    if path.is_dir():
        raise StoreError(f"'{place}' is a folder. Name a file in it, like '{path / 'experience.db'}'.")
    if not there and not create:
        raise StoreError(
            f"There is no store at {quoted(str(place))}. Check the path, or open it with create=True."
        )
    if not path.absolute().parent.is_dir():
        raise StoreError(f"The folder of '{place}' does not exist. Create it first.")
    if not there:
        return
    if not os.access(path, os.R_OK):
        raise StoreError(f"'{place}' may not be read. Ask its owner for leave, or take a copy.")
    if not readonly and not (os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)):
        raise StoreError(
            f"'{place}' or its folder may not be written, so the store can only be read: open it with "
            "readonly=True. To write, copy it to another folder."
        )
    if not _looks_like_sqlite(path):
        raise StoreError(f"'{place}' is not an SQLite file and was left as it is. Choose another path.")
    if readonly and _is_unfinished(path):
        raise StoreError(
            f"'{place}' has changes in '{path.name}-wal' that were not written into it yet, and its folder "
            "may not be written. Open it once where that is allowed, or copy both files to another folder."
        )


def _is_unfinished(path: Path) -> bool:
    """Whether a writer left changes beside the file that only one who may write the folder can read."""
    log = path.with_name(f"{path.name}-wal")
    return not os.access(path.absolute().parent, os.W_OK) and log.exists() and log.stat().st_size > 0


def _is_still(path: Path) -> bool:
    """Whether nobody can change the file or its folder from here, so that SQLite needs no lock to read it."""
    return not os.access(path.absolute().parent, os.W_OK)


def _looks_like_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(16)
    return start in (b"", b"SQLite format 3\0")


def _engine(url: sa.URL, create: bool, readonly: bool, timeout: float) -> sa.Engine:
    place = shown(url)
    if url.get_backend_name() == "sqlite":
        options: dict[str, Any] = {"creator": lambda: _sqlite_connection(url, create, readonly, timeout)}
    else:
        # a server may have been started anew since the last call
        options = {"pool_pre_ping": True}
    try:
        engine = sa.create_engine(url, **options)
    except sa.exc.NoSuchModuleError as error:
        raise StoreError(
            f"'{place}': SQLAlchemy knows no database '{url.drivername}'. Use sqlite:///file or postgresql://..."
        ) from error
    except ImportError as error:
        raise StoreError(
            f"'{place}': the driver of '{url.drivername}' is not installed ({error}). Install it, for "
            'PostgreSQL: pip install "psycopg[binary]", and write the URL as postgresql+psycopg://...'
        ) from error
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "begin", _begin)
    return engine


def _sqlite_connection(url: sa.URL, create: bool, readonly: bool, timeout: float) -> sqlite3.Connection:
    memory = url.database in MEMORY
    mode = "ro" if readonly else "rwc" if create else "rw"
    path = "" if memory else urllib.parse.quote(str(Path(url.database or "").absolute()))
    name = ":memory:" if memory else f"file:{path}?mode={mode}"
    if readonly and not memory and _is_still(Path(url.database or "")):
        # SQLite's write-ahead log would need a file beside the store, even to read.
        name += "&immutable=1"
    # isolation_level None: SQLAlchemy begins transactions, in `_begin`
    # The longer wait is in `Database`, which can tell what it waits for, and be stopped.
    connection = sqlite3.connect(
        name, uri=not memory, timeout=min(timeout, BUSY), isolation_level=None, check_same_thread=False
    )
    # SQLite looks up now and then, so that Ctrl-C ends even a query without end.
    connection.set_progress_handler(_go_on, STEPS)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _go_on() -> int:
    """Let Python look for signals; an error in here ends the query."""
    return 0


def _begin(connection: sa.Connection) -> None:
    """Writers lock at once: two that had begun by reading could never both go on."""
    writing = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _prepare(database: Database, create: bool, readonly: bool, timeout: float) -> None:
    """The schema created or brought up to date, by this process or by another at the same moment."""
    place = database.place
    version = database.read(lambda connection: schema.found_version(connection, place))
    if version is None and not create:
        raise StoreError(f"There is no store at {quoted(str(place))}, it is empty. Open it with create=True.")
    if version is None:
        if database.engine.dialect.name == "sqlite":
            with explained(place):
                _write_ahead(database.engine, timeout)
        database.write(lambda connection: schema.create(connection, place))
        return
    migrations.refuse_newer(version, place)
    if version < schema.VERSION and readonly:
        raise StoreError(
            f"The store '{place}' has schema version {version} and must be migrated to {schema.VERSION}. "
            f"Copy it, then run: taskaware experience migrate {place} (or open it once without `readonly`)."
        )
    while version < schema.VERSION:
        version = database.write(lambda connection: migrations.migrate_once(connection, place))


def _write_ahead(engine: sa.Engine, timeout: float) -> None:
    """SQLite's write-ahead log: readers and a writer do not wait for each other."""
    until = time.monotonic() + timeout
    while True:
        connection = engine.raw_connection()
        try:
            cast(sqlite3.Connection, connection.driver_connection).execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            # SQLite does not wait here by itself when another process switches at the same moment
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        finally:
            connection.close()
