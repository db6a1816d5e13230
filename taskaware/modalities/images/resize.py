"""Images of any sizes → squares of one size, each new pixel the mean of the area that it covers."""

import functools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


@functools.lru_cache(512)
def area_weights(size: int, wanted: int) -> np.ndarray:
    """Weights (wanted, size) that average an axis of `size` to `wanted` values; each row sums to 1.

    >>> area_weights(4, 2).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    edges = np.arange(wanted + 1) * size / wanted
    cells = np.arange(size)
    low, high = np.maximum(edges[:-1, None], cells), np.minimum(edges[1:, None], cells + 1)
    return (np.clip(high - low, 0, None) * wanted / size).astype(np.float32)


def squares(pixels: Sequence[np.ndarray], side: int, channels: int) -> Float[np.ndarray, "n c side side"]:
    """Images of any sizes as squares, 0 (black) to 1 (white).

    Args:
        pixels: n images (height, width, 1 or 3) uint8, none of them missing.
        side: of the squares.
        channels: 3, or 1 for grey (luma, ITU-R BT.601).
    """
    result = np.empty((len(pixels), channels, side, side), np.float32)
    shapes: dict[tuple[int, ...], list[int]] = {}
    for row, image in enumerate(pixels):
        shapes.setdefault(image.shape, []).append(row)
    for (height, width, _), rows in shapes.items():
        stack = np.stack([pixels[row] for row in rows]).transpose(0, 3, 1, 2).astype(np.float32) / 255
        stack = _channels(stack, channels)
        if (height, width) != (side, side):
            stack = area_weights(height, side) @ stack @ area_weights(width, side).T
        result[rows] = stack
    return result


def shrunk(images: Float[np.ndarray, "n c s s"], side: int) -> Float[np.ndarray, "n c side side"]:
    """Squares averaged to a smaller or larger side."""
    weights = area_weights(images.shape[-1], side)
    return weights @ images @ weights.T


def grey(images: Float[np.ndarray, "n c s s"]) -> Float[np.ndarray, "n s s"]:
    """Luma of images with one or three channels."""
    if images.shape[1] == 1:
        return images[:, 0]
    return 0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2]


def _channels(images: np.ndarray, wanted: int) -> np.ndarray:
    if images.shape[1] == wanted:
        return images
    return np.repeat(images, 3, axis=1) if wanted == 3 else grey(images)[:, None]
