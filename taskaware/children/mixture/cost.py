"""What a network of `MixtureSpace` costs: learned parameters, multiply-adds, and time of prediction.

Parameters and multiply-adds are those of the network without parts of share 0, the one that `source` writes.
The time is that of the program that predicts: it computes every layer at the width of the widest one, and
all columns of the dataset, padding included.
"""

import dataclasses
import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray, bucket, column_room
from taskaware.children.mixture.presence import CATEGORY_EMBEDDINGS, LEARNED_RANK
from taskaware.pytrees import pytree
from taskaware.spaces import MixtureSpace, Weights
from taskaware.spaces.mixture_checks import MEMBERS
from taskaware.spaces.mixture_draws import CUTOFF
from taskaware.spaces.mixture_presence import present_gamma

ROWS = 1_000
"""Rows whose prediction is timed."""

PER_CALL, PER_MULTIPLY_ADD, PER_UNIT = 2e-5, 3.5e-11, 2.3e-9
"""Seconds of a call, of a multiply-add and of a unit under an activation: what
`python benchmarks/latency.py --fit` prints."""


@pytree
@dataclasses.dataclass(frozen=True, eq=False)
class Reads:
    """What the networks of a dataset read and give; a pytree.

    Attributes:
        columns: of each embedding, (E,).
        numbers, categories: columns of all numeric embeddings, and one-hot columns, padded.
        outputs: K; those of a classification are computed padded.
        computed: outputs, padded.
        members: number of networks that are averaged.
    """

    columns: Float[EitherArray, " E"]
    numbers: Float[EitherArray, ""] | float
    categories: Float[EitherArray, ""] | float
    outputs: Float[EitherArray, ""] | float
    computed: Float[EitherArray, ""] | float
    members: Float[EitherArray, ""] | float = 1.0

    @classmethod
    def of(
        cls, space: MixtureSpace, numbers: np.ndarray, categories: int, outputs: int, members: int = 1
    ) -> "Reads":
        """From plain numbers.

        Args:
            space: whose embeddings are read.
            numbers: columns of each numeric embedding, in the order of the space; others count as none.
            categories: one-hot columns.
            outputs: given for a row.
            members: number of networks that are averaged.
        """
        names = space.embedding_names
        of_categories = np.isin(names, CATEGORY_EMBEDDINGS)
        columns = np.where(of_categories, categories, np.asarray(numbers)[: len(names)])
        rooms = (column_room(int(columns[~of_categories].sum())), column_room(categories))
        padded = bucket(outputs, 4) if outputs > 1 else outputs
        parts = (*rooms, outputs, padded, members)
        return cls(columns.astype(float), *map(float, parts))


class Counts(NamedTuple):
    """Of n networks; each of them is the sum over the networks that are averaged.

    Attributes:
        parameters: learned numbers, (n,).
        multiply_adds: of the matrix products for one row, (n,).
        seconds: to predict ROWS rows that are encoded already, estimated, (n,).
    """

    parameters: Any
    multiply_adds: Any
    seconds: Any


def exactly(space: MixtureSpace, points: Float[EitherArray, "n D"], reads: Reads) -> Counts:
    """The counts of n points, whole numbers but for the seconds, in NumPy.

    Args:
        space: of the points.
        points: one or more.
        reads: the dataset.
    """
    points = np.asarray(points, np.float32)
    # One compiled program for many numbers of points.
    height = bucket(len(points), 16)
    weights = _weights(space, np.resize(points, (height, points.shape[1])))
    host: Any = [np.asarray(part, np.float64)[: len(points)] for part in weights]
    return counted(space, Weights(*host), reads)


