"""Searches that are killed at random, go on by their journal, and are compared with undisturbed ones.

    python -m benchmarks.chaos.searches --journal search.jsonl

is the command that is killed. An evaluation costs nothing but a nap; its score is a function of the point and
of its number, noise included.
"""

import argparse
import contextlib
import importlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

NAP = 0.004


class Torment(NamedTuple):
    """What a search went through: starts, kills (of it or of a worker), evaluations, those given up."""

    starts: int
    kills: int
    evaluations: int
    diverged: int


def evaluate(points: np.ndarray, first: int):
    """The share of ones, with noise that follows from the number of the evaluation."""
    from taskaware.strategies import Outcomes

    time.sleep(NAP)
    return Outcomes(points.mean(1) + 0.1 * np.random.default_rng([7, first]).normal(size=len(points)))


def torment(folder: Path, *, kills: int, engine: str = "serial", budget: int = 400, seed: int = 0) -> Torment:
    """Kill a search at random moments, go on each time, and at last let it come to its end.

    Args:
        folder: for the journal.
        kills: so many of them; less where the search has come to its end before.
        engine: of the runner; with "processes", a worker is killed every second time.
        budget: evaluations.
        seed: of the moments.

    Raises:
        AssertionError: something that had ended is lost, or is done twice.
    """
    rng, journal = random.Random(seed), folder / "search.jsonl"
    words = command(journal, engine=engine, budget=budget)
    starts = killed = 0
    patience = 1.6 * NAP * budget / max(kills, 1) / (1 if engine == "serial" else 2)
    before = b""
    while killed < kills:
        process = subprocess.Popen(words)
        starts += 1
        _wait_for_lines(process, journal, len(before))
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(rng.uniform(0, patience))
            if engine != "serial" and rng.random() < 0.5:
                killed += _kill_a_worker(process, rng)
            else:
                process.kill()
        process.wait()
        killed += process.returncode == -signal.SIGKILL
        now = journal.read_bytes() if journal.exists() else b""
        whole = now[: now.rfind(b"\n") + 1]
        assert whole.startswith(before), "What was in the journal is lost"
        before = whole
        if process.returncode == 0:
            break
    assert subprocess.run(words).returncode == 0
    told = [line for line in _lines(journal) if "tell" in line]
    numbers = sorted(line["tell"] for line in told)
    assert numbers == list(range(budget)), f"{len(numbers)} results of {len(set(numbers))} evaluations"
    diverged = sum(line["score"] == [None] for line in told)
    return Torment(starts + 1, killed, len(told), diverged)


def evaluations(journal: Path) -> list[tuple]:
    """Number, points and score of each evaluation, in the order of the journal."""
    lines = _lines(journal)
    points = {line["ask"]: line["points"] for line in lines if "ask" in line}
    return [(line["tell"], points[line["tell"]], line["score"]) for line in lines if "tell" in line]


def undisturbed(folder: Path, *, budget: int) -> list[tuple]:
    """The evaluations of the same search, left alone."""
    assert subprocess.run(command(folder / "calm.jsonl", budget=budget)).returncode == 0
    return evaluations(folder / "calm.jsonl")


def command(journal: Path, *, engine: str = "serial", budget: int) -> list[str]:
    """The command of a search.

    Args:
        journal: of it.
        engine: of the runner.
        budget: evaluations.
    """
    words = ["--journal", str(journal), "--engine", engine, "--budget", str(budget)]
    return [sys.executable, "-m", "benchmarks.chaos.searches", *words]


def report(*, kills: int, seed: int = 0) -> str:
    """Kill searches, and say in a line for each engine what they went through.

    Args:
        kills: for each engine.
        seed: of the moments.

    Raises:
        AssertionError: something was lost, done twice or differs from the undisturbed search.
    """
    lines, budget = [], max(400, 20 * kills)
    for engine in ("serial", "processes"):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found = torment(Path(folder), kills=kills, engine=engine, budget=budget, seed=seed)
            same = "none lost, none twice"
            if engine == "serial":
                calm = undisturbed(Path(folder), budget=budget)
                assert evaluations(Path(folder) / "search.jsonl") == calm, (
                    "The search differs from the undisturbed one"
                )
                same = "equal to the undisturbed search row for row"
        lines.append(
            f"searches ({engine}): {found.kills} kills in {found.starts} starts; {found.evaluations} "
            f"evaluations, {same}; {found.diverged} given up; {time.monotonic() - began:.0f} s"
        )
    return "\n".join(lines)


def _lines(journal: Path) -> list[dict]:
    return [json.loads(line) for line in journal.read_bytes().splitlines()]


def _wait_for_lines(process: subprocess.Popen, journal: Path, size: int) -> None:
    """Until the journal has grown, or the process has ended."""
    while process.poll() is None and (journal.stat().st_size if journal.exists() else 0) <= size:
        time.sleep(0.01)


def _kill_a_worker(process: subprocess.Popen, rng: random.Random) -> int:
    """Kill one of the workers; 0 where there is none."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        os.kill(rng.choice([int(pid) for pid in children.read_text().split()]), signal.SIGKILL)
    except (OSError, IndexError):
        return 0
    return 1


def _search(arguments: argparse.Namespace) -> None:
    from taskaware.runner import RunnerSettings
    from taskaware.spaces import choices
    from taskaware.strategies import Objective, aging_evolution, search

    # Under the name by which a worker can import it.
    there = importlib.import_module("benchmarks.chaos.searches").evaluate
    workers = 0 if arguments.engine == "serial" else 2
    search(
        aging_evolution(20, 5),
        Objective(there, numbered=True, about="chaos"),
        space=choices({f"bit {n}": [0, 1] for n in range(16)}),
        budget=arguments.budget,
        runner=RunnerSettings(arguments.engine, workers=workers, retries=5),
        journal=arguments.journal,
        resume=True,
        progress=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--journal", required=True)
    parser.add_argument("--engine", default="serial")
    parser.add_argument("--budget", type=int, default=400)
    _search(parser.parse_args())


if __name__ == "__main__":
    main()
