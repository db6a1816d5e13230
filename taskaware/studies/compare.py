"""Compare strategies: each searches each task with the same number of real trainings.

A job is one strategy, one task and one seed; every strategy has the same seeds.
"""

import contextlib
import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from taskaware.data.named import listed
from taskaware.digests import digest
from taskaware.errors import UserError
from taskaware.modalities.suites import smallest, suite_named
from taskaware.objectives.inheriting import Inheritance
from taskaware.objectives.readable import raw_kinds
from taskaware.objectives.record import register, trainings
from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.runner import Job, Outcome, RunnerSettings
from taskaware.runner.run_folder import RunFolder
from taskaware.secrets import discreet
from taskaware.spaces import Space
from taskaware.spaces.presets import space_named
from taskaware.store import Store
from taskaware.strategies import History
from taskaware.strategies.evolution import VERSION as EVOLUTION
from taskaware.studies import entries as checked
from taskaware.studies.known import KnownTable, known_tables
from taskaware.studies.resumable import do_once
from taskaware.studies.search_spec import (
    COMPARED,
    INHERITING,
    LEARNED,
    SearchSpec,
    compared,
    search_task,
    strategy_named,
)
from taskaware.studies.selectors import check_evaluator
from taskaware.studies.standings import standings
from taskaware.surrogates import EvaluatorSettings
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import VERSION, Trained

LEAST = {"budget": 1, "round": 1, "population": 1, "tournament": 1, "seeds": 1}
PROGRESS = ["strategy", "task", "group", "problem", "seed", "trainings", "best_score", "test_score"]


