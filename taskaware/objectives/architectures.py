"""The architectures that tasks are trained with, and the points that are recorded for them."""

import functools
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from taskaware.arrays import EitherArray, as_jax, bucket
from taskaware.children.child import child_of
from taskaware.errors import UserError
from taskaware.modalities.reading import modality_of
from taskaware.spaces import MixtureSpace, Space
from taskaware.tasks.task import Task

GRID = np.float32(2**-10)
"""Coordinates are rounded to it, so that rounding errors of a machine create no new architectures."""


def rounded(points: Any) -> Any:
    """Points on GRID, (..., D): NumPy's or JAX's."""
    return (points / GRID).round() * GRID


def common_architectures(space: Space, count: int) -> np.ndarray:
    """The architectures that every task is trained with, (count, D), equal on every machine.

    They are rounded, so that rounding errors of a machine create no new architectures.
    """
    drawn = _sampled(space, jax.random.key(0), bucket(count, 64))
    return rounded(np.asarray(drawn)[:count])


def turns(space: Space, architectures: int, count: int) -> list[Float[np.ndarray, "n D"]]:
    """The common architectures in equal parts, each with as many of every group of the child.

    So all parts train in the same compiled programs, see `children.child`. The last architectures of a group
    whose size `count` does not divide are in no part.

    Args:
        space: of the architectures.
        architectures: how many are drawn.
        count: of parts; one part holds all architectures.

    Raises:
        UserError: no group has so many architectures.
    """
    points = common_architectures(space, architectures)
    if count == 1:
        return [points]
    groups = [rows for _, rows in child_of(space).group(space, as_jax(points))]
    whole = [rows[: len(rows) // count * count] for rows in groups]
    if not any(map(len, whole)):
        most = max(map(len, groups))
        raise UserError(
            f"Setting turns={count} leaves every turn empty: at most {most} of the {architectures} "
            f"architectures train together. Give {most} or less, or more architectures."
        )
    return [points[np.sort(np.concatenate([rows[first::count] for rows in whole]))] for first in range(count)]


@functools.partial(jax.jit, static_argnames=("space", "count"))
def _sampled(space: Space, key: jax.Array, count: int) -> jax.Array:
    return space.sample(key, count)


def narrow_first(space: Space, points: Float[np.ndarray, "n D"]) -> Float[np.ndarray, "n D"]:
    """The points of a mixture space by width, so that compiled programs are reused; others as they are."""
    if not isinstance(space, MixtureSpace):
        return points
    return points[np.argsort(np.asarray(_widths(space, points)), kind="stable")]


@functools.partial(jax.jit, static_argnames="space")
def _widths(space: MixtureSpace, points: EitherArray) -> jax.Array:
    return space.width(points)


def recorded_points(task: Task, space: Space, points: np.ndarray) -> np.ndarray:
    """The points as they are recorded for a task: one for all that are one network on it.

    Args:
        task: may lack some of the space's embeddings.
        space: of the points.
        points: on GRID.
    """
    if not isinstance(space, MixtureSpace):
        return points
    return rounded(space.settled(points, modality_of(task).present(task)))
