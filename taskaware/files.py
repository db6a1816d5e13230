"""Files and folders that appear complete or not at all.

A reader finds what was there before or what was written, never half of it, not even after a power failure.
Work in progress has a hidden name (`.taskaware-<32 hex digits>`) in the same folder. It is removed when the
writing ends, also after an error or Ctrl-C. What a killed process leaves behind goes when the same file or
folder is written again.
"""

import contextlib
import errno
import functools
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from taskaware import exchange
from taskaware.errors import UserError, quoted

MENDS = {
    errno.ENOSPC: "Make room on the disk",
    errno.EDQUOT: "Make room in your quota",
    errno.ENOENT: "Make its folder first",
    errno.ENAMETOOLONG: "Choose a shorter name",
}
_ANY_MEND = "Check its folder and the disk, or choose another place"


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
        OSError: it cannot be written (the message names the path and says what to do); what was there stays.
    """
    target = Path(path)
    if is_device(target):
        with target.open("wb") as file:
            yield file
        return
    _refuse_folder(target)
    if not replace:
        refuse_existing(target)
    fresh = None
    try:
        with contextlib.ExitStack() as stack:
            exchange.sweep(target)
            # "x" opens with O_EXCL: never a file or a link that is there already.
            fresh, file = exchange.begin(target, lambda path: stack.enter_context(path.open("xb")), stack)
            yield file
            file.flush()
            _copy_permissions(target, file.fileno())
            os.fsync(file.fileno())
            file.close()
            if replace:
                fresh.replace(target)
            else:
                _link(fresh, target)
        sync_folder(target.parent)
    except OSError as error:
        if _is_of_another(error, target):
            raise
        raise _worded(error, target) from error
    finally:
        # No other process can have this name, so what has it is ours.
        if fresh is not None:
            fresh.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike, *, replace: bool = False) -> Iterator[Path]:
    """A new folder to fill, which takes its name when the block ends without an error.

    A folder that it replaces changes place with it in one step on Linux, so that there is always one; on
    other systems the name is free for an instant. Only the old files whose names were written anew are
    removed; everything else in the old folder is in the new one, too, from its first moment on. Several
    processes may do this at once; `opened_together` reads meanwhile.

    Args:
        path: of the folder; the folder above exists.
        replace: whether a folder that is there gives way.

    Raises:
        ExistsError: the path is taken, and `replace` is False.
        UserError: what is there is a file or a link.
        OSError: it cannot be written (the message names the path and says what to do); what was there stays.
    """
    target = Path(path)
    _check_folder(target, replace)
    made = None
    try:
        with contextlib.ExitStack() as stack:
            fresh, _ = exchange.begin(target, Path.mkdir, stack)
            made = fresh.stat()
            if target.is_dir():
                # What is private stays so from the beginning.
                fresh.chmod(stat.S_IMODE(target.stat().st_mode) | stat.S_IRWXU)
            yield fresh
            _sync_files(fresh)
            _take_place(fresh, target, replace)
        sync_folder(target.parent)
    except OSError as error:
        if _is_of_another(error, target):
            raise
        raise _worded(error, target) from error
    finally:
        # After the swap it is the old folder that has this name, and it may hold files of others.
        if made is not None and fresh.exists() and os.path.samestat(fresh.stat(), made):
            shutil.rmtree(fresh, ignore_errors=True)


@contextlib.contextmanager
def opened_together(folder: str | os.PathLike, *names: str) -> Iterator[list[BinaryIO]]:
    """Files of a folder, open for reading; all of them of one folder, also while others take its place.

    Args:
        folder: that exists.
        names: of the files.

    Raises:
        OSError: the folder or a file cannot be read.
    """
    if os.open not in os.supports_dir_fd:
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(Path(folder, name).open("rb")) for name in names]
        return
    with contextlib.ExitStack() as stack:
        while (found := _opened_in(folder, names, stack)) is None:
            stack.close()
        yield found


def is_file(path: Path) -> bool:
    """Whether a file is there; False for a name that the system cannot have.

    >>> is_file(Path("x" * 10_000)), is_file(Path("a\\0b"))
    (False, False)
    """
    return _answer(path.is_file)


def is_folder(path: Path) -> bool:
    """Whether a folder is there; False for a name that the system cannot have."""
    return _answer(path.is_dir)


def _answer(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except ValueError:
        return False
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise


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
    return _answer(path.exists) and not path.is_file() and not path.is_dir()


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _take_place(fresh: Path, target: Path, replace: bool) -> None:
    """Give the folder its name; one that has it gives way, and all that others have in it stays."""
    written = [entry.name for entry in fresh.iterdir()]
    with exchange.locked(target.parent) as alone:
        _check_folder(target, replace)
        if target.exists():
            exchange.share(target, fresh, written)
        sync_folder(fresh)
        if target.exists():
            exchange.swap(fresh, target)
            exchange.merge(fresh, target, written)
        else:
            fresh.rename(target)
        if alone:
            exchange.sweep(target, written)


def _opened_in(
    folder: str | os.PathLike, names: tuple[str, ...], stack: contextlib.ExitStack
) -> list[BinaryIO] | None:
    """The files; None where one is gone because another folder has taken the place of this one."""
    # As long as it is open, no other folder can have its number. Linux needs no permission to list it.
    handle = os.open(folder, getattr(os, "O_PATH", os.O_RDONLY))
    stack.callback(os.close, handle)
    opener = functools.partial(os.open, dir_fd=handle)
    files: list[BinaryIO] = []
    for name in names:
        try:
            files.append(stack.enter_context(open(name, "rb", opener=opener)))  # noqa: SIM115
        except FileNotFoundError as error:
            if os.path.samestat(os.fstat(handle), os.stat(folder)):
                raise FileNotFoundError(error.errno, error.strerror, os.path.join(folder, name)) from error
            return None
    return files


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


def _sync_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())


def _is_of_another(error: OSError, target: Path) -> bool:
    """Whether the error is about another file, which the block has read."""
    if error.errno is None or error.filename in (None, str(target)):
        return error.errno is None
    return not exchange.is_unfinished(Path(str(error.filename)))


def _worded(error: OSError, target: Path) -> OSError:
    """The error with the path that was asked for, and what to do."""
    why = f"{error.strerror}. {MENDS.get(error.errno or 0, _ANY_MEND)}"
    return OSError(error.errno, why, str(target))
