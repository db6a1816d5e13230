"""Histograms of oriented gradients (Dalal & Triggs 2005) of many squares at once."""

import numpy as np
from jaxtyping import Float

ORIENTATIONS = 9
EPSILON = 1e-5
MOST = 0.2


def hog(
    images: Float[np.ndarray, "n c s s"], cell: int, *, block: int = 2
) -> Float[np.ndarray, "n features"]:
    """The descriptor of each image; equals `skimage.feature.hog` with its defaults and these sizes.

    Args:
        images: squares; where there are several channels, the strongest gradient of a pixel counts.
        cell: pixels along a cell.
        block: cells along a block, over which histograms are normalised (L2-Hys).
    """
    down, right = _strongest(images)
    histograms = _histograms(down, right, cell)
    return _normalised(histograms, block).reshape(len(images), -1)


def _strongest(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Differences of the two neighbours along each axis, (n, s, s); 0 at the border."""
    down, right = np.zeros_like(images), np.zeros_like(images)
    down[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
    right[..., 1:-1] = images[..., 2:] - images[..., :-2]
    if images.shape[1] == 1:
        return down[:, 0], right[:, 0]
    best = np.argmax(down**2 + right**2, axis=1)[:, None]
    return np.take_along_axis(down, best, axis=1)[:, 0], np.take_along_axis(right, best, axis=1)[:, 0]


def _histograms(down: np.ndarray, right: np.ndarray, cell: int) -> np.ndarray:
    """Sums of gradient magnitude by orientation, (n, cells, cells, 9)."""
    count = down.shape[1] // cell
    used = count * cell
    down, right = down[:, :used, :used], right[:, :used, :used]
    turn = np.rad2deg(np.arctan2(down, right)) % 180
    bins = np.minimum((turn * (ORIENTATIONS / 180)).astype(np.int64), ORIENTATIONS - 1)
    places = np.arange(used) // cell
    cells = places[:, None] * count + places
    flat = (np.arange(len(down))[:, None, None] * count**2 + cells) * ORIENTATIONS + bins
    size = len(down) * count**2 * ORIENTATIONS
    sums = np.bincount(flat.ravel(), np.hypot(down, right).ravel(), size) / cell**2
    return sums.reshape(-1, count, count, ORIENTATIONS).astype(np.float32)


def _normalised(histograms: np.ndarray, block: int) -> np.ndarray:
    """Every block of cells, normalised, clipped and normalised again."""
    windows = np.lib.stride_tricks.sliding_window_view(histograms, (block, block), axis=(1, 2))
    blocks = windows.transpose(0, 1, 2, 4, 5, 3)
    flat = blocks.reshape(*blocks.shape[:3], -1)
    clipped = np.minimum(_unit(flat), MOST)
    return _unit(clipped)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.sqrt(np.sum(vectors**2, axis=-1, keepdims=True) + EPSILON**2)
