"""Colour: histograms and moments in HSV, and the size of the image."""

import numpy as np
from jaxtyping import Float

HUES = 12
SHADES = 8
CUBE = 4


def hsv(images: Float[np.ndarray, "n 3 s s"]) -> Float[np.ndarray, "3 n s s"]:
    """Hue, saturation and value, each 0 to 1 (Smith 1978), as `skimage.color.rgb2hsv`; grey has hue 0."""
    red, green, blue = images[:, 0], images[:, 1], images[:, 2]
    value = images.max(axis=1)
    spread = value - images.min(axis=1)
    safe = np.where(spread > 0, spread, 1)
    hue = np.where(blue == value, 4 + (red - green) / safe, 0)
    hue = np.where(green == value, 2 + (blue - red) / safe, hue)
    hue = np.where(red == value, (green - blue) / safe, hue)
    hue = np.where(spread > 0, (hue / 6) % 1, 0)
    saturation = spread / np.where(value > 0, value, 1)
    return np.stack([hue, saturation, value])


def colour_features(
    images: Float[np.ndarray, "n c s s"], sizes: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n features"]:
    """For each image: roots of histogram shares, moments, and height, width and aspect (log2).

    Args:
        images: squares of one channel (histogram and moments of the grey value) or three.
        sizes: height and width before they were squares.
    """
    height, width = np.log2(np.maximum(sizes, 1)).T
    size = np.stack([height, width, height - width], axis=1).astype(np.float32)
    if images.shape[1] == 1:
        return np.concatenate([_shares(images[:, 0], 2 * SHADES), _moments(images), size], axis=1)
    hue, saturation, value = hsv(images)
    parts = [
        _shares(hue, HUES, saturation * value),
        _shares(saturation, SHADES),
        _shares(value, SHADES),
        _joint(images),
        _moments(np.stack([saturation, value], axis=1)),
        _moments(images),
        _circle(hue, saturation * value),
        size,
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _shares(values: np.ndarray, bins: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Roots of the shares of each bin, (n, bins); their distance is that of Hellinger."""
    places = np.minimum((values * bins).astype(np.int64), bins - 1)
    return _counted(places, bins, weights)


def _joint(images: np.ndarray) -> np.ndarray:
    """Roots of the shares of 4 x 4 x 4 colours."""
    red, green, blue = np.minimum((images * CUBE).astype(np.int64), CUBE - 1).swapaxes(0, 1)
    return _counted((red * CUBE + green) * CUBE + blue, CUBE**3, None)


def _counted(places: np.ndarray, bins: int, weights: np.ndarray | None) -> np.ndarray:
    count = len(places)
    flat = places.reshape(count, -1) + bins * np.arange(count)[:, None]
    given = None if weights is None else weights.ravel()
    sums = np.bincount(flat.ravel(), given, count * bins).reshape(count, bins)
    return np.sqrt(sums / np.prod(places.shape[1:])).astype(np.float32)


def _moments(channels: np.ndarray) -> np.ndarray:
    """Mean, spread and skew of each channel (Stricker & Orengo 1995), (n, 3 c)."""
    flat = channels.reshape(*channels.shape[:2], -1)
    mean = flat.mean(axis=2)
    apart = flat - mean[..., None]
    squared = apart * apart
    parts = [mean, np.sqrt(squared.mean(axis=2)), np.cbrt((squared * apart).mean(axis=2))]
    return np.concatenate(parts, axis=1)


def _circle(hue: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean hue as a point in the circle, (n, 2)."""
    turn = 2 * np.pi * hue
    return np.stack([np.mean(weights * f(turn), axis=(1, 2)) for f in (np.cos, np.sin)], axis=1)
