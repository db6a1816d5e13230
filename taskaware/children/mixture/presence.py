"""Which embeddings a dataset has columns for, and what becomes of the shares of the others."""

from collections.abc import Collection
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Array, Bool, Float

from taskaware.spaces import MixtureSpace

INPUTS = ("numbers", "categories")
CATEGORY_EMBEDDINGS = ("one_hot", "learned")


def reads(embedding: str) -> str:
    """The kind of column that an embedding is made of: "numbers" or "categories"."""
    return "categories" if embedding in CATEGORY_EMBEDDINGS else "numbers"


def is_input(embedding: str, inputs: Collection[str]) -> bool:
    """Whether a dataset has columns for an embedding, given the kinds of its columns, or embeddings."""
    return embedding in inputs or reads(embedding) in inputs


def present_gamma(
    space: MixtureSpace,
    gamma: Float[Array | np.ndarray, " E"],
    present: Bool[Array | np.ndarray, " E"],
    xp: ModuleType = np,
) -> Any:
    """Shares of the embeddings that a dataset has: those of a group's absent ones go to its present ones.

    Where the present ones of a group have no share, they get equal ones. A group that is there as a whole, or
    not at all, keeps its shares.

    Args:
        space: whose groups they are.
        gamma: share of each embedding within its group.
        present: whether the dataset has columns for it.
        xp: NumPy, or jax.numpy inside a program.

    >>> from taskaware.spaces import preset
    >>> gamma, present = np.array([0.5, 0.3, 0.2, 0, 0, 0.4, 0.6]), np.arange(7) % 5 < 2
    >>> present_gamma(preset("compact"), gamma, present).round(3).tolist()
    [0.625, 0.375, 0.0, 0.0, 0.0, 0.4, 0.6]
    """
    parts, start = [], 0
    for group in space.embeddings:
        share, there = gamma[start : start + len(group)], present[start : start + len(group)]
        left = share * there
        total = left.sum()
        dealt = xp.where(
            total > 0, left / xp.where(total > 0, total, 1.0), there / xp.maximum(there.sum(), 1)
        )
        parts.append(xp.where(there.all() | ~there.any(), share, dealt))
        start += len(group)
    return xp.concatenate(parts)
