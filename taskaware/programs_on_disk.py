"""Compiled programs on disk, each with a digest: one that is damaged or swapped is compiled anew."""

import contextlib
import hashlib
from pathlib import Path
from typing import Any

MARK = b"taskaware"
LENGTH = len(MARK) + hashlib.sha256().digest_size


def sealed(key: str, program: bytes) -> bytes:
    """The program, and behind it the digest of it and of the key that it is found by."""
    return program + MARK + _digest(key, program)


def opened(key: str, content: bytes) -> bytes | None:
    """The program that `sealed` took; None where the content is damaged, or is that of another key.

    >>> opened("a", sealed("a", b"program")), opened("b", sealed("a", b"program"))
    (b'program', None)
    """
    program, seal = content[:-LENGTH], content[-LENGTH:]
    return program if seal == MARK + _digest(key, program) else None


def keep_sealed(folder: Path) -> None:
    """Let JAX's cache seal what it writes into this folder, and open what it reads from there.

    JAX has no public place for this; where its own has changed, its cache stays as it is.
    """
    with contextlib.suppress(ImportError, AttributeError):
        from jax._src import compilation_cache as room

        make: Any = room.get_file_cache
        if not hasattr(make, "sealing"):
            make = room.get_file_cache = _sealing(make)
        make.sealing.add(str(folder))


def _sealing(make: Any) -> Any:
    """JAX's maker of caches, with caches that seal for the folders in its attribute `sealing`."""

    def made(path: str) -> Any:
        found = make(path)
        if found is None or str(path) not in made.sealing:  # type: ignore[attr-defined]
            return found
        return _sealed_cache(found[0]), found[1]

    made.sealing = set()  # type: ignore[attr-defined]
    return made


def _sealed_cache(inner: Any) -> Any:
    """The cache with seals; a broken one counts as missing, and its file is removed."""
    get, put, folder = inner.get, inner.put, Path(inner._path)

    def get_opened(key: str) -> bytes | None:
        content = get(key)
        program = None if content is None else opened(key, content)
        if content is not None and program is None:
            for path in folder.glob(f"{key}*"):
                with contextlib.suppress(OSError):
                    path.unlink()
        return program

    inner.get = get_opened
    inner.put = lambda key, program: put(key, sealed(key, program))
    return inner


def _digest(key: str, program: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + program).digest()
