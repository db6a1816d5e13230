"""Patches learned from the training images (Coates, Lee & Ng 2011): whitened, clustered, pooled."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

PATCH = 6
LEARNED_FROM, CENTRES, DIRECTIONS = 12_000, 160, 54
EPOCHS, BATCHES = 4, 4
CHUNK = 32
CONTRAST = 10 / 255
WHITENING = 0.1
STEPS = 14


@dataclasses.dataclass(frozen=True, eq=False)
class Dictionary:
    """What is compared with every patch of an image.

    Attributes:
        mean: of patches whose brightness and contrast are taken out, (d,).
        whitening: their leading directions, scaled to unit spread, (d, kept).
        centres: of the clusters of whitened patches, (K, kept).
    """

    mean: np.ndarray
    whitening: np.ndarray
    centres: np.ndarray

    def features(self, images: Float[np.ndarray, "n c s s"]) -> Float[np.ndarray, "n width"]:
        """How near the patches of each quadrant come to each centre ("triangle"), (n, 4 K)."""
        return patch_features(images, vars(self))


def patch_features(images: Float[np.ndarray, "n c s s"], dictionary: Mapping) -> Float[np.ndarray, "n width"]:
    """What `Dictionary.features` gives.

    Args:
        images: squares.
        dictionary: its arrays, by name.
    """
    parts = [_of_some(images[start : start + CHUNK], dictionary) for start in range(0, len(images), CHUNK)]
    return np.concatenate(parts) if parts else np.zeros((0, 4 * len(dictionary["centres"])), np.float32)


def _of_some(images: np.ndarray, dictionary: Mapping) -> np.ndarray:
    patches = _patches(images)
    across = patches.shape[1]
    plain = _plain(patches.reshape(len(images), across**2, -1))
    # One product for each image, so that its features do not depend on its company.
    near = _triangle((plain - dictionary["mean"]) @ dictionary["whitening"], dictionary["centres"])
    return (_quadrants(across) @ near).reshape(len(images), -1)


def learned(images: Float[np.ndarray, "n c s s"], seed: int = 0) -> Dictionary:
    """A dictionary of the patches of some images.

    Args:
        images: squares, in an order that does not depend on their rows.
        seed: of the patches that are drawn, and of the first centres.
    """
    rng = np.random.default_rng(seed)
    patches = _plain(_drawn(images, rng))
    mean = patches.mean(axis=0)
    whitening = _whitening(patches - mean)
    return Dictionary(mean, whitening, _clustered((patches - mean) @ whitening, rng))


def _clustered(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Centres of clusters by mini-batch k-means (Sculley 2010), (K, d); the same for the same points and key.

    Own code: it is ten lines of matrix products, a tenth of the time of scikit-learn's on few cores, and its
    sums do not depend on the number of threads.
    """
    centres = points[rng.choice(len(points), CENTRES, replace=False)]
    for _ in range(EPOCHS):
        for batch in np.array_split(rng.permutation(len(points)), BATCHES):
            centres = _moved(centres, points[batch])
    return centres


def _moved(centres: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Each centre at the mean of the points nearest to it; one without points stays."""
    near = np.argmin(np.sum(centres**2, axis=1) - 2 * points @ centres.T, axis=1)
    members = np.zeros((len(points), len(centres)), np.float32)
    members[np.arange(len(points)), near] = 1
    counts = members.sum(axis=0)[:, None]
    # One point counts for the old centre, which damps the step of a small cluster (Coates & Ng 2012).
    return (members.T @ points + centres) / (counts + 1)


def _patches(images: np.ndarray) -> np.ndarray:
    """Patches on a grid, (n, across, across, c, 6, 6)."""
    step = _step(images.shape[-1])
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(2, 3))
    return np.ascontiguousarray(windows[:, :, ::step, ::step].transpose(0, 2, 3, 1, 4, 5))


def _step(side: int) -> int:
    """Pixels from one patch to the next: about 14 patches along each side."""
    return max(1, round((side - PATCH) / (STEPS - 1)))


def _drawn(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Patches at random places of random images, (m, d)."""
    places = images.shape[-1] - PATCH + 1
    windows = np.lib.stride_tricks.sliding_window_view(images, (PATCH, PATCH), axis=(2, 3))
    rows = rng.integers(0, len(images), LEARNED_FROM)
    down, right = rng.integers(0, places, (2, LEARNED_FROM))
    return windows[rows, :, down, right].reshape(LEARNED_FROM, -1)


def _plain(patches: np.ndarray) -> np.ndarray:
    """Without brightness and contrast; flat patches stay near 0."""
    apart = patches - patches.mean(axis=-1, keepdims=True)
    return apart / np.sqrt(np.mean(apart**2, axis=-1, keepdims=True) + CONTRAST**2)


def _whitening(patches: np.ndarray) -> np.ndarray:
    """The directions with the largest spread, each divided by it."""
    covariance = (patches.T @ patches / len(patches)).astype(np.float64)
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1][:DIRECTIONS], vectors[:, ::-1][:, :DIRECTIONS]
    signs = np.sign(vectors[np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])])
    return (vectors * signs / np.sqrt(np.maximum(values, 0) + WHITENING)).astype(np.float32)


@functools.cache
def _quadrants(across: int) -> np.ndarray:
    """Weights that average a grid of patches over each quadrant, (4, across squared)."""
    half = (np.arange(2)[:, None] == (np.arange(across) * 2 // across)).astype(np.float32)
    half /= half.sum(axis=1, keepdims=True)
    return np.kron(half, half).astype(np.float32)


def _triangle(whitened: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """max(0, mean distance to all centres - distance to this one)."""
    distance = whitened @ (-2 * centres.T)
    distance += np.sum(whitened**2, axis=-1)[..., None]
    distance += np.sum(centres**2, axis=1)
    np.sqrt(np.maximum(distance, 0, out=distance), out=distance)
    np.subtract(distance.mean(axis=-1, keepdims=True), distance, out=distance)
    return np.maximum(distance, 0, out=distance)
