"""One folder takes the place of another at once, and all that others keep in that folder stays in it.

What is being written has a hidden name beside its target, and its process holds a lock on it. So what a
killed process left behind is recognised, and removed with the next writing of the same target.
"""

import contextlib
import ctypes
import errno
import functools
import hashlib
import importlib
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

fcntl: Any = None
"""Windows has no such locks; there nothing is swept."""
with contextlib.suppress(ImportError):
    fcntl = importlib.import_module("fcntl")

PATIENCE = 10.0
"""Seconds to wait for others who write into the same folder; a longer lock is not one of ours."""

Made = TypeVar("Made")

_GLANCE = 0.002
_UNFINISHED = re.compile(r"\.taskaware-[0-9a-f]{32}")
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def hidden(target: Path) -> Path:
    """A free name beside the target, which nobody can guess: 8 digits for the target and 24 random ones."""
    return target.with_name(_prefix(target) + os.urandom(12).hex())


def is_unfinished(path: Path) -> bool:
    """Whether the name is that of a file or folder that is still being written, or was when its process died.

    >>> is_unfinished(hidden(Path("model"))), is_unfinished(Path("model"))
    (True, False)
    """
    return _UNFINISHED.fullmatch(path.name) is not None


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """A block for one process or thread at a time, for each folder; False where others cannot be kept out.

    That is so on file systems without locks, and where a lock is held for more than PATIENCE.
    """
    with contextlib.ExitStack() as stack:
        yield fcntl is not None and _lock(folder, fcntl.LOCK_EX, PATIENCE, stack)


def begin(target: Path, make: Callable[[Path], Made], stack: contextlib.ExitStack) -> tuple[Path, Made]:
    """Make a file or folder under a hidden name beside the target, which `sweep` leaves in peace.

    Args:
        target: the name that it will have.
        make: makes it, under the name that it is given.
        stack: at whose end it is no longer held.

    Returns:
        The hidden path, and what `make` returned.
    """
    while True:
        path = hidden(target)
        made = make(path)
        if fcntl is not None:
            _lock(path, fcntl.LOCK_SH, PATIENCE, stack)
        # Another process may have swept it away before it was held.
        if os.path.lexists(path):
            return path, made


def sweep(target: Path, written: Collection[str] | None = None) -> None:
    """Remove what killed processes have left of this target; files of others move to their place in it.

    Args:
        target: a file; or a folder, and what it is in is `locked`.
        written: names of files that the writing of a folder makes; None for a file.
    """
    if fcntl is None:
        return
    with contextlib.suppress(OSError), os.scandir(target.parent) as entries:
        left = [Path(entry) for entry in entries if entry.name.startswith(_prefix(target))]
        for path in filter(is_unfinished, left):
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                # Never what another user has put there, and never what a living process still writes.
                if path.lstat().st_uid == os.geteuid() and _lock(path, fcntl.LOCK_EX, 0.0, stack):
                    path.unlink() if written is None else merge(path, target, written)


def share(old: Path, new: Path, written: Collection[str]) -> None:
    """Let a new folder have the files of others that the old one has, and its permissions.

    They are hard links, so that a file is in its place before, while and after the two change places. What
    cannot be linked is left to `merge`.

    Args:
        old, new: folders.
        written: names in the new folder.
    """
    top = os.fspath(old)
    with contextlib.suppress(OSError):
        shutil.copytree(
            old,
            new,
            symlinks=True,
            ignore=lambda folder, names: written if os.fspath(folder) == top else (),
            copy_function=os.link,
            dirs_exist_ok=True,
        )
    os.utime(new)


def swap(fresh: Path, target: Path) -> None:
    """Let two folders change places; in two steps where the system has no single one."""
    if _exchange(fresh, target):
        return
    old = hidden(target)
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        old.rename(target)
        raise
    old.rename(fresh)


def merge(old: Path, new: Path, written: Collection[str] = ()) -> None:
    """Remove the old folder; what others have in it, and is not in the new one, moves there.

    Args:
        old, new: folders; where the new one is missing, nothing moves.
        written: names that the new folder has of its own.
    """
    for entry in list(old.iterdir()):
        place = new / entry.name
        if entry.name in written:
            _remove(entry)
        elif not os.path.lexists(place):
            entry.rename(place)
        elif _is_folder(entry) and _is_folder(place):
            merge(entry, place)
        elif _is_newer(entry, place):
            entry.replace(place)
        else:
            _remove(entry)
    old.rmdir()


def _prefix(target: Path) -> str:
    return f".taskaware-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:8]}"


def _lock(path: Path, kind: int, patience: float, stack: contextlib.ExitStack) -> bool:
    """Whether the path could be locked; the stack lets it go."""
    until = time.monotonic() + patience
    try:
        # A link is not followed, and a pipe not waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        stack.callback(os.close, handle)
        while True:
            try:
                fcntl.flock(handle, kind | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() >= until:
                    return False
                time.sleep(_GLANCE)
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_newer(entry: Path, place: Path) -> bool:
    """Whether a file was written after the one that has its place: in the moment before the exchange."""
    if _is_folder(entry) or _is_folder(place):
        return False
    return entry.lstat().st_mtime_ns > place.lstat().st_mtime_ns


def _remove(path: Path) -> None:
    if _is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink()


def _exchange(one: Path, other: Path) -> bool:
    """Let two paths change places in one step; False where the system or the file system cannot."""
    rename = _renameat2()
    if rename is None:
        return False
    ctypes.set_errno(0)
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
        return False
    raise OSError(number, os.strerror(number), str(other))


@functools.cache
def _renameat2() -> Callable[..., int] | None:
    """The function of Linux's C library; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        found = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None
    found.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return found
