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

    def __call__(self, values: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Scaled rows, float32.

        Args:
            values: (N, D).
            present: rows that are not missing, (N,); the others are 0, the mean.
        """
        scaled = np.clip((values - self.mean) * self.scale, -FARTHEST, FARTHEST)
        return np.where(present[:, None], scaled, 0).astype(np.float32)

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
