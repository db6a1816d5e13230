"""Vectors of a vision model of the Hugging Face hub, by its name in $TASKAWARE_IMAGE_MODEL."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taskaware.modalities.pretrained import Models

MODELS = Models(
    "vision model", "TASKAWARE_IMAGE_MODEL", "pip install transformers torch", "AutoImageProcessor"
)
SIDE = 224
"""Pixels of the longer side that are kept of each image when a model is to read it."""

Embed = Callable[[Sequence[np.ndarray]], np.ndarray]


def vision_model(name: str) -> Embed:
    """A function of images (height, width, 1 or 3) uint8 → vectors (n, d) float32.

    Raises:
        UserError: a package is not installed, or the model cannot be had.
    """
    processor, model = MODELS.load(name)

    def embed(images: Sequence[np.ndarray]) -> np.ndarray:
        import torch

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
