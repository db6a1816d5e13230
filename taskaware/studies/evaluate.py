"""Leave tasks out: choices of the evaluator and of simpler methods for tasks that they were not fitted to.

A job is one method, one seed and one fold of tasks, held out by group. Everything is learned and picked from
stored experience; nothing is trained on a task.
"""

import dataclasses
import hashlib
import time
from collections.abc import Callable

import numpy as np

from taskaware.compilation import keep_compiled
from taskaware.digests import digest
from taskaware.errors import UserError, unknown
from taskaware.recommendation.teach import MORE, opened
from taskaware.runner import Job, Outcome, RunnerSettings
from taskaware.runner.run_folder import RunFolder
from taskaware.secrets import discreet, masked_value
from taskaware.spaces import preset
from taskaware.store import Experience
from taskaware.studies import quality
from taskaware.studies import worth as worths
from taskaware.studies.resumable import do_once
from taskaware.studies.scoring import StudyData, score_picks
from taskaware.studies.selectors import METHODS, Choice, NewTasks, check_evaluator
from taskaware.surrogates import EvaluatorSettings, TrainingData
from taskaware.surrogates import training_data as training_data
from taskaware.surrogates.training_data import FEWEST_TASKS

MOST = 128
"""Largest number of trainings of the random search that choices are compared with."""

FEWEST_GROUPS = 4

VERSION = 2
"""Of what the methods answer: an older journal's picks are made again."""

SMOKE_TASKS = 24
"""Known tasks of the tiny version."""


@discreet
@dataclasses.dataclass(frozen=True)
class EvaluateSettings:
    """Settings of an evaluation on tasks left out."""

    # "shipped", the path of a file that `pack` wrote (.npz), or path or database URL of a store.
    experience: str = "shipped"
    # Preset of the architectures' space.
    space: str = "compact"
    # Digest of the recipe to use; "" for all, if no task was trained with several.
    recipe: str = ""
    # Parts of `teach.MORE` to train on as well; they are never test tasks.
    more: tuple[str, ...] = MORE
    # Names of the methods, see METHODS.
    methods: tuple[str, ...] = tuple(METHODS)
    # Number of folds of the groups; one at a time is held out.
    folds: int = 5
    # Number of seeds (0, 1, ...); each deals the groups again and seeds the methods.
    seeds: int = 5
    # How the groups are dealt: "random", or "far": in the order of the first principal component of their
    # meta-features, so that the outer folds resemble no known task.
    deal: str = "random"
    # Number of real known tasks, drawn by the seed, with their variants; 0 for all that are not held out.
    tasks: int = 0
    # Number of architectures of each known task, drawn by the seed; 0 for all.
    architectures: int = 0
    # Fewest trained architectures of a test task; 0 for half of the largest number.
    fewest: int = 0
    # Settings of the method "evaluator"; those of the other methods are fixed, but they have at most these
    # members and steps.
    evaluator: EvaluatorSettings = EvaluatorSettings()
    # Where the jobs run.
    runner: RunnerSettings = RunnerSettings()

    def check(self) -> "EvaluateSettings":
        """The settings themselves, if they are valid.

        Raises:
            UserError: a name is unknown (the nearest is given), or a number is out of range.
        """
        if not self.methods:
            raise UserError(f"No method is named. Allowed: {', '.join(METHODS)}.")
        for name in self.methods:
            if name not in METHODS:
                raise unknown("method", name, METHODS)
        if self.deal not in quality.DEALS:
            raise unknown("deal", self.deal, quality.DEALS)
        # One of them is held out.
        if 0 < self.tasks <= FEWEST_TASKS:
            raise UserError(
                f"Setting tasks={self.tasks} is too small. Give 0 for all, or {FEWEST_TASKS + 1} or more."
            )
        for name, least in {"folds": 2, "seeds": 1, "tasks": 0, "architectures": 0, "fewest": 0}.items():
            if getattr(self, name) < least:
                raise UserError(f"Setting {name}={getattr(self, name)} is too small. Give {least} or more.")
        for name in self.more:
            if name not in MORE:
                raise unknown("part of the shipped experience", name, MORE)
        preset(self.space)
        check_evaluator(self.evaluator)
        self.runner.check()
        return self

    def smoke(self) -> "EvaluateSettings":
        """A version that takes seconds: few of the shipped tasks, two folds, one seed, few training steps."""
        hasty = dataclasses.replace(self.evaluator, members=2, steps=20)
        methods = tuple(name for name in self.methods if name != "boosted") or self.methods
        return dataclasses.replace(
            self, more=(), methods=methods, folds=2, seeds=1, tasks=SMOKE_TASKS, evaluator=hasty
        )


