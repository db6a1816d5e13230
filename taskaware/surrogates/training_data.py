"""Experience → training data of a surrogate: a table of tasks and architectures with comparable scores."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from taskaware.errors import UserError
from taskaware.modalities.tables.variants import is_variant
from taskaware.store import Experience
from taskaware.surrogates.features import architecture_features, features_of, names_of_features

__all__ = [
    "TrainingData",
    "architecture_features",
    "features_of",
    "names_of_features",
    "normalised",
    "training_data",
    "with_loss",
]

FLOOR = -4.0
LOSS = 1.0
"""Bonus of the smallest loss of a task over its largest, in spreads of the score."""
STEADIER = 0.8
"""Noise of score and loss together, relative to the score alone, both in spreads; measured on the 31
classification tables that have seeds 0 and 1 (median .82)."""
ADDITIVE_STEPS = 20
SHARED = 0.02
"""Architectures with fewer tasks than this share of the most frequent one's were found for single tasks."""
FEWEST_TASKS = 2
FEWEST_GROUPS = 5
TEXTS = ("names", "groups", "problems", "digests")


_Tasks = TypeVar("_Tasks", bound="TaskList")  # Self cannot be checked at run time


class TaskList:
    """Base class: the tasks of training data of any form."""

    names: tuple[str, ...]
    groups: tuple[str, ...]
    problems: tuple[str, ...]
    digests: tuple[str, ...]

    @property
    def real(self) -> np.ndarray:
        """Mask of the tasks that are not variants of others, (T,)."""
        return np.array([not is_variant(name) for name in self.names], bool)

    def _taken(self, places: np.ndarray, columns: Sequence[str]) -> dict[str, Any]:
        """The texts of some tasks, and these columns, at their positions."""
        texts = {name: tuple(getattr(self, name)[place] for place in places) for name in TEXTS}
        return texts | {name: getattr(self, name)[places] for name in columns}

    if TYPE_CHECKING:

        def take(self: _Tasks, tasks: np.ndarray) -> _Tasks: ...

    def without(self: _Tasks, *groups: str) -> _Tasks:
        """The tasks of every other group."""
        return self.take(np.array([group not in groups for group in self.groups]))

    def of_problem(self, problem: str) -> np.ndarray:
        """Mask of the tasks of a problem, (T,); of all tasks if too few groups have real tasks of it."""
        alike = np.array(self.problems) == problem
        groups = set(np.array(self.groups)[alike & self.real])
        return alike if len(groups) >= FEWEST_GROUPS else np.ones_like(alike)


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingData(TaskList):
    """Mean scores over seeds, normalised within each task; T tasks, at most A architectures on each.

    Attributes:
        names, groups, problems: of the tasks, T each.
        digests: of the tasks' content, T.
        z: meta-features, (T, M).
        u: architectures, (A, D), each once.
        score: mean validation score, (T, A); NaN where the architecture was not trained on the task, the
            worst of the task where it diverged.
        test_score: the same for the test score.
        noise: standard error of `score` on each task, (T,): from its seeds or, with a single seed, from the
            differences of validation and test scores; 0 without either. Times STEADIER where the loss counts.
        target: of the evaluator, (T, A): (value - top) / spread of the task, cut at FLOOR; NaN as
            in `score`. The value is the score, in classification with the loss (see `with_loss`); top and
            spread are those of the values.
        top: mean of the best five scores, (T,).
        spread: difference of top and median score, (T,); positive.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    problems: tuple[str, ...]
    digests: tuple[str, ...]
    z: np.ndarray
    u: np.ndarray
    score: np.ndarray
    test_score: np.ndarray
    noise: np.ndarray
    target: np.ndarray
    top: np.ndarray
    spread: np.ndarray

    def take(self, tasks: np.ndarray) -> "TrainingData":
        """Only these tasks (indices or mask)."""
        places = np.arange(len(self.names))[tasks]
        columns = ("z", "score", "test_score", "noise", "target", "top", "spread")
        return dataclasses.replace(self, **self._taken(places, columns))

    def table(self) -> "TrainingData":
        """The data itself, which is a table already."""
        return self

    def trained(self) -> np.ndarray:
        """Architectures with a score on each task, (T,)."""
        return (~np.isnan(self.score)).sum(1)

    def often(self) -> np.ndarray:
        """Tasks with a score of each architecture, (A,)."""
        return (~np.isnan(self.score)).sum(0)

    def best_test(self) -> np.ndarray:
        """Test score of the architecture with the best validation score on each task, (T,)."""
        return self.test_score[np.arange(len(self.names)), np.nanargmax(self.score, axis=1)]

    def thinned(self, tasks: int, architectures: int, seed: int) -> "TrainingData":
        """A random subset.

        Args:
            tasks: number of real tasks, drawn with the variants of their groups; 0 for all.
            architectures: number of architectures, drawn for each task on its own; 0 for all.
            seed: of the draw.
        """
        rng, left = np.random.default_rng(seed), self
        if tasks:
            real = np.flatnonzero(self.real)
            drawn = rng.permutation(real)[:tasks]
            varied = ~self.real & np.isin(self.groups, np.array(self.groups)[drawn])
            left = self.take(np.sort(np.append(drawn, np.flatnonzero(varied))))
        if not architectures:
            return left
        order = np.where(np.isnan(left.score), np.inf, rng.random(left.score.shape)).argsort(1).argsort(1)
        drawn = order < architectures
        score, test = (np.where(drawn, table, np.nan) for table in (left.score, left.test_score))
        _, top, spread = normalised(score)
        target, *_ = normalised(np.where(drawn, left.target, np.nan))
        return dataclasses.replace(left, score=score, test_score=test, target=target, top=top, spread=spread)

    def filled(self) -> np.ndarray:
        """`target`; missing entries are the sum of a task effect and an architecture effect, (T, A).

        The effects are fitted to the targets. An architecture without any score gets FLOOR.
        """
        present = ~np.isnan(self.target)
        target, counts = np.where(present, self.target, 0.0), np.maximum(present.sum(0), 1)
        columns = np.zeros(target.shape[1])
        for _ in range(ADDITIVE_STEPS):
            rows = (target - present * columns).sum(1) / np.maximum(present.sum(1), 1)
            columns = (target - present * rows[:, None]).sum(0) / counts
        sums = np.where(present.any(0), np.clip(rows[:, None] + columns, FLOOR, 0.0), FLOOR)
        return np.where(present, self.target, sums)

    def averages(self) -> np.ndarray:
        """Mean normalised score of each architecture over the tasks, see `filled`, (A,)."""
        return self.filled().mean(0)

    def draw(self, rng: np.random.Generator, tasks: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Architectures for each of some tasks, drawn uniformly from all A, with replacement.

        Args:
            rng: that draws.
            tasks: positions of them, (S, t).
            count: architectures of each, a.

        Returns:
            Their positions in `u`, (S, t, a) int32, and their targets, float32, NaN where there is none.
        """
        drawn = rng.integers(0, len(self.u), (*tasks.shape, count), np.int32)
        return drawn, self.target[tasks[..., None], drawn].astype(np.float32)

    def best(self, count: int) -> np.ndarray:
        """Positions in `u` of the best architectures of each task, best first, (T, count)."""
        return np.argsort(-np.nan_to_num(self.score, nan=-np.inf), axis=1, kind="stable")[:, :count]


