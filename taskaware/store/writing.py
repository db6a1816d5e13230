"""Inserting rows: each once, in one order, on any database."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
import sqlalchemy as sa
from numpy.typing import ArrayLike
from sqlalchemy.dialects import postgresql, sqlite

from taskaware.digests import architecture_digests, canonical, check_digest, digest
from taskaware.errors import UserError
from taskaware.store import schema
from taskaware.store.experience import Experience
from taskaware.store.reading import blocks
from taskaware.store.records import FAILED, NUMBERS, SpaceRecord, TaskRecord, Trainings, checked, text

INSERTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
OWNERS = {"task": schema.tasks, "space": schema.spaces, "recipe": schema.recipes}
AT_ONCE = 64
"""Batches of an experience that are written together: most tell of the same architectures."""
COLUMNS = dict(zip(NUMBERS, ("score", "test_score", "loss", "seconds"), strict=True))


def insert_new(connection: sa.Connection, table: sa.Table, rows: list[dict]) -> int:
    """Insert the rows whose key is not there yet; a failed training gives way to one that is not.

    Args:
        connection: in a transaction of the caller.
        table: one of `schema`.
        rows: every column of the table; of two with one key the first counts.

    Returns:
        The number of rows written.
    """
    keys = [column.name for column in table.primary_key]
    distinct: dict[tuple, dict] = {}
    for row in rows:
        distinct.setdefault(tuple(row[key] for key in keys), row)
    # in the order of the keys, so that two writers never wait for each other in a ring
    ordered = [distinct[key] for key in sorted(distinct)]
    if not ordered:
        return 0
    dialect = connection.dialect.name
    if dialect not in INSERTS:
        return sum(_insert_one(connection, table, row) for row in ordered)
    if dialect == "sqlite":
        words, names = _compiled(table)
        lines = [tuple(row[name] for name in names) for row in ordered]
        return connection.exec_driver_sql(
            words, lines, execution_options={"preserve_rowcount": True}
        ).rowcount
    statement = _statement(dialect, table)
    values: list[dict] | dict[str, list] = ordered
    if dialect == "postgresql":
        # one array a column: one statement to send, and to plan
        values = {column.name: [row[column.name] for row in ordered] for column in table.c}
    return connection.execute(statement, values, execution_options={"preserve_rowcount": True}).rowcount


@functools.cache
def _statement(dialect: str, table: sa.Table) -> sa.Insert:
    """Insert, unless the key is there; cached, because making it takes longer than running it."""
    # PostgreSQL's has the same methods.
    statement = cast(sqlite.Insert, INSERTS[dialect](table))
    if dialect == "postgresql":
        arrays = [sa.bindparam(column.name, type_=postgresql.ARRAY(column.type)) for column in table.c]
        columns = [sa.column(column.name, column.type) for column in table.c]
        rows = sa.func.unnest(*arrays).table_valued(*columns, name="new").render_derived()
        statement = statement.from_select(list(table.c.keys()), sa.select(*rows.c))
    if "status" not in table.c:
        return statement.on_conflict_do_nothing()
    new = statement.excluded
    failed: sa.ColumnElement[str] = sa.literal_column(f"'{FAILED}'")
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={column.name: new[column.name] for column in table.c if not column.primary_key},
        where=(table.c.status == failed) & (new.status != failed),
    )


@functools.cache
def _compiled(table: sa.Table) -> tuple[str, tuple[str, ...]]:
    """The statement for SQLite, and the order of its columns; handing over tuples takes half the time."""
    found = _statement("sqlite", table).compile(dialect=sqlite.dialect())
    return str(found), tuple(found.positiontup or ())


def _insert_one(connection: sa.Connection, table: sa.Table, row: dict) -> int:
    """The same for a database whose own words for it are unknown: slower, in standard SQL."""
    is_it = sa.and_(*(column == row[column.name] for column in table.primary_key))
    there = connection.execute(sa.select(table).where(is_it)).mappings().first()
    if there and (there.get("status") != FAILED or row["status"] == FAILED):
        return 0
    # not deleted and inserted: artefacts may refer to it
    connection.execute(table.update().where(is_it).values(row) if there else table.insert().values(row))
    return 1


def task_row(task: TaskRecord) -> dict:
    """The row of `tasks`; UserError where the digest is none or the info is no plain data."""
    check_digest("task", task.digest)
    names = {name: text(getattr(task, name)) for name in ("name", "group", "problem", "metric")}
    sizes = {name: int(getattr(task, name)) for name in ("rows", "features", "outputs")}
    rest = {"info": canonical(task.info), "added": task.added or schema.now()}
    return {"digest": task.digest} | names | sizes | rest


def space_row(space: SpaceRecord) -> dict:
    """The row of `spaces`; UserError where the digest is none or the definition is no plain data."""
    check_digest("space", space.digest)
    words = {"name": text(space.name), "type": text(space.type)}
    return {"digest": space.digest} | words | {"definition": canonical(space.definition)}


def recipe_row(definition: Mapping) -> dict:
    """The row of `recipes`; raises UserError if the definition is not plain data."""
    return {"digest": digest(definition), "definition": canonical(definition)}


def metafeatures_row(task: str, catalogue: str, names: Sequence[str], values: ArrayLike) -> dict:
    """The row of `metafeatures`.

    Args:
        task, catalogue: digests.
        names: of the meta-features.
        values: one for each name, (M,).

    Raises:
        UserError: there are more names than values, or fewer.
    """
    check_digest("task", task)
    check_digest("catalogue", catalogue)
    z, listed = np.asarray(values, "<f4"), _listed(tuple(names))
    if z.shape != (len(names),):
        raise UserError(
            f"There are {len(names)} names, but the values have the shape {z.shape}. Give one for each."
        )
    return {"task": task, "catalogue": catalogue, "names": listed, "values": z.tobytes()}


@functools.lru_cache(maxsize=8)
def _listed(names: tuple[str, ...]) -> str:
    """The names as the store holds them; cached, because all tasks of an experience have the same."""
    return canonical([text(name) for name in names])


def describe(connection: sa.Connection, rows: list[dict]) -> int:
    """Insert the new among the rows of `metafeatures`; the number of rows written.

    Raises:
        UserError: the store has a catalogue of these with other names.
    """
    table = schema.metafeatures
    for catalogue, names in {row["catalogue"]: row["names"] for row in rows}.items():
        known = sa.select(table.c.names).where(table.c.catalogue == catalogue).limit(1)
        if connection.execute(known).scalar() not in (None, names):
            raise UserError(
                f"Catalogue '{catalogue}' has other names in the store. Give this one its own digest."
            )
    return insert_new(connection, table, rows)


def merge(connection: sa.Connection, source: sa.Connection) -> int:
    """Write the rows of another store, but for artefacts, inside the caller's transaction.

    Returns:
        The number of trainings written.
    """
    written = {
        table.name: sum(
            insert_new(connection, table, [dict(row._mapping) for row in rows])
            for rows in blocks(source, sa.select(table))
        )
        for table in schema.metadata.sorted_tables
        if table not in (schema.meta, schema.artefacts)
    }
    return written["trainings"]


def add_experience(connection: sa.Connection, experience: Experience) -> int:
    """Write an experience inside the caller's transaction; the number of trainings written."""
    insert_new(connection, schema.tasks, [task_row(task) for task in experience.tasks])
    insert_new(connection, schema.spaces, [space_row(experience.space)])
    insert_new(connection, schema.recipes, [recipe_row(recipe.definition) for recipe in experience.recipes])
    described = [
        metafeatures_row(task.digest, experience.catalogue, experience.features, z)
        for task, z in zip(experience.tasks, experience.z, strict=True)
        if experience.catalogue and not np.isnan(z).all()
    ]
    describe(connection, described)
    batches = [checked(batch) for batch in _batches(experience)]
    parts = (batches[first : first + AT_ONCE] for first in range(0, len(batches), AT_ONCE))
    return sum(append(connection, *part) for part in parts)


