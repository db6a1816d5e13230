"""The four blocks of series: summary, spectrum, convolutions, resampled."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float, Int

from taskaware.embeddings import SERIES_EMBEDDINGS
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.cache import CACHE
from taskaware.modalities.columns import MOST_COLUMNS, MOST_ROWS, Columns, block_columns, in_one, of_part
from taskaware.modalities.series.convolutions import LONGEST, SHORTEST, Kernels, kernel_features
from taskaware.modalities.series.data import Batch, SeriesData, batches
from taskaware.modalities.series.resampling import at_length, points_of, resampled
from taskaware.modalities.series.samples import channel_scale
from taskaware.modalities.series.spectrum import spectrum
from taskaware.modalities.series.summary import summary
from taskaware.saved import content_digest

MOST_SAMPLES = 1 << 21
"""Samples of all training rows together up to which they are convolved at their own length."""
SHORT = 128
"""The length that even many training rows are convolved at."""
ROWS_AT_ONCE = 256


def _points(batch: Batch) -> Float[np.ndarray, "B width"]:
    found = resampled(batch, points_of(batch.values.shape[1]))
    found[batch.absent] = np.nan
    return found.reshape(len(batch.rows), -1)


RAW: Mapping[str, Callable[[Batch], np.ndarray]] = {
    "summary": summary,
    "spectrum": spectrum,
    "resampled": _points,
}
"""Features of a row that depend on nothing but the row."""


def raw_features(data: SeriesData, name: str, rows: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n W"]:
    """One of RAW, for these rows; computed once for each row. NaN in a row that is missing.

    Args:
        data: of the modality.
        name: in RAW.
        rows: indices.
    """
    compute = functools.partial(computed_features, data, name)
    what = "series", name, data.channels
    return CACHE.rows(what, data.row_hashes[rows], lambda places: compute(rows[places]))


def computed_features(data: SeriesData, name: str, rows: np.ndarray) -> np.ndarray:
    """What `raw_features` gives, computed for each row.

    Args:
        data, name, rows: as there.
    """
    back = np.zeros(data.rows, np.int64)
    back[rows] = np.arange(len(rows))
    found: np.ndarray | None = None
    for batch in batches(data, rows):
        part = RAW[name](batch)
        found = np.full((len(rows), part.shape[1]), np.nan) if found is None else found
        found[back[batch.rows]] = part
    return np.full((len(rows), _width(data.channels, name)), np.nan) if found is None else found


@functools.cache
def _width(channels: int, name: str) -> int:
    still = Batch(np.arange(1), np.zeros((1, channels, 1)), np.ones(1, int), np.zeros((1, channels), bool))
    return RAW[name](still).shape[1]


@dataclasses.dataclass(frozen=True, eq=False)
class Convolutions:
    """MiniRocket's features, their principal components.

    Attributes:
        mean, std: of each channel, (C,).
        kernels: fitted to training rows.
        columns: of its features.
    """

    mean: Float[np.ndarray, " C"]
    std: Float[np.ndarray, " C"]
    kernels: Kernels
    columns: Columns

    @classmethod
    def fit(cls, data: SeriesData, rows: Int[np.ndarray, " n"]) -> "Convolutions":
        """Fit to these rows, sorted by content; at most MOST_ROWS of them are convolved."""
        lengths = data.lengths[rows]
        there = rows[lengths > 0]
        sample = there[:MOST_ROWS] if len(there) else rows[:1]
        values = at_length(data, sample, _length(lengths))
        mean, std = channel_scale(values)
        scaled = (values - mean[:, None]) / std[:, None]
        kernels = Kernels.fit(np.nan_to_num(scaled))
        features = kernels.transform(np.nan_to_num(scaled)).astype(np.float64)
        found = cls(mean, std, kernels, Columns.fit(features, **SETTINGS))
        if len(there):
            computed = found.columns.transform(features)
            CACHE.rows(("series", found.digest), data.row_hashes[sample], lambda places: computed[places])
        return found

    @functools.cached_property
    def digest(self) -> str:
        """64 hex digits that name what was learned."""
        return content_digest("convolutions", self.to_arrays())

    def transform(self, data: SeriesData, rows: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n K"]:
        """The columns of these rows; 0 where a row is missing."""
        hashes = data.row_hashes[rows]
        learned = self.to_arrays()
        return CACHE.rows(
            ("series", self.digest), hashes, lambda places: convolved(data, rows[places], learned)
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What was learned, by name."""
        own = {"channel_mean": self.mean, "channel_std": self.std}
        return own | self.kernels.to_arrays() | self.columns.to_arrays()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Convolutions":
        """What `to_arrays` wrote.

        Raises:
            ValueError: an array is missing, of another shape, or holds what no fit gives.
        """
        kernels, columns = Kernels.from_arrays(arrays), Columns.from_arrays(arrays)
        mean, std = (arrays.get(name, np.zeros(0)) for name in ("channel_mean", "channel_std"))
        wanted = kernels.chosen.shape[2:]
        for values in (mean, std):
            if values.shape != wanted or not np.isfinite(values).all():
                raise ValueError("the mean or the spread of a channel is missing, or no finite number")
        if not (std > 0).all() or len(columns.unit) != len(kernels.biases):
            raise ValueError("a spread is not positive, or the columns are those of other features")
        return cls(mean, std, kernels, columns)


