"""Value of learned meta-features: choices for held-out tasks with and without them.

A job is one method, one seed and one fold of tasks, held out by group, as in `evaluate`.
"""

import dataclasses
import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from taskaware.compilation import keep_compiled
from taskaware.errors import UserError, unknown
from taskaware.modalities.reading import modality_of
from taskaware.modalities.suites import here, suite_named
from taskaware.modalities.tables.samples import Samples, SampleSize
from taskaware.runner import Job, Outcome, RunnerSettings
from taskaware.runner.run_folder import RunFolder
from taskaware.secrets import discreet, masked_value
from taskaware.spaces import Space
from taskaware.studies import quality
from taskaware.studies.evaluate import (
    FEWEST_GROUPS,
    EvaluateSettings,
    content_of,
    jobs_of,
    prepared,
)
from taskaware.studies.resumable import do_once
from taskaware.studies.scoring import StudyData, score_picks
from taskaware.studies.selectors import Selector, learned, no_dearer
from taskaware.surrogates.joint_settings import PUBLISHED_JOINT, JointSettings, check_joint

METHODS = ("statistical", "learned", "beside", "published", "published_generator")
"""Statistical meta-features; learned ones alone; both side by side; the published φ and ρ; the published φ
with our evaluator."""

KAPPA = 0.5
"""Number of standard deviations over the members that are subtracted from their mean, for every method."""

SHOWN = ("statistical", "beside", "published")
"""Methods of a small study; together they use every network, and compilation costs most."""


@discreet
@dataclasses.dataclass(frozen=True)
class LearnedFeaturesSettings:
    """Settings of the study of learned meta-features."""

    # See `EvaluateSettings`.
    experience: str = "shipped"
    # Preset of the architectures' space.
    space: str = "compact"
    # Digest of the recipe to use; "" for all, if no task was trained with several.
    recipe: str = ""
    # Raw data of the tasks: "bundled", and folders with an index.csv. Tasks without raw data are left out.
    suite: tuple[str, ...] = ("bundled",)
    # Names of the methods, see METHODS.
    methods: tuple[str, ...] = METHODS
    # Number of folds of the groups; one at a time is held out.
    folds: int = 5
    # Number of seeds (0, 1, ...); each deals the groups again and seeds the methods.
    seeds: int = 2
    # Size of the sample that is read of a task.
    samples: SampleSize = SampleSize()
    # Settings of φ and ρ; the evaluator in them also reads the statistical meta-features.
    joint: JointSettings = JointSettings()
    # Where the jobs run.
    runner: RunnerSettings = RunnerSettings()

    def check(self) -> "LearnedFeaturesSettings":
        """The settings themselves, if they are valid.

        Raises:
            UserError: a name is unknown (the nearest is given), or a number is out of range.
        """
        self.evaluation.check()
        check_joint(self.joint)
        if not self.methods:
            raise UserError(f"No method is named. Allowed: {', '.join(METHODS)}.")
        for name in self.methods:
            if name not in METHODS:
                raise unknown("method", name, METHODS)
        self.samples.check()
        return self

    def smoke(self) -> "LearnedFeaturesSettings":
        """A tiny version: two folds, one seed, few methods and steps."""
        methods = tuple(name for name in self.methods if name in SHOWN) or self.methods
        hasty = dataclasses.replace(self.joint.evaluator, members=2, steps=5)
        joint = dataclasses.replace(self.joint, evaluator=hasty)
        suite = here(self.suite) or self.suite
        return dataclasses.replace(self, suite=suite, methods=methods, folds=2, seeds=1, joint=joint)

    @property
    def evaluation(self) -> EvaluateSettings:
        """The same settings as those of an evaluation, without the methods."""
        same = ("experience", "space", "recipe", "folds", "seeds", "runner")
        return EvaluateSettings(
            **{name: getattr(self, name) for name in same}, evaluator=self.joint.evaluator
        )


class Read(NamedTuple):
    """The resource of every job.

    Attributes:
        known: see `evaluate.StudyData`.
        samples: of every task, by its digest.
    """

    known: StudyData
    samples: dict[str, Samples]


