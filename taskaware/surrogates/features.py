"""Features of the points of a space, for surrogates."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.spaces import Space


def architecture_features(space: Space, u: Float[np.ndarray, "n D"]) -> Float[np.ndarray, "n F"]:
    """The features of n points, see `Space.features`."""
    return np.asarray(_features(space, u))


def features_of(space: Space, vector: Float[EitherArray, " D"]) -> Float[Array, " F"]:
    """The features of one point, differentiable in a relaxed space."""
    return space.features(vector)


def names_of_features(space: Space) -> list[str]:
    """Name of each feature's group."""
    return list(space.feature_names)


@functools.partial(jax.jit, static_argnames="space")
def _features(space: Space, u: EitherArray) -> jax.Array:
    return jax.vmap(space.features)(jnp.asarray(u))
