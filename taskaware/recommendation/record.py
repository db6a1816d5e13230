"""A recommendation as data: the architecture, its predicted score and uncertainty, and the reasons."""

import dataclasses
import functools

import numpy as np

from taskaware.children.mixture.describe import summary
from taskaware.deprecation import renamed_fields
from taskaware.recommendation.cost import Cost, cost_of
from taskaware.recommendation.front import front_of
from taskaware.recommendation.parts import Architecture, Candidate, Neighbour, TaskCard
from taskaware.recommendation.preference import Preference
from taskaware.spaces import MixtureSpace


@renamed_fields(known="nearest_tasks")
@dataclasses.dataclass(frozen=True, eq=False)
class Record:
    """The result of `recommend`, as data. Drawing, training, writing and refining stand in other modules.

    Attributes:
        task: the dataset in short.
        space: of the architectures.
        ranked: the candidates, best first.
        nearest_tasks: the nearest known tasks, nearest first.
        meta_features: z, in the order of the catalogue.
        trace: lower estimate of the score, in the metric's unit, in each round of every start of the search,
            (rounds, starts).
        notes: assumptions and reasons for caution.
        seed: reproduces this answer.
        seconds: run time.
        default: the architecture that is best on average over the known tasks of this problem; None where
            an older taskaware wrote the recommendation.
        chance: probability that the recommended architecture scores above the default one; None if both
            are the same, or the evaluator has no covariance.
        prefer: limits that the candidates keep to.
        scored: all candidates by rank, those beyond the limits last; of a recommendation from a file, its
            `front`. Empty where an older taskaware wrote it.
    """

    task: TaskCard
    space: MixtureSpace
    ranked: tuple[Candidate, ...]
    nearest_tasks: tuple[Neighbour, ...]
    meta_features: tuple[float, ...]
    trace: tuple[tuple[float, ...], ...]
    notes: tuple[str, ...]
    seed: int
    seconds: float
    default: Candidate | None = None
    chance: float | None = None
    prefer: Preference = Preference()
    scored: tuple[Candidate, ...] = ()

    @property
    def abstained(self) -> bool:
        """Whether the default architecture is recommended, because no known task resembles the task."""
        return self.ranked[0].found_by == "default"

    @property
    def point(self) -> np.ndarray:
        """The recommended point of the space, (D,) float32."""
        return np.array(self.ranked[0].point, np.float32)

    @functools.cached_property
    def architecture(self) -> Architecture:
        """The recommended architecture: α, β, γ and the training recipe."""
        return Architecture.of(self.space, self.point, self.task.inputs)

    @functools.cached_property
    def cost(self) -> Cost:
        """What the networks that `fit` averages cost together."""
        return cost_of(self.space, self.point, self.task, self.prefer)

    @functools.cached_property
    def front(self) -> tuple[Candidate, ...]:
        """The scored candidates that no other beats in expected score, rank, size, multiply-adds and time."""
        return front_of(self.space, self.task, self.prefer, self.scored)

    @property
    def size(self) -> int:
        """Learned parameters of all networks that `fit` averages, without parts of share 0."""
        return self.cost.size

    @property
    def macs(self) -> int:
        """Multiply-adds of all networks for one row, without parts of share 0."""
        return self.cost.macs

    @property
    def latency(self) -> float:
        """Estimated seconds that all networks take for 1,000 rows that are encoded already."""
        return self.cost.latency

    @property
    def predicted_score(self) -> float:
        """Predicted validation score, in the metric's unit."""
        return self.ranked[0].predicted_score

    @property
    def uncertainty(self) -> float:
        """One standard deviation of the predicted score."""
        return self.ranked[0].uncertainty

    @property
    def neighbours(self):
        """The nearest known tasks, nearest first: a DataFrame."""
        import pandas as pd

        return pd.DataFrame([dataclasses.asdict(neighbour) for neighbour in self.nearest_tasks])

    @property
    def candidates(self):
        """The candidates, best first: a DataFrame."""
        import pandas as pd

        inputs = self.task.inputs
        rows = [
            {
                "architecture": summary(self.space, np.array(one.point, np.float32), inputs=inputs),
                "predicted_score": one.predicted_score,
                "uncertainty": one.uncertainty,
                "found_by": one.found_by,
            }
            for one in self.ranked
        ]
        return pd.DataFrame(rows)
