"""The journal of a study: a line for each job that ended, for people, for reports and for resuming."""

import datetime
import json
import os
from collections.abc import Iterator
from pathlib import Path

from taskaware.errors import StoreError
from taskaware.runner.job import Outcome


class Journal:
    """A file of JSON lines that only grows; an entry is on the disk when `add` returns.

    Args:
        path: of the file, created if there is none. A last line that an interruption cut short is closed, so
            that the next entry starts on a line of its own.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        torn = self.path.exists() and not self.path.read_bytes().endswith(b"\n")
        self._file = self.path.open("ab")
        if torn and self.path.stat().st_size:
            self._file.write(b"\n")

    def add(self, outcome: Outcome, **more: object) -> None:
        """Record how a job ended.

        Args:
            outcome: from the runner.
            more: further plain data: `diverged`, a result, ...

        Raises:
            StoreError: the file cannot be written.
        """
        entry = {
            "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            "job": outcome.job.id,
            "label": outcome.job.label,
            **outcome.job.about,
            "size": outcome.job.size,
            "status": "failed" if outcome.error else "ok",
            "error": outcome.error,
            "attempts": outcome.attempts,
            "seconds": round(outcome.seconds, 4),
            "worker": outcome.worker,
            **more,
        }
        try:
            self._file.write(json.dumps(entry).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StoreError(
                f"'{self.path}' cannot be written: {error}. Make room, and run the same command again."
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def read_journal(path: str | os.PathLike) -> Iterator[dict]:
    """The entries in the order of writing; incomplete lines are skipped.

    There are none if the file does not exist.
    """
    # It needs NumPy, which a command that only refuses does without.
    from taskaware.saved import parse_json

    if not Path(path).exists():
        return
    with Path(path).open("rb") as file:
        for line in file:
            try:
                entry = parse_json(line, finite=False)
            except ValueError:
                continue
            if isinstance(entry, dict) and isinstance(entry.get("job"), str):
                yield entry
