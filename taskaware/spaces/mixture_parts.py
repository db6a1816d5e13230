"""The parts of a mixture space and of its points."""

import dataclasses
import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from taskaware.spaces.mixture_draws import CUTOFF


class Point(NamedTuple):
    """A point u, by its parts; every part may carry leading batch axes.

    Attributes:
        alpha: logits of the baselines of each layer, `(*b, L, P)`.
        beta: logits of each layer being present and absent, `(*b, L, 2)`.
        gamma: logits of the embeddings, `(*b, E)`.
        recipe: training coordinates, each in [0, 1], `(*b, R)`.
    """

    alpha: Float[Array, "*b L P"]
    beta: Float[Array, "*b L 2"]
    gamma: Float[Array, "*b E"]
    recipe: Float[Array, "*b R"]


class Shapes(NamedTuple):
    """The shapes of the parts of one point."""

    alpha: tuple[int, int]
    beta: tuple[int, int]
    gamma: tuple[int]
    recipe: tuple[int]


class Weights(NamedTuple):
    """What a point means: non-negative weights, each group summing to one.

    Attributes:
        alpha: share of each baseline in each layer, `(*b, L, P)`.
        beta: presence of each layer, `(*b, L)`, in [0, 1].
        gamma: share of each embedding within its group, `(*b, E)`.
        recipe: the training coordinates in their own units, `(*b, R)`.
    """

    alpha: Float[Array, "*b L P"]
    beta: Float[Array, "*b L"]
    gamma: Float[Array, "*b E"]
    recipe: Float[Array, "*b R"]


@dataclasses.dataclass(frozen=True)
class RecipeCoordinate:
    """One number of the training recipe that the space designs too.

    Attributes:
        name: one of `mixture_checks.RECIPE`.
        low: value at coordinate 0.
        high: value at coordinate 1.
        log: whether the coordinate is the logarithm of the value.
        gate: odds that `sample` opens a gate, a part of the network that is there by this share; 0 for a
            number of the recipe. A share near 0 or 1 is 0 or 1 exactly.
    """

    name: str
    low: float
    high: float
    log: bool = False
    gate: float = 0.0

    def value(self, coordinate: Float[Array, "*b"]) -> Float[Array, "*b"]:
        if self.gate:
            coordinate = jnp.where(
                coordinate < CUTOFF, 0.0, jnp.where(coordinate > 1 - CUTOFF, 1.0, coordinate)
            )
        if self.log:
            return self.low * (self.high / self.low) ** coordinate
        return self.low + (self.high - self.low) * coordinate

    def coordinate(self, value: float) -> float:
        """The inverse of `value`, cut to [0, 1].

        >>> RecipeCoordinate("learning_rate", 1e-4, 1e-2, log=True).coordinate(1e-3)
        0.5
        """
        if self.low == self.high:
            return 0.0
        where = (value - self.low) / (self.high - self.low)
        if self.log:
            where = math.log(value / self.low) / math.log(self.high / self.low)
        return min(max(where, 0.0), 1.0)


TRAINING = (
    RecipeCoordinate("learning_rate", 3e-4, 3e-2, log=True),
    RecipeCoordinate("weight_decay", 1e-4, 1.0, log=True),
    RecipeCoordinate("dropout", 0.0, 0.5),
)
"""The recipe of the preset spaces."""
