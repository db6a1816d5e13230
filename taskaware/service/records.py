"""What a service keeps beside the files of its folder: one SQLite file, written by server and workers.

Every change is one transaction that is on the disk when the call returns, so a kill at any moment loses no
finished work. A job that was under way is found by the next start, and is taken up again.
"""

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from taskaware.errors import StoreError

VERSION = 1
FILE = "service.sqlite"
PATIENCE = 30.0
"""Seconds that a transaction waits for another one."""

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)

Row = dict[str, Any]

_TABLES = {
    "datasets": "file TEXT NOT NULL, bytes INTEGER NOT NULL",
    "recommendations": "dataset TEXT NOT NULL",
    "jobs": "dataset TEXT NOT NULL, recommendation TEXT NOT NULL, model TEXT NOT NULL, status TEXT NOT NULL, "
    "attempts INTEGER NOT NULL DEFAULT 0, started REAL, ended REAL",
    "models": "dataset TEXT NOT NULL, recommendation TEXT NOT NULL, bytes INTEGER NOT NULL",
}
"""Columns beside those that every table has: id, owner, created, and `about`, plain JSON."""

_SCHEMA = [
    *(
        f"CREATE TABLE {name} (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, "
        f"created REAL NOT NULL, about TEXT NOT NULL, {more})"
        for name, more in _TABLES.items()
    ),
    *(f"CREATE INDEX {name}_of ON {name} (owner, number)" for name in _TABLES),
    "CREATE INDEX jobs_by ON jobs (status, number)",
    "CREATE TABLE events (number INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE INDEX events_of ON events (job, number)",
    f"PRAGMA user_version = {VERSION}",
]


