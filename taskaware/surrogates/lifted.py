"""A surrogate of one space that answers for a larger one with more embeddings.

A point of the smaller space is the point of the larger one with equal shares in each further group. The
surrogate predicts the same for any of these shares, and the guard of the ascent keeps them nearly equal.
"""

import dataclasses
import functools
from typing import Any, cast

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.errors import UserError
from taskaware.spaces import MixtureSpace
from taskaware.surrogates.evaluator import Evaluator
from taskaware.surrogates.surrogate import Posterior, TaskQuery


def lifted_points(
    points: Float[np.ndarray, "n D"], small: MixtureSpace, large: MixtureSpace
) -> Float[np.ndarray, "n E"]:
    """Points of a space as points of a larger one: the same networks, with equal shares of new embeddings.

    Args:
        points: of the small space.
        small: the space.
        large: the same, but for more groups of embeddings behind those of the small one.

    Raises:
        UserError: the spaces differ otherwise.
    """
    before, between = _gamma_ends(small, large)
    points = np.asarray(points)
    return np.insert(points, [before] * between, 0, axis=1).astype(points.dtype)


def _gamma_ends(small: MixtureSpace, large: MixtureSpace) -> tuple[int, int]:
    """Where the shares of embeddings end in a point of the small space, and how many the large one adds."""
    alike = dataclasses.replace(large, name=small.name, embeddings=small.embeddings)
    if alike != small or large.embeddings[: len(small.embeddings)] != small.embeddings:
        raise UserError(
            f"Points of the space '{small.name}' are no points of '{large.name}': they differ in more than "
            "further embeddings. Fit an evaluator in that space: train_evaluator(space=...)."
        )
    return small.dimension - len(small.recipe), large.dimension - small.dimension


def _read_features(small: MixtureSpace, large: MixtureSpace) -> Int[np.ndarray, " F"]:
    """The places of the small space's features among those of the large one."""
    further = {f"embedding {place}" for place in range(len(small.embeddings), len(large.embeddings))}
    places = [place for place, name in enumerate(large.feature_names) if name not in further]
    return np.array(places, np.int32)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class LiftedPosterior:
    """A posterior that reads some of the features alone.

    Attributes:
        inner: of the smaller space.
        places: of its features, (F,).
    """

    inner: Any
    places: Int[Array | np.ndarray, " F"]

    def mean_std(
        self, features: Float[Array | np.ndarray, "n G"]
    ) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """Expectation and standard deviation of the inner posterior."""
        return self.inner.mean_std(features[:, self.places])

    def joint(self, features: Float[np.ndarray, "n G"]) -> tuple[np.ndarray, np.ndarray] | None:
        """Expectation and covariance of the inner posterior; None if it has none."""
        return self.inner.joint(features[:, np.asarray(self.places)])

    def unwarp(self, mean: Array, std: Array) -> tuple[Array, Array]:
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


@dataclasses.dataclass(frozen=True, eq=False)
class Lifted(Evaluator):
    """An evaluator of a smaller space, for the larger one; see `lifted`. It is never saved.

    Attributes:
        inner: of the smaller space.
    """

    inner: Evaluator | None = None

    @classmethod
    def fit(cls, *given: Any, **named: Any) -> "Evaluator":
        """Refused: the inner evaluator is fitted, and lifted then."""
        raise UserError("A lifted evaluator is not fitted. Fit one in its own space.")

    @property
    def own(self) -> Evaluator:
        """The inner evaluator."""
        return cast(Evaluator, self.inner)

    def posterior(self, query: TaskQuery) -> Posterior:
        small, large = cast(MixtureSpace, self.own.space), cast(MixtureSpace, self.space)
        return cast(Posterior, LiftedPosterior(self.own.posterior(query), _read_features(small, large)))

    @property
    def has_uncertainty(self) -> bool:
        return self.own.has_uncertainty

    @property
    def members(self) -> int:
        return self.own.members

    @property
    def sample_size(self):
        return self.own.sample_size

    def without(self, *groups: str) -> "Evaluator":
        return lifted(self.own.without(*groups), cast(MixtureSpace, self.space))


@functools.lru_cache(maxsize=8)
def lifted(evaluator: Evaluator, space: MixtureSpace) -> Evaluator:
    """The evaluator for a larger space; itself if it is of that space.

    Args:
        evaluator: of a smaller space.
        space: the same, but for more groups of embeddings.

    Raises:
        UserError: the spaces differ otherwise.
    """
    if evaluator.space.digest == space.digest:
        return evaluator
    small = cast(MixtureSpace, evaluator.space)
    data = evaluator.training_data
    data = dataclasses.replace(data, u=lifted_points(data.u, small, space))
    common = {field.name: getattr(evaluator, field.name) for field in dataclasses.fields(Evaluator)}
    return Lifted(**common | {"space": space, "training_data": data}, inner=evaluator)
