"""Compare strategies: each searches each task with the same number of real trainings.

A job is one strategy, one task and one seed; every strategy has the same seeds.
"""

import contextlib
import dataclasses
import time
from collections.abc import Sequence
from typing import cast

import numpy as np
import pandas as pd

from taskaware.data.named import listed
from taskaware.digests import digest
from taskaware.errors import UserError, unknown
from taskaware.modalities.suites import smallest, suite_named
from taskaware.objectives.record import register, trainings
from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.runner import Job, Outcome, RunnerSettings
from taskaware.runner.run_folder import RunFolder
from taskaware.secrets import discreet
from taskaware.spaces import preset
from taskaware.store import Store
from taskaware.strategies import History
from taskaware.strategies.evolution import VERSION as EVOLUTION
from taskaware.studies import entries as checked
from taskaware.studies import quality
from taskaware.studies.resumable import do_once
from taskaware.studies.search_spec import COMPARED, LEARNED, SearchSpec, search_task
from taskaware.studies.selectors import check_evaluator
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

    # Suites: "bundled", or folders with an index.csv.
    suite: tuple[str, ...] = ("bundled",)
    # Names of tasks; all tasks of the suites if empty.
    tasks: tuple[str, ...] = ()
    # Names of the strategies, see COMPARED.
    strategies: tuple[str, ...] = ("random", "evolution", "recommend")
    # Trainings of each strategy for each task and seed.
    budget: int = 48
    # Candidates that are trained together in one round.
    round: int = 8
    # Number of seeds (0, 1, ...).
    seeds: int = 3
    # Preset of the space to search.
    space: str = "compact"
    # Evolution: size of the population (published: 100, for budgets of thousands).
    population: int = 16
    # Evolution: size of the sample that a parent is the best of (published: 25).
    tournament: int = 4
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
        for name in self.strategies:
            if name not in COMPARED:
                raise unknown("strategy", name, COMPARED)
        if not self.strategies:
            raise UserError(f"No strategy is named. Allowed: {', '.join(COMPARED)}.")
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise UserError(f"Setting {name}={getattr(self, name)} is too small. Give {least} or more.")
        if self.population < self.round:
            raise UserError(f"population={self.population} is less than round={self.round}. Raise it.")
        check_evaluator(self.evaluator)
        space, learned = preset(self.space), [name for name in self.strategies if name in LEARNED]
        if learned and space.digest != (ours := shipped_evaluator().space).digest:
            raise UserError(
                f"The strategy '{learned[0]}' needs the space '{ours.name}', not '{space.name}'. "
                f"Set space={ours.name}, or leave it out."
            )
        suite_named(*self.suite).only(*self.tasks)
        self.trainer.check()
        self.runner.check()
        return self

    def smoke(self) -> "CompareSettings":
        """A tiny version: the two smallest tasks, one seed, four short trainings, no store."""
        return dataclasses.replace(
            self,
            **smallest(self.suite, self.tasks, 2, bundled=listed("smoke.compare")),
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
    tasks = {task.name: task for task in suite_named(*settings.suite).only(*settings.tasks)}
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(Store.open(settings.store)) if settings.store else None
        recipe = register(store, tasks.values(), preset(settings.space), settings.trainer) if store else ""
        done = do_once(
            plan(list(tasks.values()), settings),
            search_task,
            settings.runner,
            folder,
            keep=lambda outcome: _keep(outcome, store, recipe),
            resources={task.digest: task for task in tasks.values()},
            unit="training",
            show=show,
        )
    progress = _progress(tasks, done.entries, settings.budget)
    folder.write_table("progress", progress[PROGRESS])
    summary = {"tasks": len(tasks), "groups": len({task.group for task in tasks.values()})}
    summary |= {"jobs": done.begun, "failed": done.failed, **standings(progress)}
    seconds = time.perf_counter() - began
    folder.finish(jobs=done.begun, failed=done.failed, seconds=seconds, summary=summary)
    return summary


def plan(tasks: Sequence[Task], settings: CompareSettings) -> list[Job]:
    """All jobs, task by task and seed by seed, so that compiled programs are reused."""
    space, shared = preset(settings.space), ("budget", "round", "population", "tournament", "evaluator")
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


def standings(progress: pd.DataFrame) -> dict:
    """Scores of each strategy over the tasks and seeds on which none failed, as plain data.

    Args:
        progress: a row for each training, see `compare`; `score` and `test` are those of the training itself.

    Returns:
        `compared`: the pairs of task and seed that count. `strategies`, for each: the mean `rank` by the best
        validation score (1 is first, ties share), `best_score` and `test_score` at the end, normalised by
        task (0 is the median of all trainings there, 1 the mean of the best five), and the plain mean
        `test_score_raw`, without searches that diverged everywhere; each with its standard error over groups
        (`..._se`; 0 for a single group).
    """
    ends = progress.groupby(["task", "seed", "strategy"], sort=False).tail(1)
    most = progress["strategy"].nunique()
    ends = ends[ends.groupby(["task", "seed"])["strategy"].transform("size") == most].copy()
    ends["test_score_raw"] = ends["test_score"]
    for column, single in (("best_score", "score"), ("test_score", "test")):
        ends[column] = _normalised(ends[["task", column]], progress[["task", single]])
    ends["rank"] = ends.groupby(["task", "seed"])["best_score"].rank(ascending=False)
    counted = ["rank", "best_score", "test_score", "test_score_raw"]
    means = ends.groupby(["strategy", "group"])[counted].mean()
    return {
        "compared": len(ends) // max(most, 1),
        "strategies": {name: _standing(means.loc[name]) for name in ends["strategy"].unique()},
    }


def _keep(outcome: Outcome, store: Store | None, recipe: str) -> dict:
    """Record a successful search in the store, if there is one; returns its entry for the journal."""
    spec: SearchSpec = outcome.job.spec
    history: History = outcome.result
    if store is not None:
        about = (outcome.job.needs, spec.space, recipe, history.points, _as_trained(history))
        store.append(trainings(*about, seed=spec.seed, strategy=spec.strategy))
    return {"scores": _plain(history.scores), "test_scores": _plain(cast(np.ndarray, history.test_scores))}


def _as_trained(history: History) -> Trained:
    scores = history.scores
    return Trained(scores, history.test_scores, history.info["loss"], scores[:, None], history.seconds)


def _plain(scores: np.ndarray) -> list[float | None]:
    """Numbers for JSON; None for a diverged one."""
    return [float(score) if np.isfinite(score) else None for score in scores]


def _progress(tasks: dict[str, Task], entries: Sequence[dict], budget: int) -> pd.DataFrame:
    """A row for each training of each search: its score, and the best so far."""
    parts = [pd.DataFrame(columns=[*PROGRESS, "score", "test"])]
    for entry in entries:
        task = tasks[entry["task"]]
        score, test = checked.numbers(entry, ("scores", "test_scores"), budget)
        best = np.maximum.accumulate(np.nan_to_num(score, nan=-np.inf))
        # Of equal scores, the earlier one counts as best.
        place = np.array([int(np.argmax(best[: n + 1])) for n in range(len(best))])
        about = {name: entry[name] for name in ("strategy", "task", "seed")}
        part = pd.DataFrame({"trainings": np.arange(1, len(score) + 1), "score": score, "test": test})
        part["best_score"], part["test_score"] = score[place], test[place]
        parts.append(part.assign(**about, group=task.group, problem=task.problem))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _normalised(ends: pd.DataFrame, every: pd.DataFrame) -> pd.Series:
    """The second column of `ends`, scaled by the range of the second column of `every` on the same task.

    A search that diverged everywhere counts as the worst training of the task.
    """
    found = pd.Series(np.nan, ends.index)
    for task, rows in ends.groupby("task")[ends.columns[1]]:
        scores = every.loc[every["task"] == task, every.columns[1]].to_numpy()
        if not np.isnan(scores).all():
            middle, spread = quality.scale(scores[None])
            found[rows.index] = (rows.fillna(np.nanmin(scores)) - middle[0]) / spread[0]
    return found


def _standing(means: pd.DataFrame) -> dict[str, float | None]:
    """Mean over groups, and its standard error, of each column; None where no group has a number."""
    found = {}
    for name in means:
        column = means[name].dropna()
        found[name] = float(column.mean()) if len(column) else None
        found[f"{name}_se"] = float(column.std(ddof=1) / len(column) ** 0.5) if len(column) > 1 else 0.0
    return found
