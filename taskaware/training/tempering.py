"""The temperature of a classification: by how much the logits of its networks are divided.

Weights that are chosen by accuracy are often too sure. One number, chosen on validation rows, mends that
(Guo et al. 2017). It becomes part of the weights of the output layer, so nothing else has to know it.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

TEMPERATURES = np.exp(np.linspace(np.log(0.5), np.log(8.0), 57))
LEAST_GAIN = 1e-4
"""A temperature that lowers the log loss by less than this is left at 1."""

Part = tuple[np.ndarray, Float[np.ndarray, "_ K"]]
"""Of one network: true classes of its validation rows, and their logits. Each network has rows of its own."""


def tempered(logits: Float[np.ndarray, "n K"], temperature: float) -> Float[np.ndarray, "n K"]:
    """Probabilities at a temperature.

    >>> tempered(np.array([[2.0, 0.0]]), 2.0).round(2).tolist()
    [[0.73, 0.27]]
    """
    scaled = np.asarray(logits, np.float64) / temperature
    shares = np.exp(scaled - scaled.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def chosen_temperature(parts: Sequence[Part], weights: Sequence[np.ndarray] | None = None) -> float:
    """The temperature with the least log loss on the validation rows of all networks.

    Args:
        parts: of each network.
        weights: how much each of these rows counts in training, (n,) for each network; by default all alike.
    """
    truth = np.concatenate([each for each, _ in parts])
    counts = np.ones(len(truth)) if weights is None else np.concatenate(list(weights))
    logits = np.concatenate([each for _, each in parts]).astype(np.float64)
    logits -= logits.max(1, keepdims=True)
    own = logits[np.arange(len(truth)), truth]

    def loss(temperature: float) -> float:
        losses = np.log(np.exp(logits / temperature).sum(1)) - own / temperature
        return float(np.average(losses, weights=counts))

    losses = [loss(temperature) for temperature in TEMPERATURES]
    best = int(np.argmin(losses))
    return float(TEMPERATURES[best]) if loss(1.0) - losses[best] > LEAST_GAIN else 1.0
