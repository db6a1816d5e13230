"""Gradient ascent on the architecture, the objective's own parameters fixed.

Source: US20220121906A1, claim 4.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.errors import UserError
from taskaware.spaces import RelaxedSpace
from taskaware.strategies.strategy import Factory, Feedback, Strategy


class Climb(NamedTuple):
    """Where every climb stands, and its optimizer's state."""

    points: Float[Array, "n D"]
    optimizer: optax.OptState


def gradient_ascent(
    starts: Float[EitherArray, "n D"] | None = None, *, optimizer: optax.GradientTransformation | None = None
) -> Factory:
    """Climb from every start at once; each climb has an optimizer state of its own.

    The climbs ask for where they stand until they are told, so they ask for the same again before.

    Args:
        starts: where the climbs begin; the first ask is for these. Random points if None, as many as an ask
            is to have.
        optimizer: any Optax transformation; Adam with a step of 0.2 by default, which moves logits of any
            size at the same pace, so that a climb can leave a corner where the softmax is flat.

    Raises:
        UserError: when it is bound to a space that is not relaxed.
    """
    rule = optax.adam(0.2) if optimizer is None else optimizer

    def bound(space: RelaxedSpace, together: int) -> Strategy:
        if not hasattr(space, "project"):
            raise UserError(
                f"Gradient ascent needs a continuous space; '{space.name}' has no `project`. "
                "Choose another strategy, such as 'evolution'."
            )

        def init(key: Array) -> Climb:
            points = space.project(space.sample(key, together) if starts is None else starts)
            return Climb(points, jax.vmap(rule.init)(points))

        def ask(key: Array, state: Climb) -> tuple[Climb, Float[Array, "n D"]]:
            del key
            return state, state.points

        def tell(state: Climb, points: Float[Array, "n D"], feedback: Feedback) -> tuple[Climb, dict]:
            count, number = len(state.points), feedback.number
            number = jnp.arange(len(points)) if number is None else number
            # What others asked for lies outside, and is dropped.
            rows = jnp.where(number < 0, count, number % count)
            optimizer = jax.tree.map(lambda leaf: leaf.at[rows].get(mode="clip"), state.optimizer)
            updates, moved = jax.vmap(rule.update)(-feedback.gradient, optimizer, points)
            places = space.project(optax.apply_updates(points, updates))
            put = jax.tree.map(
                lambda old, new: old.at[rows].set(new, mode="drop"), state, Climb(places, moved)
            )
            return put, {}

        return Strategy(init, ask, tell, wants_gradient=True, repeats=True)

    return bound