def _batches(experience: Experience) -> Iterator[Trainings]:
    """The trainings by task, recipe and strategy."""
    columns = np.stack([experience.task, experience.recipe, experience.strategy], axis=1)
    groups, group = np.unique(columns, axis=0, return_inverse=True)
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=len(groups)))
    points = experience.points if experience.ragged else ()
    recipes = [digest(recipe.definition) for recipe in experience.recipes]
    for (task, recipe, strategy), rows in zip(groups, np.split(order, ends[:-1]), strict=False):
        part = experience.take(rows)
        yield Trainings(
            task=experience.tasks[task].digest,
            space=experience.space.digest,
            recipe=recipes[recipe],
            u=[points[place] for place in part.architecture] if points else part.u,
            seeds=part.seed,
            scores=part.score,
            test_scores=part.test_score,
            losses=part.loss,
            seconds=part.seconds,
            strategy=experience.strategies[strategy],
            metric=experience.metric,
        )


def append(connection: sa.Connection, *batches: Trainings) -> int:
    """Write checked batches inside the caller's transaction; the number of new trainings.

    Raises:
        UserError: the task, space or recipe of a batch is not in the store, or its u is a matrix of another
            length than the architectures of the space.
    """
    points: dict[tuple[str, str], dict] = {}
    rows: list[dict] = []
    for batch in batches:
        metric = _check_fit(connection, batch)
        found = architecture_digests(batch.space, batch.u).tolist()
        for name, row in zip(found, cast(Sequence[np.ndarray], batch.u), strict=True):
            if (batch.space, name) not in points:
                points[batch.space, name] = {"digest": name, "space": batch.space, "u": row.tobytes()}
        rows += _rows(batch, found, batch.metric or metric)
    insert_new(connection, schema.architectures, list(points.values()))
    return insert_new(connection, schema.trainings, rows)


