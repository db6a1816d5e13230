"""Gradient ascent on the architecture, with the objective's own parameters fixed.

Source: US20220121906A1, claim 4.
"""

from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.errors import UserError
from taskaware.spaces import ChoiceSpace, Space
from taskaware.strategies.strategy import Factory, Feedback, Strategy


class Climb(NamedTuple):
    """The current point of every climb, and its optimizer state."""

    points: Float[Array, "n D"]
    optimizer: optax.OptState


def gradient_ascent(
    starts: Float[EitherArray, "n D"] | None = None, *, optimizer: optax.GradientTransformation | None = None
) -> Factory:
    """Climb from all starts at once; each climb has its own optimizer state.

    `ask` returns the current points, so it returns the same points until `tell` moves them.

    Args:
        starts: the first points of the climbs; random points if None, one for each point of a round.
        optimizer: any Optax transformation; by default Adam with a step of 0.2. Its steps do not shrink with
            the gradient, so that a climb can leave a corner where the softmax is flat.

    Raises:
        UserError: when it is bound to a space that is not relaxed.
    """
    rule = optax.adam(0.2) if optimizer is None else optimizer

    def bound(space: Space, together: int) -> Strategy:
        if not hasattr(space, "project"):
            relax = (
                "Search ta.spaces.relaxed(space), or choose" if isinstance(space, ChoiceSpace) else "Choose"
            )
            raise UserError(
                f"Gradient ascent needs a continuous space; '{space.name}' has no `project`. {relax} another "
                "strategy, such as 'evolution'."
            )

        def init(key: Array) -> Climb:
            points = space.project(space.sample(key, together) if starts is None else starts)
            return Climb(points, jax.vmap(rule.init)(points))

        def ask(key: Array, state: Climb) -> tuple[Climb, Float[Array, "n D"]]:
            del key
            return state, state.points

        def tell(state: Climb, points: Float[EitherArray, "n D"], feedback: Feedback) -> tuple[Climb, dict]:
            count, number = len(state.points), feedback.number
            number = jnp.arange(len(points)) if number is None else number
            # Points of other strategies fall out of range and are dropped.
            rows = jnp.where(number < 0, count, number % count)
            optimizer = jax.tree.map(lambda leaf: leaf.at[rows].get(mode="clip"), state.optimizer)
            # It is there: the strategy wants it.
            gradient = cast(Array, feedback.gradient)
            updates, moved = jax.vmap(rule.update)(-gradient, optimizer, points)
            places = space.project(optax.apply_updates(points, updates))
            put = jax.tree.map(
                lambda old, new: old.at[rows].set(new, mode="drop"), state, Climb(places, moved)
            )
            return put, {}

        return Strategy(init, ask, tell, wants_gradient=True, repeats=True)

    return bound
