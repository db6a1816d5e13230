"""What trainings refer to, as records: tasks, spaces, recipes."""

import sqlalchemy as sa

from taskaware.saved import parse_json
from taskaware.store import schema
from taskaware.store.failures import intact
from taskaware.store.records import (
    RecipeRecord,
    SpaceRecord,
    TaskRecord,
    checked_recipe,
    checked_space,
    checked_task,
)


def tasks(connection: sa.Connection) -> tuple[TaskRecord, ...]:
    """Every task, by name and digest."""
    rows = connection.execute(sa.select(schema.tasks)).mappings()
    with intact():
        found = [
            checked_task(TaskRecord(**{**row, "info": parse_json(row["info"], finite=False)})) for row in rows
        ]
    return tuple(sorted(found, key=lambda task: (task.name, task.digest)))


def spaces(connection: sa.Connection) -> tuple[SpaceRecord, ...]:
    """Every space, by name and digest."""
    rows = connection.execute(sa.select(schema.spaces)).all()
    with intact():
        found = [
            checked_space(SpaceRecord(row.digest, row.name, parse_json(row.definition, finite=False)))
            for row in rows
        ]
    return tuple(sorted(found, key=lambda space: (space.name, space.digest)))


def recipes(connection: sa.Connection) -> tuple[RecipeRecord, ...]:
    """Every recipe, by digest."""
    rows = connection.execute(sa.select(schema.recipes)).all()
    with intact():
        found = [
            checked_recipe(RecipeRecord(row.digest, parse_json(row.definition, finite=False))) for row in rows
        ]
    return tuple(sorted(found, key=lambda recipe: recipe.digest))
