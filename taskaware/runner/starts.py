"""The starts of a study: one process at a time works on a folder, and how long all of them took together.

`starts.jsonl` has a line for each start and one for its end. The process that works on the folder holds a
lock on that file, which the system takes back when the process ends, however it ends.
"""

import contextlib
import datetime
import importlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from taskaware.errors import UserError, quoted
from taskaware.runner.journal import read_journal

fcntl: Any = None
"""Windows has no such locks, and there two starts at once are not noticed."""
with contextlib.suppress(ImportError):
    fcntl = importlib.import_module("fcntl")

NAME = "starts.jsonl"
LONGEST = 100_000
"""Characters of the file that are read, from its end."""

_held: set[str] = set()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Only this process works on the folder inside the block; within it the block may stand again.

    Raises:
        UserError: another process works on it; the message names it.
    """
    place = os.path.realpath(folder)
    if place in _held:
        yield
        return
    with (folder / NAME).open("ab+") as file:
        _lock(file, folder)
        _held.add(place)
        try:
            _write(file, {"started": _now(), "pid": os.getpid(), "host": socket.gethostname()})
            yield
        finally:
            _held.discard(place)
            # A full disk must not hide what went wrong before.
            with contextlib.suppress(OSError):
                _write(file, {"ended": _now()})


def earlier_seconds(folder: Path, journal: str) -> float:
    """Run time of all starts before the last one; one that was killed ends with its last job.

    Args:
        folder: the run folder.
        journal: name of the journal in it.
    """
    lines, jobs = _lines(folder / NAME), _job_times(folder / journal)
    starts = [at for line in lines if (at := _moment(line.get("started")))]
    ends = [at for line in lines if (at := _moment(line.get("ended")))]
    total = 0.0
    if starts and (before := [end for end, _ in jobs if end < starts[0]]):
        # An older taskaware, which wrote down no starts.
        total += before[-1] - min(end - seconds for end, seconds in jobs if end < starts[0])
    for start, following in zip(starts, starts[1:], strict=False):
        inside = [at for at in (*ends, *(end for end, _ in jobs)) if start <= at < following]
        total += max(inside, default=start) - start
    return total


def _lock(file: BinaryIO, folder: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who: dict = next((line for line in reversed(_lines(folder / NAME)) if "pid" in line), {})
        since = str(who.get("started", "some time ago"))[:40]
        raise UserError(
            f"'{folder}' is being worked on by process {quoted(who.get('pid'))} on host "
            f"{quoted(who.get('host'))}, started {since}. Wait for it, or end it and run the same command "
            "again; two at once would do all jobs twice."
        ) from None
    except OSError:
        # A file system without locks: better without one than not at all.
        return


def _write(file: BinaryIO, line: dict) -> None:
    file.write(json.dumps(line).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())


def _lines(path: Path) -> list[dict]:
    """The lines that are whole, in their order."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LONGEST))
            content = file.read()
    except OSError:
        return []
    found = []
    for line in content.splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            found.append(json.loads(line))
    return [line for line in found if isinstance(line, dict)]


def _job_times(path: Path) -> list[tuple[float, float]]:
    """When each job ended, in seconds since 1970, and its run time."""
    found = ((_moment(entry.get("at")), entry.get("seconds")) for entry in read_journal(path))
    return [(at, s if isinstance(s, int | float) else 0.0) for at, s in found if at is not None]


def _moment(text: object) -> float | None:
    try:
        return datetime.datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
