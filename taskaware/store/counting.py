"""What a store holds, counted by the database."""

import dataclasses

import sqlalchemy as sa

from taskaware.store import schema
from taskaware.store.records import DIVERGED, FAILED, OK


@dataclasses.dataclass(frozen=True)
class Summary:
    """What a store holds.

    Attributes:
        version: schema version.
        created: when the store was created, UTC ISO 8601.
        tasks: number of tasks.
        spaces: number of spaces.
        recipes: number of recipes.
        architectures: number of architectures.
        trained: trainings that ended with a score.
        diverged: trainings that diverged: their score was not finite.
        failed: trainings that broke off with an error.
        seconds: time spent in all of them together, where known.
        artefacts: number of artefacts whose files are there.
        artefact_bytes: of these files together.
    """

    version: int
    created: str
    tasks: int
    spaces: int
    recipes: int
    architectures: int
    trained: int
    diverged: int
    failed: int
    seconds: float
    artefacts: int = 0
    artefact_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class Listed:
    """The trainings on one task in one space with one recipe, scored in one metric.

    Attributes:
        task: digest of the task.
        name: its name.
        group: its group.
        problem: its problem.
        metric: name of the metric of these trainings.
        space: digest of the space.
        space_name: its name.
        space_type: its type.
        recipe: digest of the recipe.
        trained: trainings that ended with a score.
        diverged: trainings that diverged: their score was not finite.
        failed: trainings that broke off with an error.
        seeds: number of different seeds.
        architectures: number of different architectures.
        best: the largest validation score; None where there is none.
        seconds: time spent in all of them together, where known.
    """

    task: str
    name: str
    group: str
    problem: str
    metric: str
    space: str
    space_name: str
    recipe: str
    trained: int
    diverged: int
    failed: int
    seeds: int
    architectures: int
    best: float | None
    seconds: float
    space_type: str = "mixture"


@dataclasses.dataclass(frozen=True)
class Failure:
    """A training that broke off.

    Digest and name of its task, digests of architecture and recipe, seed and metric.
    """

    task: str
    name: str
    architecture: str
    recipe: str
    seed: int
    metric: str = ""


@dataclasses.dataclass(frozen=True)
class FailureGroup:
    """The trainings that broke off with one error text: how many, and some or all of them."""

    error: str
    count: int
    trainings: tuple[Failure, ...]


def summary(connection: sa.Connection) -> Summary:
    """See `Store.summary`."""
    table = schema.trainings
    by_status = sa.select(table.c.status, sa.func.count(), sa.func.sum(table.c.seconds))
    entries = {row.key: row.value for row in connection.execute(sa.select(schema.meta))}
    sizes = {
        counted.name: connection.execute(sa.select(sa.func.count()).select_from(counted)).scalar_one()
        for counted in (schema.tasks, schema.spaces, schema.recipes, schema.architectures)
    }
    found = {row[0]: row[1:] for row in connection.execute(by_status.group_by(table.c.status))}
    trained, diverged, failed = (found.get(status, (0,))[0] for status in (OK, DIVERGED, FAILED))
    seconds = float(sum(spent or 0 for _, spent in found.values()))
    version, created = int(entries["schema_version"]), entries["created"]
    ended = {"trained": trained, "diverged": diverged, "failed": failed}
    return Summary(version, created, **sizes, **ended, seconds=seconds, **_files(connection))


def _files(connection: sa.Connection) -> dict[str, int]:
    """How many artefacts have files, and the bytes of these; two of equal content share one."""
    table = schema.artefacts.c
    paths = sa.select(table.path, table.size, sa.func.count().label("count"))
    here = paths.where(table.dropped.is_(None)).group_by(table.path, table.size).subquery()
    total = sa.select(sa.func.sum(here.c.count), sa.func.sum(here.c.size))
    count, size = connection.execute(total).one()
    return {"artefacts": int(count or 0), "artefact_bytes": int(size or 0)}


def listing(connection: sa.Connection) -> list[Listed]:
    """See `Store.listing`."""
    rows, points, tasks, spaces = schema.trainings, schema.architectures, schema.tasks, schema.spaces
    # counted before the names are joined, so that each name is looked up once a group
    counted = (
        sa.select(
            rows.c.task,
            points.c.space,
            rows.c.recipe,
            rows.c.metric,
            *(
                sa.func.count(sa.case((rows.c.status == status, 1))).label(status)
                for status in (OK, DIVERGED, FAILED)
            ),
            sa.func.count(rows.c.seed.distinct()).label("seeds"),
            sa.func.count(rows.c.architecture.distinct()).label("architectures"),
            sa.func.max(rows.c.score).label("best"),
            sa.func.coalesce(sa.func.sum(rows.c.seconds), 0.0).label("seconds"),
        )
        .join(points, points.c.digest == rows.c.architecture)
        .group_by(rows.c.task, points.c.space, rows.c.recipe, rows.c.metric)
        .subquery()
    )
    named = [tasks.c.digest.label("task"), tasks.c.name, tasks.c.group, tasks.c.problem, counted.c.metric]
    named += [spaces.c.digest.label("space"), spaces.c.name.label("space_name"), counted.c.recipe]
    named += [spaces.c.type.label("space_type")]
    named += [counted.c[OK].label("trained"), counted.c[DIVERGED], counted.c[FAILED]]
    named += [counted.c[name] for name in ("seeds", "architectures", "best", "seconds")]
    query = sa.select(*named).join(tasks, tasks.c.digest == counted.c.task)
    query = query.join(spaces, spaces.c.digest == counted.c.space)
    found = [Listed(**row) for row in connection.execute(query).mappings()]
    # sorted here, as databases differ in how they order names
    order = ("name", "task", "space_name", "space", "recipe", "metric")
    return sorted(found, key=lambda entry: [getattr(entry, name) for name in order])


def failed(connection: sa.Connection, recipe: str) -> dict[str, int]:
    """See `Store.failed`."""
    table = schema.trainings
    query = sa.select(table.c.task, sa.func.count()).group_by(table.c.task)
    query = query.where(table.c.recipe == recipe, table.c.status == FAILED)
    return dict(connection.execute(query).all())


def failures(connection: sa.Connection, limit: int) -> list[FailureGroup]:
    """See `Store.failures`."""
    table = schema.trainings
    query = sa.select(table.c.error, sa.func.count()).where(table.c.status == FAILED).group_by(table.c.error)
    groups = connection.execute(query).all()
    first = sorted(groups, key=lambda group: (-group[1], group[0]))[: max(0, limit)]
    return [FailureGroup(error, count, _failures(connection, error, limit)) for error, count in first]


def _failures(connection: sa.Connection, error: str, limit: int) -> tuple[Failure, ...]:
    """The first trainings that broke off with this error, in the order of their keys."""
    table, tasks = schema.trainings, schema.tasks
    keys = [table.c[name] for name in schema.KEYS]
    query = sa.select(table.c.task, tasks.c.name, *keys[1:]).join(tasks, tasks.c.digest == table.c.task)
    query = query.where(table.c.status == FAILED, table.c.error == error).order_by(*keys).limit(limit)
    return tuple(Failure(*row) for row in connection.execute(query))
