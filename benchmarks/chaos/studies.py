"""Studies that are killed at random, resumed, and compared with undisturbed ones.

    python -m benchmarks.chaos.studies --store experience.sqlite --run run

is the command that is killed. The trainings cost nothing (their scores are a function of the architecture)
unless --real is given.
"""

import argparse
import contextlib
import dataclasses
import importlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from taskaware.errors import StoreError, UserError
from taskaware.files import atomic_write
from taskaware.objectives import architectures
from taskaware.objectives import collect as collecting
from taskaware.objectives.architectures import rounded
from taskaware.objectives.collect import Batch, CollectSettings
from taskaware.runner import RunnerSettings, read_journal
from taskaware.runner.run_folder import RunFolder
from taskaware.spaces import Space
from taskaware.store import Experience, Store
from taskaware.studies.collect import run_collect
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import Trained

VICTIMS = ("study", "worker", "append")
SECONDS_PER_JOB = 0.02
REFUSED = 3
"""Exit code after an error of taskaware, in words."""


@dataclasses.dataclass(frozen=True)
class Torment:
    """What a study went through.

    Attributes:
        starts: how often it was started.
        kills: of the study or of a worker that hit it before its end.
        jobs: that went well, by the journal.
        repeated: jobs that went well more than once.
        trainings: in the store at the end.
    """

    starts: int
    kills: int
    jobs: int
    repeated: int
    trainings: int


