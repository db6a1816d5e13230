"""The toy on which aging's gain is known: strings of bits, whose score is the share of ones and noise.

Source: Real, Aggarwal, Huang & Le 2019 compare evolution with and without aging on such a toy.
"""

import dataclasses
import time

import numpy as np
import pandas as pd

from taskaware.digests import digest
from taskaware.errors import UserError, unknown
from taskaware.runner import Job, Outcome, RunnerSettings
from taskaware.runner.run_folder import RunFolder
from taskaware.spaces import choices
from taskaware.strategies import Factory, Objective, Outcomes, aging_evolution, local_search, random, search
from taskaware.strategies.evolution import VERSION
from taskaware.studies import entries as checked
from taskaware.studies.resumable import do_once

STRATEGIES = ("aging", "without aging", "random", "local search")
POINTS = 200
"""Evaluations of a search whose progress is written down, evenly spread."""


@dataclasses.dataclass(frozen=True)
class ToySettings:
    """Settings of the toy."""

    # Names of the strategies: "aging", "without aging", "random", "local search".
    strategies: tuple[str, ...] = ("aging", "without aging", "random")
    # Bits of a point.
    bits: int = 100
    # Standard deviation of the noise of a score, which is the share of ones.
    noise: float = 0.05
    # Evaluations of each search.
    budget: int = 3000
    # Evolution: size of the population.
    population: int = 100
    # Evolution: size of the sample that a parent is the best of.
    sample: int = 25
    # Number of seeds (0, 1, ...).
    seeds: int = 5
    # Where the jobs run.
    runner: RunnerSettings = RunnerSettings()

    def check(self) -> "ToySettings":
        """The settings themselves, if they are valid.

        Raises:
            UserError: a name is unknown (the nearest is given), or a number is out of range.
        """
        for name in self.strategies:
            if name not in STRATEGIES:
                raise unknown("strategy", name, STRATEGIES)
        least = {"bits": 2, "noise": 0, "budget": 1, "population": 1, "sample": 1, "seeds": 1}
        for name, low in least.items():
            if not getattr(self, name) >= low:
                raise UserError(f"Setting {name}={getattr(self, name)} is too small. Give {low} or more.")
        self.runner.check()
        return self

    def smoke(self) -> "ToySettings":
        """A tiny version: few bits, one seed, a hundred evaluations."""
        return dataclasses.replace(self, bits=12, budget=100, population=10, sample=4, seeds=1)


@dataclasses.dataclass(frozen=True)
class ToySpec:
    """One search: settings, the name of its strategy, and its seed."""

    settings: ToySettings
    strategy: str
    seed: int


def run_toy(settings: ToySettings, folder: RunFolder, show: bool | None = None) -> dict:
    """Search with every strategy and seed, and compare what the searches return without the noise.

    Writes `progress.csv`: the best noisy score so far, and the share of ones of the point that has it.

    Args:
        settings: checked before any work.
        folder: the run folder; jobs in its journal are not repeated.
        show: see `Progress`.

    Returns:
        The summary; for each strategy the mean over seeds of the share of ones that the search returned,
        with its standard error.
    """
    began = time.perf_counter()
    jobs = [
        Job(
            digest([dataclasses.replace(settings, runner=RunnerSettings()), strategy, seed, VERSION]),
            ToySpec(settings, strategy, seed),
            f"{strategy}, seed {seed}",
            size=settings.budget,
            about={"task": "bits", "seed": seed, "strategy": strategy},
        )
        for seed in range(settings.seeds)
        for strategy in settings.check().strategies
    ]
    done = do_once(jobs, search_toy, settings.runner, folder, keep=_keep, unit="evaluation", show=show)
    parts = [_progress(entry, settings.budget) for entry in done.entries]
    summary = {"jobs": done.begun, "failed": done.failed, "strategies": {}}
    if parts:
        progress = pd.concat(parts, ignore_index=True)
        folder.write_table("progress", progress)
        ends = progress.groupby(["strategy", "seed"], sort=False)["test_score"].last()
        summary["strategies"] = {
            name: {
                "ones": float(found.mean()),
                "ones_se": float(found.sem(ddof=1)) if len(found) > 1 else 0.0,
            }
            for name, found in ends.groupby("strategy", sort=False)
        }
    folder.finish(jobs=done.begun, failed=done.failed, seconds=time.perf_counter() - began, summary=summary)
    return summary


def search_toy(needed: None, spec: ToySpec) -> dict[str, list]:
    """One search: evaluations, best noisy score so far, and the share of ones of the point that has it."""
    del needed
    settings = spec.settings
    noise = np.random.default_rng([spec.seed, 1]).normal(scale=settings.noise, size=settings.budget)

    def evaluate(points: np.ndarray, first: int) -> Outcomes:
        ones = points.mean(1, dtype=float)
        return Outcomes(ones + noise[first : first + len(points)], ones)

    history = search(
        _strategy(spec),
        Objective(evaluate, numbered=True),
        space=choices({f"bit {number}": [0, 1] for number in range(settings.bits)}, name="bits"),
        budget=settings.budget,
        seed=spec.seed,
        progress=False,
    )
    chosen = np.maximum.accumulate(
        np.where(history.scores == history.best_so_far, np.arange(len(history)), 0)
    )
    rows = np.unique(np.linspace(0, len(history) - 1, min(POINTS, len(history))).astype(int))
    ones = np.asarray(history.test_scores)[chosen]
    return {
        "trainings": (rows + 1).tolist(),
        "scores": history.best_so_far[rows].tolist(),
        "test_scores": ones[rows].tolist(),
    }


def _strategy(spec: ToySpec) -> Factory:
    settings = spec.settings
    if spec.strategy == "random":
        return random()
    if spec.strategy == "local search":
        return local_search()
    # As published for the toy: a child differs from its parent in exactly one bit.
    return aging_evolution(settings.population, settings.sample, aging=spec.strategy == "aging", identity=0.0)


def _keep(outcome: Outcome) -> dict:
    return outcome.result


def _progress(entry: dict, budget: int) -> pd.DataFrame:
    number, score, test = checked.numbers(entry, ("trainings", "scores", "test_scores"), budget)
    about = {name: entry[name] for name in ("strategy", "task", "seed")}
    return pd.DataFrame({"trainings": number.astype(int), "best_score": score, "test_score": test}).assign(
        **about, group="bits", problem="regression"
    )
