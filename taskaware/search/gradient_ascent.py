"""Gradient ascent on the architecture, the objective's own parameters fixed.

Source: US20220121906A1, claim 4.
"""

from typing import NamedTuple

import jax
import optax
from jaxtyping import Array, Float

from taskaware.search.strategy import Feedback, Strategy
from taskaware.spaces import MixtureSpace


class Climb(NamedTuple):
    """Where every climb stands, and its optimizer's state."""

    points: Float[Array, "n D"]
    optimizer: optax.OptState


def gradient_ascent(
    space: MixtureSpace,
    starts: Float[Array, "n D"],
    *,
    optimizer: optax.GradientTransformation | None = None,
) -> Strategy:
    """Climb from every start at once; each climb has an optimizer state of its own.

    Args:
        space: the points stay within it.
        starts: where the climbs begin; the first round asks for these.
        optimizer: any Optax transformation; Adam with a step of 0.2 by default, which moves logits of any
            size at the same pace, so that a climb can leave a corner where the softmax is flat.
    """
    rule = optax.adam(0.2) if optimizer is None else optimizer

    def init(key: Array) -> Climb:
        del key
        points = space.project(starts)
        return Climb(points, jax.vmap(rule.init)(points))

    def ask(key: Array, state: Climb) -> Float[Array, "n D"]:
        del key
        return state.points

    def tell(state: Climb, points: Float[Array, "n D"], feedback: Feedback) -> Climb:
        updates, optimizer_state = jax.vmap(rule.update)(-feedback.gradient, state.optimizer, points)
        return Climb(space.project(optax.apply_updates(points, updates)), optimizer_state)

    return Strategy(init, ask, tell, wants_gradient=True)
