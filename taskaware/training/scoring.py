"""Scores and losses of what networks give, inside compiled programs."""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

WORST_R2 = -1.0


def row_losses(
    classification: bool, outputs: Float[Array, "n K"], y: Float[Array, " n"]
) -> Float[Array, " n"]:
    """Cross-entropy, or the squared error of the first output, of each row."""
    if classification:
        return optax.softmax_cross_entropy_with_integer_labels(outputs, y.astype(jnp.int32))
    return jnp.square(outputs[:, 0] - y)


def score(
    classification: bool, outputs: Float[Array, "n K"], y: Float[Array, " n"], weight: Float[Array, " n"]
) -> Float[Array, ""]:
    """Accuracy, or R² cut at WORST_R2, of the weighted rows."""
    if classification:
        return jnp.sum((outputs.argmax(-1) == y) * weight) / weight.sum()
    mean = jnp.sum(y * weight) / weight.sum()
    spread = jnp.sum(jnp.square(y - mean) * weight)
    left = jnp.sum(jnp.square(outputs[:, 0] - y) * weight)
    return jnp.maximum(1 - left / jnp.maximum(spread, 1e-12), WORST_R2)