def convolved(data: SeriesData, rows: Int[np.ndarray, " n"], learned: Mapping) -> Float[np.ndarray, "n K"]:
    """The columns of `Convolutions` for these rows; 0 where a row is missing.

    Args:
        data: of the modality.
        rows: indices.
        learned: the arrays of `Convolutions`, by name.
    """
    mean, std = learned["channel_mean"][:, None], learned["channel_std"][:, None]
    found = np.zeros((len(rows), learned["components"].shape[1]), np.float32)
    for first in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[first : first + ROWS_AT_ONCE]
        there = data.lengths[part] > 0
        if there.any():
            scaled = np.nan_to_num((at_length(data, part[there], int(learned["length"])) - mean) / std)
            features = kernel_features(np.clip(scaled, -1e6, 1e6), learned)
            found[first : first + len(part)][there] = block_columns(features.astype(np.float64), learned)
    return found


SETTINGS: dict = {"reduced": True, "power": 0.5}
"""Half of the whitening: chosen by cross-validation on the training parts of 16 tasks of the archive."""


def _length(lengths: np.ndarray) -> int:
    """The length that rows are brought to: their median, less where they are many."""
    there = lengths[lengths > 0]
    if not len(there):
        return SHORTEST
    most = max(SHORT, min(LONGEST, MOST_SAMPLES // len(there)))
    return int(np.clip(int(np.median(there)), SHORTEST, most))


@dataclasses.dataclass(frozen=True, eq=False)
class SeriesBlocks(Blocks):
    """The four blocks, fitted.

    Attributes:
        channels: C.
        columns: of the blocks whose raw features depend on the row alone, by name.
        convolutions: of the fourth.
    """

    channels: int
    columns: Mapping[str, Columns]
    convolutions: Convolutions

    @classmethod
    def fit(cls, data: SeriesData, rows: Int[np.ndarray, " n"]) -> "SeriesBlocks":
        """Fit to these rows (indices, at least one)."""
        ordered = rows[np.argsort(data.row_hashes[rows], kind="stable")]
        columns = {name: Columns.fit(raw_features(data, name, ordered)) for name in RAW}
        return cls(data.channels, columns, Convolutions.fit(data, ordered))

    @property
    def widths(self) -> Mapping[str, int]:
        found = {name: columns.width for name, columns in self.columns.items()}
        found["convolutions"] = self.convolutions.columns.width
        return {name: found[name] for name in SERIES_EMBEDDINGS}

    def transform(
        self, data: SeriesData, rows: np.ndarray | None = None
    ) -> Mapping[str, Float[np.ndarray, "n width"]]:
        rows = np.arange(data.rows) if rows is None else np.asarray(rows)
        found = {name: each.transform(raw_features(data, name, rows)) for name, each in self.columns.items()}
        found["convolutions"] = self.convolutions.transform(data, rows)
        return {name: found[name] for name in SERIES_EMBEDDINGS}

    def to_arrays(self) -> dict[str, np.ndarray]:
        parts = {name: columns.to_arrays() for name, columns in self.columns.items()}
        parts["convolutions"] = self.convolutions.to_arrays()
        return in_one(parts) | {"channels": np.array(self.channels)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "SeriesBlocks":
        """The blocks that `to_arrays` wrote.

        Raises:
            ValueError: an array is missing, of another shape, or holds what no fit gives.
        """
        channels = arrays.get("channels")
        if channels is None or channels.shape != () or channels.dtype.kind != "i" or channels < 1:
            raise ValueError("the number of channels is missing")
        columns = {name: Columns.from_arrays(of_part(arrays, name)) for name in RAW}
        for name, each in columns.items():
            if len(each.unit) != _width(int(channels), name):
                raise ValueError(f"block '{name}' is that of other channels")
        convolutions = Convolutions.from_arrays(of_part(arrays, "convolutions"))
        if len(convolutions.mean) != channels:
            raise ValueError("block 'convolutions' is that of other channels")
        return cls(int(channels), columns, convolutions)


__all__ = ["MOST_COLUMNS", "RAW", "SeriesBlocks", "raw_features"]