@discreet
@dataclasses.dataclass(frozen=True)
class CompareSettings:
    """Settings of a comparison of strategies."""

    # Suites: "bundled", "bundled-images", or folders with an index.csv; with a score, tables of known scores.
    suite: tuple[str, ...] = ("bundled",)
    # Names of tasks; all tasks of the suites if empty.
    tasks: tuple[str, ...] = ()
    # Names of the strategies: of ta.STRATEGIES, "recommend", "evolution_inheriting", ...
    strategies: tuple[str, ...] = ("random", "evolution", "recommend")
    # Trainings of each strategy for each task and seed.
    budget: int = 48
    # Candidates that are trained together in one round.
    round: int = 8
    # Number of seeds (0, 1, ...).
    seeds: int = 3
    # Name of the space to search, or a space.json; of tables, it is that of their decisions.
    space: str = "compact"
    # Columns of the tables of known scores: what is decided.
    decisions: tuple[str, ...] = ()
    # Column of these tables that is maximised; "" trains on tasks.
    score: str = ""
    # Column of the test score; "" without one.
    test: str = ""
    # Whether score and test are losses.
    losses: bool = False
    # Evolution: size of the population (published: 100, for budgets of thousands).
    population: int = 16
    # Evolution: size of the sample that a parent is the best of (published: 25).
    tournament: int = 4
    # evolution_inheriting: so many of the latest trainings keep their weights.
    keep: int = 100
    # Settings of the evaluator that recommends.
    evaluator: EvaluatorSettings = EvaluatorSettings()
    # Training recipe of each candidate.
    trainer: TrainingRecipe = TrainingRecipe()
    # Path or database URL of a store that records every training; "" records in the journal only.
    store: str = ""
    # Where the jobs run.
    runner: RunnerSettings = RunnerSettings()

    def check(self) -> "CompareSettings":
        """The settings themselves, if they are valid.

        Raises:
            UserError: a name is unknown (the nearest is given), or a number is out of range.
        """
        if not self.strategies:
            raise UserError(f"No strategy is named. Allowed: {', '.join(compared())}.")
        for name in self.strategies:
            strategy_named(name)
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise UserError(f"Setting {name}={getattr(self, name)} is too small. Give {least} or more.")
        if self.population < self.round:
            raise UserError(f"population={self.population} is less than round={self.round}. Raise it.")
        if self.score:
            self._check_tables()
        else:
            self._check_training()
        self.runner.check()
        return self

    def _check_tables(self) -> None:
        training = [name for name in self.strategies if name in (*LEARNED, *INHERITING)]
        if training:
            raise UserError(f"The strategy '{training[0]}' is for tasks, and these are tables of scores.")
        if self.store:
            raise UserError("Known scores are no trainings, so no store takes them. Leave store out.")
        for known in self._tables():
            self._check_strategies(known.made[0])

    def _check_training(self) -> None:
        if self.decisions or self.test:
            raise UserError("decisions and test are columns of tables of known scores. Give score, too.")
        check_evaluator(self.evaluator)
        space, learned = space_named(self.space), [name for name in self.strategies if name in LEARNED]
        if learned and space.digest != (ours := shipped_evaluator().space).digest:
            raise UserError(
                f"The strategy '{learned[0]}' needs the space '{ours.name}', not '{space.name}'. "
                f"Set space={ours.name}, or leave it out."
            )
        self._check_strategies(space)
        suite_named(*self.suite, modalities=self._modalities()).only(*self.tasks)
        self.trainer.check()

    def _check_strategies(self, space: Space) -> None:
        """Refuse what cannot search the space, or needs gradients: neither tables nor trainings have any."""
        for name in self.strategies:
            if name in INHERITING:
                Inheritance(Path(), self.keep, space).check()
            if name in COMPARED:
                continue
            if strategy_named(name)(cast(Any, self), None)(space, self.round).wants_gradient:
                raise UserError(f"The strategy '{name}' needs gradients, which these scores do not have.")

    def found_tasks(self) -> dict[str, Task | KnownTable]:
        """The tasks, or the tables, by name.

        Raises:
            UserError: one cannot be read.
        """
        if self.score:
            return {known.name: known for known in self._tables()}
        suite = suite_named(*self.suite, modalities=self._modalities())
        return {task.name: task for task in suite.only(*self.tasks)}

    def _modalities(self) -> tuple[str, ...]:
        """Of the tasks of folders: images where the space reads pixels, series where samples, else tables."""
        return raw_kinds(space_named(self.space))

    def _tables(self) -> list[KnownTable]:
        found = known_tables(self.suite, self.decisions, self.score, test=self.test, losses=self.losses)
        chosen = [known for known in found if not self.tasks or known.name in self.tasks]
        if not chosen:
            raise UserError(f"None of the tables is named {', '.join(self.tasks)}.")
        return chosen

    def smoke(self) -> "CompareSettings":
        """A tiny version: the two smallest tasks, one seed, four short trainings, no store."""
        small = {}
        if not self.score:
            small = smallest(
                self.suite, self.tasks, 2, bundled=listed("smoke.compare"), modalities=self._modalities()
            )
        return dataclasses.replace(
            self,
            **small,
            budget=4,
            round=2,
            seeds=1,
            population=2,
            tournament=2,
            evaluator=EvaluatorSettings(network="bilinear", members=2, steps=20),
            trainer=dataclasses.replace(self.trainer, steps=2 * self.trainer.evaluations),
            store="",
        )


def compare(settings: CompareSettings, folder: RunFolder, show: bool | None = None) -> dict:
    """Run every strategy on every task with every seed, and compare their best scores.

    Writes `progress.csv`: for each search, after each of its trainings, the best validation score so far
    (`best_score`) and the test score of the candidate that has it; both empty while all diverged.

    Args:
        settings: checked before any work.
        folder: the run folder; jobs in its journal are not repeated.
        show: see `Progress`.

    Returns:
        The summary: tasks, groups, jobs that were to be done, those that failed, and what `standings` says.

    Raises:
        UserError: the settings do not do.
        StoreError: the store cannot be opened or written.
    """
    began = time.perf_counter()
    settings.check()
    tasks = settings.found_tasks()
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(Store.open(settings.store)) if settings.store else None
        recipe = _registered(store, tasks, settings) if store else ""
        done = do_once(
            plan(list(tasks.values()), settings),
            search_task,
            settings.runner,
            folder,
            keep=lambda outcome: _keep(outcome, store, recipe),
            resources={task.digest: task for task in tasks.values()},
            unit="evaluation" if settings.score else "training",
            show=show,
        )
    progress = _progress(tasks, done.entries, settings.budget)
    folder.write_table("progress", progress[PROGRESS])
    summary = {"tasks": len(tasks), "groups": len({task.group for task in tasks.values()})}
    summary |= {"jobs": done.begun, "failed": done.failed, **standings(progress)}
    seconds = time.perf_counter() - began
    folder.finish(jobs=done.begun, failed=done.failed, seconds=seconds, summary=summary)
    return summary


