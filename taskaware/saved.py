"""Reading files that may be damaged or hostile: `.npz` archives of arrays, and JSON.

Sizes are checked before anything is unpacked, nothing is executed, and what is wrong ends in a ValueError.
"""

import contextlib
import hashlib
import io
import json
import math
import os
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from taskaware.files import atomic_file

Source = str | os.PathLike | IO[bytes] | io.BufferedIOBase
"""A file by its path, or open for reading bytes."""

SETTING = "TASKAWARE_MOST_BYTES"
MOST_BYTES = 2 << 30
"""Bytes that a file may unpack to; the environment's $TASKAWARE_MOST_BYTES replaces it."""

MOST_ARRAYS = 10_000
MOST_JSON = 256 << 20
MOST_LEVELS = 64
MOST_DIGITS = 300

_KINDS = "biufcSU"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class Header(NamedTuple):
    """What an archive says of one array, before it is unpacked."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class Arrays:
    """The arrays of an open `.npz`.

    Attributes:
        headers: of each array, by name.
    """

    def __init__(self, archive: zipfile.ZipFile, headers: Mapping[str, Header]):
        self.headers = headers
        self._archive = archive

    def read(self, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
        """Unpack these arrays; all of them by default.

        Raises:
            ValueError: one is damaged.
        """
        with _only_value_errors():
            return {name: self._read(name) for name in (self.headers if names is None else names)}

    def _read(self, name: str) -> np.ndarray:
        with self._archive.open(f"{name}.npy") as file:
            return np.lib.format.read_array(file, allow_pickle=False)


@contextlib.contextmanager
def open_npz(path: Source, *, most: int | None = None) -> Iterator[Arrays]:
    """The arrays of an archive, whose headers have been checked.

    Args:
        path: of the file, or the file itself, open for reading bytes.
        most: bytes that it may unpack to; by default what $TASKAWARE_MOST_BYTES says, or MOST_BYTES.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no archive of arrays of numbers and text, is damaged, or unpacks to more.
    """
    with contextlib.ExitStack() as stack:
        with _only_value_errors():
            archive = stack.enter_context(zipfile.ZipFile(path))
            headers = _headers(archive, most_bytes() if most is None else most)
        yield Arrays(archive, headers)


def read_npz(path: Source, *, most: int | None = None) -> dict[str, np.ndarray]:
    """All arrays of an archive, by name.

    Args:
        path, most: as for `open_npz`, which says when it raises.
    """
    with open_npz(path, most=most) as arrays:
        return arrays.read()


def read_json(path: str | os.PathLike | IO[bytes], *, finite: bool = True) -> Any:
    """The content of a JSON file.

    Args:
        path: of the file, or the file itself, open for reading bytes.
        finite: as for `parse_json`, which says when it raises.
    """
    if isinstance(path, str | os.PathLike):
        with Path(path).open("rb") as file:
            return read_json(file, finite=finite)
    _check_length(os.fstat(path.fileno()).st_size)
    return parse_json(path.read(), finite=finite)


def parse_json(text: str | bytes, *, finite: bool = True, most: int = MOST_JSON) -> Any:
    """The value that a JSON text stands for.

    Args:
        text: nested at most MOST_LEVELS deep.
        finite: whether NaN, Infinity and numbers beyond the range of float64 are refused.
        most: characters that it may have.

    Raises:
        ValueError: it is no JSON, too long or too deep, or holds such a number or half a character.

    >>> parse_json('{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    """
    _check_length(len(text), most)
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    hooks: dict[str, Any] = {"parse_int": _whole}
    if finite:
        hooks |= {"parse_float": _finite, "parse_constant": _finite}
    try:
        value = json.loads(text, **hooks)
    except RecursionError:
        raise ValueError(f"it is nested more than {MOST_LEVELS} levels deep") from None
    _check_levels(value)
    if "\\ud" in text or "\\uD" in text:
        json.dumps(value, ensure_ascii=False).encode()  # refuses half a surrogate pair
    return value


def content_digest(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    """64 hex digits that name a text and arrays: names, types, shapes and values, in any order.

    Args:
        text: any.
        arrays: by name.

    >>> first = content_digest("{}", {"a": np.zeros(2)})
    >>> first == content_digest("{}", {"a": np.zeros(2)}) != content_digest("{}", {"a": np.zeros((2, 1))})
    True
    """
    hasher = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        hasher.update(f"\0{name}\0{array.dtype.str}\0{np.shape(arrays[name])}\0".encode())
        hasher.update(array.tobytes())
    return hasher.hexdigest()


def sealed(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The header of a file as bytes (uint8), with a digest of itself and the arrays beside it.

    Args:
        header: plain data.
        arrays: by name, as they will be read.
    """
    digest = content_digest(json.dumps(header, sort_keys=True), arrays)
    return np.frombuffer(json.dumps({**header, "digest": digest}, sort_keys=True).encode(), np.uint8)


def unsealed(header: np.ndarray, arrays: Mapping[str, np.ndarray]) -> dict:
    """What `sealed` was given; a file of before has no digest, and is taken as it is.

    Args:
        header: bytes.
        arrays: that were read with it.

    Raises:
        ValueError: the header is no JSON object, or a value in it or in the arrays was changed.
    """
    found = parse_json(header.tobytes(), finite=False)
    if not isinstance(found, dict):
        raise ValueError("its header is no object")
    digest = found.pop("digest", None)
    if digest is not None and digest != content_digest(json.dumps(found, sort_keys=True), arrays):
        raise ValueError("the digests differ: a value was changed")
    return found


def write_sealed(path: str | os.PathLike, header: Mapping, arrays: Mapping, *, force: bool = False) -> Path:
    """Write plain data and arrays by name into one file, atomically; float64 becomes float32.

    Args:
        path: of the file.
        header: plain data.
        arrays: by name, NumPy's or JAX's.
        force: whether an existing file is replaced.

    Raises:
        UserError: the file exists and `force` is not given.
    """
    small: dict[str, Any] = {name: _small(np.asarray(value)) for name, value in arrays.items()}
    with atomic_file(path, replace=force) as file:
        np.savez_compressed(file, header=sealed(header, small), **small)
    return Path(path)


def read_sealed(path: str | os.PathLike) -> tuple[dict, dict[str, np.ndarray]]:
    """What `write_sealed` wrote: plain data, and arrays by name.

    Raises:
        OSError: the file cannot be read.
        ValueError, LookupError: it is damaged, or of another format.
    """
    arrays = read_npz(path)
    return unsealed(arrays.pop("header"), arrays), arrays


def _small(value: np.ndarray) -> np.ndarray:
    return value.astype(np.float32) if value.dtype == np.float64 else value


def _headers(archive: zipfile.ZipFile, most: int) -> dict[str, Header]:
    entries = archive.infolist()
    if len(entries) > MOST_ARRAYS:
        raise ValueError(f"it has {len(entries):,} arrays; {MOST_ARRAYS:,} are allowed")
    size = sum(entry.file_size for entry in entries)
    if size > most:
        raise ValueError(
            f"it would unpack to {size:,} bytes; {most:,} are allowed. If the file is yours, "
            f"set {SETTING} in the environment to more"
        )
    headers = {entry.filename.removesuffix(".npy"): _header(archive, entry) for entry in entries}
    if len(headers) < len(entries):
        raise ValueError("a name stands twice in it")
    return headers


def _header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Header:
    if not entry.filename.endswith(".npy"):
        raise ValueError("it holds something else than arrays")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("it is packed by an unknown method")
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"an array has the format {version}")
        shape, _, dtype = _HEADERS[version](file)
        header = Header(shape, dtype)
        if dtype.kind not in _KINDS or min(shape, default=0) < 0:
            raise ValueError(f"an array has the type {dtype} and the shape {shape}")
        if file.tell() + header.bytes != entry.file_size:
            raise ValueError(f"an array of the shape {shape} has {entry.file_size:,} bytes")
        return header


@contextlib.contextmanager
def _only_value_errors() -> Iterator[None]:
    """Turn what zipfile, zlib and NumPy raise on a damaged file into ValueError."""
    try:
        yield
    except (ValueError, FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:  # a dozen kinds
        raise ValueError(str(error) or type(error).__name__) from error


def most_bytes() -> int:
    """The largest number of bytes that a file may unpack to."""
    text = os.environ.get(SETTING, "")
    return int(text) if text.isdecimal() else MOST_BYTES


def _check_length(length: int, most: int = MOST_JSON) -> None:
    if length > most:
        raise ValueError(f"it has {length:,} characters; {most:,} are allowed")


def _check_levels(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MOST_LEVELS):
        parts = (item.values() if isinstance(item, dict) else item for item in level)
        level = [child for part in parts for child in part if isinstance(child, dict | list)]
        if not level:
            return
    raise ValueError(f"it is nested more than {MOST_LEVELS} levels deep")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:20]} is not finite")
    return value


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number has {len(text):,} digits")
    return int(text)
