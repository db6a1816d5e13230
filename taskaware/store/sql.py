"""The experience store: every training ever made, in SQLite or in any SQLAlchemy database."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import sqlalchemy as sa

from taskaware.errors import StoreError
from taskaware.store import opening, reading, schema, writing
from taskaware.store.compact import unpack
from taskaware.store.digests import check_digest
from taskaware.store.experience import Experience, check
from taskaware.store.failures import explained
from taskaware.store.records import (
    FAILED,
    LOST,
    OK,
    RecipeRecord,
    SpaceRecord,
    TaskRecord,
    Trainings,
    checked,
    seeds_of,
)


@dataclasses.dataclass(frozen=True)
class Summary:
    """What a store holds.

    Attributes:
        version: schema version.
        created: when the store was begun, UTC ISO 8601.
        tasks: number of tasks.
        spaces: number of spaces.
        recipes: number of recipes.
        architectures: number of architectures.
        trained: trainings that ended with a score.
        lost: trainings lost to numbers that were not finite.
        failed: trainings that broke off with an error.
        seconds: time spent in all of them together, where known.
    """

    version: int
    created: str
    tasks: int
    spaces: int
    recipes: int
    architectures: int
    trained: int
    lost: int
    failed: int
    seconds: float


class Store:
    """Experience in a database; open it with `Store.open`, at best in a `with` block.

    Several processes may write at once, each through a Store that it opened itself.

    >>> with Store.open(":memory:") as store:
    ...     store.add_task(TaskRecord("0" * 16, "iris", "iris", "classification", "accuracy", 150, 4, 3))
    ...     store.add_space(SpaceRecord("1" * 16, "mixture"))
    ...     recipe = store.add_recipe({"steps": 300})
    ...     u = np.array([[0.0, 1.0], [1.0, 0.0]])
    ...     store.append(Trainings("0" * 16, "1" * 16, recipe, u, seeds=[0, 0], scores=[0.9, 0.8]))
    ...     store.triplets()
    2
    Experience(2 trainings of 2 architectures on 1 tasks, 0 meta-features)
    """

    def __init__(self, engine: sa.Engine, place: str, readonly: bool):
        self._engine = engine
        self._readonly = readonly
        self._open = True
        self.place = place

    @classmethod
    def open(
        cls, target: str | os.PathLike, *, create: bool = True, readonly: bool = False, timeout: float = 30.0
    ) -> "Store":
        """The store at a path or URL, begun there where there is none.

        Args:
            target: path of an SQLite file, a database URL of SQLAlchemy
                ("postgresql+psycopg://user@host/name"), or ":memory:" for one that is gone when it is
                closed and serves one thread.
            create: whether to begin a store where there is none. An existing file is never overwritten.
            readonly: never write, nor begin a store.
            timeout: seconds to wait for other writers of an SQLite file.

        Raises:
            StoreError: there is no store and none may be begun; what is there is corrupt, belongs to
                another application or to a newer taskaware, or needs a migration and is readonly; the
                database or its driver is unknown, or it cannot be reached.
        """
        url = opening.place_of(target)
        engine = opening.open_engine(url, create=create, readonly=readonly, timeout=timeout)
        return cls(engine, opening.shown(url), readonly)

    def close(self) -> None:
        """Let go of the database; closing twice does no harm."""
        self._open = False
        self._engine.dispose()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if not self._open:
            return f"Store('{self.place}', closed)"
        found = self.summary()
        return (
            f"Store('{self.place}', {found.tasks:,} tasks, {found.architectures:,} architectures, "
            f"{found.trained:,} trainings, {found.lost:,} lost, {found.failed:,} failed)"
        )

    def add_task(self, task: TaskRecord) -> None:
        """Keep a task; nothing happens where its digest is known.

        Raises:
            UserError: its digest is none, or its info is no plain data.
            StoreError: the store cannot be written.
        """
        self._add(schema.tasks, writing.task_row(task))

    def add_metafeatures(
        self, task: str, *, catalogue: str, names: Sequence[str], values: np.ndarray
    ) -> None:
        """Keep the description of a task; nothing happens where this catalogue described it before.

        Args:
            task: digest of a task of the store.
            catalogue: digest of the catalogue.
            names: of the M meta-features; the same for every task of a catalogue.
            values: (M,), kept as float32.

        Raises:
            UserError: the numbers of names and values differ, or the catalogue has other names here.
            StoreError: the task is unknown, or the store cannot be written.
        """
        row = writing.metafeatures_row(task, catalogue, names, values)
        with self._writing() as connection:
            writing.check_names(connection, row)
            writing.insert_new(connection, schema.metafeatures, [row])

    def add_space(self, space: SpaceRecord) -> None:
        """Keep a space; nothing happens where its digest is known.

        Raises:
            UserError: its digest is none, or its definition is no plain data.
            StoreError: the store cannot be written.
        """
        self._add(schema.spaces, writing.space_row(space))

    def add_recipe(self, definition: Mapping) -> str:
        """Keep a recipe and return its digest; nothing else happens where it is known.

        Raises:
            UserError: the definition is no plain data.
            StoreError: the store cannot be written.
        """
        row = writing.recipe_row(definition)
        self._add(schema.recipes, row)
        return row["digest"]

    def append(self, batch: Trainings) -> int:
        """Keep a batch of trainings: all of it or, after an error, nothing.

        Appending it again changes nothing. A training that failed gives way to one that did not.

        Returns:
            The number of trainings written.

        Raises:
            UserError: the columns do not fit together, or task, space or recipe is not in the store.
            StoreError: the store cannot be written.
        """
        batch = checked(batch)
        with self._writing() as connection:
            return writing.append(connection, batch)

    def done(self, task: str, recipe: str, seeds: np.ndarray, architectures: np.ndarray) -> np.ndarray:
        """What need not be trained again: the trainings that ended, with a score or lost, not the failed.

        Args:
            task: digest of the task.
            recipe: digest of the recipe.
            seeds: (n,) integers, or one for all.
            architectures: (n,) digests, from `architecture_digests`.

        Returns:
            (n,) mask.
        """
        names = [check_digest("architecture", name) for name in architectures]
        seeds = seeds_of(seeds, len(names)).tolist()
        with self._reading() as connection:
            found = reading.done(connection, task, recipe, sorted(set(names)))
        return np.array([pair in found for pair in zip(names, seeds, strict=True)], bool)

    def triplets(
        self,
        space: str | None = None,
        *,
        recipe: str | None = None,
        kind: str | None = None,
        catalogue: str | None = None,
    ) -> Experience:
        """The trainings that ended, as columns; only the tasks that have any.

        Args:
            space: digest of the space; may be left out where the store has one.
            recipe: digest of a recipe; None for all.
            kind: kind of task; None for all.
            catalogue: digest of the meta-features for z; may be left out where the store has one or none.

        Raises:
            UserError: one of these is unknown, or is needed because the store has several.
            StoreError: the store cannot be read.
        """
        with self._reading() as connection:
            return reading.triplets(connection, space=space, recipe=recipe, kind=kind, catalogue=catalogue)

    def tasks(self) -> tuple[TaskRecord, ...]:
        """Every task, by name."""
        with self._reading() as connection:
            return reading.tasks(connection)

    def spaces(self) -> tuple[SpaceRecord, ...]:
        """Every space, by name."""
        with self._reading() as connection:
            return reading.spaces(connection)

    def recipes(self) -> tuple[RecipeRecord, ...]:
        """Every recipe, by digest."""
        with self._reading() as connection:
            return reading.recipes(connection)

    def summary(self) -> Summary:
        """What the store holds, counted."""
        table = schema.trainings
        by_status = sa.select(table.c.status, sa.func.count(), sa.func.sum(table.c.seconds))
        with self._reading() as connection:
            entries = dict(connection.execute(sa.select(schema.meta)).all())
            sizes = {
                counted.name: connection.execute(sa.select(sa.func.count()).select_from(counted)).scalar()
                for counted in (schema.tasks, schema.spaces, schema.recipes, schema.architectures)
            }
            found = {row[0]: row[1:] for row in connection.execute(by_status.group_by(table.c.status))}
        trained, lost, failed = (found.get(status, (0,))[0] for status in (OK, LOST, FAILED))
        seconds = float(sum(spent or 0 for _, spent in found.values()))
        version, created = int(entries["schema_version"]), entries["created"]
        return Summary(version, created, **sizes, trained=trained, lost=lost, failed=failed, seconds=seconds)

    def merge(self, other: "Store") -> int:
        """Take over all that another store has and this one has not; in one transaction.

        Where both have the same training, this store's stays, unless it failed and the other's did not.

        Returns:
            The number of trainings written.
        """
        with other._reading() as source, self._writing() as connection:
            written = {
                table.name: sum(
                    writing.insert_new(connection, table, [dict(row._mapping) for row in rows])
                    for rows in reading.blocks(source, sa.select(table))
                )
                for table in schema.metadata.sorted_tables
                if table is not schema.meta
            }
        return written["trainings"]

    def add_experience(self, experience: Experience) -> int:
        """Take over what `triplets` of another store, or `unpack`, gave; in one transaction.

        Returns:
            The number of trainings written.

        Raises:
            UserError: its columns do not fit together.
            StoreError: the store cannot be written.
        """
        with self._writing() as connection:
            return writing.add_experience(connection, check(experience))

    def import_compact(self, path: str | os.PathLike) -> int:
        """Take over the experience in a file that `pack` wrote; see `add_experience`.

        Raises:
            StoreError: the file is missing, corrupt, foreign or newer, or the store cannot be written.
        """
        return self.add_experience(unpack(path))

    def _add(self, table: sa.Table, row: dict) -> None:
        with self._writing() as connection:
            writing.insert_new(connection, table, [row])

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one moment of the store throughout."""
        self._check_open()
        engine = self._engine
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with explained(self.place), engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that ends with the block, or is undone by an error in it."""
        self._check_open()
        if self._readonly:
            raise StoreError(f"The store '{self.place}' was opened readonly. Open it without that to write.")
        engine = self._engine.execution_options(**{opening.WRITING: True})
        with explained(self.place), engine.begin() as connection:
            yield connection

    def _check_open(self) -> None:
        if not self._open:
            raise StoreError(f"The store '{self.place}' is closed. Open it again.")
