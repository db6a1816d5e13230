"""A campaign with jobs of every bad kind: it ends in time, each bad job fails once, all others are done."""

import contextlib
import dataclasses
import logging
import os
import secrets
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.chaos.bad_work import BAD, DEADLY, ENDLESS, MARK, work
from taskaware.runner import Job, RunnerSettings, read_journal
from taskaware.runner.run_folder import JOURNAL, RunFolder
from taskaware.studies.resumable import do_once

TIME_LIMIT, WORKERS, RETRIES = 2.0, 4, 1
START = 5.0
"""Seconds that a worker may take to start, also on a busy machine."""

GOOD = 10
"""Good jobs for each bad one."""


@dataclasses.dataclass(frozen=True)
class Campaign:
    """What the folder of the run is for."""

    kinds: tuple[str, ...]
    each: int


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a campaign ended.

    Attributes:
        good: jobs that were done.
        failed: bad jobs, each of them once in the journal.
        seconds: that it took.
        most: seconds that it might have taken.
    """

    good: int
    failed: int
    seconds: float
    most: float


def campaign(
    folder: Path,
    *,
    kinds: tuple[str, ...] = tuple(BAD),
    each: int = 1,
    good: int = GOOD,
    time_limit: float = TIME_LIMIT,
) -> Ended:
    """Run bad jobs among good ones in worker processes.

    Args:
        folder: for the run; not there yet.
        kinds: of bad jobs.
        each: so many of each kind.
        good: good jobs for each bad one.
        time_limit: of an attempt, in seconds.

    Raises:
        AssertionError: it took too long, a job is missing or stands twice, or a process is left.
    """
    bad = [_job(kind, number) for number in range(each) for kind in kinds]
    beside = [[_job("good", good * place + number) for number in range(good)] for place in range(len(bad))]
    jobs = [job for first, others in zip(bad, beside, strict=True) for job in (first, *others)]
    run = RunFolder.open(folder, "chaos", Campaign(kinds, each))
    settings = RunnerSettings("processes", workers=WORKERS, retries=RETRIES, time_limit=time_limit)
    began = time.monotonic()
    with _marked() as mark:
        done = do_once(jobs, work, settings, run, keep=lambda outcome: {"result": outcome.result}, show=False)
        seconds = time.monotonic() - began
        _check_processes(mark)
    _check_journal(folder, jobs)
    assert done.failed == each * len(kinds), f"{done.failed} jobs failed"
    most = _most(kinds, each, time_limit)
    assert seconds <= most, f"it took {seconds:.0f} s; {most:.0f} s are allowed"
    return Ended(len(done.entries), done.failed, seconds, most)


def report(*, each: int) -> str:
    """The line of this part.

    Args:
        each: bad jobs of each kind.

    Raises:
        AssertionError: see `campaign`.
    """
    logging.getLogger("taskaware").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        found = campaign(Path(folder) / "run", each=each)
    return (
        f"bad jobs: {found.failed} of {len(BAD)} kinds, each recorded as failed once; {found.good} other "
        f"jobs done; no process left; {found.seconds:.0f} s of at most {found.most:.0f} s"
    )


def _job(kind: str, number: int) -> Job:
    return Job(f"{kind} {number}", (kind, number), f"{kind} {number}")


def _most(kinds: tuple[str, ...], each: int, time_limit: float) -> float:
    """Seconds for all attempts that need the time limit, and for the start of a worker after each bad end."""
    attempts = each * (RETRIES + 1)
    endless, deadly = (attempts * sum(kind in group for kind in kinds) for group in (ENDLESS, DEADLY))
    return (endless * (time_limit + START) + deadly * START) / WORKERS + 2 * START


def _check_journal(folder: Path, jobs: list[Job]) -> None:
    entries = list(read_journal(folder / JOURNAL))
    times = Counter(entry["job"] for entry in entries)
    assert times == Counter(job.id for job in jobs), "a job is missing in the journal, or stands twice"
    kinds = {job.id: job.spec for job in jobs}
    for entry in entries:
        kind, number = kinds[entry["job"]]
        if kind == "good":
            # It may have been beside a bad one in a worker that died.
            assert entry["status"] == "ok" and entry["result"] == 2 * number, entry
        else:
            assert entry["status"] == "failed" and entry["error"], entry
            assert entry["attempts"] == RETRIES + 1, entry
            assert kind not in DEADLY or "died" in entry["error"], entry
            assert kind not in ENDLESS or entry["error"].startswith("Not done after"), entry


@contextlib.contextmanager
def _marked():
    """Every process that is started in the block has a mark in its environment."""
    mark = secrets.token_hex(8)
    os.environ[MARK] = mark
    try:
        yield mark
    finally:
        del os.environ[MARK]


def _check_processes(mark: str, patience: float = 5.0) -> None:
    """AssertionError where a process with this mark is still there after some seconds."""
    until = time.monotonic() + patience
    while left := [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _has(pid, mark)]:
        assert time.monotonic() < until, f"processes are left: {left}"
        time.sleep(0.05)


def _has(pid: int, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