def _registered(store: Store, tasks: Mapping[str, Task | KnownTable], settings: CompareSettings) -> str:
    # Settings with a store have passed the check that they are of tasks.
    trained_on = [cast(Task, task) for task in tasks.values()]
    return register(store, trained_on, space_named(settings.space), settings.trainer)


def plan(tasks: Sequence[Task | KnownTable], settings: CompareSettings) -> list[Job]:
    """All jobs, task by task and seed by seed, so that compiled programs are reused."""
    space = space_named(settings.space)
    shared = ("budget", "round", "population", "tournament", "evaluator", "keep")
    terms = {name: getattr(settings, name) for name in shared}
    jobs = []
    for task in tasks:
        for seed in range(settings.seeds):
            for strategy in settings.strategies:
                spec = SearchSpec(strategy, space, seed, **terms, recipe=settings.trainer)
                about = {"task": task.name, "seed": seed, "strategy": strategy}
                label = f"{strategy} on {task.name}, seed {seed}"
                versions = [] if strategy == "random" else [EVOLUTION]
                name = digest([task.digest, task.group, spec, VERSION, *versions])
                jobs.append(Job(name, spec, label, task.digest, settings.budget, about))
    return jobs


def _keep(outcome: Outcome, store: Store | None, recipe: str) -> dict:
    """Record a successful search in the store, if there is one; returns its entry for the journal."""
    spec: SearchSpec = outcome.job.spec
    history: History = outcome.result
    if store is not None and spec.strategy not in INHERITING:
        about = (outcome.job.needs, spec.space, recipe, history.points, _as_trained(history))
        store.append(trainings(*about, seed=spec.seed, strategy=spec.strategy))
    tests = np.full(len(history), np.nan) if history.test_scores is None else history.test_scores
    return {"scores": _plain(history.scores), "test_scores": _plain(tests)}


def _as_trained(history: History) -> Trained:
    scores = history.scores
    return Trained(scores, history.test_scores, history.info["loss"], scores[:, None], history.seconds)


def _plain(scores: np.ndarray) -> list[float | None]:
    """Numbers for JSON; None for a diverged one."""
    return [float(score) if np.isfinite(score) else None for score in scores]


def _progress(tasks: Mapping[str, Task | KnownTable], entries: Sequence[dict], budget: int) -> pd.DataFrame:
    """A row for each training of each search: its score, and the best so far."""
    parts = [pd.DataFrame(columns=[*PROGRESS, "score", "test"])]
    for entry in entries:
        task = tasks[entry["task"]]
        score, test = checked.numbers(entry, ("scores", "test_scores"), budget)
        known = np.nan_to_num(score, nan=-np.inf)
        best = np.maximum.accumulate(known)
        # Of equal scores, the earlier one counts as best.
        better = known > np.append(-np.inf, best[:-1])
        place = np.maximum.accumulate(np.where(better, np.arange(len(best)), 0))
        about = {name: entry[name] for name in ("strategy", "task", "seed")}
        part = pd.DataFrame({"trainings": np.arange(1, len(score) + 1), "score": score, "test": test})
        part["best_score"], part["test_score"] = score[place], test[place]
        parts.append(part.assign(**about, group=task.group, problem=task.problem))
    return pd.concat(parts[1:] or parts, ignore_index=True)
