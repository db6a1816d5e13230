"""What a database complains about, in words that name the mend."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator

import sqlalchemy as sa

from taskaware.errors import StoreError

REASONS = (
    (
        r"disk is full|no space left|could not extend file",
        "The disk of the store '{place}' is full. Nothing of this batch was written, the store is as it was "
        "before. Free some space and append again.",
    ),
    (
        r"database (table )?is locked|lock timeout|deadlock",
        "The store '{place}' is locked by another program. Wait for it to finish, or open the store with a "
        "longer `timeout`.",
    ),
    (
        r"not a database|malformed|disk image",
        "The store '{place}' is corrupt or is no SQLite file. Put a copy in its place, or choose another.",
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


@contextlib.contextmanager
def explained(place: str) -> Iterator[None]:
    """Errors of the database inside the block become a StoreError.

    Args:
        place: path or URL of the store, without a password.
    """
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        raise StoreError(_reason(error).format(place=place)) from error


def _reason(error: Exception) -> str:
    cause = str(getattr(error, "orig", error))
    for pattern, reason in REASONS:
        if re.search(pattern, cause, re.IGNORECASE):
            return reason
    first = cause.strip().splitlines()[0].replace("{", "{{").replace("}", "}}")
    return "The store '{place}' cannot be used: " + first + " Check its address, and that the database runs."
