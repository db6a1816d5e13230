"""Which groups of embeddings a task has columns for: its pattern. Tasks of one pattern share their points.

A point has equal shares in the groups that its task lacks, see `MixtureSpace.settled`; so trainings tell
their task's pattern.
"""

import dataclasses
from collections.abc import Collection

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from taskaware.embeddings import TABLE_EMBEDDINGS
from taskaware.modalities.modality import MODALITIES
from taskaware.pytrees import pytree
from taskaware.spaces import MixtureSpace, Space
from taskaware.spaces.mixture_presence import gamma_parts, present_gamma, shares_of, spread
from taskaware.surrogates.surrogate import Posterior, ReadingPosterior
from taskaware.surrogates.triplets import AnyData


def groups_in_use(
    space: Space, u: Float[np.ndarray, "A D"], trained: Bool[np.ndarray, "T A"]
) -> Bool[np.ndarray, "T G"]:
    """Whether each task was trained with unequal shares of each group; no groups in other spaces.

    Args:
        space: of the points.
        u: the points.
        trained: which of them each task was trained with.
    """
    if not isinstance(space, MixtureSpace):
        return np.zeros((len(trained), 0), bool)
    # Never unequal where a group has one embedding.
    unequal = [np.ptp(u[:, part], axis=1) > 0 for part in gamma_parts(space)]
    return np.stack([trained[:, column].any(axis=1) for column in unequal], axis=1)


def embeddings_in_use(
    space: Space, u: Float[np.ndarray, "A D"], trained: Bool[np.ndarray, "T A"]
) -> list[tuple[str, ...] | None]:
    """For each task, the embeddings of its groups; None in other spaces. See `groups_in_use`.

    Args:
        space, u, trained: as there.
    """
    if not isinstance(space, MixtureSpace):
        return [None] * len(trained)
    return [
        tuple(name for group, used in zip(space.embeddings, row, strict=True) if used for name in group)
        for row in groups_in_use(space, u, trained)
    ]


def kinds_of(space: Space, data: AnyData) -> list[str]:
    """The kind of data of each task, a name in MODALITIES, by its embeddings: "mixed" if it has several.

    Args:
        space: of the points.
        data: of the tasks.
    """
    own = {name: set(MODALITIES[name].embeddings) for name in MODALITIES}
    of_tables, found = {name for group in TABLE_EMBEDDINGS for name in group}, []
    for names in embeddings_in_use(space, data.u, ~np.isnan(data.score)):
        there = set(names or ())
        kinds = [kind for kind, embeddings in own.items() if embeddings & there]
        several = len(kinds) + bool(there & of_tables) > 1
        found.append("mixed" if several else kinds[0] if kinds else "tables")
    return found


def groups_present(space: Space, present: Collection[str] | None) -> Bool[np.ndarray, " G"]:
    """Whether a dataset has columns for each group.

    Args:
        space: of the points.
        present: names of its embeddings; None if it has all.
    """
    groups = space.embeddings if isinstance(space, MixtureSpace) else ()
    return np.array(
        [len(group) > 1 and (present is None or not set(group).isdisjoint(present)) for group in groups], bool
    )


def same_pattern(space: Space, data: AnyData, present: Collection[str] | None) -> Bool[np.ndarray, " T"]:
    """Whether each known task has the pattern of a dataset with these embeddings.

    Args:
        space: of the points.
        data: of the known tasks.
        present: names of the dataset's embeddings; None if it has all.
    """
    known = groups_in_use(space, data.u, ~np.isnan(data.score))
    return (known == groups_present(space, present)).all(axis=1)


@pytree(static=("space",))
@dataclasses.dataclass(frozen=True, eq=False)
class PresentPosterior(ReadingPosterior):
    """The posterior of a task that lacks some embeddings: it sees their shares as its points have them.

    Attributes:
        inner: that predicts.
        space: of the points.
        there: whether the task has each embedding, (E,).
    """

    space: MixtureSpace
    there: Bool[Array | np.ndarray, " E"]

    def read(self, features: Float[Array | np.ndarray, "n F"]) -> Float[Array | np.ndarray, "n F"]:
        # On the host it runs without a program of its own.
        xp = np if isinstance(features, np.ndarray) and isinstance(self.there, np.ndarray) else jnp
        start, count = self.space.feature_names.index("embedding 0"), len(self.space.embedding_names)
        gamma = present_gamma(self.space, features[:, start : start + count], self.there, xp)
        sizes = np.array([len(group) for group in self.space.embeddings])
        group = np.repeat(np.arange(len(sizes)), sizes)
        used = ((group[:, None] == group) & self.there[None]).any(axis=1)
        gamma = xp.where(used[None], gamma, np.repeat(1 / sizes, sizes).astype(np.float32)[None])
        return xp.concatenate([features[:, :start], gamma, features[:, start + count :]], axis=1)


def told_of(space: MixtureSpace, u: Float[np.ndarray, "A D"], present: Collection[str]) -> tuple[str, ...]:
    """Those of a task's embeddings that trainings tell of.

    In a group that was trained with unequal shares, these are the ones with a share in some training.

    Args:
        space: of the points.
        u: the points that were trained.
        present: names of the task's embeddings.
    """
    found: list[str] = []
    for group, part, shares in shares_of(space, u):
        unequal = np.ptp(u[:, part], axis=1) > 0
        told = (shares[unequal] > 0).any(axis=0) if unequal.any() else np.ones(len(group), bool)
        found += [name for name, there in zip(group, told.tolist(), strict=True) if there and name in present]
    return tuple(found)


def points_for(
    space: Space, u: Float[np.ndarray, "A D"], present: Collection[str] | None
) -> Float[np.ndarray, "A D"]:
    """The points that were trained, as points for a task.

    Its embeddings that no training tells of, such as a language model's, get equal shares.

    Args:
        space: of the points.
        u: the points.
        present: names of the task's embeddings; None if it has all.
    """
    if present is None or not isinstance(space, MixtureSpace):
        return u
    told = told_of(space, u, present)
    return spread(space, space.settled(u, told), [name for name in present if name not in told], told)


def presented(
    posterior: Posterior, space: Space, u: Float[np.ndarray, "A D"], present: Collection[str] | None
) -> Posterior:
    """The posterior, which takes no notice of embeddings that a task lacks, or that no training tells of.

    Args:
        posterior: of the task.
        space: of the points.
        u: the points that were trained.
        present: names of the task's embeddings; None if it has all.
    """
    if present is None or not isinstance(space, MixtureSpace):
        return posterior
    there = np.isin(space.embedding_names, told_of(space, u, present))
    return posterior if there.all() else PresentPosterior(posterior, space, there)
