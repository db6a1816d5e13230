"""Rows of a frame whose columns are of several kinds: a table, and columns of texts, images or others."""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt64

from taskaware.tasks.data import Data, content_digest


class Part(NamedTuple):
    """Some columns of a frame, read by one kind of data.

    Attributes:
        modality: its name; "tables" for all columns of a table together.
        column: name of the column; "" for the table.
        data: N rows.
    """

    modality: str
    column: str
    data: Data


@dataclasses.dataclass(frozen=True, eq=False)
class Mixed:
    """N rows of several parts.

    Attributes:
        parts: the table first, if there is one, then the other columns in the order of the frame.
    """

    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        return self.parts[0].data.rows

    @functools.cached_property
    def row_hashes(self) -> UInt64[np.ndarray, " N"]:
        """A 64-bit hash of every row's content, (N,)."""
        total = np.zeros(self.rows, np.uint64)
        for place, part in enumerate(self.parts):
            total = total * np.uint64(0x9E3779B97F4A7C15) + part.data.row_hashes + np.uint64(place)
        return total

    @functools.cached_property
    def digest(self) -> str:
        """16 hex digits that name the content, in any order of the rows, under any names of the columns."""
        return content_digest("|".join(part.modality for part in self.parts), self.row_hashes)

    def take(self, rows: np.ndarray) -> "Mixed":
        """Only these rows, in this order (indices), or those of a mask."""
        return Mixed(tuple(part._replace(data=part.data.take(rows)) for part in self.parts))
