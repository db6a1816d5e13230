"""The answer as data: what to build, how well it should do, how sure that is, and why."""

import dataclasses
import functools

import numpy as np

from taskaware.children.mixture.describe import summary
from taskaware.deprecation import renamed_fields
from taskaware.recommendation.parts import Architecture, Candidate, Neighbour, TaskCard
from taskaware.spaces import MixtureSpace


@renamed_fields(known="nearest_tasks")
@dataclasses.dataclass(frozen=True, eq=False)
class Record:
    """What `recommend` found. What draws, trains, writes or refines it stands in modules beside this one.

    Attributes:
        task: the dataset in short.
        space: the architectures' space.
        ranked: the candidates, best first.
        nearest_tasks: the training tasks that this one is nearest to, nearest first.
        meta_features: z, in the order of the catalogue.
        trace: lower bound of the prediction along the ascent, (rounds, starts).
        notes: what was assumed and what speaks against trust, one sentence each.
        seed: that gives this answer again.
        seconds: it took.
        default: the architecture that is best on average over the training tasks of this problem; None where
            an older taskaware wrote the recommendation.
        chance: probability that the recommended architecture scores above the default one; None where it is
            that one, or the evaluator has no covariance.
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

    @property
    def abstained(self) -> bool:
        """Whether no training task resembles the task, so that the default one is recommended."""
        return self.ranked[0].found_by == "default"

    @property
    def point(self) -> np.ndarray:
        """The recommended point of the space, (D,) float32."""
        return np.array(self.ranked[0].point, np.float32)

    @functools.cached_property
    def architecture(self) -> Architecture:
        """The recommended architecture: α, β, γ and the training recipe."""
        return Architecture.of(self.space, self.point, self.task.inputs)

    @property
    def predicted_score(self) -> float:
        """Expected validation score: accuracy, or R²."""
        return self.ranked[0].predicted_score

    @property
    def uncertainty(self) -> float:
        """One standard deviation of the predicted score."""
        return self.ranked[0].uncertainty

    @property
    def neighbours(self):
        """The training tasks it leans on, nearest first: a DataFrame."""
        import pandas as pd

        return pd.DataFrame([dataclasses.asdict(neighbour) for neighbour in self.nearest_tasks])

    @property
    def candidates(self):
        """The architectures that were scored, best first: a DataFrame."""
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
