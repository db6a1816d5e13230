"""Sounds as square spectrograms, for networks that read images."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.audio.spectra import BANDS, Grid, frames_of
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.cache import CACHE

LEARNED_FROM = 5000
"""Training sounds that mean and spread are learned from; the first ones by hash."""
LEAST_SPREAD = 1e-3
TOGETHER = 256
"""Sounds whose frames are in memory at once."""


@dataclasses.dataclass(frozen=True, eq=False)
class SpectrogramBlocks(Blocks):
    """Log-mel spectrograms as standardised squares of one channel: S bands by S parts of the time.

    Attributes:
        rate: samples a second of the sounds that it reads.
        side: S.
        mean, spread: of each band, (S,).
    """

    rate: int
    side: int
    mean: np.ndarray
    spread: np.ndarray

    @property
    def name(self) -> str:
        return f"pixels_{self.side}_1"

    @property
    def widths(self) -> Mapping[str, int]:
        return {self.name: self.side**2}

    def transform(
        self, data: Sounds, rows: np.ndarray | None = None
    ) -> Mapping[str, Float[np.ndarray, "n width"]]:
        """The block of these rows; 0 where a sound is missing.

        Raises:
            ValueError: the sounds have another sampling rate.
        """
        taken = data.of_rate(self.rate, rows)
        found = (squares_of(taken, self.side) - self.mean[:, None]) / self.spread[:, None]
        found[taken.samples == 0] = 0.0
        return {self.name: found.astype(np.float32).reshape(taken.rows, -1)}

    def to_arrays(self) -> dict[str, np.ndarray]:
        numbers = {"rate": np.array(self.rate, np.int64), "side": np.array(self.side, np.int64)}
        return numbers | {"mean": self.mean, "spread": self.spread}


def fit_spectrograms(data: Sounds, rows: np.ndarray, side: int) -> SpectrogramBlocks:
    """Mean and spread of the bands of some training sounds.

    Args:
        data: sounds.
        rows: of the training part.
        side: S.
    """
    taken = data.take(rows)
    order = np.argsort(taken.row_hashes, kind="stable")
    heard = order[taken.samples[order] > 0][:LEARNED_FROM]
    if not len(heard):
        return SpectrogramBlocks(data.rate, side, np.zeros(side), np.ones(side))
    found = squares_of(taken.take(heard), side)
    mean, spread = found.mean((0, 2)), found.std((0, 2))
    return SpectrogramBlocks(data.rate, side, mean, np.maximum(spread, LEAST_SPREAD))


def squares_of(data: Sounds, side: int) -> Float[np.ndarray, "N side side"]:
    """Spectrograms, low bands first, before they are standardised.

    Args:
        data: N sounds.
        side: S.
    """
    what = "audio", "spectrogram", data.rate, side
    return CACHE.rows(what, data.row_hashes, lambda places: _squares(data.take(places), side))


def spectrograms_from(arrays: Mapping[str, np.ndarray]) -> SpectrogramBlocks:
    """The blocks that `SpectrogramBlocks.to_arrays` wrote.

    Raises:
        ValueError: an array is missing, unknown, of a wrong shape, or not finite.
    """
    if set(arrays) != {"rate", "side", "mean", "spread"}:
        raise ValueError("the blocks of spectrograms have arrays of other names")
    rate, side, mean, spread = (arrays[name] for name in ("rate", "side", "mean", "spread"))
    for number in (rate, side):
        if number.shape != () or number.dtype.kind != "i" or number < 1:
            raise ValueError("the blocks of spectrograms have another form")
    if any(each.shape != (side,) or each.dtype.kind != "f" for each in (mean, spread)):
        raise ValueError("the blocks of spectrograms have another form")
    if not (np.isfinite(mean).all() and np.isfinite(spread).all() and spread.min() > 0):
        raise ValueError("the blocks of spectrograms hold what is no finite number, or no spread")
    return SpectrogramBlocks(int(rate), int(side), mean, spread)


def _squares(data: Sounds, side: int) -> np.ndarray:
    grid, found = Grid(data.rate), np.zeros((data.rows, side, side))
    for first in range(0, data.rows, TOGETHER):
        part = slice(first, first + TOGETHER)
        frames = frames_of(data.clips[part], grid).log_mel
        times = frames.parts(side).reshape(-1, side, BANDS)
        found[part] = np.einsum("ntb,bs->nst", times, _shares(BANDS, side))
    return found


def _shares(many: int, few: int) -> Float[np.ndarray, "many few"]:
    """Means over equal shares of some values, or straight lines between them where they become more."""
    if few > many:
        return np.maximum(0, 1 - np.abs(np.arange(many)[:, None] - np.linspace(0, many - 1, few)))
    edges = np.linspace(0, many, few + 1)
    places = np.arange(float(many))[:, None]
    inside = np.minimum(edges[1:], places + 1) - np.maximum(edges[:-1], places)
    return np.maximum(0, inside) * few / many
