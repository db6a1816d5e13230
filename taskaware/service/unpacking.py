"""A zip file of a user → a folder of images or sounds. No name in it decides where a file is written."""

import re
import shutil
import stat
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from taskaware.errors import quoted
from taskaware.modalities.listing import SYSTEM
from taskaware.modalities.single import singles
from taskaware.service.limits import Limits
from taskaware.service.refused import Refused

EXEMPT = 64 << 20
"""Unpacked bytes up to which a file may be packed as tightly as it likes."""
LONGEST_NAME = 100
MOST_LEVELS = 8
_BLOCK = 1 << 20
_STEM = 40
_ENCRYPTED = 1


class Member(NamedTuple):
    """One file of an archive.

    Attributes:
        entry: of the archive.
        folders: names of the folders that it is in.
        name: of the file.
    """

    entry: zipfile.ZipInfo
    folders: tuple[str, ...]
    name: str


def holds_files(path: Path) -> bool:
    """Whether a zip file holds images or sounds, by the endings of its names.

    Raises:
        Refused: it is no zip file.
    """
    endings = tuple(ending for kind in singles() for ending in kind.endings)
    return any(entry.filename.lower().endswith(endings) for entry in _entries(path))


def unpack(path: Path, folder: Path, limits: Limits) -> list[str]:
    """Unpack a zip file of images or sounds.

    The folders keep their names, as these are the classes. A folder around all of them is left out. A file
    gets a number before what is plain of its name, so that neither odd names nor equal ones matter.

    Args:
        path: of the zip file.
        folder: to be made.
        limits: of the service.

    Returns:
        The names that the files had, in their new order.

    Raises:
        Refused: a name leads out of the folder, the archive unpacks to too much, or is damaged.
    """
    members = sorted(_members(path, limits), key=lambda member: (member.folders, member.name))
    if len({member.folders[:1] for member in members}) == 1 and all(len(m.folders) > 1 for m in members):
        members = [member._replace(folders=member.folders[1:]) for member in members]
    folder.mkdir()
    left = limits.unpacked_bytes
    try:
        with zipfile.ZipFile(path) as archive:
            for number, member in enumerate(members):
                place = folder.joinpath(*member.folders)
                place.mkdir(parents=True, exist_ok=True)
                left -= _copy(archive, member.entry, place / f"{number:06}-{_plain(member.name)}", left)
    except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile, ValueError, EOFError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Refused(422, f"The zip file cannot be unpacked ({_why(error)}). Pack it again.") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return [member.name for member in members]


def check_zip(path: Path, limits: Limits) -> None:
    """Nothing, if a zip file says that it unpacks to an allowed size.

    Raises:
        Refused: it does not, or is no zip file.
    """
    entries = _entries(path)
    if len(entries) > limits.files:
        raise Refused(
            413, f"The zip file holds {len(entries):,} files; {limits.files:,} are allowed. Give fewer."
        )
    size = sum(entry.file_size for entry in entries)
    most = min(limits.unpacked_bytes, max(EXEMPT, limits.ratio * path.stat().st_size))
    if size > most:
        raise Refused(
            413,
            f"The zip file unpacks to {size:,} bytes; {most:,} are allowed for its size. Give fewer files.",
        )


def _entries(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise Refused(422, f"This is no zip file that can be read ({_why(error)}). Pack it again.") from error


def _members(path: Path, limits: Limits) -> list[Member]:
    check_zip(path, limits)
    found = [_member(entry) for entry in _entries(path) if not entry.is_dir()]
    return [member for member in found if not _is_of_system(member)]


def _member(entry: zipfile.ZipInfo) -> Member:
    shown = quoted(entry.filename)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Refused(422, f"{shown} in the zip file is a link. Pack the file itself.")
    if entry.flag_bits & _ENCRYPTED:
        raise Refused(422, f"{shown} in the zip file is encrypted. Pack it without a password.")
    parts = entry.filename.split("/")
    if any(map(_is_odd, parts)) or len(parts) > MOST_LEVELS:
        raise Refused(
            422,
            f"The name {shown} in the zip file leads out of its folder, or is odd. Rename it and pack anew.",
        )
    return Member(entry, tuple(parts[:-1]), parts[-1])


def _is_odd(part: str) -> bool:
    """Whether a part of a path is empty, leads elsewhere, or cannot be a name on every system."""
    odd = any(unicodedata.category(mark) in ("Cc", "Cs") or mark in "\\:" for mark in part)
    return odd or part.strip(". ") == "" or len(part.encode()) > LONGEST_NAME


def _plain(name: str) -> str:
    """What of a name every system takes: letters, digits and dashes, and the ending.

    >>> _plain("my photo (1).PNG")
    'my_photo__1_.png'
    """
    path = PurePosixPath(name)
    stem, ending = (re.sub(r"[^A-Za-z0-9-]", "_", part) for part in (path.stem, path.suffix[1:]))
    return f"{stem[:_STEM]}.{ending[:_STEM].lower()}"


def _is_of_system(member: Member) -> bool:
    return any(part.startswith(".") or part.lower() in SYSTEM for part in (*member.folders, member.name))


def _copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: Path, most: int) -> int:
    """Unpack one file; the bytes that it has, which may be others than the archive says."""
    done = 0
    with archive.open(entry) as source, place.open("xb") as target:
        while block := source.read(_BLOCK):
            done += len(block)
            if done > most or done > entry.file_size:
                raise Refused(413, "The zip file unpacks to more bytes than are allowed. Give fewer files.")
            target.write(block)
    return done


def _why(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:120]
