"""Vectors of a vision model of the Hugging Face hub, by its name in $TASKAWARE_IMAGE_MODEL."""

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taskaware.errors import UserError, quoted

SETTING = "TASKAWARE_IMAGE_MODEL"
SIDE = 224
"""Pixels of the longer side that are kept of each image when a model is to read it."""

Embed = Callable[[Sequence[np.ndarray]], np.ndarray]


def chosen_model() -> str:
    """The name that is set; "" where none is."""
    return os.environ.get(SETTING, "").strip()


@functools.lru_cache(1)
def vision_model(name: str) -> Embed:
    """A function of images (height, width, 1 or 3) uint8 → vectors (n, d) float32.

    The model and its processor are loaded from the local cache, or fetched. No code of the repository of a
    model is run, and weights are read as safetensors only.

    Args:
        name: on the hub, or of a folder.

    Raises:
        UserError: a package is not installed, or the model cannot be had.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise UserError(
            f"The vision model {quoted(name)} needs transformers and torch. Install them: "
            "pip install transformers torch."
        ) from error
    loaded: Any = transformers
    try:
        processor = loaded.AutoImageProcessor.from_pretrained(name, trust_remote_code=False)
        model = loaded.AutoModel.from_pretrained(name, trust_remote_code=False, use_safetensors=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(
            f"The vision model {quoted(name)} cannot be loaded. Go online once, or unset {SETTING}."
        ) from error
    model.eval()

    def embed(images: Sequence[np.ndarray]) -> np.ndarray:
        with torch.no_grad():
            parts = [_embedded(model, processor, image) for image in images]
        return np.stack(parts)

    return embed


def _embedded(model: Any, processor: Any, image: np.ndarray) -> np.ndarray:
    """The vector of one image, by itself, so that it does not depend on its company."""
    given = processor(images=np.repeat(image, 4 - image.shape[2], axis=2)[..., :3], return_tensors="pt")
    answer = model(**given)
    pooled = getattr(answer, "pooler_output", None)
    vector = answer.last_hidden_state.mean(1) if pooled is None else pooled
    return np.asarray(vector.reshape(-1).tolist(), np.float32)
