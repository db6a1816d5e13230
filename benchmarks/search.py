"""Searches of a lookup: evaluations per CPU second, beside a plain NumPy loop and, where installed, PyGlove.

The table has 15,625 points (six decisions of five options, as NAS-Bench-201) and random scores. PyGlove is no
dependency: `pip install pyglove`, or a folder of it on PYTHONPATH.

    python benchmarks/search.py --budget 40000
"""

import argparse
import importlib.util
import itertools
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from taskaware.objectives import table
from taskaware.strategies import aging_evolution, local_search, ppo, random, reinforce, search

NAMES = [f"op{n}" for n in range(6)]
OPTIONS, POPULATION, SAMPLE = 5, 100, 25
PYGLOVE = 200
"""PyGlove gets one in so many evaluations, as it takes that much longer."""


def scores() -> pd.DataFrame:
    """Every point with a random score."""
    frame = pd.DataFrame(list(itertools.product(range(OPTIONS), repeat=len(NAMES))), columns=NAMES)
    drawn = np.random.default_rng(0).random(len(frame))
    return frame.assign(valid=drawn, test=drawn, s=1.0)


def plain_loop(frame: pd.DataFrame, budget: int) -> float:
    """Aging evolution, written down as plainly as it can be: nothing is recorded but the best."""
    rng = np.random.default_rng(0)
    known = dict(zip(map(tuple, frame[NAMES].to_numpy().tolist()), frame["valid"], strict=True))
    population: deque[tuple[list[int], float]] = deque()
    best = 0.0
    for number in range(budget):
        if number < POPULATION:
            child = rng.integers(0, OPTIONS, len(NAMES)).tolist()
        else:
            sample = [population[place] for place in rng.integers(0, POPULATION, SAMPLE)]
            child = list(max(sample, key=lambda one: one[1])[0])
            place = rng.integers(len(NAMES))
            child[place] = (child[place] + rng.integers(1, OPTIONS)) % OPTIONS
        score = known[tuple(child)]
        best = max(best, score)
        population.append((child, score))
        if len(population) > POPULATION:
            population.popleft()
    return best


def pyglove_loop(frame: pd.DataFrame, budget: int) -> float:
    """PyGlove's regularized evolution of the same space."""
    import pyglove as pg

    known = dict(zip(map(tuple, frame[NAMES].to_numpy().tolist()), frame["valid"], strict=True))
    space = pg.Dict({name: pg.oneof(list(range(OPTIONS))) for name in NAMES})
    evolution = pg.evolution.regularized_evolution(population_size=POPULATION, tournament_size=SAMPLE)
    best = 0.0
    for point, feedback in pg.sample(space, evolution, num_examples=budget):
        score = float(known[tuple(point[name] for name in NAMES)])
        best = max(best, score)
        feedback(score)
    return best


def contenders(frame: pd.DataFrame) -> dict[str, Callable[[int], float]]:
    """Name → (budget → best score)."""
    space, objective = table(frame, NAMES, "valid", test="test", seconds="s")
    holes, there = table(frame[frame["op0"] + frame["op1"] != 4], NAMES, "valid", test="test", seconds="s")

    def ours(strategy, of=(space, objective), **more):
        return lambda budget: (
            search(strategy, of[1], space=of[0], budget=budget, progress=False, **more).best.score
        )

    def journaled(strategy):
        def run(budget: int) -> float:
            with tempfile.TemporaryDirectory() as folder:
                return ours(strategy, journal=Path(folder, "a.jsonl"))(budget)

        return run

    found = {
        "random search": ours(random()),
        "local search": ours(local_search()),
        "aging evolution": ours(aging_evolution(POPULATION, SAMPLE)),
        "aging evolution, a table with holes": ours(aging_evolution(POPULATION, SAMPLE), (holes, there)),
        "random search, with a journal": journaled(random()),
        "local search, with a journal": journaled(local_search()),
        "aging evolution, with a journal": journaled(aging_evolution(POPULATION, SAMPLE)),
        "reinforce": ours(reinforce()),
        "reinforce, a table with holes": ours(reinforce(), (holes, there)),
        "ppo": ours(ppo()),
        "plain NumPy loop, aging evolution": lambda budget: plain_loop(frame, budget),
    }
    if importlib.util.find_spec("pyglove") is None:
        return found
    return found | {"PyGlove, regularized evolution": lambda budget: pyglove_loop(frame, budget // PYGLOVE)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--budget", type=int, default=40_000, help="evaluations of each")
    parser.add_argument("--repeats", type=int, default=3, help="the quickest of so many counts")
    parser.add_argument("--only", nargs="+", default=[], help="those whose names hold one of these texts")
    arguments = parser.parse_args()
    print(f"{'':<38}{'evaluations per CPU second':>28}{'best':>9}")
    for name, run in contenders(scores()).items():
        if arguments.only and not any(text in name for text in arguments.only):
            continue
        rates = []
        for _ in range(arguments.repeats):
            began = time.process_time()
            best = run(arguments.budget)
            rates.append(
                arguments.budget
                / (PYGLOVE if name.startswith("PyGlove") else 1)
                / (time.process_time() - began)
            )
        print(f"{name:<38}{max(rates):>28,.0f}{best:>9.4f}", flush=True)


if __name__ == "__main__":
    main()
