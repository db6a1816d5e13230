"""Architectures inside limits: good ones made narrower, shallower and with fewer columns."""

import dataclasses
import itertools

import numpy as np
from jaxtyping import Float

from taskaware.children.mixture.cost import Counts, Reads, exactly
from taskaware.errors import UserError
from taskaware.recommendation.cost import members_of, reads_of, within
from taskaware.recommendation.parts import TaskCard
from taskaware.recommendation.preference import LIMITS, Preference, in_units
from taskaware.spaces import MixtureSpace
from taskaware.spaces.mixture_draws import CORNER, CUTOFF
from taskaware.spaces.mixture_presence import gamma_parts, logits_of
from taskaware.surrogates import Evaluator, TaskQuery
from taskaware.surrogates.patterns import points_for

NARROWED = 128
"""Number of narrowed architectures that are candidates."""


@dataclasses.dataclass(frozen=True, eq=False)
class Limits:
    """The limits of a search.

    Attributes:
        space: of the architectures.
        card: of the dataset.
        prefer: the limits.
        reads: what the networks read.
    """

    space: MixtureSpace
    card: TaskCard
    prefer: Preference
    reads: Reads

    @classmethod
    def of(
        cls, evaluator: Evaluator, query: TaskQuery, card: TaskCard, prefer: Preference
    ) -> "Limits | None":
        """The limits; None if there are none.

        Where the user does not say how many networks are averaged, they are fewer than usual if no known
        architecture keeps to the limits otherwise.

        Args:
            evaluator: knows architectures.
            query: the task as it reads it.
            card: of the dataset.
            prefer: as the user wrote it.

        Raises:
            UserError: the networks of the space have no size that is known, or even the smallest one exceeds
                a limit.
        """
        if not prefer.limited:
            return None
        space = evaluator.space
        if not isinstance(space, MixtureSpace):
            raise UserError(
                f"prefer: the size of networks of the space '{space.name}' is not known. Leave it out."
            )
        known = points_for(space, np.asarray(evaluator.training_data.u, np.float32), query.present)
        most = members_of(card, prefer)
        numbers = [most] if prefer.members else range(most, 0, -1)
        for members in numbers:
            own = prefer if members == most else dataclasses.replace(prefer, members=members)
            limits = cls(space, card, own, reads_of(space, card, own))
            if limits.inside(known).any():
                return limits
        limits.check()
        return limits

    @property
    def most(self) -> Counts:
        """The limits as counts, infinite where there is none."""
        return Counts(*(np.float32(limit) for limit in self.prefer.limits))

    def inside(self, points: Float[np.ndarray, "n D"]) -> np.ndarray:
        """Which of n points keep to the limits, (n,)."""
        return within(exactly(self.space, points, self.reads), self.prefer)

    def check(self) -> None:
        """Refuse limits that the smallest network exceeds."""
        least = exactly(self.space, smallest(self.space, self.reads)[None], self.reads)
        for name, limit, part in zip(LIMITS, self.prefer.limits, least, strict=True):
            if part[0] > limit:
                members = members_of(self.card, self.prefer)
                fewer = ', fewer networks ("members": 1)' if members > 1 else ""
                raise UserError(
                    f"prefer: {name} at most {in_units(name, limit)} is not possible. The smallest for this "
                    f"dataset is {in_units(name, part[0])}, of {members} network{'s' * (members > 1)}. "
                    f"Allow more{fewer}, or drop columns."
                )

    def narrowed(self, points: Float[np.ndarray, "n D"]) -> Float[np.ndarray, "m D"]:
        """The largest forms of some points inside the limits, NARROWED of them; repeated if there are fewer.

        Args:
            points: good ones, best first.
        """
        forms = _forms(self.space, points, self.reads)
        counts = exactly(self.space, forms, self.reads)
        # The stable order keeps the best points first where forms are equally large.
        order = np.argsort(-counts.parameters, kind="stable")
        order = order[within(counts, self.prefer)[order]]
        return np.resize(forms[order[:NARROWED]], (NARROWED, forms.shape[1]))


def smallest(space: MixtureSpace, reads: Reads) -> Float[np.ndarray, " D"]:
    """The point whose network has the fewest parameters and multiply-adds: no layer, the narrowest embedding.

    Args:
        space: of the point.
        reads: the dataset.
    """
    corner = np.zeros((1, space.dimension), np.float32)
    each = [_fewest(space, corner, choice) for choice in _choices(space, reads)]
    points = np.concatenate([_narrower(space, one, size=0, layers=0) for one in each])
    return points[exactly(space, points, reads).parameters.argmin()]


def _forms(space: MixtureSpace, points: Float[np.ndarray, "n D"], reads: Reads) -> np.ndarray:
    """Narrower and shallower forms of the points, with their own embeddings and with the fewest columns."""
    own = [points, *(_fewest(space, points, choice) for choice in _choices(space, reads))]
    steps = itertools.product(range(len(space.sizes)), range(space.layers + 1), own)
    return np.concatenate([_narrower(space, each, size=size, layers=layers) for size, layers, each in steps])


def _choices(space: MixtureSpace, reads: Reads) -> list[tuple[int | None, ...]]:
    """Choices of one embedding of each group that may have the fewest numbers, as places in the group.

    None stands for a group without columns.
    """
    found: list[list[int | None]] = []
    start = 0
    for group in space.embeddings:
        columns = np.asarray(reads.columns)[start : start + len(group)]
        start += len(group)
        there = np.where(columns > 0, columns, np.inf)
        # Categories as they are, or as learned vectors: which one is smaller depends on the width.
        found.append([*np.flatnonzero(there == there.min()).tolist()] if columns.any() else [None])
    return list(dict.fromkeys((tuple(each[0] for each in found), tuple(each[-1] for each in found))))


def _fewest(space: MixtureSpace, points: np.ndarray, choice: tuple[int | None, ...]) -> np.ndarray:
    """The points with one embedding of each group."""
    points = points.copy()
    for part, place in zip(gamma_parts(space), choice, strict=True):
        if place is not None:
            points[:, part] = 0.0
            points[:, part.start + place] = CORNER
    return points


def _narrower(space: MixtureSpace, points: np.ndarray, *, size: int, layers: int) -> np.ndarray:
    """The points with no baseline above a size, by its place, at most so many layers, and no ensemble."""
    points, count = points.copy(), space.layers * len(space.baselines)
    logits = points[:, :count].reshape(len(points), space.layers, len(space.sizes), -1).astype(float)
    shares = np.exp(logits - logits.max((2, 3), keepdims=True))
    shares /= shares.sum((2, 3), keepdims=True)
    shares[:, :, size] = shares[:, :, size:].sum(2)
    shares[:, :, size + 1 :] = 0.0
    flat = shares.reshape(len(points), space.layers, -1)
    points[:, :count] = logits_of(flat).reshape(len(points), -1)
    beta = points[:, count : count + 2 * space.layers].reshape(len(points), space.layers, 2)
    present = beta[..., 1] - beta[..., 0] <= np.log((1 - CUTOFF) / CUTOFF)
    gone = np.cumsum(present, axis=1) > layers
    beta[gone] = 0.0, CORNER
    points[:, count : count + 2 * space.layers] = beta.reshape(len(points), -1)
    if "ensemble" in space.coordinates:
        points[:, space.dimension - len(space.recipe) + space.coordinates.index("ensemble")] = 0.0
    return points
