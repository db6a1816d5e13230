"""Growing: quality of the choices for a family of tasks before and after some of them are learned.

The tasks of a family are those that one user might have. Before, none of them is known; after, some are, and
the picks for the others of the family are scored. Nothing else in the training data changes; tasks of other
families, each held out, show whether anything is forgotten.
"""

import dataclasses
import time
from typing import NamedTuple

import numpy as np
import pandas as pd

from taskaware.compilation import keep_compiled
from taskaware.digests import digest
from taskaware.errors import UserError, unknown
from taskaware.recommendation.ascent import AscentSettings
from taskaware.runner import Job, Outcome, RunnerSettings
from taskaware.runner.run_folder import RunFolder
from taskaware.secrets import discreet
from taskaware.studies import entries as checked
from taskaware.studies import quality
from taskaware.studies.evaluate import EvaluateSettings, content_of, drawn_at_random
from taskaware.studies.resumable import do_once
from taskaware.studies.scoring import StudyData
from taskaware.studies.selectors import learned
from taskaware.surrogates import EvaluatorSettings
from taskaware.surrogates.training_data import TrainingData

PICKS = ["family", "own", "seed", "about", "task", "spearman", "score", "test_score", "normalised"]
STRANGERS = 20
"""Number of test tasks of other families, to see whether anything is forgotten."""


WAGES = (
    "wages-1985 wages-1988 earnings panel-wages labour-dynamics wages-atlantic young-men-wages looks "
    "returns-to-school young-men two-year-college wages-1976 wages-iq salaries incomes professors-salary"
)
SCHOOLS = (
    "school-scores college-distance star-maths language-test maths-achievement exam-scores maths-growth "
    "chemistry reading-test economics-score school-tests schools-math high-school grade-averages college-gpa "
    "math-placement"
)


@discreet
@dataclasses.dataclass(frozen=True)
class GrowingSettings:
    """Settings of the study of growing experience."""

    # See `EvaluateSettings`.
    experience: str = "shipped"
    # Preset of the architectures' space.
    space: str = "compact"
    # Families: the names of their tasks, separated by blanks; incomes of people, and grades of pupils.
    families: tuple[str, ...] = (WAGES, SCHOOLS)
    # Numbers of the family's tasks that are learned; 0 is before.
    own: tuple[int, ...] = (0, 3, 10)
    # Number of seeds (0, 1, ...); each draws which tasks of the family are learned.
    seeds: int = 5
    # Settings of the evaluator.
    evaluator: EvaluatorSettings = EvaluatorSettings()
    # Where the jobs run.
    runner: RunnerSettings = RunnerSettings()

    def check(self) -> "GrowingSettings":
        """The settings themselves, if they are valid.

        Raises:
            UserError: no family is named, one has too few tasks, or a number is out of range.
        """
        if not self.families:
            raise UserError("No family is named. Give the names of its tasks, separated by blanks.")
        if not self.own or min(self.own) < 0 or self.seeds < 1:
            raise UserError(
                f"Settings own={self.own}, seeds={self.seeds} are too small. Give 0 and 1 or more."
            )
        for family in self.families:
            if len(family.split()) <= max(self.own):
                raise UserError(
                    f"Family '{family}' has {len(family.split())} tasks; with {max(self.own)} learned, none "
                    "is left to test on. Name more, or lower own."
                )
        EvaluateSettings(self.experience, self.space, evaluator=self.evaluator, runner=self.runner).check()
        return self

    def smoke(self) -> "GrowingSettings":
        """A version that takes seconds: the first family, one seed, few training steps."""
        hasty = EvaluatorSettings(network="bilinear", members=2, steps=20)
        return dataclasses.replace(
            self, families=self.families[:1], own=self.own[:2], seeds=1, evaluator=hasty
        )


@dataclasses.dataclass(frozen=True)
class Grown:
    """One job.

    Attributes:
        family: names of its tasks.
        own: how many of them the evaluator learns from.
        most: `own` at its largest; the family's other tasks are chosen for, at every `own`.
        seed: of the draw.
        evaluator: settings of the fit.
    """

    family: tuple[str, ...]
    own: int
    most: int
    seed: int
    evaluator: EvaluatorSettings


class Parts(NamedTuple):
    """Masks of the tasks, (T,).

    Attributes:
        known: known tasks of the evaluator.
        like: tasks of the family to choose for.
        others: tasks of other families to choose for.
    """

    known: np.ndarray
    like: np.ndarray
    others: np.ndarray


