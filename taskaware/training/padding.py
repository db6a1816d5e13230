"""Few sizes of arrays for many tasks, where a program takes longer to compile than to run."""

import dataclasses
from typing import cast

import numpy as np
from jaxtyping import Array

from taskaware.arrays import as_jax, pad_to
from taskaware.children.mixture.network import Columns, Inputs
from taskaware.training.prepare import Part, Prepared

ROWS, NUMBERS, CATEGORIES, OUTPUTS = 16384, 128, 64, 16
"""The smallest sizes; the next ones are RATIO times as large."""
PART = 2048
"""The smallest size of the validation and of the test part."""
RATIO = 4


def coarse(prepared: Prepared) -> Prepared:
    """The same task in arrays of a few sizes; what is added is padding.

    A network has the same outputs for the same weights. Its random initial weights can differ, because the
    draw includes padded outputs.
    """
    arrays = prepared.arrays
    outputs = len(arrays.allowed)
    if prepared.problem == "classification":
        outputs = _size(outputs, OUTPUTS)
    names = len(prepared.embeddings)
    block = np.full(_size(len(arrays.columns.block), NUMBERS), names, np.int32)
    block[: len(arrays.columns.block)] = arrays.columns.block
    padded = arrays._replace(
        x=Inputs(_grown(arrays.x.numbers, NUMBERS), _grown(arrays.x.categories, CATEGORIES)),
        y=_rows(arrays.y),
        columns=Columns(as_jax(block), arrays.columns.active),
        allowed=as_jax(pad_to(np.asarray(arrays.allowed), outputs)),
        validation=_part(arrays.validation),
        test=_part(arrays.test),
    )
    return dataclasses.replace(prepared, arrays=padded)


def _size(size: int, smallest: int) -> int:
    """The next of the sizes smallest, smallest · RATIO, smallest · RATIO², ...

    >>> [_size(number, 16) for number in (3, 16, 17, 64, 65)]
    [16, 16, 64, 64, 256]
    """
    while smallest < size:
        smallest *= RATIO
    return smallest


def _grown(matrix: Array | np.ndarray, columns: int) -> Array:
    wide = pad_to(np.asarray(matrix), _size(matrix.shape[1], columns), axis=1)
    return _rows(cast(np.ndarray, wide))


def _rows(array: Array | np.ndarray) -> Array:
    return as_jax(pad_to(np.asarray(array), _size(len(array), ROWS)))


def _part(part: Part) -> Part:
    size = _size(len(part.rows), PART)
    return Part(*(as_jax(pad_to(np.asarray(each), size)) for each in part))
