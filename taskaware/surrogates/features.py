"""What a surrogate reads of a point of the space."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from taskaware.spaces import MixtureSpace


def architecture_features(space: MixtureSpace, u: np.ndarray) -> np.ndarray:
    """What the evaluator reads of each point: its weights, and sums over them that mean something, (n, F)."""
    return np.asarray(_features(space, u))


def features_of(space: MixtureSpace, vector: jax.Array) -> jax.Array:
    """`architecture_features` of one point (D,), differentiable, (F,)."""
    weights = space.soft_weights(vector)
    sizes = jnp.log2(jnp.array([float(size) for size, _ in space.baselines]))
    first = jnp.array([float(name == space.activations[0]) for _, name in space.baselines])
    size, active = weights.alpha @ sizes / sizes.max(), weights.alpha @ first
    depth = weights.beta.sum() + 1e-6
    mixed = -jnp.sum(weights.alpha * jnp.log(weights.alpha + 1e-6), axis=-1)
    sums = [
        depth / space.layers,
        (weights.beta @ size) / depth,
        (weights.beta @ active) / depth,
        (weights.beta @ mixed) / depth,
        jnp.max(weights.beta * size),
    ]
    parts = [weights.alpha.ravel(), weights.beta, weights.gamma, weights.recipe, size * weights.beta]
    return jnp.concatenate([*parts, jnp.stack(sums)])


def names_of_features(space: MixtureSpace) -> list[str]:
    """What each number of `features_of` tells of; numbers of one softmax, or of all layers, share a name."""
    layers, baselines = space.shapes.alpha
    groups = [f"embedding {g}" for g, group in enumerate(space.embeddings) for _ in group]
    recipe = [coordinate.name for coordinate in space.recipe]
    sums = ["depth", "size", "activation", "mixed", "largest"]
    return ["alpha"] * (layers * baselines) + ["beta"] * layers + groups + recipe + ["sizes"] * layers + sums


@functools.partial(jax.jit, static_argnames="space")
def _features(space: MixtureSpace, u: np.ndarray) -> jax.Array:
    return jax.vmap(functools.partial(features_of, space))(jnp.asarray(u))
