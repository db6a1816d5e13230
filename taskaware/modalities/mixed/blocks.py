"""The blocks of all parts of a frame; blocks of one name stand side by side."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from taskaware.modalities.blocks import Blocks
from taskaware.modalities.mixed.data import Mixed


class Fitted(NamedTuple):
    """The blocks of one part, and the name of its modality."""

    modality: str
    blocks: Blocks


@dataclasses.dataclass(frozen=True, eq=False)
class MixedBlocks(Blocks):
    """The blocks of the parts.

    Attributes:
        parts: in the order of the data's parts.
    """

    parts: tuple[Fitted, ...]

    @property
    def widths(self) -> Mapping[str, int]:
        return _summed(part.blocks.widths for part in self.parts)

    @property
    def active(self) -> Mapping[str, int]:
        return _summed(part.blocks.active for part in self.parts)

    def transform(
        self, data: Mixed, rows: np.ndarray | None = None
    ) -> Mapping[str, Float[np.ndarray, "n width"]]:
        found: dict[str, list[np.ndarray]] = {}
        for part, its in zip(self.parts, data.parts, strict=True):
            for name, matrix in part.blocks.transform(its.data, rows).items():
                found.setdefault(name, []).append(matrix)
        return {name: side_by_side(matrices) for name, matrices in found.items()}

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {
            f"{place}.{part.modality}.{name}": array
            for place, part in enumerate(self.parts)
            for name, array in part.blocks.to_arrays().items()
        }


def side_by_side(matrices: list[np.ndarray]) -> np.ndarray:
    """Matrices of n rows as one; a single one is not copied."""
    return matrices[0] if len(matrices) == 1 else np.concatenate(matrices, axis=1)


def _summed(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for widths in parts:
        for name, width in widths.items():
            total[name] = total.get(name, 0) + width
    return total
