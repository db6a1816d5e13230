"""The journal of a search: a line for every ask and every tell, so that a killed search goes on.

The first line says which search it is. Then

    {"ask": 7, "points": [[0, 1, 2]], "parents": [3]}
    {"tell": 7, "score": [0.5], "test": [0.4], "seconds": [1.2], "at": 60.1}
    {"info": 7, "columns": {"loss": [0.1]}}

where 7 is the number of the first evaluation, `null` stands for no number, and `at` counts the seconds since
the search began, over all of its starts. The last line is what the strategy tells of itself, if it does. A
line is in the file when the search goes on, and on the disk soon after.
"""

import contextlib
import errno
import importlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

import taskaware
from taskaware.errors import StoreError, UserError, quoted
from taskaware.files import MENDS, ExistsError
from taskaware.spaces import Space
from taskaware.strategies.journal_lines import encoded, numbers, plain_numbers
from taskaware.strategies.objective import Outcomes
from taskaware.strategies.strategy import UnderWay

FORMAT = 1
"""Raise it when lines mean something else."""

BEGINNING = b'{"journal":'

LARGEST_DEFINITION = 20_000
"""Characters of a space that stands in a journal."""

FSYNC = 0.5
"""Seconds between two moments at which lines are brought to the disk; a killed process loses none anyway."""

fcntl: Any = None
"""Windows has no such locks, and there two searches on one journal are not noticed."""
with contextlib.suppress(ImportError):
    fcntl = importlib.import_module("fcntl")


class SearchJournal:
    """An open journal; `events` are the lines of earlier starts, without the first one."""

    def __init__(self, path: str | os.PathLike, about: Mapping[str, Any], space: Space, *, resume: bool):
        """Open a new journal, or that of the same search.

        Args:
            path: of the file; its folder exists.
            about: what makes the search the same one: plain data.
            space: of the points.
            resume: whether a file that is there is gone on with.

        Raises:
            UserError: the file is of another search, or is there and `resume` is False, or another process
                works on it.
            StoreError: it is damaged, or cannot be written.
        """
        self.path = Path(path)
        self.events: list[dict] = []
        self._synced, self._dirty = time.perf_counter(), False
        if self.path.exists() and not resume:
            raise ExistsError(
                f"'{path}' exists already. Pass resume=True to go on with its search, or name a new file."
            )
        try:
            self._file = os.open(
                self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
            )
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            self._lock()
            self._read(about)
            if not os.fstat(self._file).st_size:
                self._begin(about, space)
        except BaseException:
            os.close(self._file)
            raise

    def asked(self, asked: UnderWay) -> None:
        """Write down what is under way."""
        parents = f',"parents":{list(asked.parents)}' if asked.parents else ""
        self._write(f'{{"ask":{asked.first},"points":{numbers(asked.points)}{parents}}}\n')

    def told(self, first: int, outcomes: Outcomes, each: float, at: float) -> None:
        """Write down results.

        Args:
            first: evaluation number of the first.
            outcomes: of the points of one ask.
            each: seconds of each, where the outcomes have none.
            at: seconds since the search began.
        """
        score, test, seconds = outcomes.score, outcomes.test_score, outcomes.seconds
        line = f'{{"tell":{first},"score":{numbers(score)}'
        if test is not None:
            line += f',"test":{numbers(test)}'
        line += f',"seconds":{[each] * len(score) if seconds is None else numbers(seconds)}'
        if outcomes.errors and any(outcomes.errors):
            line += f',"errors":{encoded(list(outcomes.errors))}'
        if outcomes.gradient is not None:
            line += f',"gradient":{encoded(np.asarray(outcomes.gradient).tolist())}'
        if outcomes.more:
            line += (
                f',"more":{encoded({name: plain_numbers(column) for name, column in outcomes.more.items()})}'
            )
        self._write(f'{line},"at":{at:.4f}}}\n')

    def informed(self, first: int, info: Mapping[str, Any]) -> None:
        """Write down what the strategy told when it was told of points; parents stand where they were asked.

        Args:
            first: evaluation number of the first point.
            info: columns by name; nothing is written where they hold no number.
        """
        if not info or (len(info) == 1 and "parent" in info):
            return
        columns = {name: plain_numbers(column) for name, column in info.items() if name != "parent"}
        if any(value is not None for column in columns.values() for value in column):
            self._write(f"{encoded({'info': first, 'columns': columns})}\n")

    def close(self) -> None:
        """Bring everything to the disk, and close the file."""
        with contextlib.suppress(OSError):
            os.fsync(self._file)
        os.close(self._file)

    def _begin(self, about: Mapping[str, Any], space: Space) -> None:
        decisions = [
            {"name": each.name, "entries": list(each.entries), "labels": list(each.labels)}
            for each in space.decisions
        ]
        head = {"journal": FORMAT, "taskaware": taskaware.__version__, "search": dict(about)}
        head |= {"space": space.name, "decisions": decisions} | _definition(space)
        self._write(f"{encoded(head)}\n")

    def _write(self, line: str) -> None:
        content = line.encode()
        try:
            written = os.write(self._file, content)
            while written < len(content):
                written += os.write(self._file, content[written:])
            now = time.perf_counter()
            if now - self._synced > FSYNC:
                os.fsync(self._file)
                self._synced = now
        except OSError as error:
            raise self._unwritable(error) from error

    def _read(self, about: Mapping[str, Any]) -> None:
        lines, whole = read_lines(self.path)
        if not lines:
            # Killed before the first line was whole; anything else is somebody's file.
            if not BEGINNING.startswith(self.path.read_bytes()[: len(BEGINNING)]):
                raise _no_journal(self.path)
            os.truncate(self._file, 0)
            return
        head, *self.events = lines
        check_head(self.path, head)
        found = head.get("search")
        found = found if isinstance(found, dict) else {}
        mine = json.loads(json.dumps(dict(about)))
        for name in mine:
            if found.get(name) != mine[name]:
                raise UserError(
                    f"The journal '{self.path}' belongs to another search: its {name} is "
                    f"{quoted(found.get(name))}, and this one's is {quoted(mine[name])}. Name a new file, or "
                    "take the settings back."
                )
        os.truncate(self._file, whole)

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"Another process searches with the journal '{self.path}'. Wait for it, or end it, and run "
                "the same search again."
            ) from None
        except OSError:
            # A file system without locks: better without one than not at all.
            return

    def _unwritable(self, error: OSError) -> StoreError:
        mend = MENDS.get(error.errno or 0, "Check its folder and the disk")
        again = " What ended is kept; the same search goes on." if error.errno == errno.ENOSPC else ""
        return StoreError(f"The journal '{self.path}' cannot be written: {error}. {mend}.{again}")


