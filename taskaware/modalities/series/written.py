"""How the code of an exported model reads series and computes their blocks, with NumPy alone."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from taskaware.modalities.columns import block_columns, of_part
from taskaware.modalities.plain_values import PLAIN, Written, values_of
from taskaware.modalities.series.blocks import computed_features, convolved
from taskaware.modalities.series.data import SeriesData
from taskaware.modalities.series.reading import parsed
from taskaware.modalities.tables.written.copying import Definition

_OWN = "taskaware.modalities.series.written"


class PlainSeries(NamedTuple):
    """N series of the same channels, each (C, T_i), NaN where a sample is missing."""

    values: tuple
    channels: int
    time_first: bool = False

    @property
    def rows(self) -> int:
        """N."""
        return len(self.values)

    @property
    def lengths(self) -> np.ndarray:
        """Samples of each row, 0 where it is missing."""
        return np.array([value.shape[1] for value in self.values], np.int64)


def read_series(rows: Any, about: Mapping) -> tuple:
    """The series of some rows, each (C, T_i) float64."""
    return parsed(values_of(rows, about), about["column"], **about["options"])[0].values


def series_blocks(values: Sequence, arrays: Mapping, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The blocks of these names.

    Args:
        values: the series.
        arrays: what the blocks learned.
        names: of the blocks.
    """
    data, found = cast(SeriesData, PlainSeries(tuple(values), int(arrays["channels"]))), {}
    rows = np.arange(data.rows)
    for name in names:
        learned = of_part(arrays, name)
        if name == "convolutions":
            found[name] = convolved(data, rows, learned)
        else:
            found[name] = block_columns(computed_features(data, name, rows), learned)
    return found


WRITTEN = Written(
    Definition(_OWN, "read_series"),
    Definition(_OWN, "series_blocks"),
    takes="an array (N, C, T), a list of series, or a table with their column",
    shared=("channels",),
    instead={
        Definition("taskaware.modalities.series.data", "SeriesData"): Definition(_OWN, "PlainSeries"),
        Definition("taskaware.modalities.series.forms", "is_missing"): Definition(PLAIN, "is_missing"),
    },
)
