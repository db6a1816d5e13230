"""The experience store under load: trainings appended per second, and a million of them read.

Each append is a transaction of 64 trainings, as a study makes them, each of an architecture of its own.
PostgreSQL is a server in a temporary folder with its ordinary settings, unless --url names another.

    python -m benchmarks.store
"""

import argparse
import contextlib
import multiprocessing
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from benchmarks.postgres import PostgresServer
from taskaware.store import SpaceRecord, Store, TaskRecord, Trainings

BATCH, NUMBERS, FEATURES, TASKS = 64, 40, 80, 100
SPACE = SpaceRecord("a" * 16, "compact")
LARGE = 20_000


def register(place: str) -> tuple[list[str], str]:
    """A store with 100 described tasks and a space; the tasks' digests and a recipe's."""
    tasks = [f"{number:016x}" for number in range(TASKS)]
    names = [f"feature_{number}" for number in range(FEATURES)]
    with Store.open(place) as store:
        store.add_space(SPACE)
        for task in tasks:
            store.add_task(TaskRecord(task, f"task {task}", task, "classification", "accuracy", 1000, 20, 2))
            store.add_metafeatures(task, catalogue="c" * 16, names=names, values=np.arange(FEATURES))
        return tasks, store.add_recipe({"steps": 300})


def batch(tasks: list[str], recipe: str, u: np.ndarray, seed: int) -> Trainings:
    """Trainings of these architectures on one task, with made-up scores."""
    rng = np.random.default_rng(seed)
    scores = rng.random(len(u))
    return Trainings(
        task=tasks[seed % TASKS],
        space=SPACE.digest,
        recipe=recipe,
        u=u,
        seeds=seed // TASKS,
        scores=np.where(scores < 0.01, np.nan, scores),
        test_scores=rng.random(len(u)),
        losses=rng.random(len(u)),
        seconds=0.1,
        strategy="random_search",
        code_version="0.1.0",
    )


def write(place: str, writer: int, count: int, begin, answers) -> None:
    """One writer: `count` batches, made beforehand; answers when it began and ended, and its CPU seconds."""
    tasks, recipe = register(place)
    rng = np.random.default_rng(writer)
    made = [batch(tasks, recipe, rng.random((BATCH, NUMBERS), np.float32), number) for number in range(count)]
    with Store.open(place) as store:
        store.summary()
        begin.wait()
        began, cpu = time.time(), time.process_time()
        written = sum(store.append(one) for one in made)
        answers.put((began, time.time(), time.process_time() - cpu, written))


def fill(place: str, count: int, architectures: int) -> None:
    """`count` trainings: every architecture on every task, with as many seeds as it takes."""
    tasks, recipe = register(place)
    u = np.random.default_rng(0).random((architectures, NUMBERS), np.float32)
    with Store.open(place) as store:
        left, seed = count, 0
        while left:
            for start in range(0, min(architectures, left), LARGE):
                part = u[start : min(start + LARGE, start + left)]
                left -= store.append(batch(tasks, recipe, part, seed))
            seed += 1


def read(place: str, answers) -> None:
    """The reading process: answers rows, seconds, CPU seconds and its peak of memory in bytes."""
    with Store.open(place, readonly=True) as store:
        began, cpu = time.perf_counter(), time.process_time()
        found = store.triplets()
        answers.put((len(found), time.perf_counter() - began, time.process_time() - cpu, peak_memory()))


def peak_memory() -> int:
    """The most memory this process ever had resident, in bytes."""
    with contextlib.suppress(OSError):
        # Linux carries ru_maxrss over from the parent; this one is of the process alone
        if found := re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text()):
            return 1024 * int(found[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextlib.contextmanager
def places(database: str, url: str | None, folder: Path) -> Iterator:
    """A function that names a new, empty place at each call."""
    if database == "sqlite":
        yield lambda name: str(folder / f"{name}.db")
        return
    with contextlib.ExitStack() as stack:
        url = url or stack.enter_context(PostgresServer(durable=True)).url
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        made = []

        def make(name: str) -> str:
            made.append(f"taskaware_bench_{name}")
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE SCHEMA {made[-1]}")
            found = sa.make_url(url).update_query_dict({"options": f"-csearch_path={made[-1]}"})
            return found.render_as_string(hide_password=False)

        yield make
        with engine.connect() as connection:
            for schema in made:
                connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
        engine.dispose()


def in_process(job, *arguments) -> None:
    """Run a job in a process of its own, so that memory is counted alone."""
    process = multiprocessing.get_context("spawn").Process(target=job, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{job.__name__} ended with {process.exitcode}.")


def appends(database: str, place: str, writers: int, count: int) -> None:
    """One line: trainings appended per second by so many processes at once."""
    register(place)
    context = multiprocessing.get_context("spawn")
    begin, answers = context.Barrier(writers), context.Queue()
    jobs = [context.Process(target=write, args=(place, job, count, begin, answers)) for job in range(writers)]
    for job in jobs:
        job.start()
    began, ended, cpu, written = zip(*(answers.get(timeout=600) for _ in jobs), strict=True)
    for job in jobs:
        job.join()
    wall = max(ended) - min(began)
    each = 1e6 * sum(cpu) / sum(written)
    who = f"{database:<11} {writers} writer{'s' if writers > 1 else ' '}"
    what = f"{sum(written):,} in {wall:.1f} s; {each:.0f} µs of CPU each in the writers"
    print(f"  {who}  {sum(written) / wall:>8,.0f} per second  ({what})", flush=True)


def reads(database: str, place: str, count: int, architectures: int) -> None:
    """One line: seconds and memory of `triplets`."""
    in_process(fill, place, count, architectures)
    answers = multiprocessing.get_context("spawn").Queue()
    for _ in range(2):
        in_process(read, place, answers)
        rows, wall, cpu, memory = answers.get(timeout=60)
        print(
            f"  {database:<11} {rows:>9,} trainings of {architectures:,} architectures in {wall:.1f} s "
            f"({cpu:.1f} s of CPU in the reader), peak {memory / 1e9:.2f} GB",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"]
    )
    parser.add_argument(
        "--url", help="a PostgreSQL that runs already; its schemas taskaware_bench_* are used"
    )
    parser.add_argument(
        "--writers", nargs="*", type=int, default=[1, 4], help="processes that append at once"
    )
    parser.add_argument("--batches", type=int, default=500, help="of 64 trainings, by each writer")
    parser.add_argument("--trainings", type=int, default=1_000_000, help="to read; 0 leaves reading out")
    parser.add_argument(
        "--architectures", type=int, nargs="+", default=[10_000, 1_000_000], help="they are of"
    )
    given = parser.parse_args()
    for database in given.databases:
        with tempfile.TemporaryDirectory() as folder, places(database, given.url, Path(folder)) as new_place:
            for writers in given.writers:
                appends(database, new_place(f"writers_{writers}"), writers, given.batches)
            for architectures in given.architectures if given.trainings else ():
                reads(database, new_place(f"read_{architectures}"), given.trainings, architectures)


if __name__ == "__main__":
    main()
