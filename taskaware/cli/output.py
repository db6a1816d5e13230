"""Outputs of a command: files, checked before any work and written atomically, and aligned tables."""

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from taskaware.errors import UserError, visible
from taskaware.files import atomic_write, is_device


class Folder(NamedTuple):
    """A folder that a command writes.

    Attributes:
        path: path of the folder.
        what: what the folder holds, for messages: "model".
        mark: name of the file by which such a folder is recognised.
    """

    path: Path
    what: str
    mark: str


def check_outputs(
    files: Mapping[str, Path | None],
    folders: Mapping[str, Folder] | None = None,
    *,
    force: bool,
    source: str,
) -> None:
    """Refuse outputs that cannot be written, before any work.

    Args:
        files: the file that each option names, or None.
        folders: the folder that each option names.
        force: whether files and models may be replaced.
        source: what the command reads; a file of this name is never replaced.

    Raises:
        UserError: something exists, is named twice or is the source; a folder is missing or not writable.
    """
    named = {option: path for option, path in files.items() if path is not None}
    folders = folders or {}
    _check_distinct(named, folders, Path(source))
    for option, path in named.items():
        _check_file(option, path, force)
    for option, folder in folders.items():
        _check_folder(option, folder, force)


def write_file(path: Path, content: bytes) -> None:
    """Write a file atomically; a link is followed."""
    atomic_write(path if is_device(path) else path.resolve(), content)


class Terminal:
    """A terminal that gets no control characters, which a name in a file may hold."""

    def __init__(self, stream: Any):
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, its lines and tabs as they are."""
        for_good = (mark if mark in "\n\t" else visible(mark) for mark in text)
        self._stream.write("".join(for_good))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def for_people(stream: Any) -> Any:
    """The stream, as a `Terminal` where it is one; a file or a pipe gets every character as it is."""
    return Terminal(stream) if stream.isatty() else stream


def aligned(names: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> str:
    """A table for people.

    Args:
        names: of the columns.
        rows: of cells; floats are shown with six digits.
        right: names of the columns to align at the right.

    >>> print(aligned(["name", "size"], [["a", 1.5], ["bc", 20.0]], right=["size"]))
    name  size
    a      1.5
    bc      20
    """
    cells = [list(names), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = [">" if name in right else "<" for name in names]
    lines = (
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else visible(str(value))


def _check_distinct(files: Mapping[str, Path], folders: Mapping[str, Folder], source: Path) -> None:
    taken = {source.resolve(): "the input"} if source.is_file() else {}
    for option, path in files.items():
        real = path.resolve()
        if real in taken:
            raise UserError(f"{option}: '{path}' is {taken[real]}. Choose another name.")
        for folder in folders.values():
            if real.is_relative_to(folder.path.resolve()):
                raise UserError(f"{option}: '{path}' is in the {folder.what}'s folder. Choose another place.")
        taken[real] = f"also the file of {option}"
    for (option, one), (_, other) in itertools.permutations(folders.items(), 2):
        if one.path.resolve().is_relative_to(other.path.resolve()):
            raise UserError(f"{option}: '{one.path}' is in the {other.what}'s folder. Choose another place.")


def _check_file(option: str, path: Path, force: bool) -> None:
    if str(path) == "-":
        raise UserError(
            f"{option}: '-' is no name of a file. Name one; on Linux, /dev/stdout is the terminal."
        )
    if path.is_dir():
        raise UserError(f"{option}: '{path}' is a folder. Name a file in it.")
    if path.exists() and not is_device(path):
        if not force:
            raise _exists(option, path)
        if not os.access(path, os.W_OK):
            raise UserError(f"{option}: '{path}' is write-protected. Choose another name.")
    if not path.parent.is_dir():
        raise UserError(f"{option}: there is no folder '{path.parent}'. Make it first, or choose another.")
    if not is_device(path):
        _check_writable(option, path.parent)


def _check_folder(option: str, folder: Folder, force: bool) -> None:
    path, what, mark = folder
    if path.exists() and not force:
        raise _exists(option, path)
    if path.exists() and not (path / mark).is_file():
        raise UserError(f"{option}: '{path}' is not a taskaware {what}, and --force replaces only {what}s.")
    above = next(parent for parent in path.absolute().parents if parent.exists())
    _check_writable(option, above)


def _check_writable(option: str, folder: Path) -> None:
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"{option}: the folder '{folder}' is not writable. Choose another folder.")


def _exists(option: str, path: Path) -> UserError:
    return UserError(
        f"{option}: '{path}' exists already. Choose another name, or give --force to replace it."
    )