@dataclasses.dataclass(frozen=True)
class Fold:
    """One job.

    Attributes:
        method: name.
        evaluator: settings of the method "evaluator".
        seed: of the deal and of the method.
        folds: number of folds.
        number: of the fold that is held out.
        deal, tasks, architectures: see the settings.
    """

    method: str
    evaluator: EvaluatorSettings
    seed: int
    folds: int
    number: int
    deal: str = "random"
    tasks: int = 0
    architectures: int = 0


def evaluate(settings: EvaluateSettings, folder: RunFolder, show: bool | None = None) -> dict:
    """Hold every task out, with its relatives, and score the choice of each method for it.

    Writes `picks.csv` (a row for each method, seed and task: `spearman` of the preference with the true
    validation scores, `score` and `test_score` of the pick, `regret`: by how much the best test score of the
    pool is better, `top1`: whether the pick has the best validation score) and `calibration.csv` (of the
    methods that predict scores: the score that the surrogate gives for the pick, its standard
    deviation, and the actual one; not corrected as `recommend` does, with coefficients that saw the tasks)
    and `chances.csv` (of the method that gives one: the chance of the pick to beat the architecture
    that is best on average, and whether its test score `won`, 0.5 for a tie).

    Args:
        settings: checked before any work.
        folder: the run folder; jobs in its journal are not repeated.
        show: see `Progress`.

    Returns:
        The summary: tasks, groups, jobs that were to be done, those that failed, and by method the mean of
        `spearman`, what `quality.standing` says, `coverage` of the 80 % interval, and the Brier score of the
        chances, `chance_brier`, beside that of their best constant, `chance_constant` (None where there
        are none).

    Raises:
        UserError: the settings or the experience do not do.
        StoreError: the experience cannot be opened.
    """
    began = time.perf_counter()
    settings.check()
    study, curve = prepared(settings)
    jobs = plan(study, settings)
    resources = {"study": study}
    done = do_once(
        jobs, pick, settings.runner, folder, keep=_kept, resources=resources, unit="pick", group="method",
        show=show,
    )  # fmt: skip
    summary = {"jobs": done.begun, "failed": done.failed}
    summary |= score_picks(study, curve, done.entries, settings.methods, folder)
    seconds = time.perf_counter() - began
    folder.finish(jobs=done.begun, failed=done.failed, seconds=seconds, summary=summary)
    return summary


def prepared(settings: EvaluateSettings) -> tuple[StudyData, np.ndarray]:
    """The data of the study, and the curve of the random search on each of its tasks, (T, MOST).

    Raises:
        UserError: as `drawn_at_random`.
    """
    study, found = drawn_at_random(settings)
    return study, worths.random_search_curve(found, MOST)


