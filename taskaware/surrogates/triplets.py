"""Training data in long form: tasks that share few architectures, or none."""

import dataclasses
from typing import Any

import numpy as np

from taskaware.store import Experience
from taskaware.surrogates.training_data import (
    ADDITIVE_STEPS,
    FLOOR,
    TEXTS,
    TaskList,
    TrainingData,
    task_scores,
    tasks_of,
    texts_of,
    training_data,
)

LARGEST_TABLE = 50_000_000
"""Surrogates that read triplets get them where a table would hold more numbers than this."""


@dataclasses.dataclass(frozen=True, eq=False)
class TripletData(TaskList):
    """n mean scores over seeds; memory grows with n, not with tasks times architectures.

    Networks read it directly; a Gaussian process needs `table`.

    Attributes:
        names, groups, problems, digests: of the tasks, T each.
        z: meta-features, (T, M).
        u: architectures, (A, D), each once.
        task, architecture: positions of each score, (n,), by task.
        score, test_score, target: as in `TrainingData`, (n,) each.
        noise, top, spread: of the tasks, as in `TrainingData`, (T,) each.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    problems: tuple[str, ...]
    digests: tuple[str, ...]
    z: np.ndarray
    u: np.ndarray
    task: np.ndarray
    architecture: np.ndarray
    score: np.ndarray
    test_score: np.ndarray
    target: np.ndarray
    noise: np.ndarray
    top: np.ndarray
    spread: np.ndarray

    def take(self, tasks: np.ndarray) -> "TripletData":
        """Only these tasks (indices or mask)."""
        places = np.arange(len(self.names))[tasks]
        rows = np.concatenate([self._rows(place) for place in places.tolist()] or [np.zeros(0, int)])
        columns = self._taken(places, ("z", "noise", "top", "spread"))
        long = {name: getattr(self, name)[rows] for name in ("architecture", "score", "test_score", "target")}
        task = np.repeat(np.arange(len(places)), self.trained()[places])
        return dataclasses.replace(self, task=task, **(columns | long))

    def table(self) -> TrainingData:
        """As a table, T x A numbers."""
        shape = (len(self.names), len(self.u))
        tables: dict[str, Any] = {}
        for name in ("score", "test_score", "target"):
            tables[name] = np.full(shape, np.nan)
            tables[name][self.task, self.architecture] = getattr(self, name)
        same = (*TEXTS, "z", "u", "noise", "top", "spread")
        return TrainingData(**{name: getattr(self, name) for name in same}, **tables)

    def trained(self) -> np.ndarray:
        """Architectures with a score on each task, (T,)."""
        return np.bincount(self.task, minlength=len(self.names))

    def often(self) -> np.ndarray:
        """Tasks with a score of each architecture, (A,)."""
        return np.bincount(self.architecture, minlength=len(self.u))

    def best(self, count: int) -> np.ndarray:
        """Positions in `u` of the best architectures of each task, best first, (T, count).

        If a task has fewer, its last one is repeated.
        """
        found = []
        for task in range(len(self.names)):
            rows = self._rows(task)
            order = rows[np.argsort(-self.score[rows], kind="stable")][:count]
            found.append(np.pad(self.architecture[order], (0, count - len(order)), mode="edge"))
        return np.stack(found)

    def best_test(self) -> np.ndarray:
        """Test score of the architecture with the best validation score on each task, (T,)."""
        rows = (self._rows(task) for task in range(len(self.names)))
        return np.array([self.test_score[places[self.score[places].argmax()]] for places in rows])

    def averages(self) -> np.ndarray:
        """Mean normalised score of each architecture over the tasks, (A,), see `TrainingData.filled`."""
        count, often = self.trained(), np.bincount(self.architecture, minlength=len(self.u))
        columns: np.ndarray = np.zeros(len(self.u))
        for _ in range(ADDITIVE_STEPS):
            left = self.target - columns[self.architecture]
            rows = np.bincount(self.task, left, len(count)) / np.maximum(count, 1)
            columns = np.bincount(self.architecture, self.target - rows[self.task], len(columns))
            columns = columns / np.maximum(often, 1)
        total = np.zeros(len(columns))
        for task, row in enumerate(rows):
            sums, own = np.clip(row + columns, FLOOR, 0.0), self._rows(task)
            sums[self.architecture[own]] = self.target[own]
            total += sums
        return np.where(often > 0, total / len(rows), FLOOR)

    def draw(self, rng: np.random.Generator, tasks: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Architectures for each of some tasks, drawn with replacement from those with a score.

        Args:
            rng: that draws.
            tasks: positions of them, (S, t).
            count: architectures of each, a.

        Returns:
            Their positions in `u`, (S, t, a) int32, and their targets, float32.
        """
        first, held = np.searchsorted(self.task, np.arange(len(self.names))), self.trained()
        steps = rng.random((*tasks.shape, count)) * held[tasks][..., None]
        rows = first[tasks][..., None] + steps.astype(int)
        return self.architecture[rows].astype(np.int32), self.target[rows].astype(np.float32)

    def _rows(self, task: int) -> np.ndarray:
        return np.arange(*np.searchsorted(self.task, [task, task + 1]))


AnyData = TrainingData | TripletData
"""Experience as networks learn from it: as a table, or where that would be too large, as triplets."""


def triplet_data(experience: Experience) -> TripletData:
    """Average over seeds, normalise within tasks, as `training_data` does.

    Raises:
        UserError: fewer than FEWEST_TASKS tasks carry a score, or a task has no meta-features.
    """
    tasks, records, z = tasks_of(experience)
    long, levels = [], []
    for place, task in enumerate(tasks.tolist()):
        found = task_scores(experience, task)
        there = np.flatnonzero(~np.isnan(found.score))
        values = (found.score[there], found.test_score[there], found.target[there])
        long.append((np.full(len(there), place), there, *values))
        levels.append((found.noise, found.top, found.spread))
    columns = [np.concatenate(column) for column in zip(*long, strict=True)]
    of_tasks = [np.array(column) for column in zip(*levels, strict=True)]
    parts: list[Any] = [*texts_of(records), z, experience.architectures, *columns, *of_tasks]
    return TripletData(*parts)


def data_for(experience: Experience, reads_triplets: bool) -> TrainingData | TripletData:
    """Experience as a table, or as triplets if a table would be too large and the surrogate reads triplets.

    Args:
        experience: to learn from.
        reads_triplets: whether the surrogate can.

    Raises:
        UserError: as `training_data`.
    """
    size = len(np.unique(experience.task)) * len(experience.architectures)
    return triplet_data(experience) if reads_triplets and size > LARGEST_TABLE else training_data(experience)
