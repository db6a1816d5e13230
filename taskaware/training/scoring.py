"""Scores and losses of what networks give, inside compiled programs."""

import jax
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
    metric: str, outputs: Float[Array, "n K"], y: Float[Array, " n"], weight: Float[Array, " n"]
) -> Float[Array, ""]:
    """One of `tasks.metrics.METRICS` of the weighted rows.

    R² is cut at WORST_R2, which it is where the rows have one value.
    """
    if metric == "accuracy":
        return jnp.sum((outputs.argmax(-1) == y) * weight) / weight.sum()
    if metric == "balanced_accuracy":
        right = (outputs.argmax(-1) == y) * weight
        of_class = [
            jax.ops.segment_sum(part, y.astype(jnp.int32), outputs.shape[-1]) for part in (right, weight)
        ]
        shares = of_class[0] / jnp.maximum(of_class[1], 1e-12)
        return shares.sum() / jnp.sum(of_class[1] > 0)
    mean = jnp.sum(y * weight) / weight.sum()
    spread = jnp.sum(jnp.square(y - mean) * weight)
    left = jnp.sum(jnp.square(outputs[:, 0] - y) * weight)
    return jnp.maximum(1 - left / jnp.maximum(spread, 1e-12), WORST_R2)
