"""Files and folders that appear complete or not at all.

A reader finds what was there before or what was written, never half of it, not even after a power failure.
Work in progress has a hidden random name (`.taskaware-<32 hex digits>`) in the same folder. It is removed
when the writing ends, also after an error or Ctrl-C; only a killed process leaves it behind.
"""

import contextlib
import ctypes
import errno
import functools
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from taskaware.errors import UserError, quoted

MENDS = {
    errno.ENOSPC: "Make room on the disk",
    errno.EDQUOT: "Make room in your quota",
    errno.ENOENT: "Make its folder first",
    errno.ENAMETOOLONG: "Choose a shorter name",
}
_ANY_MEND = "Check its folder and the disk, or choose another place"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


class ExistsError(UserError):
    """The path is taken, and replacing it was not asked for."""


def atomic_write(path: str | os.PathLike, content: bytes, *, replace: bool = True) -> None:
    """Write a file in one piece; see `atomic_file`.

    Args:
        path: of the file, in a folder that exists.
        content: of the file.
        replace: whether a file that is there gives way.

    Raises:
        ExistsError: the path is taken, and `replace` is False.
        OSError: it cannot be written; what was there stays.
    """
    with atomic_file(path, replace=replace) as file:
        file.write(content)


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike, *, replace: bool = True) -> Iterator[BinaryIO]:
    """A file to write into, which takes its name when the block ends without an error.

    The new file has the permissions of one that it replaces. A link is replaced, not followed. A device or a
    pipe, as /dev/stdout, is written straight into.

    Args:
        path: of the file, in a folder that exists.
        replace: whether a file that is there gives way.

    Raises:
        ExistsError: the path is taken, and `replace` is False.
        OSError: it cannot be written (the message names the path and the mend); what was there stays.
    """
    target = Path(path)
    if is_device(target):
        with target.open("wb") as file:
            yield file
        return
    _refuse_folder(target)
    if not replace:
        refuse_existing(target)
    fresh = _beside(target)
    try:
        # "x" opens with O_EXCL: never a file or a link that is there already.
        with fresh.open("xb") as file:
            yield file
            file.flush()
            _copy_permissions(target, file.fileno())
            os.fsync(file.fileno())
        if replace:
            fresh.replace(target)
        else:
            _link(fresh, target)
        sync_folder(target.parent)
    except OSError as error:
        if _is_of_another(error, target, fresh):
            raise
        raise _worded(error, target) from error
    finally:
        # No other process can have this name, so what has it is ours.
        fresh.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike, *, replace: bool = False) -> Iterator[Path]:
    """A new folder to fill, which takes its name when the block ends without an error.

    A folder that it replaces changes place with it in one step on Linux, so that there is always one; on
    other systems the name is free for an instant. Only the old files whose names were written anew are
    removed; everything else in the old folder moves over to the new one.

    Args:
        path: of the folder; the folder above exists.
        replace: whether a folder that is there gives way.

    Raises:
        ExistsError: the path is taken, and `replace` is False.
        UserError: what is there is a file or a link.
        OSError: it cannot be written (the message names the path and the mend); what was there stays.
    """
    target = Path(path)
    _check_folder(target, replace)
    fresh, made = _beside(target), None
    try:
        fresh.mkdir()
        made = fresh.stat()
        yield fresh
        _sync_tree(fresh)
        _check_folder(target, replace)
        names = [entry.name for entry in fresh.iterdir()]
        if target.exists():
            _swap(fresh, target)
            _move_over(fresh, target, names)
        else:
            fresh.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        if _is_of_another(error, target, fresh):
            raise
        raise _worded(error, target) from error
    finally:
        # After the swap it is the old folder that has this name, and it may hold files of others.
        if made is not None and fresh.exists() and os.path.samestat(fresh.stat(), made):
            shutil.rmtree(fresh, ignore_errors=True)


def expanded(path: str | os.PathLike) -> Path:
    """The path with the home folder for "~" and "~user".

    Raises:
        UserError: there is no such user, or none has a home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(
            f"The home folder in {quoted(str(path))} is not known. Write the path in full."
        ) from error


def refuse_existing(path: str | os.PathLike) -> None:
    """Nothing where the path is free; a dangling link takes it, too.

    Raises:
        ExistsError: it is taken.
    """
    if os.path.lexists(path):
        raise ExistsError(f"'{path}' exists already. Choose another name, or pass force=True to replace it.")


def is_device(path: Path) -> bool:
    """Whether the path is neither file nor folder, but there: /dev/stdout, a named pipe."""
    return path.exists() and not path.is_file() and not path.is_dir()


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _beside(target: Path) -> Path:
    return target.with_name(f".taskaware-{os.urandom(16).hex()}")


def _refuse_folder(target: Path) -> None:
    if target.is_dir():
        raise UserError(f"'{target}' is a folder. Name a file in it.")


def _check_folder(target: Path, replace: bool) -> None:
    if not replace:
        refuse_existing(target)
    if target.is_symlink():
        raise UserError(f"'{target}' is a link. Name the folder itself: '{target.resolve()}'.")
    if target.exists() and not target.is_dir():
        raise UserError(f"'{target}' is a file. Choose another name for the folder.")


def _copy_permissions(target: Path, handle: int) -> None:
    if hasattr(os, "fchmod") and target.is_file() and not target.is_symlink():
        os.fchmod(handle, stat.S_IMODE(target.stat().st_mode))


def _link(fresh: Path, target: Path) -> None:
    """Give the file its name, unless another file has it by now."""
    try:
        os.link(fresh, target)
    except OSError:
        # Taken, or a file system without hard links.
        refuse_existing(target)
        fresh.rename(target)


def _swap(fresh: Path, target: Path) -> None:
    """Let two folders change places; in two steps where the system has no single one."""
    if _exchange(fresh, target):
        return
    old = _beside(target)
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        old.rename(target)
        raise
    old.rename(fresh)


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


def _move_over(old: Path, new: Path, names: list[str]) -> None:
    """Remove the old folder with the files of these names; what else is in it moves to the new one."""
    for entry in old.iterdir():
        if entry.name not in names:
            entry.rename(new / entry.name)
        elif entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    old.rmdir()


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def _is_of_another(error: OSError, target: Path, fresh: Path) -> bool:
    """Whether the error is about another file, which the block has read."""
    return error.errno is None or error.filename not in (None, str(fresh), str(target))


def _worded(error: OSError, target: Path) -> OSError:
    """The error with the path that was asked for, and the mend."""
    why = f"{error.strerror}. {MENDS.get(error.errno or 0, _ANY_MEND)}"
    return OSError(error.errno, why, str(target))