def settings_for(store: str, *, engine: str, jobs: int, real: bool = False) -> CollectSettings:
    """A collection of jobs of two trainings each.

    Args:
        store: path of it.
        engine: of the runner.
        jobs: about so many.
        real: whether it really trains.
    """
    return CollectSettings(
        suite=(str(_tables(Path(store).parent / "tables")),),
        tasks=("left", "right"),
        architectures=-(-jobs // 4) * 2,
        seeds=2,
        batch=2,
        trainer=TrainingRecipe(steps=5, evaluations=5, batch_size=32) if real else TrainingRecipe(steps=5),
        store=store,
        runner=RunnerSettings(engine=engine, workers=0 if engine == "serial" else 2, retries=5),
    )


def _tables(folder: Path) -> Path:
    """A suite of two small tables in a folder, written once; reading them needs no scikit-learn."""
    index = folder / "index.csv"
    if index.exists():
        return folder
    folder.mkdir(exist_ok=True)
    rows = ["name,modality,task,target,file"]
    for place, name in enumerate(("left", "right")):
        x = np.random.default_rng(place).normal(size=(90, 3)).round(6)
        lines = [f"{a},{b},{c},{'yes' if a > b else 'no'}" for a, b, c in x.tolist()]
        atomic_write(folder / f"{name}.csv", "\n".join(["a,b,c,y", *lines]).encode())
        rows.append(f"{name},tables,classification,y,{name}.csv")
    atomic_write(index, "\n".join(rows).encode())
    return folder


def same_experience(first: Experience, second: Experience) -> None:
    """AssertionError unless both hold the same rows, number for number, in all but their times."""
    for field in dataclasses.fields(Experience):
        ours, theirs = getattr(first, field.name), getattr(second, field.name)
        if field.name == "tasks":
            ours, theirs = (
                [dataclasses.replace(task, added="") for task in tasks] for tasks in (ours, theirs)
            )
        if field.name == "seconds":
            continue
        if isinstance(ours, np.ndarray):
            np.testing.assert_array_equal(ours, theirs, err_msg=field.name, strict=True)
        else:
            assert ours == theirs, field.name


def torment(
    folder: Path,
    *,
    kills: int,
    engine: str = "serial",
    victims: tuple[str, ...] = VICTIMS[:1],
    jobs: int = 200,
    real: bool = False,
    seed: int = 0,
) -> Torment:
    """Kill a study at random moments, go on each time, and at last let it come to its end.

    Args:
        folder: for the store and the run.
        kills: so many of them; less where the study has come to its end before.
        engine: of the runner.
        victims: what is killed, drawn each time: "study" (by SIGKILL), "worker" (one of its workers), or
            "append" (the study, between two statements of one transaction of the store).
        jobs: of the study.
        real: whether it really trains.
        seed: of the moments.

    Raises:
        AssertionError: the store cannot be opened after a kill, or something finished is lost.
    """
    rng = random.Random(seed)
    store, run = folder / "experience.sqlite", folder / "run"
    words = command(store, run, engine=engine, jobs=jobs, real=real)
    # Each kill falls so soon after the first job that ends that some work is left for the last one.
    patience = 0.8 * SECONDS_PER_JOB * jobs / kills / (1 if engine == "serial" else 2)
    starts = done = killed = 0
    while killed < kills:
        falls = "append" in victims and rng.random() < 1 / len(victims)
        process = subprocess.Popen([*words, *(["--fall-at", str(rng.randint(1, 20))] if falls else [])])
        starts += 1
        _wait_for_work(process, run)
        while process.poll() is None:
            _wait(process, rng.uniform(0, patience))
            if "worker" in victims and rng.random() < 0.5:
                killed += _kill_a_worker(process, rng)
                if falls:  # once: each new worker takes a second, and the study will fall by itself
                    process.wait()
            elif not falls:
                process.kill()
        process.wait()
        killed += process.returncode == -signal.SIGKILL
        with Store.open(store, create=False) as opened:
            now = opened.summary().trained
        assert now >= done, f"{done - now} finished trainings are lost"
        done = now
        if process.returncode == 0:
            break
    assert subprocess.run(words).returncode == 0
    entries = [e["job"] for e in read_journal(run / "journal.jsonl") if e["status"] == "ok"]
    repeated = sum(times > 1 for times in Counter(entries).values())
    with Store.open(store, create=False) as opened:
        trainings = opened.summary().trained
    return Torment(starts + 1, killed, len(set(entries)), repeated, trainings)


def undisturbed(folder: Path, *, engine: str = "serial", jobs: int = 200, real: bool = False) -> Experience:
    """The experience of the same study, left alone.

    Args:
        folder: for the store and the run.
        engine: of the runner.
        jobs: of the study.
        real: whether it really trains.
    """
    store = folder / "experience.sqlite"
    words = command(store, folder / "run", engine=engine, jobs=jobs, real=real)
    assert subprocess.run(words).returncode == 0
    with Store.open(store, create=False) as opened:
        return opened.triplets()


def pretended(task: Task, batch: Batch) -> Trained:
    """In place of `train_batch`: scores that follow from task, seed and architecture alone, at no cost."""
    time.sleep(SECONDS_PER_JOB)
    start = np.random.default_rng([int(task.digest[:8], 16), batch.seed]).random()
    score = (np.abs(batch.points).sum(1, dtype=np.float64) * 0.618 + start) % 1.0
    return Trained(score, score / 2, 1 - score, score[:, None], np.full(len(score), SECONDS_PER_JOB))


def scattered(space: Space, count: int) -> np.ndarray:
    """In place of `common_architectures`: points of the space, for which no program has to be compiled."""
    return rounded(np.random.default_rng(0).random((count, space.dimension), np.float32))


def command(store: Path, run: Path, *, engine: str = "serial", jobs: int, real: bool = False) -> list[str]:
    """The command of a study.

    Args:
        store, run: its store and its folder.
        engine: of the runner.
        jobs: about so many.
        real: whether it really trains.
    """
    words = ["--store", str(store), "--run", str(run), "--engine", engine, "--jobs", str(jobs)]
    return [sys.executable, "-m", "benchmarks.chaos.studies", *words, *["--real"] * real]


def _wait_for_work(process: subprocess.Popen, run: Path) -> None:
    """Until one more job has ended, or the process has."""
    journal = run / "journal.jsonl"
    before = journal.stat().st_size if journal.exists() else 0
    while process.poll() is None and (journal.stat().st_size if journal.exists() else 0) == before:
        time.sleep(0.01)


def _wait(process: subprocess.Popen, seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _kill_a_worker(process: subprocess.Popen, rng: random.Random) -> int:
    """Kill one of the workers; 0 where there is none."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        workers = [int(pid) for pid in children.read_text().split()]
        os.kill(rng.choice(workers), signal.SIGKILL)
    except (OSError, IndexError):
        return 0
    return 1


def _run_study(arguments: argparse.Namespace) -> int:
    settings = settings_for(
        arguments.store, engine=arguments.engine, jobs=arguments.jobs, real=arguments.real
    )
    if not arguments.real:
        # Under the name by which a worker can import it.
        collecting.train_batch = importlib.import_module("benchmarks.chaos.studies").pretended
        architectures.common_architectures = scattered
    if arguments.fall_at:
        _fall_between_statements(arguments.fall_at)
    try:
        run_collect(settings, RunFolder.open(arguments.run, "collect", settings), show=False)
    except (StoreError, UserError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    return 0


def _fall_between_statements(number: int) -> None:
    """End this process by SIGKILL after so many inserts into the store, also within a transaction."""
    import sqlalchemy as sa

    left = [number]

    @sa.event.listens_for(sa.Engine, "after_cursor_execute")
    def count(connection, cursor, statement, *rest):
        if statement.startswith("INSERT"):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)


def report(*, kills: int, jobs: int, engine: str = "", real: bool = False, seed: int = 0) -> str:
    """Kill studies, and say in a line for each engine what they went through.

    Args:
        kills: for each engine.
        jobs: of each study.
        engine: one of them; serial and processes if "".
        real: whether it really trains.
        seed: of the moments.

    Raises:
        AssertionError: something was lost, done twice or differs from the undisturbed study.
    """
    lines = []
    with tempfile.TemporaryDirectory() as calm:
        expected = undisturbed(Path(calm), jobs=jobs, real=real)
    for name in [engine] if engine else ["serial", "processes"]:
        victims = VICTIMS if name == "processes" else ("study", "append")
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as wild:
            found = torment(
                Path(wild), kills=kills, engine=name, victims=victims, jobs=jobs, real=real, seed=seed
            )
            with Store.open(Path(wild) / "experience.sqlite") as store:
                same_experience(store.triplets(), expected)
        assert found.repeated == 0, f"{found.repeated} jobs were done twice"
        lines.append(
            f"studies ({name}): {found.kills} kills in {found.starts} starts; {found.jobs} jobs done, none "
            f"twice; {found.trainings} trainings, equal to the undisturbed study; "
            f"{time.monotonic() - began:.0f} s"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--engine", default="serial")
    parser.add_argument("--real", action="store_true", help="really train")
    parser.add_argument("--store", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--fall-at", type=int, default=0, help="die after so many inserts into the store")
    return _run_study(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
