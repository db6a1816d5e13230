"""Odd tables and damaged files, thousands of them: `make fuzz`.

    python -m benchmarks.fuzz --tables 10000 --artefacts 2000

Every table is answered or refused with an error of taskaware. What is answered is finite, the same when read
again, and where its numbers are known, right. Every damaged file is refused, or means what it meant.
"""

import argparse
import contextlib
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import taskaware
from benchmarks import odd_files, odd_tables
from taskaware.errors import TaskawareError
from taskaware.modalities.reading import make_task, meta_features, modality_of

RECOMMENDED = 20
"""One table in so many goes through `recommend`; all go up to the inputs of a network."""

SECONDS = 20
"""A case that takes longer of the processor counts as hanging."""

WAIT = 10
"""So many times as long it may take by the clock."""


class Hangs(Exception):
    """A case took too long."""


class Finding(NamedTuple):
    """A case that ended in neither an answer nor a refusal.

    Attributes:
        seed: of the case.
        how: "foreign error", "wrong" or "hangs".
        what: the case and the error, in one line.
    """

    seed: int
    how: str
    what: str


def run(cases: int, judge: Callable[[int], str], *, first: int = 0) -> tuple[Counter, list[Finding]]:
    """Try the cases of consecutive seeds.

    Args:
        cases: how many.
        judge: tries the case of a seed; returns "answered" or "refused".
        first: the first seed.

    Returns:
        How often each outcome came, and what is to be mended.
    """
    outcomes: Counter = Counter()
    findings = []
    for seed in range(first, first + cases):
        found = _outcome(seed, judge)
        outcomes[found if isinstance(found, str) else found.how] += 1
        if isinstance(found, Finding):
            findings.append(found)
            print(f"  seed {found.seed}: {found.how}: {found.what}", file=sys.stderr, flush=True)
    return outcomes, findings


def _outcome(seed: int, judge: Callable[[int], str]) -> str | Finding:
    try:
        with _limited(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return judge(seed)
    except TaskawareError:
        return "refused"
    except AssertionError as error:
        return Finding(seed, "wrong", str(error))
    except Hangs:
        return Finding(seed, "hangs", f"more than {SECONDS} seconds")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return Finding(seed, "foreign error", f"{type(error).__name__}: {str(error)[:150]} ({place.name})")


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    def stop(*_):
        raise Hangs

    # Of the processor, because a busy machine makes any case wait; and of the clock, for one that sleeps.
    timers = {
        signal.SIGPROF: (signal.ITIMER_PROF, seconds),
        signal.SIGALRM: (signal.ITIMER_REAL, WAIT * seconds),
    }
    before = {number: signal.signal(number, stop) for number in timers}
    for timer, limit in timers.values():
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for timer, _ in timers.values():
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def table_judge(folder: Path) -> Callable[[int], str]:
    """What tries odd tables; see `run`."""

    def judge(seed: int) -> str:
        case = odd_tables.case(seed, folder)
        before = _fingerprint(case.source)
        try:
            task = make_task(case.source, case.target)
        except TaskawareError:
            if case.numbers:
                raise AssertionError(f"{case.what} is refused") from None
            raise
        finally:
            if _fingerprint(case.source) != before:
                raise AssertionError(f"{case.what} is changed")
        _check(task, case)
        if seed % RECOMMENDED == 0:
            taskaware.recommend(task)
        return "answered"

    return judge


def _check(task, case: odd_tables.Case) -> None:
    if not all(np.isfinite(list(meta_features(task).values()))):
        raise AssertionError(f"{case.what} has meta-features that are not finite")
    blocks = modality_of(task).fit_blocks(task.data, np.arange(task.rows)).transform(task.data)
    if not all(np.isfinite(block).all() for block in blocks.values()):
        raise AssertionError(f"{case.what} is encoded as numbers that are not finite")
    if isinstance(case.source, Path | pd.DataFrame):
        again = task.reader.read(case.source, task.target_name)
        if again.rows == task.rows and again.digest != task.data.digest:
            raise AssertionError(f"{case.what} is read otherwise the second time")
    for name, expected in case.numbers.items():
        found = next(column for column in task.data.columns if column.name == name)
        if not found.is_numeric or not np.allclose(found.values, expected, equal_nan=True):
            raise AssertionError(f"{case.what} is not read as its numbers")


def _fingerprint(source: object) -> object:
    if not isinstance(source, pd.DataFrame):
        return None
    return (list(map(repr, source.columns)), list(map(str, source.dtypes)), repr(source.head(3)), len(source))


def report(title: str, outcomes: Counter, seconds: float) -> str:
    """One line for people."""
    counts = ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()))
    return f"{title}: {counts}; {seconds:.0f} s"


def main() -> None:
    """Run both; exit code 1 where a case ended in neither an answer nor a refusal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--artefacts", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0, help="the first case")
    arguments = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for title, count, judge in (
            ("odd tables", arguments.tables, table_judge),
            ("damaged files", arguments.artefacts, odd_files.judge),
        ):
            if not count:
                continue
            began = time.perf_counter()
            outcomes, findings = run(count, judge(Path(folder)), first=arguments.seed)
            print(report(title, outcomes, time.perf_counter() - began))
            failed |= bool(findings)
    sys.exit(failed)


if __name__ == "__main__":
    main()
