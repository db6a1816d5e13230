"""Errors of a database as messages that say what to do."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator

import sqlalchemy as sa

from taskaware.errors import StoreError, TaskawareError, quoted
from taskaware.secrets import masked

PASSING = r"database (table |schema )?is locked|lock timeout|deadlock|could not serialize"
REASONS = (
    (
        r"disk is full|no space left|could not extend file",
        "The disk of the store '{place}' is full. Nothing of this batch was written, the store is as it was "
        "before. Free some space and append again.",
    ),
    (
        r"disk i/o error",
        "The disk of the store '{place}' refused to be read or written. Nothing of this batch was written, "
        "the store is as it was before. Check the disk's room, quota and health, and do it again.",
    ),
    (
        PASSING,
        "The store '{place}' is locked by another program. Wait for it to finish, or open the store with a "
        "longer `timeout`.",
    ),
    (
        r"not a database|malformed|disk image",
        "The store '{place}' is corrupt or is no SQLite file. Put a copy in its place, or choose another.",
    ),
    (
        r"terminating connection|server closed|connection (was |is )?(refused|lost|closed|reset)|"
        r"connection (failed|is bad)|connection to server|broken pipe|shutting down|starting up|"
        r"recovery mode",
        "The connection to the store '{place}' broke off or was refused ({cause}). Check its address, and "
        "that the database runs, and do it again: what is there already is not written twice.",
    ),
    (
        r"readonly|read-only",
        "The store '{place}' may only be read. Open it without `readonly`, and check who may write the file "
        "and its folder.",
    ),
    (
        r"unable to open",
        "The store '{place}' cannot be opened. Check that its folder exists and that it may be written.",
    ),
    (
        r"foreign key",
        "The store '{place}' lacks a task, a space or a recipe that the batch names. Add it first.",
    ),
    (
        r"unique constraint|duplicate key",
        "Another program wrote the same to the store '{place}' at this moment. Append again.",
    ),
)


DAMAGED, MEND = "The store is damaged: it has", "`Store.check` says more; a copy or a merge may repair it."
DAMAGES = (
    TaskawareError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@contextlib.contextmanager
def explained(place: str, *errors: type[Exception]) -> Iterator[None]:
    """Errors of the database inside the block become a StoreError.

    Args:
        place: path or URL of the store, without a password.
        errors: those of its driver; those of SQLAlchemy and SQLite are known.
    """
    known: tuple[type[Exception], ...] = (sa.exc.DBAPIError, sqlite3.Error, *errors)
    try:
        yield
    except known as error:
        reason, told = _reason(error, place), str(error)
        # The error below is left out where it tells a password.
        raise StoreError(masked(reason)) from (error if masked(told) == told else None)


@contextlib.contextmanager
def intact() -> Iterator[None]:
    """What a reader finds inside the block and no taskaware wrote becomes a StoreError.

    >>> with intact():
    ...     int("seven")
    Traceback (most recent call last):
    ...
    taskaware.errors.StoreError: The store is damaged: it has what no taskaware wrote (...). ...
    """
    try:
        yield
    except StoreError:
        raise
    except DAMAGES as error:
        found = quoted(str(error) or type(error).__name__, 300)
        raise StoreError(f"{DAMAGED} what no taskaware wrote ({found}). {MEND}") from error


def passes(error: Exception) -> bool:
    """Whether the same transaction may succeed on another try, because it met another transaction."""
    return re.search(PASSING, str(getattr(error, "orig", error)), re.IGNORECASE) is not None


def is_interrupted(error: Exception) -> bool:
    """Whether SQLite ended a query because Ctrl-C came in the meantime; nothing else here ends one."""
    return str(getattr(error, "orig", error)).strip() == "interrupted"


def _reason(error: Exception, place: str) -> str:
    cause = str(getattr(error, "orig", error)).strip()
    first = cause.splitlines()[0].rstrip(".") if cause else type(error).__name__
    for pattern, reason in REASONS:
        if re.search(pattern, cause, re.IGNORECASE):
            return reason.format(place=place, cause=first)
    return f"The store '{place}' cannot be used: {first}. Check its address, and that the database runs."