def drawn_at_random(settings: EvaluateSettings) -> tuple[StudyData, worths.Trials]:
    """The data of the study, and the trainings of random architectures on each of its tasks.

    Raises:
        UserError: the experience is of another space, holds nothing drawn at random, or too few groups.
    """
    space = preset(settings.space)
    experience = opened(settings.experience, space, settings.recipe, settings.more)
    data = training_data(experience)
    found = worths.trials(experience, data)
    pool = _drawn(experience, data)
    drawn = np.any(pool, axis=1)
    groups = {group for group, there in zip(data.groups, drawn, strict=True) if there}
    if len(groups) < FEWEST_GROUPS:
        raise UserError(
            f"'{masked_value(settings.experience)}' has trainings of random architectures for {len(groups)} "
            f"groups; {FEWEST_GROUPS} are needed to hold some out. Collect more."
        )
    masked = [np.where(pool[:, :, None], scores, np.nan)[drawn] for scores in (found.score, found.test_score)]
    data, pool = data.take(drawn), pool[drawn]
    chosen = quality.eligible(data, settings.fewest)
    if not chosen.any():
        most = (~np.isnan(data.score[data.real])).sum(1).max()
        raise UserError(
            f"Setting fewest={settings.fewest} leaves no test task: at most {most} architectures were "
            "trained on one. Give fewer."
        )
    return StudyData(space, data, pool & chosen[:, None]), worths.Trials(*masked)


def plan(study: StudyData, settings: EvaluateSettings) -> list[Job]:
    """All jobs, method by method."""

    def fold(method: str, seed: int, number: int) -> Fold:
        thin = (settings.deal, settings.tasks, settings.architectures)
        return Fold(method, settings.evaluator, seed, settings.folds, number, *thin)

    return jobs_of(study.training_data, settings, fold, content_of(study), "study")


def jobs_of(
    data: TrainingData, settings, fold: Callable[[str, int, int], object], content: object, resource: str
) -> list[Job]:
    """A job for each method, seed and fold of settings that have `methods`, `seeds` and `folds`.

    Args:
        data: the experience.
        settings: of the study.
        fold: (method, seed, number of the fold) → argument of the worker.
        content: everything else that the results depend on.
        resource: name of the resource of every job.
    """
    jobs = []
    for method in settings.methods:
        for seed in range(settings.seeds):
            deal = getattr(settings, "deal", "random")
            for number, out in enumerate(quality.held_out(data, settings.folds, seed, deal)):
                about = {"method": method, "seed": seed, "fold": number}
                label, work = f"{method}, seed {seed}, fold {number}", fold(method, seed, number)
                jobs.append(Job(digest([content, work]), work, label, resource, int(out.sum()), about))
    return jobs


def pick(study: StudyData, fold: Fold) -> list[dict]:
    """Run a job on a worker; see `quality.picks`."""
    keep_compiled()
    selector = METHODS[fold.method](study.space, fold.evaluator)
    out = list(quality.held_out(study.training_data, fold.folds, fold.seed, fold.deal))[fold.number]

    def thinned_first(rest: TrainingData, new: NewTasks, seed: int) -> Choice:
        return selector(rest.thinned(fold.tasks, fold.architectures, seed), new, seed)

    return quality.picks(study.training_data, thinned_first, out, fold.seed, study.pool)


def _drawn(experience: Experience, data: TrainingData) -> np.ndarray:
    """Mask of the architectures that were drawn at random on each task, (T, A)."""
    places = {name: row for row, name in enumerate(data.digests)}
    row = np.array([places.get(task.digest, -1) for task in experience.tasks])[experience.task]
    random = np.array([name == "random" for name in experience.strategies], bool)[experience.strategy]
    tables = []
    for chosen in (random, ~random):
        table = np.zeros(data.score.shape, bool)
        table[row[chosen & (row >= 0)], experience.architecture[chosen & (row >= 0)]] = True
        tables.append(table)
    return tables[0] & ~tables[1]


def _kept(outcome: Outcome) -> dict:
    return {"picks": outcome.result}


def content_of(study: StudyData) -> str:
    """Digest of the data, so that grown experience is evaluated again."""
    hasher = hashlib.sha256("".join(study.training_data.digests).encode())
    for column in (study.training_data.z, study.training_data.u, study.training_data.score, study.pool):
        hasher.update(np.ascontiguousarray(column).tobytes())
    return digest([VERSION, study.space.digest, study.training_data.groups, hasher.hexdigest()])
