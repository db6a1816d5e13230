"""How the code of an exported model reads sounds and computes their blocks, with NumPy alone."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from taskaware.modalities.audio.analysis import in_batches
from taskaware.modalities.audio.blocks import mel_columns
from taskaware.modalities.audio.forms import looks_like_sound
from taskaware.modalities.audio.patches import pooled
from taskaware.modalities.audio.reading import factors, read_sounds
from taskaware.modalities.audio.scaling import scaled
from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.columns import of_part
from taskaware.modalities.plain_values import PLAIN, Written, values_or_files
from taskaware.modalities.tables.written.copying import Definition

_OWN = "taskaware.modalities.audio.written"
_ROOM = "taskaware.modalities.audio"
INSTALL = "pip install soundfile"


class PlainSounds(NamedTuple):
    """N clips of one sampling rate, float32; an empty one is missing."""

    clips: tuple
    rate: int
    stereo: np.ndarray

    @classmethod
    def of(cls, clips: Sequence, rate: int, stereo: Sequence[bool]) -> "PlainSounds":
        """The data of these clips.

        Args:
            clips, rate, stereo: as for `Sounds.of`.
        """
        return cls(tuple(clips), rate, np.array(stereo, bool))

    @property
    def rows(self) -> int:
        """N."""
        return len(self.clips)

    @property
    def samples(self) -> np.ndarray:
        """Length of each clip in samples, (N,)."""
        return np.array([len(clip) for clip in self.clips], int)

    def take(self, rows: np.ndarray) -> "PlainSounds":
        """These clips, in this order."""
        return PlainSounds(tuple(self.clips[row] for row in rows), self.rate, self.stereo[rows])


def read_clips(rows: Any, about: Mapping) -> tuple:
    """The clips of some rows, at the sampling rate of the model."""
    values = values_or_files(rows, about, is_one_sound)
    return cast(Sounds, read_sounds(values, about["column"], **about["options"]).data).clips


def is_one_sound(value: object) -> bool:
    """Whether a value is a sound; its file need not be there."""
    return looks_like_sound(value, on_disk=False)


def sound_blocks(values: Sequence, arrays: Mapping, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The blocks of these names; 0 where a sound is missing, but for the last column of mel.

    Args:
        values: clips.
        arrays: what the blocks learned.
        names: of the blocks.
    """
    if not len(values):
        return {name: np.zeros((0, len(arrays[f"{name}.mean"])), np.float32) for name in names}
    data = PlainSounds.of(values, int(arrays["rate"]), [False] * len(values))
    analysed = in_batches(cast(Sounds, data))
    parts = {"mel": mel_columns(analysed), "cepstrum": analysed.cepstrum}
    if "sound_patches" in names:
        parts["sound_patches"] = pooled(analysed.frames, of_part(arrays, "patches"))
    return {name: scaled(parts[name], data.samples == 0, of_part(arrays, name)) for name in names}


def plain_cosine_transform(rows: np.ndarray) -> np.ndarray:
    """`spectra.cosine_transform` without SciPy."""
    count = rows.shape[1]
    places = np.arange(count)
    weights = np.cos(np.pi / count * np.outer(places + 0.5, places)) * np.sqrt(2 / count)
    weights[:, 0] = np.sqrt(1 / count)
    return rows @ weights


def plain_fourier_transform(rows: np.ndarray, points: int) -> np.ndarray:
    """`spectra.fourier_transform` without SciPy."""
    return np.fft.rfft(rows, points, axis=1)


def plain_resample(clip: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """`reading.resample` without SciPy.

    Args:
        clip, rate, wanted: as there.
    """
    if rate == wanted:
        return clip
    up, down = factors(rate, wanted)
    phases = phases_of(up, down)
    taps, middle = phases.shape[1], 10 * max(up, down)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(clip, taps), taps)
    found = np.zeros(-(-len(clip) * up // down), np.float32)
    for first in range(min(up, len(found))):
        place, phase = divmod(middle + first * down, up)
        own = found[first::up]
        own[:] = around[place + 1 :: down][: len(own)] @ phases[phase]
    return found


@functools.lru_cache(maxsize=64)
def phases_of(up: int, down: int) -> np.ndarray:
    """The taps of the low pass, a windowed sinc, that meet samples, (up, taps), the last one first."""
    largest = max(up, down)
    away = np.arange(-10 * largest, 10 * largest + 1)
    low_pass = np.sinc(away / largest) * np.kaiser(len(away), 5.0)
    filled = np.zeros((len(away) // up + 1) * up, np.float32)
    filled[: len(away)] = up * (low_pass / low_pass.sum()).astype(np.float32)
    return filled.reshape(-1, up)[::-1].T.copy()


WRITTEN = Written(
    Definition(_OWN, "read_clips"),
    Definition(_OWN, "sound_blocks"),
    takes="a list of paths of sound files, of their bytes or of (array, rate), or a table of them",
    file="sounds/",
    begins=Definition(f"{_ROOM}.decode", "is_sound"),
    shared=("rate", "patches"),
    refused={"audio_model": "it needs the audio model itself"},
    instead={
        Definition(f"{_ROOM}.decode", "INSTALL"): Definition(_OWN, "INSTALL"),
        Definition(f"{_ROOM}.reading", "resample"): Definition(_OWN, "plain_resample"),
        Definition(f"{_ROOM}.sounds", "Sounds"): Definition(_OWN, "PlainSounds"),
        Definition(f"{_ROOM}.spectra", "cosine_transform"): Definition(_OWN, "plain_cosine_transform"),
        Definition(f"{_ROOM}.spectra", "fourier_transform"): Definition(_OWN, "plain_fourier_transform"),
        Definition("taskaware.modalities.single", "Parsed"): Definition(PLAIN, "PlainParsed"),
    },
)
