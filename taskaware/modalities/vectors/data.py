"""Vectors as data."""

import dataclasses
import functools

import numpy as np
from jaxtyping import Float32, UInt64

from taskaware.tasks.data import Listed, content_digest


@dataclasses.dataclass(frozen=True, eq=False)
class VectorData:
    """N vectors of one width.

    Attributes:
        matrix: (N, D); a missing row is NaN throughout.
        width: of the vectors as they were given; D is less where they were wider than MOST_WIDTH.
    """

    matrix: Float32[np.ndarray, "N D"]
    width: int

    @property
    def rows(self) -> int:
        return len(self.matrix)

    @functools.cached_property
    def row_hashes(self) -> UInt64[np.ndarray, " N"]:
        return Listed("embedding", tuple(self.matrix)).row_hashes

    @functools.cached_property
    def digest(self) -> str:
        return content_digest(f"embedding|{self.width}", self.row_hashes)

    @property
    def missing(self) -> np.ndarray:
        """Whether each row is missing, (N,)."""
        return np.isnan(self.matrix[:, 0])

    def take(self, rows: np.ndarray) -> "VectorData":
        kept = self.matrix[np.arange(self.rows)[rows]]
        kept.setflags(write=False)
        return VectorData(kept, self.width)
