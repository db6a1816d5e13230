"""The arrays of an encoder that was read from a file: what a fit can have given, or a ValueError."""

from collections.abc import Mapping
from typing import Any

import numpy as np

NUMBERS = ("median", "mean", "std", "spread", "unit")
POSITIVE = ("std", "spread", "unit")
PER_COLUMN = ("positions", "frequencies")


def checked(arrays: Mapping[str, np.ndarray], *, max_categories: int, quantiles: int) -> dict[str, Any]:
    """The fields of an encoder, in their own types.

    Args:
        arrays: by name; those of older versions lack "unit", "wide" and "narrow".
        max_categories: labels of a column that is not wide.
        quantiles: rows of the grid.

    Raises:
        ValueError: an array is missing, of another shape, or holds what no fit gives.
    """
    missing = {"median", "mean", "std", "spread", "grid", "indicated", "lengths", *PER_COLUMN} - set(arrays)
    if missing:
        raise ValueError(f"the encoder lacks {', '.join(sorted(missing))}")
    lengths = _lengths(arrays)
    stops = np.cumsum(lengths)[:-1]
    parts = {name: tuple(np.split(arrays[name], stops)) if len(lengths) else () for name in PER_COLUMN}
    fields = {
        "unit": np.ones(np.shape(arrays["median"])),
        "wide": lengths - 1 > max_categories,
        **{name: array for name, array in arrays.items() if name not in ("lengths", "narrow", *PER_COLUMN)},
    }
    _check_numbers(fields, quantiles)
    _check_flags(fields, len(lengths))
    positions = tuple(map(_places, parts["positions"]))
    narrow = arrays.get("narrow", np.array(False))
    if narrow.shape != () or narrow.dtype != bool:
        raise ValueError("narrow is neither true nor false")
    shares = tuple(map(_shares, parts["frequencies"]))
    return {**fields, "positions": positions, "frequencies": shares, "narrow": bool(narrow)}


def _lengths(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    lengths = arrays["lengths"]
    if lengths.ndim != 1 or lengths.dtype.kind != "i" or (lengths < 1).any():
        raise ValueError("the lengths of the category columns are no whole numbers of 1 or more")
    for name in PER_COLUMN:
        if arrays[name].shape != (lengths.sum(),):
            raise ValueError(f"{name} has the shape {arrays[name].shape}, not ({lengths.sum()},)")
    return lengths


def _check_numbers(fields: Mapping[str, np.ndarray], quantiles: int) -> None:
    width = np.shape(fields["median"])
    for name in (*NUMBERS, "grid"):
        array, shape = fields[name], (quantiles, *width) if name == "grid" else width
        if array.shape != shape or array.ndim != len(shape) or array.dtype.kind != "f" or len(width) != 1:
            raise ValueError(f"{name} has the shape {array.shape} and the type {array.dtype}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds what is no finite number")
        if name in POSITIVE and (array <= 0).any():
            raise ValueError(f"{name} is not positive everywhere")
    if (np.diff(fields["grid"], axis=0) < 0).any():
        raise ValueError("the quantiles are not in ascending order")


def _check_flags(fields: Mapping[str, np.ndarray], columns: int) -> None:
    for name, shape in (("indicated", fields["median"].shape), ("wide", (columns,))):
        if fields[name].shape != shape or fields[name].dtype != bool:
            raise ValueError(f"{name} has the shape {fields[name].shape} and the type {fields[name].dtype}")
    if fields["wide"].sum() > len(fields["median"]):
        raise ValueError("there are fewer numeric columns than wide ones")


def _places(array: np.ndarray) -> np.ndarray:
    """Places in a one-hot block: 0 for the rest, the last entry among it, and each other place once."""
    found = np.sort(array[array != 0])
    if array.dtype.kind not in "iu" or array[-1] != 0 or not np.array_equal(found, 1 + np.arange(len(found))):
        raise ValueError("the places of categories are not 1, 2, ...")
    return array.astype(np.int32)


def _shares(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind != "f" or not np.isfinite(array).all() or (array > 0).any():
        raise ValueError("the shares of categories are no logarithms")
    return array.astype(np.float32)
