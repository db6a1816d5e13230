"""Series as a modality: arrays in time, four embeddings."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from taskaware.embeddings import SERIES_EMBEDDINGS, raw_form
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.series.blocks import SeriesBlocks
from taskaware.modalities.series.data import SeriesData
from taskaware.modalities.series.features import FEATURES
from taskaware.modalities.series.forms import are_series, is_cube, is_missing, is_nested, numbers, numbers_of
from taskaware.modalities.series.reading import parsed
from taskaware.modalities.series.samples import SampleBlocks, fit_samples, samples_from
from taskaware.modalities.single import Parsed, Single, SingleReader
from taskaware.tasks.data import Data, Reader

FIRST = 20
SHORTEST = 8


class Series(Single):
    """Numbers in time.

    It reads arrays (N, C, T) of C channels and T samples; lists of arrays or lists (T_i,) or (C, T_i), of any
    lengths; a pandas Series of those; a frame whose cells are series, a channel in each column. Rows (T_i, C)
    are turned where T differs and C does not, or where T is four times C and C is at most 8. NaN (or None in
    a list) is a missing sample, None a missing row or channel.

    An array (N, T), or a list of equally long lists, could be a table as well. It is read as one, unless
    `modality="series"` says that it is series.
    """

    name = "series"
    embeddings = SERIES_EMBEDDINGS
    reads_rows = True

    def accepts(self, source: object) -> bool:
        """Whether the source says itself that it holds series: by three axes, or by lengths."""
        if isinstance(source, np.ndarray):
            return is_cube(source) if source.dtype != object else source.ndim == 1 and _differ(source)
        if isinstance(source, pd.DataFrame):
            return is_nested(source)
        if isinstance(source, pd.Series):
            return source.dtype == object and are_series(source.tolist())
        return isinstance(source, list | tuple) and len(source) > 0 and _differ(source)

    def holds(self, values: Sequence) -> bool:
        """Whether the values of a column are series; see `forms.are_series` for the rule and its limits."""
        return are_series(values)

    def values_of(self, source: object) -> Sequence:
        """One value for each row; a frame gives its columns as channels, or its numbers as samples."""
        if not isinstance(source, pd.DataFrame):
            return super().values_of(source)
        if all(source[name].dtype != object for name in source.columns):
            return cast(Sequence, numbers_of(source))
        return [list(row) for row in source.itertuples(index=False)]

    def parse(self, values: Sequence, *, column: str, **options: Any) -> Parsed[SeriesData]:
        """The values as series.

        Missing samples at the end are cut off, so that rows padded with NaN have their own lengths.

        Args:
            values: N of them.
            column: for messages.
            options: channels and time_first of the training rows, see `SeriesData`.

        Raises:
            UserError: a value is no series of finite numbers, has other channels, or is too long.
        """
        data, notes = parsed(values, column, **options)
        return Parsed(data, tuple(notes))

    def options(self, data: Data) -> Mapping[str, object]:
        data = cast(SeriesData, data)
        return {"channels": data.channels, "time_first": data.time_first}

    def fit_blocks(self, data: SeriesData, rows: np.ndarray) -> SeriesBlocks:
        return SeriesBlocks.fit(data, np.asarray(rows))

    def raw_blocks(self, data: SeriesData, rows: np.ndarray, name: str) -> Blocks | None:
        """The samples of series on one length.

        Args:
            data: series.
            rows: of the training part.
            name: of the block, such as "samples_64_2".
        """
        return fit_samples(data, rows, name) if raw_form("samples", name) else None

    def blocks_from(self, arrays: Mapping[str, np.ndarray]) -> SeriesBlocks | SampleBlocks:
        return samples_from(arrays) if "spread" in arrays else SeriesBlocks.from_arrays(arrays)

    def check_saved(self, reader: Reader, blocks: Blocks) -> None:
        """Nothing, if rows are read with the channels that the blocks have; see `Modality.check_saved`."""
        options = dict(cast(SingleReader, reader).options)
        if options.get("channels") != cast(SeriesBlocks | SampleBlocks, blocks).channels:
            raise ValueError("the blocks are those of series with other channels")

    def own_features(self, data: SeriesData) -> dict[str, float]:
        """The meta-features of series alone, by name; all are finite."""
        return {feature.name: float(cast(Any, feature.compute)(data)) for feature in FEATURES}


def _differ(source: Any) -> bool:
    """Whether a list's first values are arrays of numbers that have channels or differ in length."""
    some = [value for value in source[:FIRST] if not is_missing(value)]
    found = [array for value in some if (array := numbers(value)) is not None and array.size]
    if not found or len(found) < len(some) or len({array.ndim for array in found}) > 1:
        return False
    if found[0].ndim == 2:
        return not any(map(_is_bytes, some)) and any(is_cube(each[None]) for each in found)
    # Short rows that differ in length are rather a broken table.
    lengths = sorted(len(each) for each in found)
    return lengths[0] < lengths[-1] and lengths[len(lengths) // 2] >= SHORTEST


def _is_bytes(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "ub"


SERIES = Series()
