"""The experience store: every training ever made, in SQLite or in any SQLAlchemy database."""

import os
from collections.abc import Mapping, Sequence

import numpy as np

from taskaware.digests import check_digest
from taskaware.store import checking, counting, opening, pruning, reading, schema, writing
from taskaware.store.checking import Report
from taskaware.store.compact import unpack
from taskaware.store.connecting import Database
from taskaware.store.counting import FailureGroup, Listed, Summary
from taskaware.store.experience import Experience, check
from taskaware.store.pruning import Pruned
from taskaware.store.records import RecipeRecord, SpaceRecord, TaskRecord, Trainings, checked, seeds_of


class Store:
    """Experience in a database; open it with `Store.open`, at best in a `with` block.

    Several processes may write at once, each through a Store that it opened itself. A write that meets
    another one waits and is tried again; a connection that was lost is replaced at the next call.

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

    def __init__(self, database: Database):
        self._database = database
        self.place = database.place

    @classmethod
    def open(
        cls, target: str | os.PathLike, *, create: bool = True, readonly: bool = False, timeout: float = 120.0
    ) -> "Store":
        """The store at a path or URL, begun there where there is none.

        Args:
            target: path of an SQLite file, a database URL of SQLAlchemy
                ("postgresql+psycopg://user@host/name"), or ":memory:" for one that is gone when it is
                closed and serves one thread.
            create: whether to begin a store where there is none. An existing file is never overwritten.
            readonly: never write, nor begin a store.
            timeout: seconds to wait for other writers of an SQLite file, and to try again what met them.

        Raises:
            StoreError: there is no store and none may be begun; what is there is corrupt, belongs to
                another application or to a newer taskaware, or needs a migration and is readonly; the
                database or its driver is unknown, or it cannot be reached.
        """
        url = opening.place_of(target)
        return cls(opening.open_database(url, create=create, readonly=readonly, timeout=timeout))

    def close(self) -> None:
        """Let go of the database; closing twice does no harm."""
        self._database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if not self._database.open:
            return f"Store('{self.place}', closed)"
        found = self.summary()
        return (
            f"Store('{self.place}', {found.tasks:,} tasks, {found.architectures:,} architectures, "
            f"{found.trained:,} trainings, {found.diverged:,} diverged, {found.failed:,} failed)"
        )

    def add_task(self, task: TaskRecord) -> None:
        """Keep a task; nothing happens where its digest is known.

        Raises:
            UserError: its digest is none, or its info is no plain data.
            StoreError: the store cannot be written.
        """
        row = writing.task_row(task)
        self._database.write(lambda connection: writing.insert_new(connection, schema.tasks, [row]))

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
        self._database.write(lambda connection: writing.describe(connection, [row]))

    def add_space(self, space: SpaceRecord) -> None:
        """Keep a space; nothing happens where its digest is known.

        Raises:
            UserError: its digest is none, or its definition is no plain data.
            StoreError: the store cannot be written.
        """
        row = writing.space_row(space)
        self._database.write(lambda connection: writing.insert_new(connection, schema.spaces, [row]))

    def add_recipe(self, definition: Mapping) -> str:
        """Keep a recipe and return its digest; nothing else happens where it is known.

        Raises:
            UserError: the definition is no plain data.
            StoreError: the store cannot be written.
        """
        row = writing.recipe_row(definition)
        self._database.write(lambda connection: writing.insert_new(connection, schema.recipes, [row]))
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
        return self._database.write(lambda connection: writing.append(connection, batch))

    def done(self, task: str, recipe: str, seeds: np.ndarray, architectures: np.ndarray) -> np.ndarray:
        """What need not be trained again: the trainings that ended, with a score or diverged, not the failed.

        Args:
            task: digest of the task.
            recipe: digest of the recipe.
            seeds: (n,) integers, or one for all.
            architectures: (n,) digests, from `architecture_digests`.

        Returns:
            (n,) mask.
        """
        names = [check_digest("architecture", name) for name in architectures]
        seeds, distinct = seeds_of(seeds, len(names)).tolist(), sorted(set(names))
        found = self._database.read(lambda connection: reading.done(connection, task, recipe, distinct))
        return np.array([pair in found for pair in zip(names, seeds, strict=True)], bool)

    def triplets(
        self,
        space: str | None = None,
        *,
        recipe: str | None = None,
        problem: str | None = None,
        catalogue: str | None = None,
    ) -> Experience:
        """The trainings that ended, as columns; only the tasks that have any.

        Args:
            space: digest of the space; may be left out where the store has one.
            recipe: digest of a recipe; None for all.
            problem: problem; None for all.
            catalogue: digest of the meta-features for z; may be left out where the store has one or none.

        Raises:
            UserError: one of these is unknown, or is needed because the store has several.
            StoreError: the store cannot be read.
        """
        chosen = {"space": space, "recipe": recipe, "problem": problem, "catalogue": catalogue}
        return self._database.read(lambda connection: reading.triplets(connection, **chosen))

    def tasks(self) -> tuple[TaskRecord, ...]:
        """Every task, by name."""
        return self._database.read(reading.tasks)

    def described(self, catalogue: str) -> set[str]:
        """Digests of the tasks whose meta-features of this catalogue are kept."""
        return self._database.read(lambda connection: reading.described(connection, catalogue))

    def spaces(self) -> tuple[SpaceRecord, ...]:
        """Every space, by name."""
        return self._database.read(reading.spaces)

    def recipes(self) -> tuple[RecipeRecord, ...]:
        """Every recipe, by digest."""
        return self._database.read(reading.recipes)

    def summary(self) -> Summary:
        """What the store holds, counted."""
        return self._database.read(counting.summary)

    def listing(self) -> list[Listed]:
        """The trainings counted by task, space and recipe; in the order of the names of task and space."""
        return self._database.read(counting.listing)

    def failed(self, recipe: str) -> dict[str, int]:
        """How many trainings with this recipe broke off with an error, by digest of the task."""
        return self._database.read(lambda connection: counting.failed(connection, recipe))

    def failures(self, limit: int = 20) -> list[FailureGroup]:
        """The trainings that broke off with an error, by equal error text, the most frequent first.

        Args:
            limit: at most so many texts, and of each at most so many trainings by name; all are counted.
        """
        return self._database.read(lambda connection: counting.failures(connection, limit))

    def check(self) -> Report:
        """Whether everything in the store is whole and true; nothing is changed.

        Looked at are: the database itself, that every training refers to what exists, that numbers are
        finite and as long as they should be, that digests are those of what they name, and the statuses.

        Raises:
            StoreError: the store is so damaged that it cannot be read at all, or is closed.
        """
        return self._database.read(checking.check)

    def prune(
        self,
        *,
        failed: bool = False,
        recipe: str | None = None,
        task: str | None = None,
        code_version: str | None = None,
        unused: bool = False,
        dry_run: bool = False,
    ) -> Pruned:
        """Remove trainings, and the architectures, recipes and tasks that lose their last; all or nothing.

        Args:
            failed: those that broke off with an error.
            recipe: those with this recipe, by digest.
            task: those on this task, by digest or name; a name may be that of several.
            code_version: those made by this version of the training code.
                Of several of these, a training has to meet all.
            unused: also the architectures, recipes and tasks that no training ever referred to. A campaign
                that has just begun may be about to use them.
            dry_run: only count.

        Returns:
            What was removed or, with `dry_run`, what would be.

        Raises:
            UserError: nothing says what to remove, or recipe, task or version is not in the store.
            StoreError: the store cannot be written.
        """
        wanted = pruning.Wanted(failed, recipe, task, code_version, unused)
        if dry_run:
            return self._database.read(lambda connection: pruning.count(connection, wanted))
        return self._database.write(lambda connection: pruning.prune(connection, wanted))

    def merge(self, other: "Store") -> int:
        """Take over all that another store has and this one has not; in one transaction.

        Where both have the same training, this store's stays, unless it failed and the other's did not.

        Returns:
            The number of trainings written.
        """
        return other._database.read(
            lambda source: self._database.write(lambda connection: writing.merge(connection, source))
        )

    def add_experience(self, experience: Experience) -> int:
        """Take over what `triplets` of another store, or `unpack`, gave; in one transaction.

        Returns:
            The number of trainings written.

        Raises:
            UserError: its columns do not fit together.
            StoreError: the store cannot be written.
        """
        experience = check(experience)
        return self._database.write(lambda connection: writing.add_experience(connection, experience))

    def import_compact(self, path: str | os.PathLike) -> int:
        """Take over the experience in a file that `pack` wrote; see `add_experience`.

        Raises:
            StoreError: the file is missing, corrupt, foreign or newer, or the store cannot be written.
        """
        return self.add_experience(unpack(path))

    def export_parquet(self, path: str | os.PathLike) -> int:
        """Write all of the store as one Parquet file; see `taskaware.store.parquet` for its columns.

        Returns:
            The number of trainings in it, the diverged and the failed among them.

        Raises:
            StoreError: the file exists or cannot be written, or the store cannot be read.
        """
        # on use: no other call needs pyarrow
        from taskaware.store import parquet

        return self._database.read(lambda connection: parquet.export(connection, path))

    def import_parquet(self, path: str | os.PathLike) -> int:
        """Take over all that a file of `export_parquet` has and this store has not; in one transaction.

        Returns:
            The number of trainings written.

        Raises:
            StoreError: the file is missing, damaged, foreign or newer, or the store cannot be written.
        """
        from taskaware.store import parquet

        return self._database.write(lambda connection: parquet.take_over(connection, path))
