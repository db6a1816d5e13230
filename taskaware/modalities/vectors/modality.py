"""Vectors of a foundation model as a modality: three embeddings."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from taskaware.embeddings import VECTOR_EMBEDDINGS
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.series.forms import are_vectors, numbers_of
from taskaware.modalities.single import Parsed, Single, SingleReader
from taskaware.modalities.vectors.blocks import VectorBlocks
from taskaware.modalities.vectors.data import VectorData
from taskaware.modalities.vectors.features import FEATURES
from taskaware.modalities.vectors.reading import MOST_WIDTH, is_from_a_model, parsed
from taskaware.tasks.data import Data, Reader


class Vectors(Single):
    """Rows of floats that a foundation model gave for a text, an image, a molecule.

    It reads matrices (N, D), lists of arrays or lists of D numbers each, a pandas Series of those, and a
    frame of D numeric columns. A row may be missing (None, or NaN throughout); a number may not. Vectors of
    over 4,096 numbers are folded to 4,096 (see `reading.folded`).

    A matrix is a table unless `modality="embedding"` says otherwise, or it can be nothing else: see
    `reading.is_from_a_model` for the rule.
    """

    name = "embedding"
    embeddings = VECTOR_EMBEDDINGS
    reads_rows = True

    def accepts(self, source: object) -> bool:
        """Whether an array says itself that a model gave it, or a pandas Series holds vectors."""
        if isinstance(source, np.ndarray):
            return is_from_a_model(source)
        if isinstance(source, pd.Series):
            return source.dtype == object and are_vectors(source.tolist())
        return False

    def holds(self, values: Sequence) -> bool:
        """Whether the values of a column are vectors; see `series.forms.are_vectors` for the rule."""
        return are_vectors(values)

    def values_of(self, source: object) -> Sequence:
        """One value for each row; a frame gives its rows of numbers."""
        if isinstance(source, pd.DataFrame):
            return cast(Sequence, numbers_of(source))
        return super().values_of(source)

    def parse(self, values: Sequence, *, column: str, **options: Any) -> Parsed[VectorData]:
        """The values as vectors, in 32 bits.

        Args:
            values: N of them.
            column: for messages.
            options: width of the training rows.

        Raises:
            UserError: a value is no vector of finite numbers, or of another width.
        """
        data, notes = parsed(values, column, **options)
        return Parsed(data, tuple(notes))

    def options(self, data: Data) -> Mapping[str, object]:
        return {"width": cast(VectorData, data).width}

    def fit_blocks(self, data: VectorData, rows: np.ndarray) -> VectorBlocks:
        return VectorBlocks.fit(data, np.asarray(rows))

    def blocks_from(self, arrays: Mapping[str, np.ndarray]) -> VectorBlocks:
        return VectorBlocks.from_arrays(arrays)

    def check_saved(self, reader: Reader, blocks: Blocks) -> None:
        """Nothing, if vectors are read with the width that the blocks have; see `Modality.check_saved`."""
        options = dict(cast(SingleReader, reader).options)
        width = options.get("width")
        columns = cast(VectorBlocks, blocks).columns["vectors"]
        if not isinstance(width, int) or min(width, MOST_WIDTH) != len(columns.unit):
            raise ValueError("the blocks are those of vectors of another width")

    def own_features(self, data: VectorData) -> dict[str, float]:
        """The meta-features of vectors alone, by name; all are finite."""
        return {feature.name: float(cast(Any, feature.compute)(data)) for feature in FEATURES}


VECTORS = Vectors()
