"""From the tables to columns of numbers, a block of rows at a time."""

import json
from collections.abc import Iterable, Iterator

import numpy as np
import sqlalchemy as sa

from taskaware.errors import UserError, unknown
from taskaware.store import schema
from taskaware.store.experience import INDICES, PER_TRAINING, Experience
from taskaware.store.records import FAILED, RecipeRecord, SpaceRecord, TaskRecord

BLOCK = 20_000
TYPES = {name: np.int32 if name in INDICES else np.float32 for name in PER_TRAINING} | {"seed": np.int64}


def blocks(connection: sa.Connection, query: sa.Select) -> Iterator[list[sa.Row]]:
    """The rows of a query, at most `BLOCK` at a time."""
    result = connection.execution_options(yield_per=BLOCK).execute(query)
    yield from result.partitions()


def tasks(connection: sa.Connection) -> tuple[TaskRecord, ...]:
    """Every task, by name and digest."""
    rows = connection.execute(sa.select(schema.tasks)).mappings()
    found = (TaskRecord(**{**row, "info": json.loads(row["info"])}) for row in rows)
    return tuple(sorted(found, key=lambda task: (task.name, task.digest)))


def spaces(connection: sa.Connection) -> tuple[SpaceRecord, ...]:
    """Every space, by name and digest."""
    rows = connection.execute(sa.select(schema.spaces)).all()
    found = (SpaceRecord(row.digest, row.name, json.loads(row.definition)) for row in rows)
    return tuple(sorted(found, key=lambda space: (space.name, space.digest)))


def recipes(connection: sa.Connection) -> tuple[RecipeRecord, ...]:
    """Every recipe, by digest."""
    rows = connection.execute(sa.select(schema.recipes)).all()
    found = (RecipeRecord(row.digest, json.loads(row.definition)) for row in rows)
    return tuple(sorted(found, key=lambda recipe: recipe.digest))


def done(connection: sa.Connection, task: str, recipe: str, names: list[str]) -> set[tuple[str, int]]:
    """(architecture, seed) of what is finished for the task and the recipe among these architectures."""
    table, found = schema.trainings, set()
    query = sa.select(table.c.architecture, table.c.seed).where(
        table.c.task == task, table.c.recipe == recipe, table.c.status != FAILED
    )
    for start in range(0, len(names), 500):
        some = query.where(table.c.architecture.in_(names[start : start + 500]))
        found.update(tuple(row) for row in connection.execute(some))
    return found


def triplets(
    connection: sa.Connection,
    *,
    space: str | None,
    recipe: str | None,
    kind: str | None,
    catalogue: str | None,
) -> Experience:
    """See `Store.triplets`."""
    chosen = _choose_space(connection, space)
    columns, codes = _columns(connection, _query(connection, chosen.digest, recipe, kind))
    used = tuple(task for task in tasks(connection) if task.digest in codes["task"])
    made = tuple(found for found in recipes(connection) if found.digest in codes["recipe"])
    orders = {name: sorted(codes[name]) for name in INDICES}
    orders |= {"task": [task.digest for task in used], "recipe": [found.digest for found in made]}
    columns |= {name: _recoded(columns[name], codes[name], order) for name, order in orders.items()}
    rows = np.lexsort([columns[name] for name in ("seed", "recipe", "architecture", "task")])
    named, features, z = _described(connection, orders["task"], catalogue)
    return Experience(
        tasks=used,
        catalogue=named,
        features=features,
        z=z,
        space=chosen,
        architectures=_points(connection, chosen.digest, orders["architecture"]),
        recipes=made,
        strategies=tuple(orders["strategy"]),
        **{name: columns[name][rows] for name in PER_TRAINING},
    )


