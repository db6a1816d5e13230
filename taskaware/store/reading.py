"""From the tables to columns of numbers, a block of rows at a time."""

import binascii
import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from taskaware import plain
from taskaware.digests import LENGTH
from taskaware.errors import StoreError, UserError, unknown
from taskaware.saved import parse_json
from taskaware.store import schema
from taskaware.store.definitions import recipes as recipes
from taskaware.store.definitions import spaces as spaces
from taskaware.store.definitions import tasks as tasks
from taskaware.store.experience import INDICES, PER_TRAINING, Experience, check
from taskaware.store.failures import DAMAGED, MEND, intact
from taskaware.store.records import FAILED, SpaceRecord, TrainingKey

BLOCK = 20_000
# how PostgreSQL's drivers make a cursor that is read block by block
SERVER_CURSORS: dict[str, dict[str, Any]] = {
    "psycopg": {"name": "taskaware", "binary": True},
    "psycopg2": {"name": "taskaware"},
}
DIGESTS = ("task", "architecture", "recipe")
TYPES = {name: np.int32 if name in INDICES else np.float32 for name in PER_TRAINING} | {"seed": np.int64}


def blocks(connection: sa.Connection, query: sa.Select) -> Iterator[Sequence[sa.Row]]:
    """The rows of a query, at most `BLOCK` at a time."""
    result = connection.execution_options(yield_per=BLOCK).execute(query)
    yield from result.partitions()


def tuples(connection: sa.Connection, query: sa.Select) -> Iterator[Sequence[tuple]]:
    """As `blocks`, but the driver's own tuples, in half the time; for columns of numbers, text and bytes."""
    text = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    # PostgreSQL would send everything at once to a cursor without a name
    options = SERVER_CURSORS.get(connection.dialect.driver, {})
    with contextlib.closing(connection.connection.cursor(**options)) as cursor:
        cursor.execute(str(text), ())
        while rows := cursor.fetchmany(BLOCK):
            yield rows


def described(connection: sa.Connection, catalogue: str) -> set[str]:
    """See `Store.described`."""
    table = schema.metafeatures
    return set(connection.execute(sa.select(table.c.task).where(table.c.catalogue == catalogue)).scalars())


@dataclasses.dataclass(frozen=True)
class Birth:
    """A training that a search proposed.

    Attributes:
        key: of the training.
        strategy: name of the search.
        birth: order number within the search, from 0.
        parent: digest of the architecture that this one was made from; None where there is none.
        status: "ok", "diverged" or "failed".
        score: validation score; None where there is none.
    """

    key: TrainingKey
    strategy: str
    birth: int
    parent: str | None
    status: str
    score: float | None


def births(connection: sa.Connection, task: str) -> tuple[Birth, ...]:
    """See `Store.births`."""
    table = schema.trainings
    own = ("strategy", "birth", "parent", "status", "score")
    query = sa.select(*(table.c[name] for name in (*schema.KEYS, *own)))
    rows = connection.execute(query.where(table.c.task == task, table.c.birth.is_not(None)))
    found = (Birth(TrainingKey(*row[:5]), *row[5:]) for row in rows)
    order = ("recipe", "metric", "seed", "architecture")
    return tuple(
        sorted(found, key=lambda row: (row.strategy, row.birth, *(getattr(row.key, name) for name in order)))
    )


def done(
    connection: sa.Connection, task: str, recipe: str, names: list[str], metric: str
) -> set[tuple[str, int]]:
    """(architecture, seed) of the finished trainings among some architectures.

    Args:
        connection: to the store.
        task, recipe: digests.
        names: digests of the architectures.
        metric: of the scores; "" is the task's own.
    """
    table = schema.trainings
    found: set[tuple[str, int]] = set()
    own = sa.select(schema.tasks.c.metric).where(schema.tasks.c.digest == task).scalar_subquery()
    query = sa.select(table.c.architecture, table.c.seed).where(
        table.c.task == task,
        table.c.recipe == recipe,
        table.c.metric == (metric or own),
        table.c.status != FAILED,
    )
    for start in range(0, len(names), 500):
        some = query.where(table.c.architecture.in_(names[start : start + 500]))
        found.update((name, seed) for name, seed in connection.execute(some))
    return found


