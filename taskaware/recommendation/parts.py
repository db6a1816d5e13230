"""What a recommendation is made of."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from taskaware.children.mixture.describe import describe, read, summary
from taskaware.deprecation import renamed_fields
from taskaware.spaces import MixtureSpace
from taskaware.tasks.metrics import default_metric
from taskaware.tasks.task import Task


@renamed_fields(kind="problem")
@dataclasses.dataclass(frozen=True)
class TaskCard:
    """What is needed of the dataset after it is gone.

    Attributes:
        name, problem, target_name: of the task.
        metric: that the experience was scored by, and scores are predicted in.
        classes: labels, empty in regression.
        rows, features: of the table.
        numbers, categories: numeric columns (with indicators of missing values) and one-hot columns that a
            network of this task reads.
        own_metric: that `fit` chooses the best weights by; `metric` if empty.
    """

    name: str
    problem: str
    metric: str
    target_name: str
    classes: tuple
    rows: int
    features: int
    numbers: int
    categories: int
    own_metric: str = ""

    @classmethod
    def of(cls, task: Task, numbers: int, categories: int) -> "TaskCard":
        """Of a task.

        Args:
            task: any.
            numbers, categories: of its layout, see `Attributes`.
        """
        features = len(task.data.columns)
        return cls(
            task.name,
            task.problem,
            default_metric(task.problem),
            task.target_name,
            task.classes,
            task.rows,
            features,
            numbers,
            categories,
            task.metric,
        )

    @property
    def outputs(self) -> int:
        return max(len(self.classes), 1)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The kinds of input column that a network of this task reads."""
        sizes = {"numbers": self.numbers, "categories": self.categories}
        return tuple(name for name, size in sizes.items() if size)


@renamed_fields(came_from="found_by")
@dataclasses.dataclass(frozen=True)
class Candidate:
    """One architecture, scored by the evaluator.

    Attributes:
        point: of the space, D numbers.
        predicted_score: expected validation score, in the metric's unit.
        uncertainty: one standard deviation of it.
        found_by: "known" (trained on other tasks), "ascent", "discretised", "default" (best on average over
            the training tasks), or "trained" on the dataset.
    """

    point: tuple[float, ...]
    predicted_score: float
    uncertainty: float
    found_by: str


@renamed_fields(kind="problem")
@dataclasses.dataclass(frozen=True)
class Neighbour:
    """A training task that is like this one.

    Attributes:
        name, problem: of the task.
        distance: root mean square difference of the scaled meta-features; 0 is the same task.
        top_score: what the best architectures reached there.
    """

    name: str
    problem: str
    distance: float
    top_score: float


@dataclasses.dataclass(frozen=True, eq=False)
class Architecture:
    """A point of the space as its parts.

    Attributes:
        alpha: share of each baseline in each layer, (L, P).
        beta: presence of each layer, (L,).
        gamma: share of each embedding, by name.
        recipe: training recipe that goes with it, by name, in its own units.
        description: layers, connections and operations as plain data.
        text: the network in one line.
    """

    alpha: np.ndarray
    beta: np.ndarray
    gamma: Mapping[str, float]
    recipe: Mapping[str, float]
    description: Mapping
    text: str

    @classmethod
    def of(cls, space: MixtureSpace, point: np.ndarray, inputs: tuple[str, ...]) -> "Architecture":
        """The parts of a point.

        Args:
            space: of the point.
            point: (D,).
            inputs: kinds of column that the network reads, see `TaskCard.inputs`.
        """
        weights, *_ = read(space, np.asarray(point, np.float32))
        names = [coordinate.name for coordinate in space.recipe]
        return cls(
            np.asarray(weights.alpha),
            np.asarray(weights.beta),
            dict(zip(space.embedding_names, np.asarray(weights.gamma).tolist(), strict=True)),
            dict(zip(names, np.asarray(weights.recipe).tolist(), strict=True)),
            describe(space, point, inputs=inputs),
            summary(space, point, inputs=inputs),
        )

    def __repr__(self) -> str:
        return self.text
