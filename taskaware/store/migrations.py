"""How a store of an older schema version is brought to the present one, a version at a time.

Ours rather than alembic, because a step is one function that runs inside the store's own transaction and
version mark; alembic (with Mako, 3.7 MB) would add an environment folder and a version table of its own.
"""

from collections.abc import Callable

import sqlalchemy as sa

from taskaware.errors import StoreError
from taskaware.store import schema

# the columns of `trainings` in schema 1
TRAININGS_1 = (
    "task, architecture, recipe, seed, score, test_score, loss, seconds, "
    "status, error, strategy, code_version, created"
)


def _from_1_to_2(connection: sa.Connection) -> None:
    """New names, the type of a space, the metric of a training as part of its key, searches and artefacts."""
    run = connection.exec_driver_sql
    run("ALTER TABLE tasks RENAME COLUMN kind TO problem")
    run('ALTER TABLE tasks RENAME COLUMN origin TO "group"')
    run("ALTER TABLE spaces ADD COLUMN type VARCHAR(64) NOT NULL DEFAULT 'mixture'")
    # SQLite cannot change the key of a table, so the rows move to a new one
    run("ALTER TABLE trainings RENAME TO trainings_1")
    schema.metadata.create_all(connection, tables=[schema.trainings, schema.artefacts])
    old = ", ".join(f"old.{name.strip()}" for name in TRAININGS_1.split(","))
    old = old.replace("old.status", "CASE old.status WHEN 'lost' THEN 'diverged' ELSE old.status END")
    run(
        f"INSERT INTO trainings ({TRAININGS_1}, metric) SELECT {old}, "
        "(SELECT metric FROM tasks WHERE tasks.digest = old.task) FROM trainings_1 AS old"
    )
    run("DROP TABLE trainings_1")


STEPS: dict[int, Callable[[sa.Connection], None]] = {1: _from_1_to_2}
"""From version n to n + 1; each runs in a transaction of its own."""


def refuse_newer(version: int, place: str) -> None:
    """Nothing, or StoreError where the store was written by a newer taskaware."""
    if version > schema.VERSION:
        raise StoreError(
            f"The store '{place}' has schema version {version}; this taskaware reads up to {schema.VERSION}. "
            "Update it: pip install --upgrade taskaware"
        )


def migrate_once(connection: sa.Connection, place: str) -> int:
    """One step to the next version, inside the caller's transaction; none where the store is up to date.

    Returns:
        The version reached.

    Raises:
        StoreError: no step leads on from the present version.
    """
    schema.one_at_a_time(connection)
    version = schema.found_version(connection, place)
    if version is not None and version >= schema.VERSION:
        return version
    if version not in STEPS:
        raise StoreError(
            f"The store '{place}' has schema version {version}; no migration leads to {schema.VERSION}. "
            "Open it with the taskaware that wrote it."
        )
    STEPS[version](connection)
    is_version = schema.meta.c.key == "schema_version"
    connection.execute(schema.meta.update().where(is_version).values(value=str(version + 1)))
    return version + 1
