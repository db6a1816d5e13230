"""What a surrogate reads of a point of a mixture space, and what can be decided in it."""

from typing import TYPE_CHECKING

import jax.numpy as jnp
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.spaces.space import Decision

if TYPE_CHECKING:
    from taskaware.spaces.mixture import MixtureSpace


def features(space: "MixtureSpace", vector: Float[EitherArray, " D"]) -> Float[Array, " F"]:
    """Soft weights, and sums over them that mean something: depth, size, activation, ..."""
    weights = space.soften(vector)
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


def feature_names(space: "MixtureSpace") -> tuple[str, ...]:
    """What each number of `features` tells of."""
    layers, baselines = space.shapes.alpha
    groups = [f"embedding {g}" for g, group in enumerate(space.embeddings) for _ in group]
    recipe = [coordinate.name for coordinate in space.recipe]
    sums = ["depth", "size", "activation", "mixed", "largest"]
    return (
        *["alpha"] * (layers * baselines),
        *["beta"] * layers,
        *groups,
        *recipe,
        *["sizes"] * layers,
        *sums,
    )


def decisions(space: "MixtureSpace") -> tuple[Decision, ...]:
    """See `MixtureSpace.decisions`: alphas, betas, embeddings and recipe, in the order of the vector."""
    baselines = tuple(f"{size} {activation}" for size, activation in space.baselines)
    parts = [(f"layer {layer + 1}", baselines) for layer in range(space.layers)]
    parts += [(f"layer {layer + 1} is", ("present", "absent")) for layer in range(space.layers)]
    parts += [(f"embedding {g}", group) for g, group in enumerate(space.embeddings)]
    parts += [(coordinate.name, ()) for coordinate in space.recipe]
    found, start = [], 0
    for name, labels in parts:
        stop = start + max(len(labels), 1)
        if len(labels) != 1:
            found.append(Decision(name, 0, tuple(range(start, stop)), labels))
        start = stop
    return tuple(found)
