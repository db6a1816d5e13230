"""What a recommendation is made of."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from taskaware.children.mixture.architecture import read
from taskaware.children.mixture.describe import describe, summary
from taskaware.children.mixture.presence import CATEGORY_EMBEDDINGS
from taskaware.deprecation import renamed_fields
from taskaware.modalities.reading import modality_of
from taskaware.modalities.tables.encode import widths_of
from taskaware.spaces import MixtureSpace
from taskaware.tasks.metrics import default_metric
from taskaware.tasks.outputs import Outputs
from taskaware.tasks.task import Task


@renamed_fields(kind="problem")
@dataclasses.dataclass(frozen=True)
class TaskCard:
    """What is needed of the dataset after it is gone.

    Attributes:
        name, problem, target_name: of the task.
        metric: that the experience was scored by, and scores are predicted in.
        classes: labels, empty in regression.
        rows, features: as people count them.
        numbers, categories: columns of the narrowest numeric block (those of a table, with indicators of
            missing values) and one-hot columns that a network of this task reads.
        own_metric: that `fit` chooses the best weights by; `metric` if empty.
        modality: kind of data.
        widths: (name, columns) of each block that a network of this task reads; empty for a table that an
            older taskaware wrote down.
        kinds: (name, kind) of columns whose kind the user gave.
        drop: names of columns that the user left out.
        modalities: (name, kind of data) of columns whose kind of data the user gave.
        several: the outputs, where there are several.
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
    modality: str = "tables"
    widths: tuple[tuple[str, int], ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()
    drop: tuple[str, ...] = ()
    modalities: tuple[tuple[str, str], ...] = ()
    several: Outputs | None = None

    @classmethod
    def of(cls, task: Task) -> "TaskCard":
        card = modality_of(task).card(task)
        widths = dict(card.widths)
        return cls(
            task.name,
            task.problem,
            default_metric(task.problem),
            task.target_name,
            task.classes,
            card.rows,
            card.features,
            min((width for name, width in widths.items() if name not in CATEGORY_EMBEDDINGS), default=0),
            widths.get("one_hot", 0),
            task.metric,
            task.modality,
            card.widths,
            several=task.several,
        )

    @property
    def outputs(self) -> int:
        return len(self.several.names) if self.several else max(len(self.classes), 1)

    @property
    def target_columns(self) -> str | list[str]:
        """Name of the target column, or of each of several."""
        return self.target_name if self.several is None else list(self.several.columns(self.target_name))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The embeddings that a network of this task has columns for."""
        return tuple(name for name, width in self.columns if width)

    def block(self, space: MixtureSpace) -> np.ndarray:
        """Embedding of each numeric column that a network reads, as an index into the space's names."""
        names = [name for name in space.embedding_names if name not in CATEGORY_EMBEDDINGS]
        places = [space.embedding_names.index(name) for name in names]
        widths = dict(self.columns)
        return np.repeat(places, [widths.get(name, 0) for name in names]).astype(np.int32)

    @property
    def columns(self) -> tuple[tuple[str, int], ...]:
        """(name, columns) of each block that a network of this task reads."""
        return self.widths or tuple(widths_of(self.numbers, self.categories).items())


@renamed_fields(came_from="found_by")
@dataclasses.dataclass(frozen=True)
class Candidate:
    """One architecture, scored by the evaluator.

    Attributes:
        point: of the space, D numbers.
        predicted_score: expected validation score, in the metric's unit.
        uncertainty: one standard deviation of it.
        found_by: "known" (trained on other tasks), "ascent", "discretised", "narrowed" (a good one of a near
            task, made small enough), "default" (best on average over the known tasks), or "trained" on the
            dataset.
        measured: whether `predicted_score` was measured on this dataset, in the experience, and `uncertainty`
            is its standard error; else it is expected.
    """

    point: tuple[float, ...]
    predicted_score: float
    uncertainty: float
    found_by: str
    measured: bool = False


@renamed_fields(kind="problem")
@dataclasses.dataclass(frozen=True)
class Neighbour:
    """A known task that is like this one.

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
