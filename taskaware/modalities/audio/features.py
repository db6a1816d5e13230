"""Meta-features of sounds: length, loudness, spectrum and silence of a dataset's clips."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from taskaware.modalities.audio.analysis import CLIP, described
from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.tables.metafeatures.feature import MetaFeature

TZANETAKIS = "Tzanetakis, Cook 2002"
PEETERS = "Peeters 2004"
OURS = "taskaware"


@dataclasses.dataclass(frozen=True, eq=False)
class SoundView:
    """What the meta-features are computed from.

    Attributes:
        sounds: the data, in any order of the rows.
    """

    sounds: Sounds

    @functools.cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """Each column of CLIP, over the sounds that are not missing, in an order that their content gives."""
        order = np.argsort(self.sounds.row_hashes, kind="stable")
        heard = order[self.sounds.samples[order] > 0]
        clip = described(self.sounds).clip[heard] if len(heard) else np.zeros((1, len(CLIP)))
        return dict(zip(CLIP, clip.T, strict=True))

    @property
    def log_seconds(self) -> np.ndarray:
        return np.log10(np.maximum(self.columns["seconds"], 1e-6))


def _mean(column: str) -> Callable[[Any], float]:
    return lambda view: view.columns[column].mean()


def _spread(column: str) -> Callable[[Any], float]:
    return lambda view: view.columns[column].std()


def _of_data(compute: Callable[[Sounds], float]) -> Callable[[Any], float]:
    return lambda view: compute(view.sounds)


def _duration(compute: Callable[[np.ndarray], float]) -> Callable[[Any], float]:
    return lambda view: compute(view.log_seconds)


FEATURES = (
    MetaFeature("audio_duration", "log10 seconds", -6, 4, OURS, _duration(np.mean), "mean length of a sound"),
    MetaFeature(
        "audio_duration_spread", "log10 seconds", 0, 5, OURS, _duration(np.std), "spread of the lengths"
    ),
    MetaFeature(
        "audio_sampling_rate",
        "log10 Hz",
        2,
        6,
        OURS,
        _of_data(lambda sounds: np.log10(sounds.rate)),
        "samples a second",
    ),
    MetaFeature("audio_loudness", "dB of full scale", -90, 120, PEETERS, _mean("loudness"), "mean power"),
    MetaFeature("audio_loudness_spread", "dB", 0, 105, PEETERS, _spread("loudness"), "spread of the power"),
    MetaFeature(
        "audio_centroid",
        "share of half the sampling rate",
        0,
        1,
        TZANETAKIS,
        _mean("centroid"),
        "mean centre of the spectrum",
    ),
    MetaFeature(
        "audio_centroid_spread",
        "share of half the sampling rate",
        0,
        0.5,
        TZANETAKIS,
        _spread("centroid"),
        "spread of the centres",
    ),
    MetaFeature(
        "audio_bandwidth",
        "share of half the sampling rate",
        0,
        0.5,
        PEETERS,
        _mean("bandwidth"),
        "mean spread of the spectrum around its centre",
    ),
    MetaFeature(
        "audio_flatness",
        "share",
        0,
        1,
        PEETERS,
        _mean("flatness"),
        "geometric over arithmetic mean of the mel bands' powers: 1 for noise",
    ),
    MetaFeature(
        "audio_zero_crossings",
        "share",
        0,
        1,
        TZANETAKIS,
        _mean("zero_crossings"),
        "successive samples that differ in sign",
    ),
    MetaFeature(
        "audio_silence", "share", 0, 1, OURS, _mean("silence"), "frames 40 dB below the loudest of a sound"
    ),
    MetaFeature(
        "audio_modulation",
        "dB a frame",
        0,
        100,
        TZANETAKIS,
        _mean("modulation"),
        "spread of the slope of the level",
    ),
    MetaFeature(
        "audio_dynamic_range",
        "dB",
        0,
        200,
        PEETERS,
        _mean("dynamic_range"),
        "between the 95 % and the 10 % quantile of the frames' levels",
    ),
    MetaFeature(
        "audio_stereo_share",
        "share",
        0,
        1,
        OURS,
        _of_data(lambda sounds: sounds.stereo.mean()),
        "sounds with several channels",
    ),
    MetaFeature(
        "audio_missing_share",
        "share",
        0,
        1,
        OURS,
        _of_data(lambda sounds: (sounds.samples == 0).mean()),
        "rows without a sound",
    ),
)


def own_features(data: Sounds) -> dict[str, float]:
    """The meta-features of sounds by name, as FEATURES lists them; all finite, in any order of rows the same.

    Args:
        data: one row or more.
    """
    view: Any = SoundView(data)
    return {feature.name: float(feature.compute(view)) for feature in FEATURES}
