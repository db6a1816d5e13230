"""Raw features → a block of at most 256 columns with mean 0 and a spread near 1 on training rows."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

WIDEST = 256
MOST = 8.0
FLOOR, FLAT = 0.1, 1e-6
EXACT = 600
"""Directions are computed exactly up to so many rows or columns; beyond, by a randomised method."""


@dataclasses.dataclass(frozen=True, eq=False)
class Scaling:
    """What is learned from the training rows for one block.

    Attributes:
        mean: of each raw column, (d,).
        scale: that a column is multiplied by, (d,); 0 for one that is constant.
        columns: raw columns that are kept, (w,); empty where there is a matrix.
        matrix: principal directions, (d, w), divided by the root of their spread; (0, 0) for few columns.
    """

    mean: np.ndarray
    scale: np.ndarray
    columns: np.ndarray
    matrix: np.ndarray

    @property
    def width(self) -> int:
        return self.matrix.shape[1] if self.matrix.size else len(self.columns)

    def transform(self, raw: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n w"]:
        """The block of some rows, float32."""
        return scaled_block(raw, vars(self))

    def to_arrays(self, prefix: str) -> dict[str, np.ndarray]:
        return {f"{prefix}.{each.name}": getattr(self, each.name) for each in dataclasses.fields(self)}


def scaled_block(raw: Float[np.ndarray, "n d"], learned: Mapping) -> Float[np.ndarray, "n w"]:
    """What `Scaling.transform` gives.

    Args:
        raw: features of some rows.
        learned: the arrays of the scaling, by name.
    """
    mean, scale, matrix = learned["mean"], learned["scale"], learned["matrix"]
    if not matrix.size:
        kept = learned["columns"]
        return _scaled(raw[:, kept], mean[kept], scale[kept]).astype(np.float32)
    scaled = _scaled(raw, mean.astype(np.float32), scale.astype(np.float32))
    # In float64, a row has the same features alone as among others.
    return (scaled.astype(np.float64) @ matrix).astype(np.float32)


def fit_scaling(raw: Float[np.ndarray, "n d"]) -> Scaling:
    """Learn from training rows.

    A column is divided by its spread, with a tenth of that of all columns as a floor, so that a pixel that is
    nearly always black does not count as much as the others. Where there are more than 256 columns, the
    principal directions take their place, each divided by the root of its spread: halfway between leaving
    their spreads as they are and making them equal, which would blow up noise where rows are few.
    """
    raw = raw.astype(np.float64)
    if not len(raw):
        empty = np.zeros(raw.shape[1])
        return Scaling(empty, empty, np.zeros(0, np.int64), np.zeros((0, 0)))
    mean, spread = raw.mean(axis=0), raw.std(axis=0)
    general = np.sqrt(np.mean(spread**2))
    varies = spread > FLAT * max(general, FLAT)
    scale = np.where(varies, 1 / np.sqrt(np.where(varies, spread, 1) ** 2 + (FLOOR * general) ** 2), 0)
    columns = np.flatnonzero(varies)
    if len(columns) <= WIDEST:
        return Scaling(mean, scale, columns, np.zeros((0, 0)))
    matrix = _directions(_scaled(raw, mean, scale))
    return Scaling(mean, scale, np.zeros(0, np.int64), matrix)


def scaling_from(arrays: Mapping[str, np.ndarray], prefix: str) -> Scaling:
    """The scaling that `Scaling.to_arrays` wrote.

    Args:
        arrays: of a file.
        prefix: name of the block.

    Raises:
        ValueError: an array is missing, of a wrong shape or type, or not finite.
    """
    names = [each.name for each in dataclasses.fields(Scaling)]
    found = {name: arrays[f"{prefix}.{name}"] for name in names}
    scaling = Scaling(**found)
    count = len(scaling.mean) if scaling.mean.ndim == 1 else -1
    shapes = scaling.scale.shape == (count,) and scaling.columns.ndim == 1 and scaling.matrix.ndim == 2
    if not shapes or (scaling.matrix.size and scaling.matrix.shape[0] != count):
        raise ValueError(f"the arrays of '{prefix}' do not fit together")
    if scaling.columns.dtype.kind not in "iu" or not np.isin(scaling.columns, np.arange(count)).all():
        raise ValueError(f"'{prefix}.columns' are no columns")
    for name in ("mean", "scale", "matrix"):
        if found[name].dtype.kind != "f" or not np.isfinite(found[name]).all():
            raise ValueError(f"'{prefix}.{name}' holds what is no finite number")
    if scaling.width > WIDEST:
        raise ValueError(f"'{prefix}' has {scaling.width} columns; {WIDEST} are allowed")
    return scaling


def _scaled(raw: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.clip((raw - mean) * scale, -MOST, MOST)


def _directions(scaled: np.ndarray) -> np.ndarray:
    """Principal directions of rows with mean 0, (d, w); each divided by the root of its spread, all by one
    number, so that the columns have a mean square of 1."""
    values, vectors = _principal(scaled)
    kept = values > FLAT * values[0]
    values, vectors = values[kept], vectors[:, kept]
    weights = values**-0.25 / np.sqrt(np.mean(np.sqrt(values)))
    return vectors * weights


def _principal(scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest variances, in falling order, and their directions (d, at most 256)."""
    if min(scaled.shape) <= EXACT:
        _, singular, rows = np.linalg.svd(scaled, full_matrices=False)
    else:
        from sklearn.utils.extmath import randomized_svd

        _, singular, rows = randomized_svd(scaled.astype(np.float32), WIDEST, n_iter=3, random_state=0)
    values, rows = singular[:WIDEST].astype(np.float64) ** 2 / len(scaled), rows[:WIDEST].astype(np.float64)
    signs = np.sign(rows[np.arange(len(rows)), np.argmax(np.abs(rows), axis=1)])
    return values, (rows * signs[:, None]).T
