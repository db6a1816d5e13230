"""The three blocks of vectors: as they come, of length 1, whitened."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from taskaware.embeddings import VECTOR_EMBEDDINGS
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.columns import Columns, in_one, of_part
from taskaware.modalities.vectors.data import VectorData

SETTINGS: Mapping[str, dict] = {
    "vectors": {},
    "normalised": {},
    "whitened": {"reduced": True, "power": 1.0},
}


def unit_length(matrix: Float[np.ndarray, "n D"]) -> Float[np.ndarray, "n D"]:
    """Each row divided by its length; a row of zeros stays."""
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(norms > 0, norms, 1.0)


def vector_forms(matrix: Float[np.ndarray, "n D"]) -> dict[str, np.ndarray]:
    """The raw features of each block, by name."""
    matrix = matrix.astype(np.float64)
    return {"vectors": matrix, "normalised": unit_length(matrix), "whitened": matrix}


@dataclasses.dataclass(frozen=True, eq=False)
class VectorBlocks(Blocks):
    """The three blocks, fitted; a missing row is 0 throughout.

    Attributes:
        columns: of each, by name.
    """

    columns: Mapping[str, Columns]

    @classmethod
    def fit(cls, data: VectorData, rows: Int[np.ndarray, " n"]) -> "VectorBlocks":
        """Fit to these rows (indices, at least one)."""
        ordered = rows[np.argsort(data.row_hashes[rows], kind="stable")]
        forms = vector_forms(data.matrix[ordered])
        return cls({name: Columns.fit(forms[name], **SETTINGS[name]) for name in VECTOR_EMBEDDINGS})

    @property
    def widths(self) -> Mapping[str, int]:
        return {name: columns.width for name, columns in self.columns.items()}

    def transform(
        self, data: VectorData, rows: np.ndarray | None = None
    ) -> Mapping[str, Float[np.ndarray, "n width"]]:
        forms = vector_forms(data.matrix[slice(None) if rows is None else np.asarray(rows)])
        return {name: columns.transform(forms[name]) for name, columns in self.columns.items()}

    def to_arrays(self) -> dict[str, np.ndarray]:
        return in_one({name: columns.to_arrays() for name, columns in self.columns.items()})

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "VectorBlocks":
        """The blocks that `to_arrays` wrote.

        Raises:
            ValueError: an array is missing, of another shape, or holds what no fit gives.
        """
        columns = {name: Columns.from_arrays(of_part(arrays, name)) for name in VECTOR_EMBEDDINGS}
        if len({len(each.unit) for each in columns.values()}) > 1:
            raise ValueError("the blocks are those of vectors of several widths")
        return cls(columns)
