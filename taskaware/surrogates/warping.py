"""Normalised scores in the unit of the Gaussian process, and back."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float


def warped(target: Float[np.ndarray, "*b"]) -> Float[np.ndarray, "*b"]:
    """Normalised scores on a scale that stretches differences near the top and compresses those far below.

    >>> warped(np.array([0.0, -1.0])).round(2) + 0.0
    array([ 0. , -1.1])
    """
    return np.asarray(-np.log1p(-2 * np.minimum(target, 0.0)))


def unwarped(value):
    """The inverse of `warped`; values above the top stay within half a spread of it."""
    return (1 - jnp.exp(-value)) / 2


def unwarp(mean, std):
    """Warped mean and deviation → median of the normalised score, and half the interval of one deviation."""
    low, middle, high = (unwarped(value) for value in (mean - std, mean, mean + std))
    return middle, (high - low) / 2
