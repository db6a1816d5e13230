"""Embeddings that a dataset lacks: what becomes of their shares."""

from collections.abc import Collection
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Array, Bool, Float

from taskaware.spaces.mixture_draws import CORNER, CUTOFF

if TYPE_CHECKING:
    from taskaware.spaces.mixture import MixtureSpace


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
        share, there = gamma[..., start : start + len(group)], present[start : start + len(group)]
        left = share * there
        total = left.sum(-1, keepdims=True)
        dealt = xp.where(
            total > 0, left / xp.where(total > 0, total, 1.0), there / xp.maximum(there.sum(), 1)
        )
        parts.append(xp.where(there.all() | ~there.any(), share, dealt))
        start += len(group)
    return xp.concatenate(parts, axis=-1)


def gamma_logits(space: "MixtureSpace", vectors: Float[np.ndarray, "n D"]) -> Float[np.ndarray, "n E"]:
    """The part gamma of points, on the host: nothing is compiled."""
    stop = space.dimension - len(space.recipe)
    return np.asarray(vectors)[:, stop - len(space.embedding_names) : stop]


def gamma_shares(space: "MixtureSpace", vectors: Float[np.ndarray, "n D"]) -> Float[np.ndarray, "n E"]:
    """The shares of `MixtureSpace.weights`, on the host."""
    logits, found, start = gamma_logits(space, vectors), [], 0
    for group in space.embeddings:
        own = logits[:, start : start + len(group)]
        shares = np.exp(own - own.max(-1, keepdims=True))
        shares = shares / shares.sum(-1, keepdims=True)
        kept = np.where(shares >= np.minimum(CUTOFF, shares.max(-1, keepdims=True)), shares, 0.0)
        found.append(kept / kept.sum(-1, keepdims=True))
        start += len(group)
    return np.concatenate(found, axis=-1)


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
    if not names:
        return vectors
    shares = gamma_shares(space, vectors)
    start, first = 0, space.dimension - len(space.recipe) - shares.shape[1]
    for group in space.embeddings:
        new = np.isin(group, list(names))
        mine = shares[:, start : start + len(group)]
        count = new.sum() + np.isin(group, list(beside)).sum()
        if new.any():
            left = np.where(new, 1 / count, mine * (1 - new.sum() / count))
            vectors[:, first + start : first + start + len(group)] = logits_of(left)
        start += len(group)
    return vectors


def logits_of(shares: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
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
    there = np.isin(space.embedding_names, list(present))
    before = gamma_shares(space, vectors)
    gamma = present_gamma(space, before, there)
    start = space.dimension - len(space.recipe) - len(there)
    for group in space.embeddings:
        own = slice(start, start + len(group))
        here = there[: len(group)]
        if not here.any():
            vectors[:, own] = 0.0
        elif not here.all():
            shares = gamma[:, : len(group)]
            changed = (shares != before[:, : len(group)]).any(1)
            vectors[changed, own] = logits_of(shares[changed])
        before, gamma, there = before[:, len(group) :], gamma[:, len(group) :], there[len(group) :]
        start = own.stop
    return vectors
