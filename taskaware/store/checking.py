"""Whether the content of a store is complete and consistent."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import sqlalchemy as sa

from taskaware.digests import LENGTH, architecture_digests, digest
from taskaware.errors import UserError
from taskaware.saved import parse_json
from taskaware.store import artefacts, schema
from taskaware.store.area import Area
from taskaware.store.reading import blocks
from taskaware.store.records import DEFAULT_TYPE, DIVERGED, FAILED, OK

SHOWN = 3
DEFINITIONS = ((schema.tasks, "info"), (schema.spaces, "definition"), (schema.recipes, "definition"))
REFERENCES = tuple(
    (table, key)
    for table in (schema.metafeatures, schema.architectures, schema.trainings, schema.artefacts)
    for key in sorted(table.foreign_key_constraints, key=lambda key: key.column_keys[0])
)


@dataclasses.dataclass(frozen=True)
class Report:
    """The result of a check.

    Attributes:
        tasks: number of tasks that were checked.
        architectures: number of architectures that were checked.
        trainings: number of trainings that were checked.
        problems: one sentence each; empty if there are none.
        artefacts: number of artefacts that were checked.
    """

    tasks: int
    architectures: int
    trainings: int
    problems: tuple[str, ...] = ()
    artefacts: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check(connection: sa.Connection, area: Area) -> Report:
    """See `Store.check`."""
    if damages := tuple(_database(connection)):
        # rows of damaged pages mean nothing
        return Report(0, 0, 0, damages)
    tables = (schema.tasks, schema.architectures, schema.trainings, schema.artefacts)
    tasks, points, trainings, files = (
        connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables
    )
    problems = [problem for part in PARTS for problem in part(connection)]
    problems += [
        _problem(len(names), "artefacts", what, names) for what, names in artefacts.faults(connection, area)
    ]
    return Report(tasks, points, trainings, tuple(problems), files)


def _database(connection: sa.Connection) -> Iterator[str]:
    """The faults that SQLite finds in its own file; a server checks its files itself."""
    if connection.dialect.name != "sqlite":
        return
    for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(10)").all():
        if line != "ok":
            yield f"The database is damaged: {line}. Merge what can be read into a new store, or use a copy."


def _references(connection: sa.Connection) -> Iterator[str]:
    """References to missing rows."""
    for table, key in REFERENCES:
        owner = key.referred_table.alias()
        pairs = [(part.parent, owner.c[part.column.name]) for part in key.elements]
        match = sa.and_(*(mine == theirs for mine, theirs in pairs))
        lone = sa.select(*(mine for mine, _ in pairs)).outerjoin(owner, match)
        orphans = lone.where(pairs[0][1].is_(None)).subquery()
        count = connection.execute(sa.select(sa.func.count()).select_from(orphans)).scalar_one()
        if count:
            names = connection.execute(sa.select(orphans).distinct().limit(SHOWN))
            shown = sorted("/".join(map(str, name)) for name in names)
            what = f"refer to what is not in '{key.referred_table.name}'"
            yield _problem(count, f"rows of '{table.name}'", what, shown)


def _definitions(connection: sa.Connection) -> Iterator[str]:
    """Definitions that are no JSON, recipes with another digest than theirs, spaces with another type."""
    for table, column in DEFINITIONS:
        broken, mismatched = [], []
        for name, text in connection.execute(sa.select(table.c.digest, table.c[column])):
            try:
                value = parse_json(text, finite=False)
                if table is schema.recipes and digest(value) != name:
                    mismatched.append(name)
            except (ValueError, UserError):
                broken.append(name)
        if broken:
            yield _problem(len(broken), f"rows of '{table.name}'", f"have no JSON in '{column}'", broken)
        if mismatched:
            yield _problem(len(mismatched), "recipes", "do not match their digests", mismatched)
    spaces = connection.execute(sa.select(schema.spaces)).all()
    other = [space.digest for space in spaces if _type(space.definition) not in (None, space.type)]
    if other:
        yield _problem(len(other), "spaces", "have another type than their definition", other)


def _type(definition: str) -> str | None:
    """The type that a definition names; None where it is no JSON object."""
    try:
        found = parse_json(definition, finite=False)
    except ValueError:
        return None
    return str(found.get("type", DEFAULT_TYPE)) if isinstance(found, dict) else None


def _metafeatures(connection: sa.Connection) -> Iterator[str]:
    """Descriptions that are not as long as their names, not finite, or unlike the others of the catalogue."""
    table = schema.metafeatures
    lists: dict[str, str] = {}
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
        found = parse_json(text, finite=False)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _architectures(connection: sa.Connection) -> Iterator[str]:
    """Architectures that are no numbers, are not finite, or do not match their digests."""
    table = schema.architectures
    broken, infinite, mismatched = [], [], []
    for rows in blocks(connection, sa.select(table.c.space, table.c.digest, table.c.u)):
        broken += [row.digest for row in rows if len(row.u) % 4]
        groups: dict[tuple[str, int], list[tuple[str, bytes]]] = {}
        for space, name, u in rows:
            if len(u) % 4 == 0:
                groups.setdefault((space, len(u)), []).append((name, u))
        for (space, size), group in groups.items():
            names = np.array([name for name, _ in group], object)
            u = np.frombuffer(b"".join(u for _, u in group), "<f4").reshape(len(group), size // 4)
            finite = np.isfinite(u).all(axis=1)
            infinite += names[~finite].tolist()
            mismatched += names[finite][architecture_digests(space, u[finite]) != names[finite]].tolist()
    for found, what in (
        (broken, "are no float32 numbers"),
        (infinite, "have numbers that are not finite"),
        (mismatched, "do not match their digests"),
    ):
        if found:
            yield _problem(len(found), "architectures", what, found)


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
        ("name no metric", rows.metric == ""),
        ("have a negative birth", rows.birth < 0),
        ("have a parent that is no digest", sa.func.length(rows.parent) != LENGTH),
    ):
        count = connection.execute(sa.select(sa.func.count()).where(condition)).scalar()
        if count:
            keys = sa.select(*(rows[name] for name in schema.KEYS)).where(condition).limit(SHOWN)
            names = ["/".join(map(str, key)) for key in connection.execute(keys)]
            yield _problem(count, f"trainings ({'/'.join(schema.KEYS)})", what, names)


def _problem(count: int, things: str, what: str, names: list[str]) -> str:
    """One sentence with the first few names.

    >>> _problem(2, "recipes", "do not match their digests", ["a", "b"])
    "Recipes that do not match their digests: 2 ('a', 'b')."
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