def triplets(
    connection: sa.Connection,
    *,
    space: str | None,
    recipe: str | None,
    problem: str | None,
    catalogue: str | None,
    metric: str | None,
) -> Experience:
    """The trainings that ended; see `Store.triplets`.

    Args:
        connection: to the store.
        space, recipe, problem, catalogue, metric: as in `Store.triplets`.
    """
    chosen = _choose_space(connection, space)
    query = _query(connection, chosen.digest, recipe=recipe, problem=problem, metric=metric)
    with intact():
        columns, strategies = _columns(connection, query)
    points, u = _points(connection, chosen.digest)
    everything, made = tasks(connection), recipes(connection)
    used = {}
    for name, keys in (
        ("task", _keys([task.digest for task in everything])),
        ("architecture", points),
        ("recipe", _keys([recipe.digest for recipe in made])),
        ("strategy", np.arange(len(strategies))),
    ):
        columns[name], used[name] = _placed(columns[name], keys)
    rows = np.lexsort([columns[name] for name in ("seed", "recipe", "architecture", "task")])
    taken = tuple(everything[place] for place in used["task"])
    named, features, z = _described(connection, [task.digest for task in taken], catalogue)
    found = Experience(
        tasks=taken,
        catalogue=named,
        features=features,
        z=z,
        space=chosen,
        architectures=u if len(used["architecture"]) == len(u) else _cut(u[used["architecture"]]),
        recipes=tuple(made[place] for place in used["recipe"]),
        strategies=strategies,
        metric=metric or "",
        **{name: columns[name][rows] for name in PER_TRAINING},
    )
    with intact():
        return check(found)


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


def _query(
    connection: sa.Connection, space: str, *, recipe: str | None, problem: str | None, metric: str | None
) -> sa.Select:
    """The finished trainings that are asked for, with the columns of `PER_TRAINING`."""
    table = schema.trainings
    query = sa.select(*(table.c[name] for name in PER_TRAINING)).where(table.c.status != FAILED)
    if len(spaces(connection)) > 1:
        # looking up each architecture takes longer than reading its training
        query = query.join(schema.architectures).where(schema.architectures.c.space == space)
    if recipe is not None:
        _check("recipe", recipe, {found.digest for found in recipes(connection)})
        query = query.where(table.c.recipe == recipe)
    if problem is not None:
        _check("problem", problem, {task.problem for task in tasks(connection)})
        query = query.join(schema.tasks, schema.tasks.c.digest == table.c.task)
        query = query.where(schema.tasks.c.problem == problem)
    return query.where(_in_metric(connection, metric))


def _in_metric(connection: sa.Connection, metric: str | None) -> sa.ColumnElement:
    """The condition that a training is in this metric or, where it is None, in its task's own."""
    table = schema.trainings
    tasks_of: dict[str, list[str]] = {}
    if metric is not None:
        known = set(connection.execute(sa.select(table.c.metric).distinct()).scalars())
        _check("metric", metric, known)
        return table.c.metric == metric
    for task in tasks(connection):
        tasks_of.setdefault(task.metric, []).append(task.digest)
    if len(tasks_of) == 1:
        # a join would look up the task of each training
        return table.c.metric == next(iter(tasks_of))
    # a training whose task is missing is read, too, and refused later
    return sa.and_(
        sa.true(),
        *((table.c.metric == name) | table.c.task.not_in(digests) for name, digests in tasks_of.items()),
    )


def _columns(connection: sa.Connection, query: sa.Select) -> tuple[dict, tuple[str, ...]]:
    """Columns as arrays, of keys where they are digests; and the strategies that theirs points into."""
    codes: dict[str, int] = {}
    readers: dict[str, Callable[[Sequence], np.ndarray]] = {
        name: functools.partial(np.array, dtype=kind) for name, kind in TYPES.items()
    }
    readers |= dict.fromkeys(DIGESTS, _keys)
    readers["strategy"] = lambda names: np.array([codes.setdefault(name, len(codes)) for name in names])
    parts = {name: [reader(())] for name, reader in readers.items()}
    for rows in tuples(connection, query):
        for name, values in zip(PER_TRAINING, zip(*rows, strict=True), strict=True):
            parts[name].append(readers[name](values))
    columns = {name: np.concatenate(parts.pop(name)) for name in PER_TRAINING}
    names = sorted(codes)
    place_of = {codes[name]: place for place, name in enumerate(names)}
    ranks = np.array([place_of[code] for code in range(len(names))], np.intp)
    columns["strategy"] = ranks[columns["strategy"].astype(np.intp)]
    return columns, tuple(names)


