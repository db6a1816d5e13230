"""The bytes of a file, unpacked, whichever way they come: a path, standard input, a web address."""

import bz2
import dataclasses
import functools
import gzip
import io
import lzma
import os
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

from taskaware.errors import UserError
from taskaware.saved import SETTING, most_bytes

PACKED = (".gz", ".bz2", ".xz", ".zip")
"""Endings of compressed files that are unpacked."""

LEAST_BOMB = 64 << 20
MOST_RATIO = 200
_SCHEMES = ("http", "https")
_BLOCK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Content:
    """A file's name without an ending of PACKED, and its unpacked bytes.

    Attributes:
        name: its last ending says the format.
        open: gives a binary file with the bytes from the beginning.
    """

    name: str
    open: Callable[[], Any]


def content_of(path: Path) -> Content:
    """A file on this machine.

    Raises:
        UserError: a zip file without exactly one file in it.
    """
    ending = path.suffix.lower()
    if ending not in PACKED:
        return Content(path.name, lambda: path.open("rb"))
    if ending == ".zip":
        member = _only_member(path)
        name = path.stem if Path(path.stem).suffix else PurePosixPath(member).name
        return Content(name, lambda: _bounded(zipfile.ZipFile(path).open(member), path))
    openers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    opener = openers[ending]
    return Content(path.stem, lambda: _bounded(opener(path, "rb"), path))


def standard_input() -> Content:
    """What is piped into this process; the bytes say whether it is Parquet, Excel, JSON or a text table.

    Raises:
        UserError: there is nothing.
    """
    content = _read_all(sys.stdin.buffer, "standard input")
    if not content.strip():
        raise UserError("Standard input is empty. Pipe a file into the command, or name one.")
    return Content("stdin" + _ending(content), functools.partial(io.BytesIO, content))


def is_address(source: str) -> bool:
    """Whether a string is a web address.

    >>> is_address("https://example.org/a.csv"), is_address("a.csv")
    (True, False)
    """
    return source.partition("://")[0].lower() in _SCHEMES and "://" in source


def fetched(address: str) -> bytes:
    """The bytes behind a web address, or a file:// one.

    Raises:
        UserError: they cannot be fetched, or are too many.
    """
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return _read_all(answer, address)
    except (OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"'{address}' cannot be fetched ({error}). Go online, or name a file of your own."
        ) from error


def from_web(address: str) -> Content:
    """The file behind a web address, fetched anew each time.

    Raises:
        UserError: it cannot be fetched.
    """
    content = fetched(address)
    name = PurePosixPath(urlsplit(address).path).name
    if Path(name).suffix.lower() in PACKED:
        # The readers of packed files want a place on the disk.
        folder = tempfile.TemporaryDirectory(prefix="taskaware-")
        path = Path(folder.name) / name
        path.write_bytes(content)
        packed = content_of(path)
        # The folder goes with the last reference to it.
        return Content(packed.name, functools.partial(_open_in, folder, packed))
    return Content(
        name if Path(name).suffix else name + _ending(content), functools.partial(io.BytesIO, content)
    )


def _open_in(folder: tempfile.TemporaryDirectory, packed: Content) -> Any:
    return packed.open()


@runtime_checkable
class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class _Bounded(io.RawIOBase):
    """A stream that ends in an error when it unpacks to far more than a file of its size does."""

    def __init__(self, source: _Stream, packed: int, name: str):
        self._source, self._name = source, name
        own = SETTING in os.environ
        self._most = most_bytes() if own else min(most_bytes(), max(LEAST_BOMB, MOST_RATIO * packed))
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        block = self._source.read(len(buffer))
        self._done += len(block)
        if self._done > self._most:
            raise UserError(
                f"'{self._name}' unpacks to more than {self._most >> 20} MB. If that is right, set {SETTING} "
                "to the bytes that it may have."
            )
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._source.close()
        super().close()


def _bounded(source: _Stream, path: Path) -> io.BufferedReader:
    raw = _Bounded(source, path.stat().st_size, path.name)
    return io.BufferedReader(raw, _BLOCK)


def _read_all(source: _Stream, name: str) -> bytes:
    blocks, size = [], 0
    while block := source.read(_BLOCK):
        blocks.append(block)
        size += len(block)
        if size > most_bytes():
            raise UserError(f"'{name}' has more than {most_bytes() >> 20} MB. Set {SETTING} to allow more.")
    return b"".join(blocks)


def _only_member(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        names = [
            name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")
        ]
    if len(names) != 1:
        raise UserError(
            f"'{path.name}' holds {len(names)} files ({', '.join(names[:5])}). Unpack it, and name one."
        )
    return names[0]


def _ending(content: bytes) -> str:
    if content.startswith(b"PAR1"):
        return ".parquet"
    if content.startswith(b"PK\x03\x04"):
        return ".xlsx"
    return ".json" if content.lstrip()[:1] in (b"{", b"[") else ".csv"
