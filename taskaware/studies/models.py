"""Compare models: the recommended architecture, trained, beside common baselines.

A job is one model, one task and one seed. All models of a task and seed are tested on the same rows, and know
the same others; the recommendation knows neither the task nor a relative of it.
"""

import dataclasses
import logging
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from taskaware.data.named import listed
from taskaware.digests import digest
from taskaware.errors import UserError, unknown
from taskaware.files import atomic_write
from taskaware.modalities.suites import smallest, suite_named
from taskaware.runner import Job, RunnerSettings
from taskaware.runner.run_folder import RunFolder
from taskaware.studies import entries as checked
from taskaware.studies.baselines import BASELINES, USUAL, missing, version
from taskaware.studies.resumable import do_once
from taskaware.tasks.metrics import metric_of
from taskaware.tasks.split import split
from taskaware.tasks.task import PROBLEMS, Task

TREES = "trees"
"""The model whose scores are written for the notes of a recommendation."""

SCORES = ["task", "group", "problem", "seed", "model", "score", "seconds"]
TASKS = ["task", "group", "problem", "rows", "model", "score", "se", "seeds", "rank"]
SHIPPED = ["digest", "name", "problem", "score", "se", "seeds"]

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class ModelsSettings:
    """Settings of a comparison of models."""

    # Suites: "bundled", or folders with an index.csv.
    suite: tuple[str, ...] = ("bundled",)
    # Names of tasks; all tasks of the suites if empty.
    tasks: tuple[str, ...] = ()
    # Largest number of rows of a task; 0 for no limit.
    most_rows: int = 0
    # Names of the models, see BASELINES; the first is the reference for wins and losses.
    models: tuple[str, ...] = USUAL
    # Number of seeds (0, 1, ...); each has its own split.
    seeds: int = 3
    # CSV file for the scores of the boosted trees on each task; "" for none.
    trees: str = ""
    # Where the jobs run.
    runner: RunnerSettings = RunnerSettings()

    def check(self) -> "ModelsSettings":
        """The settings themselves, if they are valid.

        Raises:
            UserError: a name is unknown (the nearest is given), a number is out of range, or no model is
                installed.
        """
        for name in self.models:
            if name not in BASELINES:
                raise unknown("model", name, BASELINES)
        if not self.models:
            raise UserError(f"No model is named. Allowed: {', '.join(BASELINES)}.")
        if all(map(missing, self.models)):
            raise UserError(f"None of the models is installed. {_how_to_add(self.models)}")
        if self.seeds < 1:
            raise UserError(f"Setting seeds={self.seeds} is too small. Give 1 or more.")
        if self.trees and TREES not in self.models:
            raise UserError(f"trees='{self.trees}' needs the model '{TREES}'. Add it to models.")
        if self.most_rows < 0:
            raise UserError(f"Setting most_rows={self.most_rows} is too small. Give 0 or more.")
        if not self.chosen():
            raise UserError(f"No task has at most most_rows={self.most_rows} rows. Raise it.")
        self.runner.check()
        return self

    def chosen(self) -> dict[str, Task]:
        """The tasks of the comparison, by name."""
        named = suite_named(*self.suite).only(*self.tasks)
        return {task.name: task for task in named if not 0 < self.most_rows < task.rows}

    def smoke(self) -> "ModelsSettings":
        """A tiny version: the smallest tasks, one seed, no further packages, no file."""
        models = tuple(name for name in self.models if not BASELINES[name].packages) or self.models
        return dataclasses.replace(
            self,
            models=models,
            **smallest(self.suite, self.tasks, 2, bundled=listed("smoke.models")),
            most_rows=0,
            seeds=1,
            trees="",
        )


@dataclasses.dataclass(frozen=True)
class Trial:
    """The argument of a worker: the model's name, and the seed of split and training."""

    model: str
    seed: int


def compare_models(settings: ModelsSettings, folder: RunFolder, show: bool | None = None) -> dict:
    """Train every model on every task with every seed, and score it on the test rows.

    Writes `scores.csv` (a row for each task, seed and model) and `tasks.csv` (for each task and model, see
    `by_task`); and, where no job failed, the file of `settings.trees`. A model whose packages are not
    installed is skipped with a warning.

    Args:
        settings: checked before any work.
        folder: the run folder; jobs in its journal are not repeated.
        show: see `Progress`.

    Returns:
        The summary: tasks, groups, jobs that were to be done, those that failed, the models `skipped`, the
        pairs of task and seed `compared` (those on which no model failed), and `standings` over all tasks
        (`models`) and, where both problems occur, over those of each.

    Raises:
        UserError: the settings do not do.
    """
    began = time.perf_counter()
    settings.check()
    tasks = settings.chosen()
    skipped = [name for name in settings.models if missing(name)]
    if skipped:
        log.warning("Skipped: %s. %s", ", ".join(skipped), _how_to_add(skipped))
    resources = {task.digest: task for task in tasks.values()}
    done = do_once(
        plan(list(tasks.values()), settings), score_model, settings.runner, folder,
        keep=lambda outcome: {"score": outcome.result}, resources=resources, unit="training", show=show,
    )  # fmt: skip
    scores = _scores(tasks, done.entries)
    folder.write_table("scores", scores[SCORES])
    folder.write_table("tasks", by_task(scores)[TASKS])
    if settings.trees and not done.failed:
        write_trees(scores, Path(settings.trees))
    summary: dict[str, object] = {"tasks": len(tasks), "groups": len({task.group for task in tasks.values()})}
    summary |= {"jobs": done.begun, "failed": done.failed, "skipped": ", ".join(skipped) or "none"}
    shared = _shared(scores)
    summary |= {"compared": len(shared[["task", "seed"]].drop_duplicates()), "models": standings(shared)}
    if shared["problem"].nunique() > 1:
        summary |= {problem: standings(shared[shared["problem"] == problem]) for problem in PROBLEMS}
    seconds = time.perf_counter() - began
    folder.finish(jobs=done.begun, failed=done.failed, seconds=seconds, summary=summary)
    return summary


