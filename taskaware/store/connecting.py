"""The database behind a store: transactions, tried again where that helps, and errors explained."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from taskaware.errors import StoreError, TaskawareError
from taskaware.store.failures import DAMAGES, explained, intact, passes

WRITING = "taskaware_writing"
LONGEST_PAUSE = 0.25

Found = TypeVar("Found")


class Database:
    """Runs jobs in transactions; a broken connection is replaced at the next job.

    A job is a function of a connection. It may run more than once, each time from the beginning, as what
    an earlier try wrote was undone.
    """

    def __init__(self, engine: sa.Engine, place: str, *, readonly: bool = False, timeout: float = 30.0):
        self.engine = engine
        self.place = place
        self.open = True
        self.readonly = readonly
        self._timeout = timeout

    def read(self, job: Callable[[sa.Connection], Found]) -> Found:
        """The result of a job that reads; it sees the store at one moment.

        Raises:
            StoreError: the store is closed or cannot be read.
        """
        engine = self.engine
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        try:
            return self._run(engine, job)
        except TaskawareError:
            raise
        except DAMAGES:
            # What a reader does not expect, in a file that somebody else wrote.
            with intact():
                raise

    def write(self, job: Callable[[sa.Connection], Found]) -> Found:
        """The result of a job that writes; all its changes are committed or, after an error, none.

        Raises:
            StoreError: the store is closed, was opened readonly, or cannot be written.
        """
        if self.open and self.readonly:
            raise StoreError(f"The store '{self.place}' was opened readonly. Open it without that to write.")
        return self._run(self.engine.execution_options(**{WRITING: True}), job)

    def close(self) -> None:
        """Close the database; closing twice does no harm."""
        self.open = False
        self.engine.dispose()

    def _run(self, engine: sa.Engine, job: Callable[[sa.Connection], Found]) -> Found:
        if not self.open:
            raise StoreError(f"The store '{self.place}' is closed. Open it again.")
        until, pause = time.monotonic() + self._timeout, 0.001
        driver = engine.dialect.loaded_dbapi.Error
        with explained(self.place, driver):
            while True:
                try:
                    with engine.begin() as connection:
                        return job(connection)
                except (sa.exc.DBAPIError, driver) as error:
                    # SQLite and PostgreSQL refuse some clashes at once instead of waiting
                    if not passes(error) or time.monotonic() > until:
                        raise
                time.sleep(random.uniform(0, pause))
                pause = min(2 * pause, LONGEST_PAUSE)
