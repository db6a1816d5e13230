"""A surrogate of one space that answers for a larger one with more embeddings.

A point of the smaller space is the point of the larger one with equal shares in each further group. The
surrogate predicts the same for any of these shares, and the guard of the ascent keeps them nearly equal.
"""

import dataclasses
import functools
from typing import Any, cast

import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.errors import UserError
from taskaware.pytrees import pytree
from taskaware.spaces import MixtureSpace, preset, space_from
from taskaware.spaces.mixture_lifting import lifted_points
from taskaware.store import Experience, SpaceRecord
from taskaware.surrogates.evaluator import Evaluator
from taskaware.surrogates.surrogate import Posterior, ReadingPosterior, TaskQuery


def lifted_experience(experience: Experience, space: MixtureSpace) -> Experience:
    """The same trainings as points of a larger space; the experience itself if it is of that space.

    Args:
        experience: of the small space.
        space: one that `extends` it.

    Raises:
        UserError: it does not.
    """
    if experience.space.digest == space.digest:
        return experience
    small = cast(MixtureSpace, space_from(experience.space.definition))
    points = lifted_points(experience.architectures, small, space)
    record = SpaceRecord(space.digest, space.name, space.to_dict())
    return dataclasses.replace(experience, space=record, architectures=points)


def for_any_kind(space: MixtureSpace) -> MixtureSpace:
    """The space with the embeddings of all kinds of data, behind its own."""
    own = set(space.embedding_names)
    kinds = cast(MixtureSpace, preset("universal")).embeddings
    further = tuple(group for group in kinds if own.isdisjoint(group))
    return dataclasses.replace(space, embeddings=space.embeddings + further)


def _read_features(small: MixtureSpace, large: MixtureSpace) -> Int[np.ndarray, " F"]:
    """The places of the small space's features among those of the large one."""
    further = {f"embedding {place}" for place in range(len(small.embeddings), len(large.embeddings))}
    places = [place for place, name in enumerate(large.feature_names) if name not in further]
    return np.array(places, np.int32)


@pytree
@dataclasses.dataclass(frozen=True, eq=False)
class LiftedPosterior(ReadingPosterior):
    """A posterior that reads some of the features alone.

    Attributes:
        inner: of the smaller space.
        places: of its features, (F,).
    """

    places: Int[Array | np.ndarray, " F"]

    def read(self, features: Float[Array | np.ndarray, "n G"]) -> Float[Array | np.ndarray, "n F"]:
        return features[:, self.places]


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
        query = query._replace(present=None)  # of the larger space
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
    """The evaluator for a space with more embeddings; itself if it is of that space.

    Args:
        evaluator: of a smaller space.
        space: the same, but for more groups of embeddings, see `for_any_kind`.
    """
    if evaluator.space.digest == space.digest:
        return evaluator
    small = cast(MixtureSpace, evaluator.space)
    data = evaluator.training_data
    data = dataclasses.replace(data, u=lifted_points(data.u, small, space))
    common = {field.name: getattr(evaluator, field.name) for field in dataclasses.fields(Evaluator)}
    return Lifted(**common | {"space": space, "training_data": data}, inner=evaluator)
