"""The triplets (z, u, v) of many trainings as one value to learn from."""

import dataclasses

import numpy as np

from taskaware.errors import UserError
from taskaware.store.records import RecipeRecord, SpaceRecord, TaskRecord

INDICES = {"task": "tasks", "architecture": "architectures", "recipe": "recipes", "strategy": "strategies"}
NUMBERS = ("score", "test_score", "loss", "seconds")
PER_TRAINING = (*INDICES, "seed", *NUMBERS)


@dataclasses.dataclass(frozen=True, eq=False)
class Experience:
    """Triplets (z, u, v) of n trainings on T tasks in one space, column by column.

    Rows are in the order of task, architecture, recipe and seed, not in that of appending.

    Attributes:
        tasks: T of them, by name.
        catalogue: digest of the catalogue of meta-features; empty when there is none.
        features: the names of its M meta-features.
        z: (T, M) float32; a row of NaN where a task has no meta-features of this catalogue.
        space: what the architectures are points of.
        architectures: (A, D) float32, each once. Where the points of the space differ in length, D is the
            largest, and a shorter row ends in NaN; see `lengths` and `points`.
        recipes: how the architectures were trained.
        strategies: names of what proposed the architectures.
        task: (n,) int32, position in `tasks`.
        architecture: (n,) int32, position in `architectures`.
        recipe: (n,) int32, position in `recipes`.
        strategy: (n,) int32, position in `strategies`.
        seed: (n,) int64.
        score: (n,) float32, validation score, larger is better; NaN where the candidate diverged.
        test_score: (n,) float32; NaN where unknown.
        loss: (n,) float32, validation loss; NaN where unknown.
        seconds: (n,) float32; NaN where unknown.
        metric: name of the metric that all scores are in; "" where each is in the one of its task's record.
    """

    tasks: tuple[TaskRecord, ...]
    catalogue: str
    features: tuple[str, ...]
    z: np.ndarray
    space: SpaceRecord
    architectures: np.ndarray
    recipes: tuple[RecipeRecord, ...]
    strategies: tuple[str, ...]
    task: np.ndarray
    architecture: np.ndarray
    recipe: np.ndarray
    strategy: np.ndarray
    seed: np.ndarray
    score: np.ndarray
    test_score: np.ndarray
    loss: np.ndarray
    seconds: np.ndarray
    metric: str = ""

    @property
    def u(self) -> np.ndarray:
        """The architecture of each training, (n, D) float32 as in `architectures`; made anew at each call."""
        return self.architectures[self.architecture]

    @property
    def lengths(self) -> np.ndarray:
        """How many numbers each architecture has, (A,) int64."""
        return (~np.isnan(self.architectures)).sum(axis=1)

    @property
    def ragged(self) -> bool:
        """Whether the architectures differ in length."""
        return bool(np.isnan(self.architectures).any())

    @property
    def points(self) -> tuple[np.ndarray, ...]:
        """The A architectures without the NaN at their ends, float32 each."""
        return tuple(row[:length] for row, length in zip(self.architectures, self.lengths, strict=True))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the T tasks."""
        return tuple(task.name for task in self.tasks)

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups of the T tasks: what belongs to one group is held out together."""
        return tuple(task.group for task in self.tasks)

    @property
    def problems(self) -> tuple[str, ...]:
        """Problems of the T tasks."""
        return tuple(task.problem for task in self.tasks)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that the scores of the T tasks are in."""
        return tuple(self.metric or task.metric for task in self.tasks)

    @property
    def diverged(self) -> np.ndarray:
        """(n,) mask of the trainings that ended without a score."""
        return np.isnan(self.score)

    def __len__(self) -> int:
        return len(self.score)

    def __repr__(self) -> str:
        return (
            f"Experience({len(self):,} trainings of {len(self.architectures):,} architectures "
            f"on {len(self.tasks)} tasks, {len(self.features)} meta-features)"
        )

    def take(self, rows: np.ndarray) -> "Experience":
        """Only these trainings (indices or mask); tasks, architectures and recipes stay as they are."""
        return dataclasses.replace(self, **{name: getattr(self, name)[rows] for name in PER_TRAINING})


def check(experience: Experience) -> Experience:
    """The experience itself where its columns fit together.

    Raises:
        UserError: a column has another length or type, or points outside what it points into; or an
            architecture has a NaN before its end.
    """
    count = len(experience.score)
    for name in PER_TRAINING:
        column, kinds = getattr(experience, name), "f" if name in NUMBERS else "iu"
        if column.shape != (count,) or column.dtype.kind not in kinds:
            raise UserError(f"'{name}' is {column.dtype} of the shape {column.shape} for {count} trainings.")
    for name, target in INDICES.items():
        column, size = getattr(experience, name), len(getattr(experience, target))
        if count and (column.min() < 0 or column.max() >= size):
            raise UserError(f"'{name}' points outside the {size} {target}.")
    z, shape = experience.z, (len(experience.tasks), len(experience.features))
    if z.shape != shape or z.dtype.kind != "f":
        raise UserError(f"z is {z.dtype} of the shape {z.shape}; allowed: floats, {shape}.")
    u = experience.architectures
    if u.ndim != 2 or u.dtype.kind != "f":
        raise UserError(f"The architectures are {u.dtype} of the shape {u.shape}; allowed: floats, (A, D).")
    for name, array in {"architectures": u, **{n: getattr(experience, n) for n in NUMBERS}}.items():
        if np.isinf(array).any():
            raise UserError(f"'{name}' holds an infinite number. NaN stands for what is unknown.")
    filled = np.isnan(u)
    if filled.any() and (filled[:, :-1] & ~filled[:, 1:]).any():
        raise UserError("An architecture has a NaN before its end. NaN only fills up shorter rows.")
    return experience
