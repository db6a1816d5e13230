"""Losses and scores of what networks give, inside compiled programs."""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from taskaware.tasks.metrics import Metric


def row_losses(
    classification: bool, outputs: Float[Array, "n K"], y: Float[Array, " n"]
) -> Float[Array, " n"]:
    """Cross-entropy, or the squared error of the first output, of each row."""
    if classification:
        return optax.softmax_cross_entropy_with_integer_labels(outputs, y.astype(jnp.int32))
    return jnp.square(outputs[:, 0] - y)


def scores(
    metrics: tuple[Metric, ...],
    outputs: Float[Array, "n K"],
    y: Float[Array, " n"],
    weight: Float[Array, " n"],
    scale: Float[Array, ""],
) -> Float[Array, " m"]:
    """Scores of the weighted rows by m metrics, none less than the metric's `low`.

    Args:
        metrics: that score.
        outputs, y, weight, scale: see `tasks.metrics.Metric.on_device`.
    """
    found = [jnp.maximum(metric.on_device(outputs, y, weight, scale), metric.low) for metric in metrics]
    return jnp.stack(found)
