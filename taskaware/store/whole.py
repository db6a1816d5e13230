"""Files that appear whole or not at all, and never in the place of another."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from taskaware.errors import StoreError


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A new file to write into, which gets its name when the block ends without an error.

    Raises:
        StoreError: the path exists, or cannot be written.
    """
    target = Path(path)
    _refuse_existing(target)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _refuse_existing(target)
        unfinished.replace(target)
    except OSError as error:
        raise StoreError(f"'{target}' cannot be written: {error}. Check its folder and the disk.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _refuse_existing(target: Path) -> None:
    if target.exists():
        raise StoreError(f"'{target}' exists and was left as it is. Remove it, or choose another path.")
