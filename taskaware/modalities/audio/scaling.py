"""Columns with mean near 0 and spread near 1 on training rows."""

import dataclasses
from collections.abc import Mapping

import numpy as np

SMALLEST = 1e-3
"""Spread below which a column is taken as constant."""
FARTHEST = 10.0
"""Largest value after scaling."""


@dataclasses.dataclass(frozen=True, eq=False)
class Scaling:
    """Learned from training rows.

    Attributes:
        mean: of each column, (D,) float64.
        scale: one over its spread, (D,); 0 where it is constant.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray) -> "Scaling":
        """The scaling of these rows, (N, D); of none, one that gives 0."""
        if not len(values):
            return cls(np.zeros(values.shape[1]), np.zeros(values.shape[1]))
        spread = values.std(0)
        return cls(values.mean(0), np.where(spread > SMALLEST, 1 / np.maximum(spread, SMALLEST), 0.0))

    def to_arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """Both, with this before their names."""
        return {f"{prefix}.mean": self.mean, f"{prefix}.scale": self.scale}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], prefix: str, width: int) -> "Scaling":
        """What `to_arrays` wrote.

        Args:
            arrays: by name.
            prefix: as it was written with.
            width: columns that it has to have.

        Raises:
            ValueError: an array is missing, of another shape, or not finite.
        """
        mean = checked(arrays, f"{prefix}.mean", (width,))
        scale = checked(arrays, f"{prefix}.scale", (width,))
        if (scale < 0).any():
            raise ValueError(f"{prefix}.scale is negative")
        return cls(mean, scale)


def scaled(values: np.ndarray, missing: np.ndarray, learned: Mapping) -> np.ndarray:
    """Scaled rows, (N, D) float32; a missing one is 0, the mean.

    Args:
        values: (N, D), or (N, D - 1) where the last column says which rows are missing.
        missing: rows without a sound, (N,) bool.
        learned: the arrays of `Scaling`, by name.
    """
    mean = learned["mean"]
    known = np.where(missing[:, None], mean[: values.shape[1]], values)
    if known.shape[1] < len(mean):
        known = np.column_stack([known, missing])
    return np.clip((known - mean) * learned["scale"], -FARTHEST, FARTHEST).astype(np.float32)


def checked(arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """An array of finite floats.

    Args:
        arrays: by name.
        name: of the one asked for.
        shape: that it has to have; None for any length.

    Raises:
        ValueError: it is missing, of another shape or type, or not finite.
    """
    if name not in arrays:
        raise ValueError(f"the blocks of sounds lack {name}")
    array = arrays[name]
    fits = array.ndim == len(shape) and all(
        want in (None, have) for want, have in zip(shape, array.shape, strict=True)
    )
    if array.dtype != np.float64 or not fits:
        raise ValueError(f"{name} has the shape {array.shape} and the type {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds what is no finite number")
    return array
