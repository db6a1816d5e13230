"""The folder of artefacts beside a store: bounded, and nothing leads out of it."""

import dataclasses
import os
import re
from pathlib import Path

from taskaware.errors import StoreError, UserError
from taskaware.files import expanded

LIMIT = 2**30


PATH = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Area:
    """Where the files are.

    Attributes:
        folder: made when the first file comes; None where the store has no area.
        limit: bytes of all files together.
    """

    folder: Path | None
    limit: int = LIMIT

    def path(self, relative: str) -> Path:
        """The path of a file in the area.

        Raises:
            UserError: the store has no area.
            StoreError: the path is not one of ours, or leads out of the area.
        """
        if self.folder is None:
            raise UserError(
                "This store has no folder for artefacts. Name one: Store.open(..., artefacts=...)."
            )
        found = self.folder / relative
        if not PATH.fullmatch(relative) or not found.resolve().is_relative_to(self.folder.resolve()):
            raise StoreError(
                f"The path '{relative}' of an artefact leads out of '{self.folder}'. It is not used."
            )
        return found

    def files(self) -> list[str]:
        """The relative paths of all files in the area that are named as ours."""
        if not self.folder:
            return []
        names = (path.relative_to(self.folder).as_posix() for path in self.folder.glob("??/*"))
        return sorted(name for name in names if PATH.fullmatch(name))


def area_of(folder: str | os.PathLike | None, file: str, limit: int) -> Area:
    """The area of a store.

    Args:
        folder: that was named; None for the one beside the file.
        file: the path of an SQLite file; empty where there is none, and then no area without a folder.
        limit: bytes of all files together.

    Raises:
        UserError: the limit is negative.
    """
    if limit < 0:
        raise UserError(f"artefact_limit is {limit}. Allowed: 0 and more bytes.")
    if folder is None and not file:
        return Area(None, limit)
    return Area(expanded(f"{file}.artefacts" if folder is None else folder), limit)