def _choose_space(connection: sa.Connection, name: str | None) -> SpaceRecord:
    """The space of this digest, or the only one there is."""
    found = {space.digest: space for space in spaces(connection)}
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name is None:
        listed = ", ".join(f"'{space.digest}' ({space.name})" for space in found.values()) or "none"
        raise UserError(f"The store has {len(found)} spaces: {listed}. Name one: triplets(space=...).")
    _check("space", name, found)
    return found[name]


def _check(what: str, name: str, allowed: Iterable[str]) -> None:
    if name not in allowed:
        raise unknown(f"{what} of the store", name, sorted(allowed))


def _query(connection: sa.Connection, space: str, recipe: str | None, kind: str | None) -> sa.Select:
    """The finished trainings that are asked for, with the columns of `PER_TRAINING`."""
    table = schema.trainings
    query = sa.select(*(table.c[name] for name in PER_TRAINING)).where(table.c.status != FAILED)
    query = query.join(schema.architectures).where(schema.architectures.c.space == space)
    if recipe is not None:
        _check("recipe", recipe, {found.digest for found in recipes(connection)})
        query = query.where(table.c.recipe == recipe)
    if kind is not None:
        _check("kind", kind, {task.kind for task in tasks(connection)})
        query = query.join(schema.tasks, schema.tasks.c.digest == table.c.task)
        query = query.where(schema.tasks.c.kind == kind)
    return query


def _columns(connection: sa.Connection, query: sa.Select) -> tuple[dict, dict]:
    """Columns as arrays, and for each of `INDICES` the code of each string in it."""
    codes = {name: {} for name in INDICES}
    parts = {name: [np.empty(0, kind)] for name, kind in TYPES.items()}
    for rows in blocks(connection, query):
        for name, values in zip(PER_TRAINING, zip(*rows, strict=True), strict=True):
            if name in codes:
                values = _encoded(values, codes[name])
            parts[name].append(np.array(values, TYPES[name]))
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}, codes


def _encoded(values: tuple[str, ...], codes: dict[str, int]) -> list[int]:
    return [codes.setdefault(value, len(codes)) for value in values]


def _recoded(column: np.ndarray, codes: dict[str, int], order: list[str]) -> np.ndarray:
    """The column as positions in `order` instead of codes."""
    ranks = np.empty(len(codes), np.int32)
    ranks[[codes[value] for value in order]] = np.arange(len(order), dtype=np.int32)
    return ranks[column]


def _points(connection: sa.Connection, space: str, names: list[str]) -> np.ndarray:
    """The architectures of these digests, (A, D) float32."""
    table = schema.architectures
    query = sa.select(table.c.digest, table.c.u).where(table.c.space == space)
    found = dict(tuple(row) for rows in blocks(connection, query) for row in rows)
    width = len(found[names[0]]) if names else 0
    joined = b"".join(found[name] for name in names)
    return np.frombuffer(joined, "<f4").astype(np.float32).reshape(len(names), width // 4)


def _described(
    connection: sa.Connection, names: list[str], catalogue: str | None
) -> tuple[str, tuple[str, ...], np.ndarray]:
    """Catalogue, names and z (T, M) of these tasks; a row of NaN where there is no description."""
    table = schema.metafeatures
    found = sorted(connection.execute(sa.select(table.c.catalogue).distinct()).scalars())
    if catalogue is None and len(found) > 1:
        raise UserError(f"The store has {len(found)} catalogues: {found}. Name one: triplets(catalogue=...).")
    if catalogue is not None:
        _check("catalogue", catalogue, found)
    if not found:
        return "", (), np.empty((len(names), 0), np.float32)
    chosen = catalogue or found[0]
    rows = {row.task: row for row in connection.execute(sa.select(table).where(table.c.catalogue == chosen))}
    features = tuple(json.loads(next(iter(rows.values())).names))
    z = np.full((len(names), len(features)), np.nan, np.float32)
    for position, name in enumerate(names):
        if name in rows:
            z[position] = np.frombuffer(rows[name].values, "<f4")
    return chosen, features, z
