"""What the networks of a recommendation cost: parameters, multiply-adds, time of prediction."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from taskaware.children.mixture.cost import Counts, Reads, exactly
from taskaware.children.mixture.presence import CATEGORY_EMBEDDINGS
from taskaware.recommendation.parts import TaskCard
from taskaware.recommendation.preference import Preference, in_units
from taskaware.spaces import MixtureSpace
from taskaware.training.members import usual_members


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of all networks of an architecture that `fit` averages, together.

    Attributes:
        size: learned parameters.
        macs: multiply-adds of the matrix products for one row.
        latency: estimated seconds to predict 1,000 rows that are encoded already.
        members: number of networks.
    """

    size: int
    macs: int
    latency: float
    members: int

    @property
    def text(self) -> str:
        """The cost in words."""
        size = in_units("size", self.size)
        if self.members > 1:
            size += f" ({self.members} networks of {self.size // self.members:,})"
        return (
            f"{size}, {in_units('macs', self.macs)} a row; predicts 1,000 encoded rows in about "
            f"{in_units('latency', self.latency)}"
        )


def members_of(card: TaskCard, prefer: Preference) -> int:
    """Number of networks that `fit` averages.

    Args:
        card: of the dataset.
        prefer: may name another number than the usual one.
    """
    return prefer.members or usual_members(card.rows, sum(width for _, width in card.columns))


def reads_of(space: MixtureSpace, card: TaskCard, prefer: Preference) -> Reads:
    """What the networks of a dataset read and give.

    Args:
        space: of the networks.
        card: of the dataset.
        prefer: may name the number of networks.
    """
    widths = dict(card.columns)
    numbers = [0 if name in CATEGORY_EMBEDDINGS else widths.get(name, 0) for name in space.embedding_names]
    members = members_of(card, prefer)
    return Reads.of(space, np.array(numbers), card.categories, card.outputs, members)


def cost_of(space: MixtureSpace, point: Float[np.ndarray, " D"], card: TaskCard, prefer: Preference) -> Cost:
    """What an architecture costs on a dataset.

    Args:
        space, point: the architecture.
        card: of the dataset.
        prefer: may name the number of networks.
    """
    counts = exactly(space, point[None], reads_of(space, card, prefer))
    size, macs, latency = (float(part[0]) for part in counts)
    return Cost(int(size), int(macs), latency, members_of(card, prefer))


def within(counts: Counts, prefer: Preference) -> Bool[np.ndarray, " n"]:
    """Which of n networks keep to the limits.

    Args:
        counts: of them.
        prefer: the limits.
    """
    return np.all([part <= limit for part, limit in zip(counts, prefer.limits, strict=True)], axis=0)
