"""The files of a folder that hold values of one kind of data."""

import os
from pathlib import Path
from typing import Protocol

import pandas as pd

from taskaware.errors import UserError, quoted
from taskaware.files import expanded, is_file, is_folder

SYSTEM = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "$recycle.bin"}


class Kind(Protocol):
    """What is asked of a kind of data; `Single` answers it."""

    @property
    def name(self) -> str: ...

    def begins(self, start: bytes) -> bool: ...


def file_rows(folder: object, kind: Kind, column: str, target_name: str = "") -> pd.DataFrame | None:
    """The files of a folder as new rows, or a single file as one; None where this names neither.

    The index, named "file", has the path of each file below the folder, sorted. Files may stand at any depth.

    Args:
        folder: path, also of a file of this kind.
        kind: of data that the files hold.
        column: gets the paths.
        target_name: gets the names of the first sub-folders, if every file is in one.

    Raises:
        UserError: there is no file, or one of another kind; names it.
    """
    if not isinstance(folder, str | os.PathLike):
        return None
    if not is_folder(root := expanded(folder)):
        if not is_file(root) or not kind.begins(_head(root)):
            return None
        return pd.DataFrame({column: [str(root)]}, pd.Index([root.name], name="file"), dtype=object)
    files, _, _ = listed(root, kind)
    if not files:
        raise UserError(f"{quoted(str(root))} holds no {kind.name} file. Name another folder.")
    below = [file.relative_to(root) for file in files]
    rows = pd.DataFrame({column: list(map(str, files))}, pd.Index(map(str, below), name="file"), dtype=object)
    if target_name and all(len(path.parts) > 1 for path in below):
        rows[target_name] = [path.parts[0] for path in below]
    return rows


def listed(root: Path, kind: Kind) -> tuple[list[Path], list[str], list[str]]:
    """Paths of the files, sorted, names of those that are left out, and of links to folders.

    Raises:
        UserError: a file is of another kind.
    """
    files, ignored, links = [], [], []
    for folder, inner, names in os.walk(root):
        links += [name for name in inner if Path(folder, name).is_symlink()]
        inner[:] = sorted(name for name in inner if not is_of_system(name))
        for name in sorted(names):
            if is_of_system(name):
                ignored.append(name)
                continue
            files.append(_checked(root, Path(folder, name), kind))
    return files, ignored, links


def is_of_system(name: str) -> bool:
    """Whether a file or a folder is hidden, or one that systems write."""
    return name.startswith(".") or name.lower() in SYSTEM


def _checked(root: Path, path: Path, kind: Kind) -> Path:
    """The path, if the file begins as one of the kind does."""
    shown = quoted(str(path.relative_to(root)))
    try:
        head = _head(path)
    except OSError as error:
        raise UserError(
            f"{shown} in {quoted(str(root))} cannot be read ({error.strerror}). Check it, or move it away."
        ) from error
    if not kind.begins(head):
        what = "is empty" if not head else f"is no {kind.name} file"
        raise UserError(f"{shown} in {quoted(str(root))} {what}. Replace it, or move it out of the folder.")
    return path


def _head(path: Path) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(32)