def _rows(batch: Trainings, architectures: list[str], metric: str) -> list[dict]:
    """The rows of `trainings`; NaN becomes NULL."""
    fixed: dict[str, Any] = {
        "task": batch.task,
        "recipe": batch.recipe,
        "metric": metric,
        "created": schema.now(),
    }
    fixed |= {"strategy": batch.strategy, "code_version": batch.code_version, "birth": None}
    varying: dict[str, Any] = {"architecture": architectures, "seed": np.asarray(batch.seeds).tolist()}
    varying |= {"status": batch.statuses, "error": batch.errors, "parent": batch.parents}
    if batch.births is not None:
        varying["birth"] = np.asarray(batch.births).tolist()
    for name, column in COLUMNS.items():
        varying[column] = [None if value != value else value for value in getattr(batch, name).tolist()]
    names = tuple(varying)
    return [fixed | dict(zip(names, values, strict=True)) for values in zip(*varying.values(), strict=True)]


def _check_fit(connection: sa.Connection, batch: Trainings) -> str:
    """The metric of the task, or UserError where the store lacks what the batch names, or u does not fit."""
    named = {what: getattr(batch, what) for what in OWNERS}
    width = batch.u.shape[1] if isinstance(batch.u, np.ndarray) else 0
    known = connection.execute(_question(), named | {"size": 4 * width}).one()
    for what, name in named.items():
        if known._mapping[what] is None:
            raise UserError(f"The {what} '{name}' is not in the store. Add it with `add_{what}` first.")
    if isinstance(batch.u, np.ndarray) and known.equal is None and known.length is not None:
        raise UserError(
            f"u has {width} numbers, but architectures of space '{batch.space}' have {known.length // 4}. "
            "Where the points of a space differ in length, give u as a list of points."
        )
    return known.metric


@functools.cache
def _question() -> sa.Select:
    """Asks all of `_check_fit` at once, as each question to a server takes a while."""
    parts = [
        sa.select(table.c.digest).where(table.c.digest == sa.bindparam(what)).scalar_subquery().label(what)
        for what, table in OWNERS.items()
    ]
    own = sa.select(schema.tasks.c.metric).where(schema.tasks.c.digest == sa.bindparam("task"))
    points = schema.architectures.c
    size = sa.func.length(points.u)
    length = sa.select(size).where(points.space == sa.bindparam("space")).limit(1)
    equal = length.where(size == sa.bindparam("size"))
    answers = {"metric": own, "length": length, "equal": equal}
    return sa.select(*parts, *(query.scalar_subquery().label(name) for name, query in answers.items()))
