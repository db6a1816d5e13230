"""Removing trainings, and the rows and files that only they referred to."""

import dataclasses

import sqlalchemy as sa

from taskaware.errors import UserError, unknown
from taskaware.store import schema
from taskaware.store.records import FAILED

OWNERS = {"architecture": schema.architectures, "recipe": schema.recipes, "task": schema.tasks}
BLOCK = 500


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What to remove; see `Store.prune`."""

    failed: bool
    recipe: str | None
    task: str | None
    code_version: str | None
    unused: bool


@dataclasses.dataclass(frozen=True)
class Pruned:
    """How many of each were removed, or would be."""

    trainings: int
    architectures: int
    recipes: int
    tasks: int
    artefacts: int = 0


def count(connection: sa.Connection, wanted: Wanted) -> Pruned:
    """What `prune` would remove."""
    chosen = _condition(connection, wanted)
    trainings, artefacts = (
        connection.execute(sa.select(sa.func.count()).select_from(table).where(condition)).scalar_one()
        for table, condition in ((schema.trainings, chosen), (schema.artefacts, _theirs(chosen)))
    )
    drawn, recipes, tasks = (len(_idle(connection, name, chosen, wanted.unused)) for name in OWNERS)
    return Pruned(trainings, drawn, recipes, tasks, artefacts)


def prune(connection: sa.Connection, wanted: Wanted) -> Pruned:
    """Remove it inside the caller's transaction, but for files; see `Store.prune`."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        # nobody may begin to use what is about to be removed; SQLite's writers are alone anyway
        connection.exec_driver_sql(
            "LOCK TABLE architectures, trainings, artefacts IN SHARE ROW EXCLUSIVE MODE"
        )
    chosen = _condition(connection, wanted)
    idle = {name: _idle(connection, name, chosen, wanted.unused) for name in OWNERS}
    artefacts = connection.execute(schema.artefacts.delete().where(_theirs(chosen))).rowcount
    trainings = connection.execute(schema.trainings.delete().where(chosen)).rowcount
    _delete(connection, schema.metafeatures.c.task, idle["task"])
    # the database looks for trainings of each architecture that is removed: a scan without an index
    indexed = dialect in ("sqlite", "postgresql") and len(idle["architecture"]) > 0
    if indexed:
        connection.exec_driver_sql("CREATE INDEX prune_architecture ON trainings (architecture)")
    for name, owner in OWNERS.items():
        _delete(connection, owner.c.digest, idle[name])
    if indexed:
        connection.exec_driver_sql("DROP INDEX prune_architecture")
    drawn, recipes, tasks = (len(idle[name]) for name in OWNERS)
    return Pruned(trainings, drawn, recipes, tasks, artefacts)


def _theirs(chosen: sa.ColumnElement) -> sa.ColumnElement:
    """The condition that an artefact is of a training that is removed."""
    rows, files = schema.trainings, schema.artefacts
    same = sa.and_(*(rows.c[name] == files.c[name] for name in schema.KEYS))
    return sa.exists(sa.select(rows.c.task).where(same, chosen).correlate(files))


def _condition(connection: sa.Connection, wanted: Wanted) -> sa.ColumnElement:
    """The condition that a training has to meet to be removed."""
    table, conditions = schema.trainings, []
    if wanted.failed:
        conditions.append(table.c.status == FAILED)
    if wanted.recipe is not None:
        known = connection.execute(sa.select(schema.recipes.c.digest)).scalars()
        conditions.append(table.c.recipe == _known("recipe", wanted.recipe, known))
    if wanted.task is not None:
        conditions.append(table.c.task.in_(_tasks(connection, wanted.task)))
    if wanted.code_version is not None:
        known = connection.execute(sa.select(table.c.code_version).distinct()).scalars()
        conditions.append(table.c.code_version == _known("code version", wanted.code_version, known))
    if not conditions and not wanted.unused:
        raise UserError(
            "There is no condition for pruning. Give `failed`, `recipe`, `task`, `code_version` or `unused`."
        )
    return sa.and_(*conditions) if conditions else sa.false()


def _known(what: str, value: str, known: sa.ScalarResult) -> str:
    allowed = sorted(known)
    if value not in allowed:
        raise unknown(f"{what} of the store", value, allowed)
    return value


def _tasks(connection: sa.Connection, wanted: str) -> list[str]:
    """The digests of the tasks with this digest or name."""
    names = dict(connection.execute(sa.select(schema.tasks.c.digest, schema.tasks.c.name)).all())
    found = [digest for digest, name in names.items() if wanted in (digest, name)]
    if not found:
        raise unknown("task of the store", wanted, sorted(set(names.values())))
    return found


def _idle(connection: sa.Connection, name: str, chosen: sa.ColumnElement, unused: bool) -> list[str]:
    """The digests of those that no training refers to once the chosen ones are removed."""
    column = schema.trainings.c[name]
    before = sa.select(OWNERS[name].c.digest) if unused else sa.select(column).where(chosen)
    return list(connection.execute(before.except_(sa.select(column).where(~chosen))).scalars())


def _delete(connection: sa.Connection, column: sa.Column, values: list[str]) -> None:
    for start in range(0, len(values), BLOCK):
        some = column.in_(values[start : start + BLOCK])
        connection.execute(column.table.delete().where(some))
