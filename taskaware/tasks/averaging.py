"""Scores of one output as scores of several: the mean over the outputs, each scored by itself.

Labels are read as two classes each. The mean is scikit-learn's `multioutput="uniform_average"` and
`average="macro"`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def mean_on_host(score: Callable[[np.ndarray, np.ndarray], float], reads: str) -> Callable:
    """A score of truths and predictions of K outputs, (N, K).

    Args:
        score: of one output, `Metric.on_host`.
        reads: what it reads, `Metric.reads`.

    >>> error = mean_on_host(lambda truth, found: float(np.abs(truth - found).max()), "values")
    >>> error(np.zeros((2, 2)), np.array([[1.0, 3.0], [1.0, 0.0]]))
    2.0
    """

    def mean(truth: np.ndarray, predicted: np.ndarray) -> float:
        truth = np.asarray(truth) if reads == "values" else np.asarray(truth, np.int32)
        each = [score(truth[:, k], _of_one(predicted[:, k], reads)) for k in range(truth.shape[1])]
        return float(np.mean(each))

    return mean


def mean_on_device(score: Callable[..., Array], reads: str, low: float) -> Callable[..., Array]:
    """A score of logits of labels or standardised values, (n, K), with a scale of shape () or (K,).

    Args:
        score: of one output, `Metric.on_device`.
        reads: what the host's form reads, `Metric.reads`.
        low: no output scores less, so that a single one cannot outweigh the others.
    """

    def mean(
        outputs: Float[Array, "n K"], y: Float[Array, "n K"], weight: Float[Array, " n"], scale: Array
    ) -> Array:
        def one(output: Array, truth: Array, unit: Array) -> Array:
            values = reads == "values"
            read = output[:, None] if values else jnp.stack([jnp.zeros_like(output), output], axis=1)
            return jnp.maximum(score(read, truth, weight, unit), low)

        units = jnp.broadcast_to(scale, outputs.shape[1:])
        return jax.vmap(one, in_axes=(1, 1, 0))(outputs, y, units).mean()

    return mean


def _of_one(predicted: np.ndarray, reads: str) -> np.ndarray:
    """Predictions of one label as those of two classes."""
    return np.stack([1 - predicted, predicted], axis=1) if reads == "probabilities" else predicted
