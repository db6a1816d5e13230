"""The same command twice at once: no job is done twice.

    python -m benchmarks.chaos.twice RUN LOG JOBS

is the command: jobs that write their number into LOG.
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taskaware.errors import UserError
from taskaware.runner import Job, RunnerSettings, read_journal
from taskaware.runner.run_folder import JOURNAL, RESULT, RunFolder
from taskaware.studies.resumable import do_once

if TYPE_CHECKING:
    from taskaware.store import Experience

SECONDS_PER_JOB = 0.02
REFUSED = 3
STUDIES, STUDY_JOBS = 3, 100
"""Pairs of starts of a collection, whose start takes seconds, beside those of this light command."""


@dataclasses.dataclass(frozen=True)
class Numbers:
    """What the folder of the run is for."""

    jobs: int


def work(resource: None, spec: tuple[str, int]) -> int:
    """Write down that the job was begun; return its number squared."""
    log, number = spec
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(handle, f"{number}\n".encode())
    os.close(handle)
    time.sleep(SECONDS_PER_JOB)
    return number**2


def run_once(run: Path, log: Path, jobs: int) -> dict[str, int]:
    """Do all jobs of a run that are not done; returns the results of all of them.

    Args:
        run: its folder.
        log: where each job writes that it was begun.
        jobs: so many.
    """
    folder = RunFolder.open(run, "numbers", Numbers(jobs))
    planned = [Job(str(number), (str(log), number), str(number)) for number in range(jobs)]
    with folder.alone():
        done = do_once(
            planned, work, RunnerSettings(), folder, keep=lambda end: {"result": end.result}, show=False
        )
        results = {entry["job"]: entry["result"] for entry in done.entries}
        folder.finish(jobs=done.begun, failed=done.failed, seconds=0.0, summary=results)
    return results


def both(command: Sequence[str]) -> int:
    """Start a command twice at once; returns how many of the two were refused.

    Raises:
        AssertionError: neither came to its end, or one failed in another way than by words.
    """
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=600)[1] for process in processes]
    codes = sorted(process.returncode for process in processes)
    assert codes in ([0, 0], [0, REFUSED]), f"exit codes {codes}: {said}"
    refusals = [
        words for words, process in zip(said, processes, strict=True) if process.returncode == REFUSED
    ]
    assert all("is being worked on by process" in words for words in refusals), refusals
    return len(refusals)


def light(folder: Path, *, jobs: int = 50) -> int:
    """Start the light command twice at once, and compare with what is right; returns the refusals.

    Args:
        folder: for the run; empty.
        jobs: so many.

    Raises:
        AssertionError: see `both`; or a job was done twice, or a result is wrong.
    """
    run, log = folder / "run", folder / "log"
    refused = both([sys.executable, "-m", "benchmarks.chaos.twice", str(run), str(log), str(jobs)])
    begun = Counter(log.read_text().split())
    assert begun == Counter(map(str, range(jobs))), f"jobs were done twice: {begun.most_common(3)}"
    _check_once(run)
    assert run_once(run, log, jobs) == {str(number): number**2 for number in range(jobs)}
    assert (run / RESULT).is_file()
    return refused


def collection(folder: Path, expected: "Experience", *, jobs: int) -> int:
    """Start a collection twice at once, and compare with an undisturbed one; returns the refusals.

    Args:
        folder: for the run; empty.
        expected: of the undisturbed one.
        jobs: so many.

    Raises:
        AssertionError: see `both`; or a job was done twice, or the experience differs.
    """
    from benchmarks.chaos import studies
    from taskaware.store import Store

    store, run = folder / "experience.sqlite", folder / "run"
    refused = both(studies.command(store, run, jobs=jobs))
    _check_once(run)
    with Store.open(store, create=False) as opened:
        studies.same_experience(opened.triplets(), expected)
    return refused


def report(*, rounds: int) -> str:
    """The line of this part.

    Args:
        rounds: pairs of starts of the light command.

    Raises:
        AssertionError: see `light` and `collection`.
    """
    from benchmarks.chaos.studies import undisturbed

    began, refused = time.monotonic(), 0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            refused += light(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        expected = undisturbed(Path(folder), jobs=STUDY_JOBS)
    for _ in range(STUDIES):
        with tempfile.TemporaryDirectory() as folder:
            refused += collection(Path(folder), expected, jobs=STUDY_JOBS)
    return (
        f"twice: {rounds + STUDIES} commands started twice at once ({STUDIES} of them collections); "
        f"{refused} of the seconds were told that the folder is in use, the others found all done; no job "
        f"was done twice, all results equal those of one start; {time.monotonic() - began:.0f} s"
    )


def _check_once(run: Path) -> None:
    times = Counter(entry["job"] for entry in read_journal(run / JOURNAL))
    assert max(times.values()) == 1, f"in the journal twice: {times.most_common(3)}"


def main() -> int:
    run, log, jobs = sys.argv[1:]
    try:
        run_once(Path(run), Path(log), int(jobs))
    except UserError as error:
        print(error, file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
