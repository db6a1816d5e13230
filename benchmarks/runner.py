"""The runner: what each engine costs beside the work itself, and what two processes are worth.

The store's part (`benchmarks.store`) runs afterwards: appends per second, and reading a million trainings.
"""

import argparse
import dataclasses
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from taskaware.modalities.suites import bundled_suite
from taskaware.objectives.collect import CollectSettings, collect
from taskaware.runner import RunnerSettings, run
from taskaware.store import Store
from taskaware.testing import engine_contract as contract

ROOT = Path(__file__).resolve().parent.parent
ENGINES = {
    "serial": RunnerSettings(),
    "processes": RunnerSettings("processes", workers=1),
    "ray": RunnerSettings("ray", workers=1),
}
WORK = 0.005


def overhead(settings: RunnerSettings, jobs: int) -> float:
    """Median milliseconds between the ends of two jobs of one worker, less the work of `WORK` seconds."""
    waiting = [
        dataclasses.replace(contract.job("sleep", WORK), id=f"{number:016x}", about={"task": "none"})
        for number in range(jobs)
    ]
    ends = []
    for outcome in run(waiting, contract.work, settings):
        assert outcome.error is None
        ends.append((time.perf_counter(), outcome.seconds))
    beside = [now - before - spent for (before, _), (now, spent) in zip(ends, ends[1:], strict=False)]
    return 1000 * statistics.median(beside)


def collecting(workers: int, architectures: int) -> tuple[float, int]:
    """Wall seconds of the same collection by so many worker processes, and the number of trainings."""
    settings = CollectSettings(
        architectures=architectures, batch=32, seeds=2, runner=RunnerSettings("processes", workers=workers)
    )
    tasks = [bundled_suite().task(name) for name in ("iris", "wine", "diabetes")]
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "a.db") as store:
        began = time.perf_counter()
        found = collect(tasks, store, settings, show=False)
        assert not found.failed
        return time.perf_counter() - began, found.added


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--architectures", type=int, default=96)
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--no-store", action="store_true", help="leave the store's part out")
    parser.add_argument("--no-collect", action="store_true", help="leave the two processes out")
    arguments = parser.parse_args()
    print(f"milliseconds for a job beside its work, one worker, median of {arguments.jobs}")
    for name in arguments.engines:
        print(f"  {name:<10} {overhead(ENGINES[name], arguments.jobs):6.2f}", flush=True)
    if not arguments.no_collect:
        collecting(2, arguments.architectures)  # compiled programs are on the disk from here on
        one, added = collecting(1, arguments.architectures)
        two, _ = collecting(2, arguments.architectures)
        print(f"{added} trainings by processes, compiled programs on the disk, start of the workers included")
        print(f"  1 worker   {one:6.1f} s\n  2 workers  {two:6.1f} s, {one / two:.2f} × as fast")
    if not arguments.no_store:
        subprocess.run([sys.executable, "-m", "benchmarks.store"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
