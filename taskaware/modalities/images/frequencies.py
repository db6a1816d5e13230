"""Energies of local cosine waves: how much of each frequency and direction there is, and where."""

import functools

import numpy as np
from jaxtyping import Float

WINDOW = 8
STEP = 4
FLOOR = 1e-4


@functools.cache
def cosines(size: int) -> np.ndarray:
    """The orthonormal DCT-II as a matrix (size, size): row k is the wave of k half periods."""
    place, wave = np.arange(size), np.arange(size)[:, None]
    matrix = np.sqrt(2 / size) * np.cos(np.pi * (place + 0.5) * wave / size)
    matrix[0] /= np.sqrt(2)
    return matrix.astype(np.float32)


def frequencies(images: Float[np.ndarray, "n c s s"]) -> Float[np.ndarray, "n features"]:
    """Logs of mean squared DCT coefficients of 8 x 8 windows (step 4), over each quadrant of the image.

    Colour images are read as luma in quadrants, and two differences of colour over the whole.
    """
    energies = _energies(images[:, 0] if images.shape[1] == 1 else _luma(images))
    parts = [_quadrants(energies)]
    if images.shape[1] == 3:
        differences = (images[:, 0] - images[:, 1], images[:, 2] - images[:, :2].mean(axis=1))
        parts += [_energies(each).mean(axis=(1, 2))[:, 1:] for each in differences]
    return np.log(np.concatenate(parts, axis=1) + FLOOR)


def _luma(images: np.ndarray) -> np.ndarray:
    return 0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2]


def _energies(channel: np.ndarray) -> np.ndarray:
    """Squared coefficients of every window, (n, windows, windows, 64)."""
    matrix = cosines(WINDOW)
    windows = np.lib.stride_tricks.sliding_window_view(channel, (WINDOW, WINDOW), axis=(1, 2))
    windows = windows[:, ::STEP, ::STEP]
    flat = windows.reshape(len(windows), -1, WINDOW**2) @ np.kron(matrix, matrix).T
    return (flat**2).reshape(*windows.shape[:3], -1)


def _quadrants(energies: np.ndarray) -> np.ndarray:
    """Means over the four quadrants, without the constant wave; (n, 4 x 63)."""
    count = energies.shape[1]
    halves = (slice(0, (count + 1) // 2), slice(count // 2, count))
    parts = [energies[:, rows, columns].mean(axis=(1, 2))[:, 1:] for rows in halves for columns in halves]
    return np.concatenate(parts, axis=1)
