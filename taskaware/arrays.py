"""Arrays of either library, and shapes: one bucket for many sizes, one program for many tasks."""

from typing import Any

import jax
import numpy as np

ALIGNED = 64
"""Bytes that the place of an array in memory is a multiple of, where JAX is to share it."""

WIDE = 1 << 15
"""Columns from which padding is sparing."""

EitherArray = jax.Array | np.ndarray
"""A JAX array (or tracer) or a NumPy array: what a function takes that turns both into the former."""


def bucket(size: int, smallest: int = 8) -> int:
    """The next power of two that holds `size`, at least `smallest`.

    >>> [bucket(n) for n in (1, 8, 9, 700)]
    [8, 8, 16, 1024]
    """
    return max(smallest, 1 << max(size - 1, 0).bit_length())


def column_room(columns: int) -> int:
    """Number of columns after padding; 0 stays 0, so a table without categories costs nothing for them.

    Beyond WIDE columns it is a multiple of an eighth of a power of two: padding costs time and memory there.

    >>> [column_room(columns) for columns in (0, 3, 70)]
    [0, 64, 128]
    """
    step = bucket(columns) // 8 if columns > WIDE else 0
    return -(-columns // step) * step if step else bucket(columns, 64) if columns else 0


def shared_zeros(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros of float32 that `jax.device_put` takes as they lie on a CPU, where it copies other arrays.

    Write to them before JAX has them, and never after.

    >>> shared_zeros((2, 3)).ctypes.data % ALIGNED
    0
    """
    size = int(np.prod(shape))
    whole = np.zeros(size + ALIGNED // 4, np.float32)
    first = -whole.ctypes.data % ALIGNED // 4
    return whole[first : first + size].reshape(shape)


def as_jax(values: Any, dtype: Any = None) -> jax.Array:
    """The values as a JAX array; outside `jit` only.

    `jnp.asarray` compiles a program for each new shape of a NumPy array; this one copies it.

    Args:
        values: an array of either library, or a nested sequence of numbers.
        dtype: of the result; by default that of the values, in JAX's precision.

    >>> as_jax(np.ones(3), np.int32).tolist()
    [1, 1, 1]
    """
    if isinstance(values, jax.Array):
        return values if dtype is None else values.astype(dtype)
    # A copy, because JAX shares the memory of some arrays on a CPU.
    return jax.device_put(np.array(values, dtype))


def pad_to(array: np.ndarray, length: int, axis: int = 0) -> np.ndarray:
    """The array with zeros appended.

    Args:
        array: of any rank and type.
        length: along the axis; at least what the array has.
        axis: that grows.

    >>> pad_to(np.array([1, 2]), 4)
    array([1, 2, 0, 0])
    """
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, length - array.shape[axis])
    return np.pad(array, widths)