def shared(often: np.ndarray) -> np.ndarray:
    """Positions of the architectures that many tasks were trained with, see SHARED.

    >>> shared(np.array([100, 1, 40]))
    array([0, 2])

    Args:
        often: number of tasks of each, (A,).
    """
    return np.flatnonzero(often >= max(SHARED * often.max(initial=0), 1))


def training_data(experience: Experience) -> TrainingData:
    """Average over seeds, normalise within tasks.

    Raises:
        UserError: fewer than FEWEST_TASKS tasks carry a score, or a task has no meta-features.
    """
    tasks, records, z = tasks_of(experience)
    rows = [task_scores(experience, task) for task in tasks.tolist()]
    stacked = (np.stack(column) for column in zip(*rows, strict=True))
    columns: dict[str, Any] = dict(zip(TaskScores._fields, stacked, strict=True))
    names, groups, problems, digests = texts_of(records)
    return TrainingData(names, groups, problems, digests, z=z, u=experience.architectures, **columns)


def tasks_of(experience: Experience) -> tuple[np.ndarray, list, np.ndarray]:
    """Positions, records and meta-features of the tasks with a score.

    Raises:
        UserError: fewer than FEWEST_TASKS tasks carry a score, or a task has no meta-features.
    """
    tasks = np.unique(experience.task[~experience.diverged])
    if len(tasks) < FEWEST_TASKS:
        raise UserError(
            f"The experience holds {len(tasks) or 'no'} task with scores; an evaluator needs {FEWEST_TASKS}. "
            "Collect more."
        )
    records = [experience.tasks[i] for i in tasks]
    z = experience.z[tasks]
    bare = [record.name for record, row in zip(records, z, strict=True) if not np.isfinite(row).all()]
    if bare:
        raise UserError(f"No meta-features are stored for {', '.join(bare[:5])}. Add them before learning.")
    return tasks, records, z


