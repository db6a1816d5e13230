"""A small space and hills on it, for strategies to climb."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.spaces import MixtureSpace, Space
from taskaware.spaces.mixture_parts import RecipeCoordinate

SPACE = MixtureSpace(
    name="contract",
    layers=2,
    sizes=(4, 8),
    activations=("relu", "tanh"),
    embeddings=(("standardised", "periodic"), ("one_hot",)),
    recipe=(RecipeCoordinate("learning_rate", 1e-3, 1e-1, log=True), RecipeCoordinate("dropout", 0.0, 0.5)),
    shared_weights=True,
    width_odds=(0.5, 0.5),
)
SUMMIT = np.array([*[6.0, 1.0] * 7, 3.0, 0.3, 0.9], np.float32)
EXTENT = np.array([*[8.0] * 15, 1.0, 1.0], np.float32)


def paraboloid(vector: Float[Array, " D"]) -> Float[Array, ""]:
    """0 at `SUMMIT`, less everywhere else; each coordinate in units of its usual extent."""
    return -jnp.mean(jnp.square((vector - SUMMIT) / EXTENT))


def half_diverged(vector: Float[Array, " D"]) -> Float[Array, ""]:
    """The paraboloid, but NaN in the half of the space where the summit lies."""
    return jnp.where(vector[-1] > 0.5, jnp.nan, paraboloid(vector))


def all_diverged(vector: Float[Array, " D"]) -> Float[Array, ""]:
    """NaN everywhere, its gradient too."""
    return jnp.nan * jnp.sum(vector)


OBJECTIVES = (paraboloid, half_diverged, all_diverged)
"""On `SPACE`; see `objectives_of` for those on others."""


@functools.cache
def objectives_of(space: Space) -> tuple[Callable, Callable, Callable]:
    """A hill, the same with half of the space diverged, and nothing but diverged points."""
    if space == SPACE:
        return OBJECTIVES
    # Numbers, not tracers: the first check that asks may be one that is traced, and the cache outlives it.
    with jax.ensure_compile_time_eval():
        some = np.asarray(jax.vmap(space.features)(space.sample(jax.random.key(7), 64)))
    summit, middle = some[0], some[:, -1].mean()

    def hill(vector: Array) -> Array:
        return -jnp.mean(jnp.square(space.features(vector) - summit))

    def half(vector: Array) -> Array:
        return jnp.where(space.features(vector)[-1] > middle, jnp.nan, hill(vector))

    return hill, half, all_diverged
