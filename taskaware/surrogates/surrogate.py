"""The protocol of surrogates: a task in, a posterior over the scores of architectures out."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.errors import UserError
from taskaware.modalities.tables.samples import Samples, SampleSize
from taskaware.surrogates.level import TaskScale


class TaskQuery(NamedTuple):
    """A task as a surrogate reads it.

    Attributes:
        z: meta-features in the order of the catalogue, (M,); None if only samples are read.
        problem: "classification" or "regression"; None if unknown, which networks accept.
        digest: of the task's content; "" if it has none.
        samples: raw rows, see `draw_samples`; None if they are not read.
        present: names of the embeddings that it has columns for; None if it has all of the space's.
    """

    z: Float[np.ndarray, " M"] | None
    problem: str | None = None
    digest: str = ""
    samples: Samples | None = None
    present: tuple[str, ...] | None = None


@runtime_checkable
class Posterior(Protocol):
    """Predictions of a surrogate for the architectures of one task; a pytree, so it passes through `jit`.

    Predictions are in the surrogate's own unit; `unwarp` turns them into normalised scores (0 is the top
    score of the task, -1 one spread below it), and `in_metric_units` turns those into scores.
    """

    def mean_std(
        self, features: Float[Array | np.ndarray, "n F"]
    ) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """Expectation and standard deviation, differentiable in the features of the architectures."""

    def joint(
        self, features: Float[np.ndarray, "n F"]
    ) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n n"]] | None:
        """Expectation and covariance, on the host; None if the surrogate has no covariance.

        A posterior with a covariance predicts warped scores, see `warping`. It also has `noise`, the variance
        of one more score, so that `refine` can condition on new trainings.
        """

    def unwarp(self, mean: EitherArray, std: EitherArray) -> tuple[EitherArray, EitherArray]:
        """Predictions in the surrogate's unit → normalised scores."""

    def in_metric_units(
        self, mean: Array | np.ndarray, std: Array | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Normalised scores → validation scores in the unit of the metric."""


class ScaledPosterior:
    """Base class of a posterior of normalised scores without a covariance.

    Attributes:
        scale: of the task's scores; None if the problem of the task is not given.
    """

    scale: TaskScale | None = None

    def joint(self, features: Float[np.ndarray, "n F"]) -> tuple[np.ndarray, np.ndarray] | None:
        """None: there is no covariance."""
        del features
        return None

    def unwarp(self, mean: EitherArray, std: EitherArray) -> tuple[EitherArray, EitherArray]:
        """The arguments: predictions are normalised scores already."""
        return mean, std

    def in_metric_units(
        self, mean: Array | np.ndarray, std: Array | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Normalised scores (n,) and standard deviations → validation scores, in the unit of the metric.

        Raises:
            UserError: the problem of the task is not given.
        """
        if self.scale is None:
            raise UserError(
                "The scale of this task's scores is unknown. Name the problem: TaskQuery(z, problem=...)."
            )
        return self.scale.in_metric_units(mean, std)


@dataclasses.dataclass(frozen=True, eq=False)
class ReadingPosterior(abc.ABC):
    """Base class of a posterior that reads the features of architectures in a way of its own.

    Attributes:
        inner: that predicts.
    """

    inner: Any

    @abc.abstractmethod
    def read(self, features: Float[Array | np.ndarray, "n G"]) -> Float[Array | np.ndarray, "n F"]:
        """The features that the inner posterior reads; differentiable where they are of JAX."""

    def mean_std(
        self, features: Float[Array | np.ndarray, "n G"]
    ) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """Expectation and standard deviation of the inner posterior."""
        return self.inner.mean_std(self.read(features))

    def joint(self, features: Float[np.ndarray, "n G"]) -> tuple[np.ndarray, np.ndarray] | None:
        """Expectation and covariance of the inner posterior; None if it has none."""
        return self.inner.joint(np.asarray(self.read(features)))

    def unwarp(self, mean: EitherArray, std: EitherArray) -> tuple[EitherArray, EitherArray]:
        """Predictions in the surrogate's unit → normalised scores."""
        return self.inner.unwarp(mean, std)

    def in_metric_units(
        self, mean: Array | np.ndarray, std: Array | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Normalised scores → validation scores in the unit of the metric."""
        return self.inner.in_metric_units(mean, std)

    @property
    def noise(self) -> Array:
        """Variance of one more score."""
        return self.inner.noise


@runtime_checkable
class Surrogate(Protocol):
    """What `recommend` needs of a surrogate. `Evaluator` is a base class with the common parts.

    Attributes:
        sample_size: of the raw rows that it reads; None if it reads none.
    """

    @property
    def sample_size(self) -> SampleSize | None: ...

    def posterior(self, query: TaskQuery) -> Posterior:
        """Its predictions for one task."""


def predict_points(
    features_of: Callable[[Array], Array], posterior: Posterior, points: Float[Array, "n D"]
) -> tuple[EitherArray, EitherArray]:
    """Normalised scores of points.

    Args:
        features_of: (D,) → (F,), the features of a point.
        posterior: of the task.
        points: n of them.
    """
    return posterior.unwarp(*posterior.mean_std(jax.vmap(features_of)(points)))
