"""A Hugging Face audio model as an embedding: named by the user, loaded by transformers' own code.

Weights are read from safetensors alone, and no code of the model's repository is run.
"""

import functools
import importlib.util
import os
import re
from typing import Any, NamedTuple

import numpy as np

from taskaware.errors import UserError, quoted
from taskaware.modalities.audio.reading import resample
from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.cache import CACHE

SETTING = "TASKAWARE_AUDIO_MODEL"
INSTALL = "pip install 'taskaware[audio-model]'"
TOGETHER = 16
SHORTEST = 0.1
"""Seconds that a clip is filled up to with silence, for models that refuse shorter ones."""

_ON_HUB = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?", re.ASCII)


class Loaded(NamedTuple):
    """A model and what prepares sounds for it."""

    extractor: Any
    model: Any


def chosen_model() -> str | None:
    """Name of the model that the environment asks for ($TASKAWARE_AUDIO_MODEL), or None."""
    return os.environ.get(SETTING, "").strip() or None


def may_load(name: str) -> bool:
    """Whether a saved file may name this model: one on the hub, or the one of this environment."""
    return name == chosen_model() or (bool(_ON_HUB.fullmatch(name)) and ".." not in name)


def embedded(name: str, data: Sounds) -> np.ndarray:
    """Means over time of the model's last layer, (N, H) float64; from the cache where they are there.

    Raises:
        UserError: transformers is not installed, or the model cannot be loaded.
    """

    what = "audio", "model", data.rate, name
    return CACHE.rows(what, data.row_hashes, lambda places: _embedded(name, data.take(places)))


def _embedded(name: str, data: Sounds) -> np.ndarray:
    """Clips of one length go together: none is filled up because of another."""
    loaded = load_model(name)
    rate = int(getattr(loaded.extractor, "sampling_rate", data.rate))
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


def _run(loaded: Loaded, clips: list[np.ndarray], rate: int) -> np.ndarray:
    import torch

    inputs = loaded.extractor(clips, sampling_rate=rate, return_tensors="pt")
    with torch.inference_mode():
        found = _output(loaded.model, inputs)
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
            f"The audio model gives no states over time. Name an encoder in {SETTING}, or unset it."
        )
    return found.mean(1)


@functools.lru_cache(maxsize=1)
def load_model(name: str) -> Loaded:
    """The model, ready to be run.

    Raises:
        UserError: transformers is not installed, or the model cannot be loaded.
    """
    missing = [package for package in ("transformers", "torch") if importlib.util.find_spec(package) is None]
    if missing:
        raise UserError(
            f"The audio model {quoted(name)} needs {' and '.join(missing)}, not installed here. "
            f"Run: {INSTALL}. Or unset {SETTING}."
        )
    import transformers

    safe = {"trust_remote_code": False}
    try:
        extractor = transformers.AutoFeatureExtractor.from_pretrained(name, **safe)
        model = transformers.AutoModel.from_pretrained(name, use_safetensors=True, **safe)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise UserError(
            f"The audio model {quoted(name)} cannot be loaded ({reason}). Check its name and the network, or "
            f"download it first: hf download {name}. Without it: unset {SETTING}."
        ) from error
    return Loaded(extractor, model.eval().float())
