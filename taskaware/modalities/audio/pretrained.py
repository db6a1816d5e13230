"""The block of a Hugging Face audio model that the user names."""

import re
from typing import Any

import numpy as np

from taskaware.errors import UserError
from taskaware.modalities.audio.reading import resample
from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.cache import CACHE
from taskaware.modalities.pretrained import Models, Pretrained

MODELS = Models(
    "audio model", "TASKAWARE_AUDIO_MODEL", "pip install 'taskaware[audio-model]'", "AutoFeatureExtractor"
)
TOGETHER = 16
SHORTEST = 0.1
"""Seconds that a clip is filled up to with silence, for models that refuse shorter ones."""

_ON_HUB = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?", re.ASCII)


def may_load(name: str) -> bool:
    """Whether a saved file may name this model: one on the hub, or the one of this environment."""
    return name == MODELS.chosen() or (bool(_ON_HUB.fullmatch(name)) and ".." not in name)


def embedded(name: str, data: Sounds) -> np.ndarray:
    """Means over time of the model's last layer, (N, H) float64; from the cache where they are there.

    Raises:
        UserError: transformers is not installed, or the model cannot be loaded.
    """

    what = "audio", "model", data.rate, name
    return CACHE.rows(what, data.row_hashes, lambda places: _embedded(name, data.take(places)))


def _embedded(name: str, data: Sounds) -> np.ndarray:
    """Clips of one length go together: none is filled up because of another."""
    loaded = MODELS.load(name)
    rate = int(getattr(loaded.prepare, "sampling_rate", data.rate))
    least = round(SHORTEST * rate)
    clips = [resample(clip, data.rate, rate) for clip in data.clips]
    clips = [np.pad(clip, (0, max(0, least - len(clip)))) for clip in clips]
    lengths = np.array([len(clip) for clip in clips])
    found: dict[int, np.ndarray] = {}
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        for at in range(0, len(rows), TOGETHER):
            some = rows[at : at + TOGETHER]
            found.update(zip(some.tolist(), _run(loaded, [clips[row] for row in some], rate), strict=True))
    return np.stack([found[row] for row in range(len(clips))])


def _run(loaded: Pretrained, clips: list[np.ndarray], rate: int) -> np.ndarray:
    import torch

    inputs = loaded.prepare(clips, sampling_rate=rate, return_tensors="pt")
    with torch.inference_mode():
        found = _output(loaded.network, inputs)
    return np.nan_to_num(np.asarray(found.float().cpu().numpy(), np.float64))


def _output(model: Any, inputs: Any) -> Any:
    if hasattr(model, "get_audio_features"):  # models of sounds and texts, such as CLAP
        found = model.get_audio_features(**inputs)
        return getattr(found, "pooler_output", found)
    if getattr(model.config, "is_encoder_decoder", False):  # such as Whisper
        model = model.get_encoder()
    found = getattr(model(**inputs), "last_hidden_state", None)
    if found is None or found.ndim != 3:
        raise UserError(
            f"The audio model gives no states over time. Name an encoder in {MODELS.setting}, or unset it."
        )
    return found.mean(1)