def texts_of(records: list) -> tuple[tuple[str, ...], ...]:
    """Names, groups, problems and digests of T tasks."""
    columns = ("name", "group", "problem", "digest")
    return tuple(tuple(getattr(record, column) for record in records) for column in columns)


class TaskScores(NamedTuple):
    """Scores of A architectures on one task: a row of `TrainingData`."""

    score: np.ndarray
    test_score: np.ndarray
    noise: float
    target: np.ndarray
    top: float
    spread: float


def task_scores(experience: Experience, task: int) -> TaskScores:
    """Mean scores of all architectures on a task, and the target of the surrogate."""
    score, test, noise = _table(experience, task)
    better = _better(experience, task)
    _, top, spread = normalised(score[None])
    target, *_ = normalised(with_loss(score[None], spread, better[None]))
    noise = noise * (STEADIER if (better > 0).any() else 1.0)
    return TaskScores(score, test, noise, target[0], top[0], spread[0])


def with_loss(score: np.ndarray, spread: np.ndarray, better: np.ndarray) -> np.ndarray:
    """Scores plus a bonus for the rank of the loss, (T, A).

    Validation accuracy is coarse, and noisy on few rows. With the loss it predicts test accuracy better (see
    `docs/evaluator.md`).

    Args:
        score: (T, A), NaN where not trained.
        spread: of the scores of each task, (T,).
        better: share of a task's architectures with a larger loss, (T, A); 0 where the loss does not
            count.
    """
    return score + LOSS * spread[:, None] * better


def normalised(score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`target`, `top` and `spread` of scores (T, A), see `TrainingData`."""
    there = [np.sort(row[~np.isnan(row)]) for row in score]
    top = np.array([row[-5:].mean() for row in there])
    spread = np.maximum(top - [np.median(row) for row in there], 1e-3)
    return np.maximum((score - top[:, None]) / spread[:, None], FLOOR), top, spread


def _table(experience: Experience, task: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean score and test score of every architecture on a task, and the noise of the mean."""
    rows = np.flatnonzero(experience.task == task)
    places = experience.architecture[rows]
    worst = np.nanmin(experience.score[rows])
    tested = ~np.isnan(experience.test_score[rows]).all()
    worst_test = np.nanmin(experience.test_score[rows]) if tested else np.nan
    score = np.nan_to_num(experience.score[rows].astype(float), nan=worst)
    test = np.nan_to_num(experience.test_score[rows].astype(float), nan=worst_test)
    count = len(experience.architectures)
    times = np.bincount(places, minlength=count).astype(float)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(places, score, count) / times
        mean_test = np.bincount(places, test, count) / times
    # Each seed draws its own splits, so a shift common to all architectures of a seed is not noise.
    seeds = experience.seed[rows]
    left = score - mean[places]
    for seed in np.unique(seeds):
        left[seeds == seed] -= left[seeds == seed].mean()
    freedom = len(rows) - (times > 0).sum()
    if freedom:
        return mean, mean_test, np.sqrt(np.sum(left**2) / freedom / times[times > 0].mean())
    return mean, mean_test, np.nanstd(mean - mean_test) / 2**0.5 if tested else 0.0


def _better(experience: Experience, task: int) -> np.ndarray:
    """Share of the architectures with a larger loss than each has, mean over seeds, (A,); see `with_loss`."""
    count = len(experience.architectures)
    rows = np.flatnonzero(experience.task == task)
    loss = np.where(experience.diverged[rows], np.inf, experience.loss[rows])
    if experience.tasks[task].problem != "classification" or np.isnan(loss).any():
        return np.zeros(count)
    shares, seeds = np.zeros(len(rows)), experience.seed[rows]
    for seed in np.unique(seeds):
        own = loss[seeds == seed]
        shares[seeds == seed] = (len(own) - np.searchsorted(np.sort(own), own, side="right")) / len(own)
    places = experience.architecture[rows]
    with np.errstate(invalid="ignore"):
        return np.bincount(places, shares, count) / np.bincount(places, minlength=count)