def grow(settings: GrowingSettings, folder: RunFolder, show: bool | None = None) -> dict:
    """Choose for the tasks of a family, before and after some of them are learned.

    Writes `picks.csv`: a row for each family, number of own tasks, seed and task picked for; `about` says
    whether it is "like" one's own or a "stranger"; `normalised` is the test score less the task's median, in
    units of what its best are above it.

    Args:
        settings: checked before any work.
        folder: the run folder; jobs in its journal are not repeated.
        show: see `runner.Progress`.

    Returns:
        The summary: jobs that were to be done, those that failed, and for each family, number of own tasks
        and what is picked for, the mean `spearman`, `test_score` and `normalised` (its standard error over
        tasks, `normalised_se`).

    Raises:
        UserError: the settings do not do, or a task is not in the experience.
    """
    began = time.perf_counter()
    settings.check()
    known, _ = drawn_at_random(EvaluateSettings(settings.experience, settings.space))
    # Tasks that are only training data elsewhere are test tasks here.
    known = known._replace(pool=~np.isnan(known.training_data.score))
    for family in settings.families:
        for name in family.split():
            if name not in known.training_data.names:
                raise unknown("task of the experience", name, known.training_data.names)
    jobs = plan(known, settings)
    done = do_once(
        jobs, pick, settings.runner, folder, keep=_kept, resources={"known": known}, unit="pick",
        group="family", show=show,
    )  # fmt: skip
    rows = [
        {name: entry[name] for name in ("family", "own", "seed")} | found
        for entry in done.entries
        for found in checked.rows(entry, "picks", {})
    ]
    table = pd.DataFrame(rows, columns=PICKS)
    folder.write_table("picks", table)
    summary = {"jobs": done.begun, "failed": done.failed, "grown": standings(table)}
    seconds = time.perf_counter() - began
    folder.finish(jobs=done.begun, failed=done.failed, seconds=seconds, summary=summary)
    return summary


def plan(known: StudyData, settings: GrowingSettings) -> list[Job]:
    """A job for each family, number of own tasks and seed."""
    jobs, content = [], content_of(known)
    for number, family in enumerate(settings.families):
        for own in settings.own:
            for seed in range(settings.seeds):
                work = Grown(tuple(family.split()), own, max(settings.own), seed, settings.evaluator)
                about = {"family": f"{family.split()[0]}, ...", "own": own, "seed": seed}
                label = f"family {number + 1}, {own} known, seed {seed}"
                jobs.append(Job(digest([content, work]), work, label, "known", about=about))
    return jobs


def parts(known: TrainingData, work: Grown) -> Parts:
    """The training and the test tasks; relatives of test tasks are not trained on."""
    names, groups = np.array(known.names), np.array(known.groups)
    rng = np.random.default_rng(work.seed)
    order = rng.permutation(np.array(work.family))
    like = np.isin(names, order[work.most :])
    family = np.isin(groups, groups[np.isin(names, order)])
    drawn = rng.permutation(np.flatnonzero(quality.eligible(known) & ~family))[:STRANGERS]
    others = np.isin(np.arange(len(names)), drawn)
    out = np.isin(groups, groups[like | others])
    own = np.isin(groups, groups[np.isin(names, order[: work.own])])
    return Parts(~out & (own | ~family), like, others)


def pick(known: StudyData, work: Grown) -> list[dict]:
    """Run a job on a worker."""
    keep_compiled()
    mine = known.training_data
    which = parts(mine, work)
    selector = learned(known.space, work.evaluator, AscentSettings().kappa)
    middle, spread = quality.scale(mine.test_score)
    rows = []
    for about, wanted in (("like", which.like), ("stranger", which.others)):
        there = np.flatnonzero(which.known | wanted)
        for found in quality.picks(mine.take(there), selector, wanted[there], work.seed, known.pool[there]):
            task, place = there[found["place"]], found["picked"]
            test = mine.test_score[task, place]
            rows.append(
                {
                    "about": about,
                    "task": found["task"],
                    "spearman": found["spearman"],
                    "score": float(mine.score[task, place]),
                    "test_score": float(test),
                    "normalised": float((test - middle[task]) / spread[task]),
                }
            )
    return rows


def standings(table: pd.DataFrame) -> list[dict]:
    """Means over seeds and tasks, a row for each family, number of learned tasks and kind of test task."""
    rows = []
    for (family, own, about), its in table.groupby(["family", "own", "about"], sort=False):
        by_task = its.groupby("task")["normalised"].mean()
        means = its[["spearman", "test_score", "normalised"]].mean()
        found = {name: float(value) for name, value in means.items()}
        rows.append(
            {
                "family": family,
                "own": int(own),
                "about": about,
                **found,
                "normalised_se": float(by_task.sem()),
            }
        )
    return rows


def _kept(outcome: Outcome) -> dict:
    return {"picks": outcome.result}