@dataclasses.dataclass(frozen=True)
class Fold:
    """One job.

    Attributes:
        method: name.
        joint: see the settings.
        seed: of the deal and of the method.
        folds: number of folds.
        number: of the fold that is held out.
    """

    method: str
    joint: JointSettings
    seed: int
    folds: int
    number: int


def run_learned_features(
    settings: LearnedFeaturesSettings, folder: RunFolder, show: bool | None = None
) -> dict:
    """Hold every task out, with its relatives, and score the choice of each method for it.

    Args:
        settings: checked before any work.
        folder: the run folder; jobs in its journal are not repeated.
        show: see `Progress`.

    Returns:
        The summary, as `evaluate` gives it.

    Raises:
        UserError: the settings do not do, or the suite has rows of too few tasks of the experience.
        StoreError: the experience cannot be opened.
    """
    began = time.perf_counter()
    settings.check()
    known, curve = prepared(settings.evaluation)
    samples = _samples(settings)
    there = np.array([name in samples for name in known.training_data.digests], bool)
    known, curve = StudyData(known.space, known.training_data.take(there), known.pool[there]), curve[there]
    _check_groups(settings, known)
    jobs = plan(known, settings)
    done = do_once(
        jobs, pick, settings.runner, folder, keep=_kept, resources={"read": Read(known, samples)},
        unit="pick", group="method", show=show,
    )  # fmt: skip
    summary = {"jobs": done.begun, "failed": done.failed}
    summary |= score_picks(known, curve, done.entries, settings.methods, folder)
    seconds = time.perf_counter() - began
    folder.finish(jobs=done.begun, failed=done.failed, seconds=seconds, summary=summary)
    return summary


def plan(known: StudyData, settings: LearnedFeaturesSettings) -> list[Job]:
    """All jobs, method by method."""

    def fold(method: str, seed: int, number: int) -> Fold:
        return Fold(method, settings.joint, seed, settings.folds, number)

    return jobs_of(known.training_data, settings, fold, [content_of(known), settings.samples], "read")


def pick(read: Read, fold: Fold) -> list[dict]:
    """Run a job on a worker; see `quality.picks`."""
    keep_compiled()
    known = read.known
    out = list(quality.held_out(known.training_data, fold.folds, fold.seed))[fold.number]
    selector = _selector(fold.method, fold.joint, known.space, read.samples)
    return quality.picks(known.training_data, selector, out, fold.seed, known.pool)


def joint_settings(method: str, ours: JointSettings) -> JointSettings:
    """Settings of the φ and ρ of a method.

    >>> joint_settings("beside", JointSettings()).beside
    True
    """
    if method == "published":
        learner = no_dearer(PUBLISHED_JOINT.evaluator, ours.evaluator)
        return dataclasses.replace(PUBLISHED_JOINT, evaluator=learner)
    if method == "published_generator":
        return dataclasses.replace(PUBLISHED_JOINT, evaluator=ours.evaluator)
    return dataclasses.replace(ours, beside=method == "beside")


def _selector(method: str, ours: JointSettings, space: Space, samples: Mapping[str, Samples]) -> Selector:
    if method == "statistical":
        return learned(space, ours.evaluator, KAPPA)
    return learned(space, joint_settings(method, ours), KAPPA, samples=samples)


def _samples(settings: LearnedFeaturesSettings) -> dict[str, Samples]:
    tasks, size = suite_named(*settings.suite), vars(settings.samples)
    return {task.digest: modality_of(task).samples(task, **size) for task in tasks}


def _check_groups(settings: LearnedFeaturesSettings, known: StudyData) -> None:
    count = len(set(known.training_data.groups))
    if count < FEWEST_GROUPS:
        raise UserError(
            f"Only {count} groups of '{masked_value(settings.experience)}' have rows in "
            f"{', '.join(settings.suite)}; {FEWEST_GROUPS} are needed to hold some out. Name the folder of "
            "their tables: suite=bundled,FOLDER."
        )


def _kept(outcome: Outcome) -> dict:
    return {"picks": outcome.result}
