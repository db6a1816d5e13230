"""The interface of a task's rows, for any kind of data."""

import dataclasses
import functools
import hashlib
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt64


@runtime_checkable
class Data(Protocol):
    """N rows of features; the target is not among them.

    Attributes:
        rows: N.
        row_hashes: a 64-bit hash of every row's content, (N,); equal content, equal hash.
        digest: 16 hex digits that name the content, in any order of the rows.
    """

    @property
    def rows(self) -> int: ...

    @property
    def row_hashes(self) -> UInt64[np.ndarray, " N"]: ...

    @property
    def digest(self) -> str: ...

    def take(self, rows: np.ndarray) -> "Data":
        """Only these rows, in this order (indices), or those of a mask."""


@runtime_checkable
class Reader(Protocol):
    """How rows for prediction are read into data like that of a task."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, for people."""

    def read(self, rows: object, target_name: str = "") -> Data:
        """New rows in any form that a user has them in; a target among them is ignored.

        Raises:
            UserError: a row cannot be read; names it and says what to change.
        """

    def to_dict(self) -> dict:
        """The reader as plain JSON, for a saved model; its modality reads it back."""


def content_digest(what: str, row_hashes: UInt64[np.ndarray, " N"]) -> str:
    """16 hex digits for rows in any order, for `Data.digest`.

    Args:
        what: name of the modality, and everything that all rows share.
        row_hashes: of the rows.

    >>> first, second = np.array([3, 7], np.uint64), np.array([7, 3], np.uint64)
    >>> content_digest("bags", first) == content_digest("bags", second) != content_digest("bows", first)
    True
    """
    hasher = hashlib.sha256(what.encode())
    hasher.update(np.sort(row_hashes).tobytes())
    return hasher.hexdigest()[:16]


@dataclasses.dataclass(frozen=True, eq=False)
class Listed:
    """Data that is one value for each row, such as a text, or an array of any shape.

    Attributes:
        what: name of the modality; part of the digest.
        values: N texts, bytes or arrays.

    >>> texts = Listed("text", ("red", "blue", "red"))
    >>> texts.rows, texts.take(np.array([1])).values, len(set(texts.row_hashes.tolist()))
    (3, ('blue',), 2)
    """

    what: str
    values: tuple

    @property
    def rows(self) -> int:
        return len(self.values)

    @functools.cached_property
    def row_hashes(self) -> UInt64[np.ndarray, " N"]:
        words = [hashlib.sha256(_as_bytes(value)).digest()[:8] for value in self.values]
        return np.frombuffer(b"".join(words), np.uint64)

    @functools.cached_property
    def digest(self) -> str:
        return content_digest(self.what, self.row_hashes)

    def take(self, rows: np.ndarray) -> "Listed":
        return Listed(self.what, tuple(self.values[row] for row in np.arange(self.rows)[rows]))


def _as_bytes(value: str | bytes | np.ndarray) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    array = np.ascontiguousarray(value)
    return f"{array.dtype.str}{array.shape}".encode() + array.tobytes()
