"""Whether what a store holds is whole and true."""

import collections
import dataclasses
import json
from collections.abc import Callable, Iterator

import numpy as np
import sqlalchemy as sa

from taskaware.digests import architecture_digests, digest
from taskaware.errors import UserError
from taskaware.store import schema
from taskaware.store.reading import blocks
from taskaware.store.records import DIVERGED, FAILED, OK

SHOWN = 3
DEFINITIONS = ((schema.tasks, "info"), (schema.spaces, "definition"), (schema.recipes, "definition"))
REFERENCES = tuple(
    (table, key.parent, key.column)
    for table in (schema.metafeatures, schema.architectures, schema.trainings)
    for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
)


@dataclasses.dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes:
        tasks: number of tasks looked at.
        architectures: number of architectures looked at.
        trainings: number of trainings looked at.
        problems: a sentence each; empty where all is well.
    """

    tasks: int
    architectures: int
    trainings: int
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check(connection: sa.Connection) -> Report:
    """See `Store.check`."""
    if damages := tuple(_database(connection)):
        # what is read from damaged pages would tell nothing
        return Report(0, 0, 0, damages)
    sizes = [
        connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
        for table in (schema.tasks, schema.architectures, schema.trainings)
    ]
    problems = [problem for part in PARTS for problem in part(connection)]
    return Report(*sizes, tuple(problems))


def _database(connection: sa.Connection) -> Iterator[str]:
    """What SQLite says of its own file; a server looks after its files itself."""
    if connection.dialect.name != "sqlite":
        return
    for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(10)").all():
        if line != "ok":
            yield f"The database is damaged: {line}. Merge what can be read into a new store, or use a copy."


def _references(connection: sa.Connection) -> Iterator[str]:
    """Rows that refer to what is not there."""
    for table, column, target in REFERENCES:
        owner = target.table.alias()
        orphans = sa.select(column).outerjoin(owner, owner.c[target.name] == column)
        orphans = orphans.where(owner.c[target.name].is_(None)).subquery()
        count = connection.execute(sa.select(sa.func.count()).select_from(orphans)).scalar()
        names = connection.execute(sa.select(orphans).distinct().limit(SHOWN)).scalars()
        if count:
            what = f"refer to what is not in '{target.table.name}'"
            yield _problem(count, f"rows of '{table.name}'", what, sorted(names))


def _definitions(connection: sa.Connection) -> Iterator[str]:
    """Definitions that are no JSON, and recipes whose digest is another's."""
    for table, column in DEFINITIONS:
        broken, untrue = [], []
        for name, text in connection.execute(sa.select(table.c.digest, table.c[column])):
            try:
                value = json.loads(text)
                if table is schema.recipes and digest(value) != name:
                    untrue.append(name)
            except (ValueError, UserError):
                broken.append(name)
        if broken:
            yield _problem(len(broken), f"rows of '{table.name}'", f"have no JSON in '{column}'", broken)
        if untrue:
            yield _problem(len(untrue), "recipes", "are not what their digests say", untrue)


def _metafeatures(connection: sa.Connection) -> Iterator[str]:
    """Descriptions that are not as long as their names, not finite, or unlike the others of the catalogue."""
    table, lists = schema.metafeatures, {}
    short, infinite, unlike = [], [], []
    for row in connection.execute(sa.select(table).order_by(table.c.catalogue, table.c.task)):
        names = _names(row.names)
        if names is None or len(row.values) != 4 * len(names):
            short.append(row.task)
        elif not np.isfinite(np.frombuffer(row.values, "<f4")).all():
            infinite.append(row.task)
        if lists.setdefault(row.catalogue, row.names) != row.names:
            unlike.append(row.task)
    for found, what in (
        (short, "have another number of meta-features than of names"),
        (infinite, "have meta-features that are not finite"),
        (unlike, "have other names of meta-features than the rest of their catalogue"),
    ):
        if found:
            yield _problem(len(found), "descriptions of tasks", what, found)


def _names(text: str) -> list | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _architectures(connection: sa.Connection) -> Iterator[str]:
    """Architectures that are not finite, of another length than the rest of their space, or untrue."""
    table, widths = schema.architectures, {}
    faults = {"have numbers that are not finite": [], "are not as long as others of their space": []}
    infinite, other = faults.values()
    untrue = faults["are not what their digests say"] = []
    for rows in blocks(connection, sa.select(table.c.space, table.c.digest, table.c.u)):
        for space in {row.space for row in rows}:
            mine = [(row.digest, row.u) for row in rows if row.space == space]
            usual = collections.Counter(len(u) // 4 * 4 for _, u in mine).most_common(1)[0][0]
            width = widths.setdefault(space, usual)
            other += [name for name, u in mine if len(u) != width]
            fit = [(name, u) for name, u in mine if len(u) == width]
            names = np.array([name for name, _ in fit], object)
            u = np.frombuffer(b"".join(u for _, u in fit), "<f4").reshape(len(fit), width // 4)
            finite = np.isfinite(u).all(axis=1)
            infinite += names[~finite].tolist()
            untrue += names[finite][architecture_digests(space, u[finite]) != names[finite]].tolist()
    return (_problem(len(found), "architectures", what, found) for what, found in faults.items() if found)


def _trainings(connection: sa.Connection) -> Iterator[str]:
    """Trainings whose status is none, or does not go with their score and error."""
    rows = schema.trainings.c
    finite = rows.score.between(-np.finfo(np.float64).max, np.finfo(np.float64).max)
    for what, condition in (
        ("have a status that is none", rows.status.not_in((OK, DIVERGED, FAILED))),
        ("are 'ok' without a finite score", (rows.status == OK) & ~sa.func.coalesce(finite, sa.false())),
        (
            "are 'diverged' or 'failed' but have a score",
            rows.status.in_((DIVERGED, FAILED)) & rows.score.is_not(None),
        ),
        ("are 'failed' without an error", (rows.status == FAILED) & rows.error.is_(None)),
        ("have an error but are not 'failed'", (rows.status != FAILED) & rows.error.is_not(None)),
    ):
        count = connection.execute(sa.select(sa.func.count()).where(condition)).scalar()
        if count:
            keys = (
                sa.select(rows.task, rows.architecture, rows.recipe, rows.seed).where(condition).limit(SHOWN)
            )
            names = [f"{task}/{u}/{recipe}/{seed}" for task, u, recipe, seed in connection.execute(keys)]
            yield _problem(count, "trainings (task/architecture/recipe/seed)", what, names)


def _problem(count: int, things: str, what: str, names: list[str]) -> str:
    """One sentence with the first few names.

    >>> _problem(2, "recipes", "are not what their digests say", ["a", "b"])
    "Recipes that are not what their digests say: 2 ('a', 'b')."
    """
    listed = ", ".join(f"'{name}'" for name in names[:SHOWN])
    more = ", ..." if count > SHOWN else ""
    return f"{things[0].upper()}{things[1:]} that {what}: {count:,} ({listed}{more})."


PARTS: tuple[Callable[[sa.Connection], Iterator[str]], ...] = (
    _references,
    _definitions,
    _metafeatures,
    _architectures,
    _trainings,
)
