"""What every surrogate is: asked about a task, it gives a posterior over the scores of architectures."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Array, Float

from taskaware.errors import UserError
from taskaware.modalities.tables.samples import Samples, SampleSize
from taskaware.surrogates.level import TaskScale


class TaskQuery(NamedTuple):
    """A task as a surrogate is asked about it.

    Attributes:
        z: meta-features, as the catalogue gives them, (M,); None where only samples are read.
        problem: "classification" or "regression"; None where it is not known, which networks accept.
        digest: of the task's content; "" where it has none.
        samples: raw rows, see `draw_samples`; None where they are not read.
    """

    z: Float[np.ndarray, " M"] | None
    problem: str | None = None
    digest: str = ""
    samples: Samples | None = None


@runtime_checkable
class Posterior(Protocol):
    """What a surrogate predicts for the architectures of one task: a pytree, so it passes through `jit`.

    Predictions are in the surrogate's own unit; `unwarp` turns them into normalised scores (0 is what the
    best architectures of the task reach, -1 one spread below), `in_metric_units` turns those into scores.
    """

    def mean_std(self, features: Float[Array, "n F"]) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """Expectation and standard deviation, differentiable in the features of the architectures."""

    def joint(
        self, features: Float[np.ndarray, "n F"]
    ) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n n"]] | None:
        """Expectation and covariance, on the host; None where the surrogate has no covariance.

        A posterior that has one also has `noise`, the variance of one more score, so that `refine` can
        condition on new trainings; it predicts warped scores, see `warping`.
        """

    def unwarp(self, mean: Array, std: Array) -> tuple[Array, Array]:
        """Predictions in the surrogate's unit → normalised scores."""

    def in_metric_units(self, mean: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Normalised scores → validation scores in the unit of the metric."""


class ScaledPosterior:
    """A posterior whose unit is the normalised score, and that has no covariance; to inherit from.

    Attributes:
        scale: of the task's scores; None where the problem of the task was not named.
    """

    scale: TaskScale | None = None

    def joint(self, features: Float[np.ndarray, "n F"]) -> tuple[np.ndarray, np.ndarray] | None:
        """None: no covariance is known."""
        del features
        return None

    def unwarp(self, mean: Array, std: Array) -> tuple[Array, Array]:
        """The same: predictions are normalised scores already."""
        return mean, std

    def in_metric_units(self, mean: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Normalised scores (n,) and standard deviations → validation scores, in the unit of the metric.

        Raises:
            UserError: the problem of the task was not named.
        """
        if self.scale is None:
            raise UserError(
                "The scale of this task's scores is not known. Name the problem: TaskQuery(z, problem=...)."
            )
        return self.scale.in_metric_units(mean, std)


@runtime_checkable
class Surrogate(Protocol):
    """What `recommend` asks: any of them, in the same way. `Evaluator` is the base to inherit from.

    Attributes:
        sample_size: of the raw rows that it reads; None where it reads none.
    """

    @property
    def sample_size(self) -> SampleSize | None: ...

    def posterior(self, query: TaskQuery) -> Posterior:
        """What it predicts for one task."""


def predict_points(features_of, posterior: Posterior, points: Float[Array, "n D"]) -> tuple[Array, Array]:
    """Normalised scores of points.

    Args:
        features_of: (D,) → (F,), what the surrogate reads of a point.
        posterior: of the task.
        points: n of them.
    """
    return posterior.unwarp(*posterior.mean_std(jax.vmap(features_of)(points)))