def _keys(digests: Sequence[str]) -> np.ndarray:
    """Digests as the numbers whose hex digits they are, uint64: far smaller and faster than text.

    >>> _keys(["00000000000000ff"])
    array([255], dtype=uint64)
    """
    try:
        letters = np.array(digests, f"S{LENGTH}").tobytes()
        return np.frombuffer(binascii.unhexlify(letters), ">u8").astype(np.uint64)
    except ValueError as error:
        raise StoreError(f"{DAMAGED} a digest that is none ({error}). {MEND}") from error


def _placed(column: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keys as positions, int32, in the list of those that occur; and the place in `keys` of each of these.

    >>> _placed(np.array([9, 5, 9]), np.array([9, 7, 5]))
    (array([0, 1, 0], dtype=int32), array([0, 2]))
    """
    order = np.argsort(keys)
    places = np.searchsorted(keys, column, sorter=order).clip(max=max(0, len(keys) - 1))
    if len(column) and (not len(keys) or (keys[order[places]] != column).any()):
        raise StoreError(f"{DAMAGED} trainings that refer to what is not there. {MEND}")
    places = order[places]
    used = np.bincount(places, minlength=len(keys)) > 0
    return (np.cumsum(used, dtype=np.int32) - np.int32(1))[places], np.flatnonzero(used)


def _points(connection: sa.Connection, space: str) -> tuple[np.ndarray, np.ndarray]:
    """Keys (A,) and `Experience.architectures` of a whole space, in the order of the digests."""
    table = schema.architectures
    parts, sizes, u = [_keys(())], [np.empty(0, int)], [np.empty(0, np.float32)]
    for rows in tuples(connection, sa.select(table.c.digest, table.c.u).where(table.c.space == space)):
        digests, blobs = zip(*rows, strict=True)
        parts.append(_keys(digests))
        sizes.append(np.fromiter(map(len, blobs), int, len(blobs)))
        if (sizes[-1] % 4).any():
            raise StoreError(f"{DAMAGED} architectures that are no float32 numbers. {MEND}")
        u.append(np.frombuffer(b"".join(blobs), "<f4").astype(np.float32))
    keys, lengths = np.concatenate(parts), np.concatenate(sizes) // 4
    order = np.argsort(keys)
    return keys[order], padded(np.concatenate(u), lengths)[order]


def padded(numbers: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Points of these lengths, one after another, as the rows of a matrix, filled up with NaN.

    >>> padded(np.float32([1, 2, 3]), np.array([2, 1]))
    array([[ 1.,  2.],
           [ 3., nan]], dtype=float32)
    """
    width = int(lengths.max(initial=0))
    if (lengths == width).all():
        return numbers.reshape(len(lengths), width)
    found = np.full((len(lengths), width), np.nan, np.float32)
    found[np.arange(width) < lengths[:, None]] = numbers
    return found


def _cut(u: np.ndarray) -> np.ndarray:
    """The matrix without columns at its end that are NaN throughout."""
    width = u.shape[1]
    while width and len(u) and np.isnan(u[:, width - 1]).all():
        width -= 1
    return u[:, :width]


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
    features = _features(next(iter(rows.values())).names)
    z = np.full((len(names), len(features)), np.nan, np.float32)
    for position, name in enumerate(names):
        if name in rows:
            with intact():
                z[position] = np.frombuffer(rows[name].values, "<f4")
    return chosen, features, z


def _features(text: str) -> tuple[str, ...]:
    """Names of meta-features."""
    with intact():
        return tuple(plain.name("name of a meta-feature", name) for name in parse_json(text, finite=False))