class Written:
    """Adds the rounds of a search that is computed anew each time to its journal: those that it lacks."""

    def __init__(self, journal: SearchJournal):
        self._journal = journal
        scores: list[float | None] = []
        for number, line in enumerate(journal.events, 2):
            if "ask" in line or "info" in line:
                continue
            try:
                scores += line["score"]
            except (KeyError, TypeError) as error:
                raise damaged(journal.path, number) from error
        self._scores = np.array(scores, float)

    def add(
        self, asked: UnderWay, outcomes: Outcomes, info: Mapping[str, Any], each: float, at: float
    ) -> None:
        """Write down points with their outcomes, but for those that an earlier start has written.

        Args:
            asked: the points.
            outcomes: of them.
            info: what the strategy told of each, by name.
            each: seconds of each, where the outcomes have none.
            at: seconds since the search began.
        """
        first, points, _ = asked
        known, size = self._scores[first : first + len(points)], len(points)
        skipped, score = len(known), np.asarray(outcomes.score, float)[: len(known)]
        if not np.allclose(np.where(np.isfinite(score), score, np.nan), known, 1e-3, 1e-5, equal_nan=True):
            raise UserError(
                f"The journal '{self._journal.path}' belongs to another search or version: its scores from "
                f"evaluation {first} on are others. Name a new file, or take the settings back."
            )
        if skipped < size:
            rest = jax.tree.map(lambda leaf: leaf[skipped:], outcomes)
            self._journal.asked(UnderWay(first + skipped, points[skipped:]))
            self._journal.told(first + skipped, rest, each, at)
            self._journal.informed(first + skipped, {name: column[skipped:] for name, column in info.items()})


def control_of(journal: Path) -> Path:
    """The journal of the random search that a search is compared with.

    >>> control_of(Path("runs/a.jsonl")).name
    'a.control.jsonl'
    """
    return journal.with_name(f"{journal.stem}.control{journal.suffix}")


def read_lines(path: Path) -> tuple[list[dict], int]:
    """The lines of a journal, and how many bytes they are; a last line that a kill cut short is left out.

    Raises:
        StoreError: another line is damaged, or the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"The journal '{path}' cannot be read: {error}.") from error
    whole = content.rfind(b"\n") + 1
    lines: list[dict] = []
    for number, text in enumerate(content[:whole].splitlines(), 1):
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict):
            raise damaged(path, number) if lines else _no_journal(path)
        lines.append(line)
    return lines, whole


def check_head(path: Path, head: Mapping[str, Any]) -> None:
    """Nothing, if the line begins a journal that this version reads.

    Raises:
        UserError: it does not.
    """
    if "journal" not in head:
        raise _no_journal(path)
    if head["journal"] != FORMAT:
        raise UserError(
            f"The journal '{path}' has format {quoted(head['journal'])}; this taskaware reads {FORMAT}. Name "
            "a new file, or use the taskaware that wrote it."
        )


def _no_journal(path: Path) -> UserError:
    return UserError(f"'{path}' is no journal of a search. Name another file.")


def damaged(path: Path, number: int) -> StoreError:
    """The error for a line that cannot be read, by its number from 1."""
    return StoreError(
        f"Line {number} of the journal '{path}' is damaged. Delete it and the lines after it to go on from "
        "there, or name a new file."
    )


@contextlib.contextmanager
def opened(
    path: str | os.PathLike | None, about: Mapping[str, Any], space: Space, *, resume: bool
) -> Iterator[SearchJournal | None]:
    """The journal while the block runs; None without a path.

    Args:
        path, about, space, resume: see `SearchJournal`.
    """
    if path is None:
        yield None
        return
    with contextlib.closing(SearchJournal(path, about, space, resume=resume)) as journal:
        yield journal


def _definition(space: Space) -> dict[str, Any]:
    """The space as plain data, for a report that draws its points; none of a large one, or without it."""
    found = space.to_dict() if hasattr(space, "to_dict") else None
    return {"definition": found} if found and len(json.dumps(found)) <= LARGEST_DEFINITION else {}
