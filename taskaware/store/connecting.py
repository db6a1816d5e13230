"""The database behind a store: transactions, tried again where that helps, and errors explained."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from taskaware.errors import StoreError, TaskawareError
from taskaware.store.failures import DAMAGES, explained, intact, is_interrupted, passes

WRITING = "taskaware_writing"
LONGEST_PAUSE = 0.25
PATIENCE = 3.0
"""Seconds of waiting after which a warning says what is waited for."""
WAITING = (
    "The store '%s' is locked by another program. Waiting for it, %g s at most; $TASKAWARE_STORE_TIMEOUT or "
    "`timeout` changes that."
)

log = logging.getLogger(__name__)

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
        began, pause, told = time.monotonic(), 0.001, False
        until = began + self._timeout
        driver = engine.dialect.loaded_dbapi.Error
        with explained(self.place, driver):
            while True:
                try:
                    with engine.begin() as connection:
                        return job(connection)
                except (sa.exc.DBAPIError, driver) as error:
                    if is_interrupted(error):
                        raise KeyboardInterrupt from error
                    # SQLite and PostgreSQL refuse some clashes at once instead of waiting
                    if not passes(error) or time.monotonic() > until:
                        raise
                if not told and time.monotonic() - began > PATIENCE:
                    told = True
                    log.warning(WAITING, self.place, self._timeout)
                time.sleep(random.uniform(0, pause))
                pause = min(2 * pause, LONGEST_PAUSE)
