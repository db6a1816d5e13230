"""The candidates that no other beats in score, rank, size, multiply-adds and time of prediction."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from taskaware.children.mixture.cost import Counts, exactly
from taskaware.recommendation.cost import reads_of
from taskaware.recommendation.parts import Candidate, TaskCard
from taskaware.recommendation.preference import Preference
from taskaware.spaces import MixtureSpace, Space

MOST = 64
"""Candidates of a front that are kept, at most."""


def front_of(
    space: Space, card: TaskCard, prefer: Preference, candidates: Sequence[Candidate]
) -> tuple[Candidate, ...]:
    """Those that no other beats in expected score, rank, size, multiply-adds and time; none of other spaces.

    Args:
        space: of the candidates.
        card: of the dataset.
        prefer: may name the number of networks.
        candidates: by rank, best first.
    """
    if not isinstance(space, MixtureSpace) or not candidates:
        return ()
    points = np.array([one.point for one in candidates], np.float32)
    counts = exactly(space, points, reads_of(space, card, prefer))
    places = unbeaten(np.array([one.predicted_score for one in candidates]), counts)
    return tuple(candidates[place] for place in places[:MOST])


def unbeaten(scores: Float[np.ndarray, " n"], counts: Counts) -> Int[np.ndarray, " k"]:
    """Positions of those that none beats which ranks before them, scores no less and costs no more.

    Args:
        scores: by rank, best first.
        counts: of the same networks.
    """
    losses = np.stack([-scores, *counts])
    # Whether the one of the row is no worse than the one of the column.
    level = (losses[:, :, None] <= losses[:, None, :]).all(0)
    return np.flatnonzero(~np.triu(level, 1).any(0))
