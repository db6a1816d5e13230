"""Exported files: new ones, complete or not at all."""

import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO

from taskaware.errors import StoreError
from taskaware.files import ExistsError, atomic_file


@contextlib.contextmanager
def new_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A new file to write into, which gets its name when the block ends without an error.

    Raises:
        StoreError: the path exists, or cannot be written.
    """
    try:
        with atomic_file(path, replace=False) as file:
            yield file
    except ExistsError as error:
        raise StoreError(
            f"'{path}' exists and was left as it is. Remove it, or choose another path."
        ) from error
    except OSError as error:
        raise StoreError(f"'{path}' cannot be written: {error}. Check its folder and the disk.") from error