def plan(tasks: Sequence[Task], settings: ModelsSettings) -> list[Job]:
    """All jobs of the installed models, task by task and model by model."""
    versions = {name: version(name) for name in settings.models if not missing(name)}
    jobs = []
    for task in tasks:
        for model, made_by in versions.items():
            for seed in range(settings.seeds):
                trial = Trial(model, seed)
                name = digest([task.digest, task.group, trial, made_by])
                about = {"task": task.name, "seed": seed, "model": model}
                label = f"{model} on {task.name}, seed {seed}"
                jobs.append(Job(name, trial, label, task.digest, about=about))
    return jobs


def score_model(task: Task, trial: Trial) -> float:
    """Test score, in the problem's default metric, of a model trained on all other rows.

    It is cut at the metric's `low`, as in the experience; predictions that are no numbers have that score.
    """
    parts = split(task, trial.seed)
    predicted = BASELINES[trial.model].predict(task, parts, trial.seed)
    metric = metric_of(task.problem)
    if not np.isfinite(predicted).all():
        return metric.low
    return max(metric.on_host(task.target[parts.test], predicted), metric.low)


def by_task(scores: pd.DataFrame) -> pd.DataFrame:
    """A row for each task and model.

    Args:
        scores: SCORES, `rows` and `digest`, a row for each task, seed and model.

    Returns:
        TASKS and `digest`: mean `score` over the `seeds`, its standard error `se` (NaN for a single seed),
        and the `rank` among the models on this task (1 is best, ties share).
    """
    about = ["task", "group", "problem", "rows", "digest", "model"]
    found = scores.groupby(about, sort=False)["score"].agg(["mean", "sem", "size"]).reset_index()
    found = found.rename(columns={"mean": "score", "sem": "se", "size": "seeds"})
    return found.assign(rank=found.groupby("task")["score"].rank(ascending=False))


def standings(scores: pd.DataFrame) -> dict[str, dict[str, float | int | None]]:
    """Scores, wins and losses of each model, as plain data.

    Args:
        scores: as for `by_task`; every model has the same tasks and seeds. The first model is the reference.

    Returns:
        For each model: mean `rank` on a task and `score`, with standard errors over groups (`..._se`);
        `noise`, the standard error of a task's score over seeds (root mean square over tasks; None for one
        seed); against the reference, the tasks on which it `wins` and `loses` by more than two standard
        errors of the differences seed by seed, and the others (`ties`); and `seconds` of a training.
    """
    tasks = by_task(scores)
    found = {}
    for name in tasks["model"].unique():
        mine, its = tasks[tasks["model"] == name], scores[scores["model"] == name]
        found[name] = {
            **_over_origins(mine, "rank"),
            **_over_origins(mine, "score"),
            "noise": float((mine["se"] ** 2).mean() ** 0.5) if mine["se"].notna().any() else None,
            **_against(its, scores[scores["model"] == tasks["model"].iloc[0]]),
            "seconds": float(its["seconds"].mean()),
        }
    return found


def write_trees(scores: pd.DataFrame, path: Path) -> None:
    """Write SHIPPED: the scores of the boosted trees, by the digest of the task."""
    table = by_task(scores[scores["model"] == TREES]).rename(columns={"task": "name"})[SHIPPED]
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, table.to_csv(index=False, float_format="%.5f").encode())


def _how_to_add(models: Sequence[str]) -> str:
    packages = [package for name in models for package in missing(name)]
    return f"{', '.join(packages)} would be needed. Add them: pip install {' '.join(packages)}"


def _scores(tasks: dict[str, Task], entries: Sequence[dict]) -> pd.DataFrame:
    """SCORES, `rows` and `digest` of every successful job."""
    rows = []
    for entry in entries:
        task = tasks[entry["task"]]
        of_task = {"group": task.group, "problem": task.problem, "rows": task.rows, "digest": task.digest}
        about = {name: entry[name] for name in ("task", "seed", "model")}
        rows.append(about | {name: checked.number(entry, name) for name in ("score", "seconds")} | of_task)
    return pd.DataFrame(rows, columns=[*SCORES, "rows", "digest"])


def _shared(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of those tasks and seeds that every model has."""
    models = scores.groupby(["task", "seed"])["model"].transform("nunique")
    return scores[models == scores["model"].nunique()]


def _over_origins(table: pd.DataFrame, column: str) -> dict[str, float]:
    """Mean over groups, and its standard error, 0 for a single one."""
    means = table.groupby("group")[column].mean()
    return {column: float(means.mean()), f"{column}_se": float(means.sem()) if len(means) > 1 else 0.0}


def _against(its: pd.DataFrame, reference: pd.DataFrame) -> dict[str, int]:
    """Number of tasks won, lost and tied, from the differences on each task, seed by seed."""
    pair = [table.set_index(["task", "seed"])["score"] for table in (its, reference)]
    ahead = (pair[0] - pair[1]).groupby("task").agg(["mean", "sem"])
    noise = 2 * ahead["sem"].fillna(0.0)
    wins, loses = int((ahead["mean"] > noise).sum()), int((ahead["mean"] < -noise).sum())
    return {"wins": wins, "loses": loses, "ties": len(ahead) - wins - loses}