class Records:
    """The records of a folder. Any thread and any process may use one; each call is a transaction.

    Args:
        folder: that exists; the file is made where there is none.

    Raises:
        StoreError: the file cannot be opened, is no such file, or comes from a newer taskaware.
    """

    def __init__(self, folder: Path):
        self._path = folder / FILE
        with self._open() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for line in _SCHEMA:
                    db.execute(line)
            elif version != VERSION:
                raise StoreError(
                    f"'{self._path}' has version {version}; this taskaware reads {VERSION}. Update taskaware."
                )

    def add(self, table: str, row: Mapping[str, Any]) -> Row:
        """A new row.

        Args:
            table: one of datasets, recommendations, jobs, models.
            row: id, owner and about, and the columns of the table.
        """
        with self._open() as db:
            return _insert(db, table, row)

    def get(self, table: str, id: str, owner: str | None = None) -> Row | None:
        """A row by its id; None where there is none, or another owner has it.

        Args:
            table: of the row.
            id: of the row.
            owner: who asks; None for anybody.
        """
        also = "" if owner is None else " AND owner = ?"
        values = [id] if owner is None else [id, owner]
        with self._open("BEGIN") as db:
            return _row(db.execute(f"SELECT * FROM {table} WHERE id = ?{also}", values).fetchone())

    def page(self, table: str, owner: str, *, limit: int, before: int | None = None) -> list[Row]:
        """Rows of an owner, the newest first.

        Args:
            table: of the rows.
            owner: who asks.
            limit: rows at most.
            before: only rows with a smaller number.
        """
        end = before if before is not None else 1 << 62
        with self._open("BEGIN") as db:
            found = db.execute(
                f"SELECT * FROM {table} WHERE owner = ? AND number < ? ORDER BY number DESC LIMIT ?",
                [owner, end, limit],
            )
            return [row for each in found if (row := _row(each))]

    def set_about(self, table: str, id: str, about: Mapping[str, Any]) -> None:
        """Replace the JSON of a row.

        Args:
            table: of the row.
            id: of the row.
            about: plain data.
        """
        with self._open() as db:
            db.execute(f"UPDATE {table} SET about = ? WHERE id = ?", [json.dumps(about), id])

    def remove(self, table: str, id: str) -> None:
        """Remove a row, and the events of a job."""
        with self._open() as db:
            db.execute(f"DELETE FROM {table} WHERE id = ?", [id])
            if table == "jobs":
                db.execute("DELETE FROM events WHERE job = ?", [id])

    def count(self, table: str, owner: str) -> int:
        """Rows of an owner; of the jobs, those that have not ended."""
        also = f" AND status IN ('{WAITING}', '{RUNNING}')" if table == "jobs" else ""
        return self._number(f"SELECT count(*) FROM {table} WHERE owner = ?{also}", [owner])

    def bytes_of(self, owner: str) -> int:
        """Bytes of the datasets and models of an owner."""
        both = " + ".join(
            f"(SELECT coalesce(sum(bytes), 0) FROM {table} WHERE owner = ?)"
            for table in ("datasets", "models")
        )
        return self._number(f"SELECT {both}", [owner, owner])

    def in_use(self, column: str, id: str) -> bool:
        """Whether a job that has not ended needs a dataset or a recommendation."""
        where = f"{column} = ? AND status IN ('{WAITING}', '{RUNNING}')"
        return self._number(f"SELECT count(*) FROM jobs WHERE {where}", [id]) > 0

    def by_status(self) -> dict[str, int]:
        """Number of jobs of each status."""
        with self._open("BEGIN") as db:
            found = dict(db.execute("SELECT status, count(*) FROM jobs GROUP BY status").fetchall())
        return {status: found.get(status, 0) for status in (WAITING, RUNNING, *ENDED)}

    def take(self) -> Row | None:
        """The job that has waited longest, which is running from now on; None where none waits."""
        with self._open() as db:
            found = _row(
                db.execute(
                    "UPDATE jobs SET status = ?, attempts = attempts + 1, started = coalesce(started, ?) "
                    "WHERE number = (SELECT min(number) FROM jobs WHERE status = ?) RETURNING *",
                    [RUNNING, time.time(), WAITING],
                ).fetchone()
            )
            if found:
                _tell(db, found["id"], {"event": "status", "status": RUNNING, "attempt": found["attempts"]})
        return found

    def end(self, id: str, status: str, *, model: Row | None = None, error: Row | None = None) -> bool:
        """End a job that has not ended, in one transaction with its model and its last event.

        Args:
            id: of the job.
            status: one of ENDED.
            model: the row of its model.
            error: code and message of why it failed.

        Returns:
            Whether this call ended it.
        """
        with self._open() as db:
            changed = db.execute(
                "UPDATE jobs SET status = ?, ended = ?, about = json_patch(about, ?) "
                f"WHERE id = ? AND status IN ('{WAITING}', '{RUNNING}')",
                [status, time.time(), json.dumps({"error": error}), id],
            ).rowcount
            if changed and model:
                _insert(db, "models", model)
            if changed:
                more = {"model": model["id"]} if model else {}
                _tell(db, id, {"event": "status", "status": status, "error": error, **more})
        return bool(changed)

    def wait_again(self, id: str | None = None) -> None:
        """Let a running job, or all of them, wait for another attempt."""
        with self._open() as db:
            one = "" if id is None else " AND id = ?"
            db.execute(
                f"UPDATE jobs SET status = ? WHERE status = ?{one}",
                [WAITING, RUNNING, *([] if id is None else [id])],
            )

    def tell(self, job: str, event: Mapping[str, Any]) -> None:
        """Add an event of a job."""
        with self._open() as db:
            _tell(db, job, event)

    def events(self, job: str, after: int = 0, limit: int = 1_000) -> list[tuple[int, Row]]:
        """Events of a job with their numbers, the oldest first.

        Args:
            job: its id.
            after: only events with a larger number.
            limit: events at most.
        """
        with self._open("BEGIN") as db:
            found = db.execute(
                "SELECT number, data FROM events WHERE job = ? AND number > ? ORDER BY number LIMIT ?",
                [job, after, limit],
            ).fetchall()
        return [(number, json.loads(data)) for number, data in found]

    def progress(self, job: str) -> Row | None:
        """The last evaluation of a job's training; None before the first one."""
        with self._open("BEGIN") as db:
            found = db.execute(
                "SELECT data FROM events WHERE job = ? AND json_extract(data, '$.event') = 'progress' "
                "ORDER BY number DESC LIMIT 1",
                [job],
            ).fetchone()
        return json.loads(found["data"]) if found else None

    def _number(self, query: str, values: list[Any]) -> int:
        with self._open("BEGIN") as db:
            return int(db.execute(query, values).fetchone()[0])

    @contextlib.contextmanager
    def _open(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """A transaction; one that may write has the right to from its first statement on."""
        try:
            db = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)
            try:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA synchronous = FULL")
                if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                    # The mode of the journal cannot be changed inside a transaction.
                    db.execute("PRAGMA journal_mode = WAL")
                db.execute(begin)
                yield db
                db.execute("COMMIT")
            finally:
                # Closing undoes what was not committed.
                db.close()
        except sqlite3.Error as error:
            raise StoreError(
                f"'{self._path}' cannot be read or written ({error}). Check the disk, or choose another "
                "--folder."
            ) from error


def _row(found: sqlite3.Row | None) -> Row | None:
    if found is None:
        return None
    row = dict(found)
    return row | {"about": json.loads(row["about"])}


def _insert(db: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> Row:
    made = {"created": time.time(), **row}
    plain = {**made, "about": json.dumps(made["about"])}
    marks = ", ".join("?" * len(plain))
    db.execute(f"INSERT INTO {table} ({', '.join(plain)}) VALUES ({marks})", [*plain.values()])
    return made


def _tell(db: sqlite3.Connection, job: str, event: Mapping[str, Any]) -> None:
    db.execute("INSERT INTO events (job, data) VALUES (?, ?)", [job, json.dumps(event)])
