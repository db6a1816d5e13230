"""The experience store: every training ever made, in SQLite or in any SQLAlchemy database."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from taskaware.digests import check_digest
from taskaware.store import artefacts, checking, counting, opening, pruning, reading, records, schema, writing
from taskaware.store.area import LIMIT, Area, area_of
from taskaware.store.artefacts import Artefact
from taskaware.store.checking import Report
from taskaware.store.connecting import Database
from taskaware.store.counting import FailureGroup, Listed, Summary
from taskaware.store.definitions import recipes, spaces, tasks
from taskaware.store.exchange import Exchange
from taskaware.store.experience import Experience
from taskaware.store.pruning import Pruned
from taskaware.store.reading import Birth
from taskaware.store.records import RecipeRecord, SpaceRecord, TaskRecord, TrainingKey, Trainings

NO_AREA = Area(None)

__all__ = ["Artefact", "Birth", "FailureGroup", "Listed", "Pruned", "Report", "Store", "Summary"]


class Store(Exchange):
    """Experience in a database; open it with `Store.open`, best in a `with` block.

    Several processes may write at once, each through a Store that it opened itself. A write that meets
    another one waits and is tried again; a broken connection is replaced at the next call.

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

    def __init__(self, database: Database, area: Area = NO_AREA):
        self._database = database
        self._area = area
        self.place = database.place

    @property
    def artefact_folder(self) -> Path | None:
        """Folder of the artefacts; None where the store has none."""
        return self._area.folder

    @classmethod
    def open(
        cls,
        target: str | os.PathLike,
        *,
        create: bool = True,
        readonly: bool = False,
        timeout: float | None = None,
        artefacts: str | os.PathLike | None = None,
        artefact_limit: int = LIMIT,
    ) -> "Store":
        """Open the store at a path or URL; create it if there is none.

        Args:
            target: path of an SQLite file, a database URL of SQLAlchemy
                ("postgresql+psycopg://user@host/name"), or ":memory:" for one that is lost when it is
                closed and serves one thread.
            create: whether to create a store if there is none. An existing file is never overwritten.
            readonly: never write to, create or migrate a store.
            timeout: seconds to wait for other writers of an SQLite file and to retry; by default
                $TASKAWARE_STORE_TIMEOUT, or 60. After 3 seconds a warning says what the store waits for.
            artefacts: folder of the artefacts, made for the first one. By default it is
                "<file>.artefacts" beside an SQLite file; other stores then take no artefacts.
            artefact_limit: largest size of all artefacts in bytes; the least recently used are removed first.

        Raises:
            StoreError: there is no store and none may be created; the file is corrupt, belongs to another
                application or to a newer taskaware, or needs a migration and is readonly; the database or
                its driver is unknown, or it cannot be reached.
        """
        url, timeout = opening.place_of(target), opening.chosen_timeout(timeout)
        area = area_of(artefacts, opening.file_of(url), artefact_limit)
        return cls(opening.open_database(url, create=create, readonly=readonly, timeout=timeout), area)

    def close(self) -> None:
        """Close the database; closing twice does no harm."""
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
        """Add a task; nothing happens where its digest is in the store.

        Raises:
            UserError: its digest is none, or its info is no plain data.
            StoreError: the store cannot be written.
        """
        row = writing.task_row(task)
        self._database.write(lambda connection: writing.insert_new(connection, schema.tasks, [row]))

    def add_metafeatures(self, task: str, *, catalogue: str, names: Sequence[str], values: ArrayLike) -> None:
        """Add the meta-features of a task; nothing happens where it has some of this catalogue.

        Args:
            task: digest of a task of the store.
            catalogue: digest of the catalogue.
            names: of the M meta-features; the same for every task of a catalogue.
            values: (M,), stored as float32.

        Raises:
            UserError: the numbers of names and values differ, or the catalogue has other names here.
            StoreError: the task is unknown, or the store cannot be written.
        """
        row = writing.metafeatures_row(task, catalogue, names, values)
        self._database.write(lambda connection: writing.describe(connection, [row]))

    def add_space(self, space: SpaceRecord) -> None:
        """Add a space; nothing happens where its digest is in the store.

        Raises:
            UserError: its digest is none, or its definition is no plain data.
            StoreError: the store cannot be written.
        """
        row = writing.space_row(space)
        self._database.write(lambda connection: writing.insert_new(connection, schema.spaces, [row]))

    def add_recipe(self, definition: Mapping) -> str:
        """Add a recipe, unless it is in the store, and return its digest.

        Raises:
            UserError: the definition is no plain data.
            StoreError: the store cannot be written.
        """
        row = writing.recipe_row(definition)
        self._database.write(lambda connection: writing.insert_new(connection, schema.recipes, [row]))
        return row["digest"]

    def append(self, batch: Trainings) -> int:
        """Add a batch of trainings: all of it or, after an error, nothing.

        Appending it again changes nothing. A successful training replaces a failed one.

        Returns:
            The number of trainings written.

        Raises:
            UserError: the columns do not fit together, or task, space or recipe is not in the store.
            StoreError: the store cannot be written.
        """
        batch = records.checked(batch)
        return self._database.write(lambda connection: writing.append(connection, batch))

    def done(
        self, task: str, recipe: str, seeds: ArrayLike, architectures: Iterable[str], metric: str = ""
    ) -> np.ndarray:
        """Mask of the finished trainings: those with a score and diverged ones, without failed ones.

        Args:
            task: digest of the task.
            recipe: digest of the recipe.
            seeds: (n,) integers, or one for all.
            architectures: (n,) digests, from `architecture_digests`.
            metric: name of the score; "" is the task's own.

        Returns:
            (n,) mask.
        """
        names = [check_digest("architecture", name) for name in architectures]
        each, distinct = records.seeds_of(seeds, len(names)).tolist(), sorted(set(names))
        found = self._database.read(
            lambda connection: reading.done(connection, task, recipe, distinct, metric)
        )
        return np.array([pair in found for pair in zip(names, each, strict=True)], bool)

    def triplets(
        self,
        space: str | None = None,
        *,
        recipe: str | None = None,
        problem: str | None = None,
        catalogue: str | None = None,
        metric: str | None = None,
    ) -> Experience:
        """The trainings that ended, as columns, with one metric for each task; other tasks are left out.

        Args:
            space: digest of the space; may be left out where the store has one.
            recipe: digest of a recipe; None for all.
            problem: problem; None for all.
            catalogue: digest of the meta-features for z; may be left out where the store has one or none.
            metric: name of the metric of the scores; None for the one in the record of each task.

        Raises:
            UserError: one of these is unknown, or is needed because the store has several.
            StoreError: the store cannot be read.
        """
        chosen = {"space": space, "recipe": recipe, "problem": problem, "catalogue": catalogue}
        chosen["metric"] = metric
        return self._database.read(lambda connection: reading.triplets(connection, **chosen))

    def tasks(self) -> tuple[TaskRecord, ...]:
        """Every task, by name."""
        return self._database.read(tasks)

    def described(self, catalogue: str) -> set[str]:
        """Digests of the tasks that have meta-features of this catalogue."""
        return self._database.read(lambda connection: reading.described(connection, catalogue))

    def spaces(self, type: str | None = None) -> tuple[SpaceRecord, ...]:
        """Every space of this type, or of all, by name."""
        found = self._database.read(spaces)
        return tuple(space for space in found if type in (None, space.type))

    def recipes(self) -> tuple[RecipeRecord, ...]:
        """Every recipe, by digest."""
        return self._database.read(recipes)

    def births(self, task: str) -> tuple[Birth, ...]:
        """The trainings on a task that searches proposed, by strategy and birth, with their parents."""
        return self._database.read(lambda connection: reading.births(connection, task))

    def summary(self) -> Summary:
        """The numbers of everything in the store."""
        return self._database.read(counting.summary)

    def listing(self) -> list[Listed]:
        """The trainings counted by task, space, recipe and metric; in the order of these names."""
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
        """Whether the content of the store is complete and consistent; nothing is changed.

        Checked are: the database itself, that every reference leads to a row, that numbers are finite, that
        digests are those of what they name, the statuses, and the files of artefacts with their SHA-256.

        Raises:
            StoreError: the store is so damaged that it cannot be read at all, or is closed.
        """
        return self._database.read(lambda connection: checking.check(connection, self._area))

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

        Artefacts go with their trainings.

        Args:
            failed: those that broke off with an error.
            recipe: those with this recipe, by digest.
            task: those on this task, by digest or name; a name may be that of several.
            code_version: those made by this version of the training code.
                Of several of these, a training has to meet all.
            unused: also the architectures, recipes and tasks that no training ever referred to. A run that
                has just started may be about to use them.
            dry_run: only count.

        Returns:
            How many were removed or, with `dry_run`, would be.

        Raises:
            UserError: there is no condition, or recipe, task or version is not in the store.
            StoreError: the store cannot be written.
        """
        wanted = pruning.Wanted(failed, recipe, task, code_version, unused)
        if dry_run:
            return self._database.read(lambda connection: pruning.count(connection, wanted))
        pruned = self._database.write(lambda connection: pruning.prune(connection, wanted))
        self._remove_unused(self._area.files())
        return pruned

    def put_artefact(self, key: TrainingKey, name: str, content: bytes) -> Artefact:
        """Store a file of a training; one of the same name is replaced.

        Where the area has no room, the files that were used longest ago are removed; their rows stay.

        Args:
            key: of a training of the store.
            name: one for each training, for people; it is no path.
            content: at most as large as the area.

        Raises:
            UserError: the training is not in the store, the store has no area, or content or name are not
                allowed.
            StoreError: file or row cannot be written.
        """
        found = artefacts.described(key, name, content)
        written, unused = self._database.write(
            lambda connection: artefacts.put(connection, self._area, found, content)
        )
        self._remove_unused(unused)
        return written

    def get_artefact(self, key: TrainingKey, name: str) -> bytes:
        """The content of a file that `put_artefact` stored, compared with its SHA-256.

        Raises:
            UserError: the training is not in the store, or the store has no area.
            StoreError: there is no such artefact, or its file was removed to make room or is damaged.
        """
        found = self._database.read(lambda connection: artefacts.find(connection, key, name))
        content = artefacts.read(self._area, found)
        if not self._database.readonly:
            self._database.write(lambda connection: artefacts.mark_used(connection, found))
        return content

    def artefacts(self, key: TrainingKey | None = None) -> tuple[Artefact, ...]:
        """The artefacts of a training or, without a key, of all; those used longest ago first."""
        return self._database.read(lambda connection: artefacts.listing(connection, key))

    def _remove_unused(self, paths: Sequence[str]) -> None:
        if paths:
            self._database.write(lambda connection: artefacts.remove_unused(connection, self._area, paths))
