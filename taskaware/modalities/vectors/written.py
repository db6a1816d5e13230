"""How the code of an exported model reads vectors and computes their blocks, with NumPy alone."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from taskaware.modalities.columns import block_columns, of_part
from taskaware.modalities.plain_values import PLAIN, Written, values_of
from taskaware.modalities.tables.written.copying import Definition
from taskaware.modalities.vectors.blocks import vector_forms
from taskaware.modalities.vectors.reading import parsed

_OWN = "taskaware.modalities.vectors.written"


class PlainVectors(NamedTuple):
    """N vectors of one width, (N, D); a missing row is NaN throughout."""

    matrix: np.ndarray
    width: int


def read_vectors(rows: Any, about: Mapping) -> np.ndarray:
    """The vectors of some rows, (N, D) float32."""
    return parsed(values_of(rows, about), about["column"], width=about["options"]["width"])[0].matrix


def vector_blocks(matrix: np.ndarray, arrays: Mapping, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The blocks of these names.

    Args:
        matrix: the vectors, (N, D).
        arrays: what the blocks learned.
        names: of the blocks.
    """
    forms = vector_forms(matrix)
    return {name: block_columns(forms[name], of_part(arrays, name)) for name in names}


WRITTEN = Written(
    Definition(_OWN, "read_vectors"),
    Definition(_OWN, "vector_blocks"),
    takes="a matrix, a list of vectors, or a table with their column",
    instead={
        Definition("taskaware.modalities.vectors.data", "VectorData"): Definition(_OWN, "PlainVectors"),
        Definition("taskaware.modalities.series.forms", "is_missing"): Definition(PLAIN, "is_missing"),
    },
)
