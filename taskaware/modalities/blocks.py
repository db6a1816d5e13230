"""Feature blocks: rows of any kind of data as matrices, each named after the embedding that reads it."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float


@runtime_checkable
class Blocks(Protocol):
    """Fitted to training rows alone; turns rows of a modality into matrices.

    A block has the name of one of the space's embeddings, whose share gamma scales it. The blocks "one_hot"
    and "learned" are one matrix of categories, which two embeddings read: give both, or neither. An embedding
    without a block is masked. Subclass it, preferably as a frozen dataclass of arrays.
    """

    @property
    @abstractmethod
    def widths(self) -> Mapping[str, int]:
        """Columns of each block, by name; 0 for one that is empty in this dataset."""

    @property
    def active(self) -> Mapping[str, int]:
        """Columns of each block that can differ from 0 in one row: the scale of the initial weights."""
        return self.widths

    @abstractmethod
    def transform(
        self, data: Any, rows: np.ndarray | None = None
    ) -> Mapping[str, Float[np.ndarray, "n width"]]:
        """The blocks of these rows, all finite float32.

        Args:
            data: of the modality; later rows may hold what the training rows did not.
            rows: indices; all by default.
        """

    @abstractmethod
    def to_arrays(self) -> dict[str, np.ndarray]:
        """The fitted state as plain arrays, for a saved model; `Modality.blocks_from` reads them."""