def counted(
    space: MixtureSpace,
    weights: Weights,
    reads: Reads,
    *,
    used: Callable[[Any], Any] = lambda share: (share > 0) * 1.0,
    xp: ModuleType = np,
) -> Counts:
    """The counts of networks with these shares.

    Args:
        space: of the networks.
        weights: shares, batched (*b, ...).
        reads: the dataset.
        used: how far a part of this share counts: 1 if it has one, or something smooth.
        xp: NumPy, or jax.numpy inside a program.
    """
    sizes = np.array(space.sizes, float)
    alpha, beta = weights.alpha, weights.beta
    # A size is computed where it or a larger one has a share.
    by_size = alpha.reshape(*alpha.shape[:-1], len(sizes), len(space.activations)).sum(-1)
    reached = used(xp.flip(xp.cumsum(xp.flip(by_size, -1), -1), -1))
    largest = reached @ np.diff(sizes, prepend=0.0)
    present = used(beta)
    width = xp.maximum((present * largest).max(-1), sizes[0])
    gate = {name: weights.recipe[..., place] for place, name in enumerate(space.coordinates)}
    shared = used(gate["ensemble"]) if "ensemble" in gate else xp.zeros_like(width)
    bypassed = used(1 - beta + gate["residual"][..., None] * beta if "residual" in gate else 1 - beta)
    if space.shared_weights:
        units, kernels = largest, xp.ones_like(largest)
    else:
        own = used(alpha)
        units, kernels = own @ np.repeat(sizes, len(space.activations)), own.sum(-1)

    gamma = present_gamma(space, weights.gamma, reads.columns > 0, xp)
    parameters, multiply_adds = _embedding(space, used(gamma) * (reads.columns > 0), reads, width)
    more, times, fed = MEMBERS * shared, 1 + (MEMBERS - 1) * shared, width
    for layer in range(space.layers):
        there, given, kernel = present[..., layer], units[..., layer], kernels[..., layer]
        parameters = parameters + there * ((fed + 1) * given + more * (fed * kernel + 2 * given))
        multiply_adds = multiply_adds + there * times * fed * given
        handed = largest[..., layer]
        handed = handed + bypassed[..., layer] * xp.maximum(fed - handed, 0.0)
        fed = there * handed + (1 - there) * fed
    parameters = parameters + (fed + 1) * reads.outputs * (1 + more) + more * width
    multiply_adds = multiply_adds + times * fed * reads.outputs * (1 + shared)
    seconds = _seconds(space, reads, width, times)
    return Counts(parameters * reads.members, multiply_adds * reads.members, seconds)


def _embedding(space: MixtureSpace, read: Any, reads: Reads, width: Any) -> tuple[Any, Any]:
    """Parameters and multiply-adds of the embedding layer; `read` tells which embeddings are, (*b, E)."""
    learned = np.array([name == "learned" for name in space.embedding_names])
    vectors = (read * learned * reads.columns).sum(-1) * LEARNED_RANK
    columns = (read * np.where(learned, LEARNED_RANK, 1.0) * (learned + ~learned * reads.columns)).sum(-1)
    return vectors + (columns + 1) * width, vectors + columns * width


def _seconds(space: MixtureSpace, reads: Reads, width: Any, times: Any) -> Any:
    """Of the program that predicts, for networks of this width with so many members each."""
    inner = width
    if not space.shared_weights:
        inner = sum(size * (size <= width) for size, _ in space.baselines)
    learned = (LEARNED_RANK * (reads.categories + width)) * (reads.categories > 0)
    products = (reads.numbers + reads.categories) * width + learned
    products = products + times * width * (space.layers * inner + reads.computed)
    units = times * space.layers * inner * (len(space.activations) if space.shared_weights else 1)
    each = PER_MULTIPLY_ADD * products + PER_UNIT * units
    return PER_CALL + ROWS * reads.members * each


@functools.partial(jax.jit, static_argnames="space")
def _weights(space: MixtureSpace, points: Float[EitherArray, "n D"]) -> Weights:
    return space.weights(points)


def excess(space: MixtureSpace, point: Float[Array, " D"], reads: Reads, most: Counts) -> Float[Array, ""]:
    """By how much a point exceeds limits, as the sum of logarithms; 0 within them. For gradient ascent.

    The value is exact. The gradient is that of a softened count, in which a share counts the more the larger
    it is, so that a climb finds back inside.

    Args:
        space: of the point.
        point: one.
        reads: the dataset.
        most: the limits, infinite where there is none.
    """
    hard = space.weights(point)
    soft = space.soften(point)._replace(recipe=hard.recipe)
    smooth = counted(space, soft, reads, used=_softly, xp=jnp)
    exact = counted(space, hard, reads, used=lambda share: jnp.where(share > 0, 1.0, 0.0), xp=jnp)
    total = jnp.zeros(())
    for limit, near, true in zip(most, smooth, exact, strict=True):
        logarithm = jnp.log(near)
        logarithm = logarithm + jax.lax.stop_gradient(jnp.log(true) - logarithm)
        total = total + jax.nn.relu(logarithm - jnp.log(limit))
    return cast(Array, total)


def _softly(share: Array) -> Array:
    """From 0 at a share of 0 to 1 at 1; steepest near 0."""
    return jnp.log1p(share / CUTOFF) / np.log1p(1 / CUTOFF)
