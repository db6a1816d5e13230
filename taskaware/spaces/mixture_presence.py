"""Embeddings that a dataset lacks: what becomes of their shares."""

import functools
import itertools
from collections.abc import Collection
from types import ModuleType
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import Array, Bool, Float

from taskaware.spaces.mixture_draws import CORNER

if TYPE_CHECKING:
    from taskaware.spaces.mixture import MixtureSpace
    from taskaware.spaces.mixture_parts import Weights


def present_gamma(
    space: "MixtureSpace",
    gamma: Float[Array | np.ndarray, "*b E"],
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
        own = slice(start, start := start + len(group))
        parts.append(dealt_shares(gamma[..., own], present[own], xp))
    return xp.concatenate(parts, axis=-1)


def dealt_shares(
    share: Float[Array | np.ndarray, "*b k"], there: Bool[Array | np.ndarray, " k"], xp: ModuleType = np
) -> Any:
    """`present_gamma` of one group.

    Args:
        share: of each embedding of the group.
        there: whether the dataset has columns for it.
        xp: NumPy, or jax.numpy inside a program.
    """
    there = xp.reshape(there, (1,) * (share.ndim - 1) + there.shape)
    left = share * there
    total = left.sum(-1, keepdims=True)
    dealt = xp.where(total > 0, left / xp.where(total > 0, total, 1.0), there / xp.maximum(there.sum(), 1))
    return xp.where(there.all() | ~there.any(), share, dealt)


def gamma_parts(space: "MixtureSpace") -> tuple[slice, ...]:
    """Where each group of embeddings stands in a vector, (D,)."""
    first = space.dimension - len(space.recipe) - len(space.embedding_names)
    ends = np.cumsum([first, *map(len, space.embeddings)]).tolist()
    return tuple(slice(start, stop) for start, stop in itertools.pairwise(ends))


@functools.partial(jax.jit, static_argnames="space")
def _weights(space: "MixtureSpace", vectors: Float[Array | np.ndarray, "n D"]) -> "Weights":
    return space.weights(vectors)


def shares_of(
    space: "MixtureSpace", vectors: Float[np.ndarray, "n D"]
) -> list[tuple[tuple[str, ...], slice, Float[np.ndarray, "n k"]]]:
    """Of each group: its embeddings, where it stands in a vector, and the shares that points give it.

    Args:
        space: of the points.
        vectors: points.
    """
    gamma = np.asarray(_weights(space, vectors).gamma)
    ends = np.cumsum([len(group) for group in space.embeddings])[:-1]
    return list(zip(space.embeddings, gamma_parts(space), np.split(gamma, ends, axis=1), strict=True))


def spread(
    space: "MixtureSpace", vectors: Float[np.ndarray, "n D"], names: Collection[str], beside: Collection[str]
) -> Float[np.ndarray, "n D"]:
    """Points with equal shares for some embeddings; others of their groups give them.

    Args:
        space: of the points.
        vectors: points.
        names: of the embeddings.
        beside: names of those of their groups that keep the rest.
    """
    vectors = np.array(vectors, np.float32)
    for group, part, shares in shares_of(space, vectors) if names else ():
        new, kept = np.isin(group, list(names)), np.isin(group, list(beside))
        if new.any():
            each = 1 / (new.sum() + kept.sum())
            vectors[:, part] = logits_of(np.where(new, each, shares * (1 - each * new.sum())))
    return vectors


def logits_of(shares: Float[np.ndarray, "*b k"]) -> Float[np.ndarray, "*b k"]:
    """Logits whose softmax gives these shares, but for those that are dropped."""
    return np.log(np.maximum(shares / shares.max(-1, keepdims=True), np.exp(-CORNER))) + CORNER


def settled(
    space: "MixtureSpace", vectors: Float[np.ndarray, "n D"], present: Collection[str]
) -> Float[np.ndarray, "n D"]:
    """One point for all points that are one network on a dataset: see `MixtureSpace.settled`.

    Args:
        space: of the points.
        vectors: points.
        present: names of the embeddings that the dataset has columns for.
    """
    vectors = np.array(vectors, np.float32)
    for group, part, shares in shares_of(space, vectors):
        there = np.isin(group, list(present))
        if not there.any():
            vectors[:, part] = 0.0
        elif not there.all():
            changed = (shares[:, ~there] > 0).any(axis=1)
            vectors[changed, part] = logits_of(dealt_shares(shares[changed], there))
    return vectors
