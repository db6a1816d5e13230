"""Moving experience from store to store, and between stores and files."""

import os

from taskaware.store import artefacts, writing
from taskaware.store.area import Area
from taskaware.store.compact import unpack
from taskaware.store.connecting import Database
from taskaware.store.experience import Experience, check


class Exchange:
    """The part of `Store` that moves experience."""

    _database: Database
    _area: Area

    def merge(self, other: "Exchange") -> int:
        """Add everything that another store has and this one has not; in one transaction, artefacts after it.

        Where both have the same training, this store's stays, unless it failed and the other's did not.
        An artefact whose file has no room or no area here comes as a row that is marked as dropped.

        Returns:
            The number of trainings written.
        """
        found = other._database.read(artefacts.listing)
        written = other._database.read(
            lambda source: self._database.write(lambda connection: writing.merge(connection, source))
        )
        artefacts.merge(self._database, self._area, found, other._area)
        return written

    def add_experience(self, experience: Experience) -> int:
        """Add what `triplets` of another store, or `unpack`, gave; in one transaction.

        Returns:
            The number of trainings written.

        Raises:
            UserError: its columns do not fit together.
            StoreError: the store cannot be written.
        """
        experience = check(experience)
        return self._database.write(lambda connection: writing.add_experience(connection, experience))

    def import_compact(self, path: str | os.PathLike) -> int:
        """Add the experience in a file that `pack` wrote; see `add_experience`.

        Raises:
            StoreError: the file is missing, corrupt, foreign or newer, or the store cannot be written.
        """
        return self.add_experience(unpack(path))

    def export_parquet(self, path: str | os.PathLike) -> int:
        """Write the store as one Parquet file, but for the files of artefacts; see `taskaware.store.parquet`.

        Returns:
            The number of trainings in it, the diverged and the failed among them.

        Raises:
            StoreError: the file exists or cannot be written, or the store cannot be read.
        """
        # on use: no other call needs pyarrow
        from taskaware.store import parquet

        return self._database.read(lambda connection: parquet.export(connection, path))

    def import_parquet(self, path: str | os.PathLike) -> int:
        """Add everything that a file of `export_parquet` has and this store has not; in one transaction.

        Returns:
            The number of trainings written.

        Raises:
            StoreError: the file is missing, damaged, foreign or newer, or the store cannot be written.
        """
        from taskaware.store import parquet

        return self._database.write(lambda connection: parquet.take_over(connection, path))
