"""Losses of an evaluator: distance to the score, or errors in the order.

Each loss is of one task: predictions and scores of n architectures, some of which may be absent.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from taskaware.errors import unknown

Loss = Callable[
    [Float[Array, " n"], Float[Array, " n"], Bool[Array, " n"], Float[Array, ""]], Float[Array, ""]
]

MARGIN = 0.3
TEMPERATURE = 0.5
"""Of the listwise loss, in units of a task's spread: an architecture one spread better weighs e² as much."""


def squared(predicted: Array, score: Array, present: Array, gap: Array) -> Array:
    """Mean squared error. Source: US20220121906A1.

    Args:
        predicted, score: of n architectures, (n,).
        present: which of them have a score, (n,).
        gap: not used.

    >>> float(squared(jnp.array([1.0, 3.0]), jnp.array([1.0, 1.0]), jnp.array([True, True]), jnp.array(0.0)))
    2.0
    """
    del gap
    return _mean(jnp.square(predicted - score), present)


def pairwise_linear(predicted: Array, score: Array, present: Array, gap: Array) -> Array:
    """max(0, margin - difference) over the pairs whose true scores differ by more than the gap.

    Source: Dubatovka, Kokiopoulou, Sbaiz et al. 2019.

    Args:
        predicted, score, present: as in `squared`.
        gap: smallest difference of scores that counts.
    """
    return _pairwise(predicted, score, present, gap, lambda short: short)


def pairwise_quadratic(predicted: Array, score: Array, present: Array, gap: Array) -> Array:
    """The square of the linear pairwise loss, pair by pair; same source.

    Args:
        predicted, score, present, gap: as in `pairwise_linear`.
    """
    return _pairwise(predicted, score, present, gap, jnp.square)


def combined(predicted: Array, score: Array, present: Array, gap: Array) -> Array:
    """Squared error, which fixes the scale, plus the quadratic pairwise loss, which fixes the order.

    Args:
        predicted, score, present, gap: as in `pairwise_linear`.
    """
    return squared(predicted, score, present, gap) + pairwise_quadratic(predicted, score, present, gap)


def listwise(predicted: Array, score: Array, present: Array, gap: Array) -> Array:
    """Cross-entropy between softmax(score / TEMPERATURE) and the same of the predictions, over one task.

    The order among the best counts most. A constant added to the predictions has no effect.

    Source: ListNet with top-one probabilities, Cao, Qin, Liu, Tsai, Li 2007.

    Args:
        predicted, score, present: as in `squared`.
        gap: not used.

    >>> score, present = jnp.array([1.0, 0.0]), jnp.array([True, True])
    >>> same, reverse = (listwise(p, score, present, jnp.array(0.0)) for p in (score + 9, -score))
    >>> bool(same < reverse)
    True
    """
    del gap
    # Finite, so that a task without any score has the gradient 0, not NaN.
    wanted, got = (
        jax.nn.log_softmax(jnp.where(present, values / TEMPERATURE, -1e9)) for values in (score, predicted)
    )
    return -jnp.sum(jnp.where(present, jnp.exp(wanted) * got, 0.0))


LOSSES: dict[str, Loss] = {
    "squared": squared,
    "pairwise_linear": pairwise_linear,
    "pairwise_quadratic": pairwise_quadratic,
    "combined": combined,
    "listwise": listwise,
}


def loss_named(name: str) -> Loss:
    """The loss of that name.

    Raises:
        UserError: the name is unknown; the nearest one is suggested.
    """
    if name not in LOSSES:
        raise unknown("loss", name, LOSSES)
    return LOSSES[name]


def _pairwise(predicted: Array, score: Array, present: Array, gap: Array, shape: Callable) -> Array:
    better = (score[:, None] - score[None, :] > gap) & present[:, None] & present[None, :]
    difference = predicted[:, None] - predicted[None, :]
    return _mean(shape(jax.nn.relu(MARGIN - difference)), better)


def _mean(values: Array, counted: Array) -> Array:
    return jnp.sum(jnp.where(counted, values, 0.0)) / jnp.maximum(counted.sum(), 1)
