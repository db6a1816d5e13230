"""Gradient ascent by the structure of a space: softmax groups cool, other numbers move in small steps.

At a plain design a softmax is nearly flat, so a climb from there hardly feels the other choices of the group.
At a high temperature it does. Steps shrink towards the end, so that the climb comes to rest.

Source: the annealed softmax is that of Jang, Gu and Poole 2017 (arXiv:1611.01144), without the noise.
"""

from typing import NamedTuple, cast

import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int

from taskaware.arrays import EitherArray
from taskaware.errors import UserError
from taskaware.spaces import RelaxedSpace, Space
from taskaware.strategies.gradient_ascent import Climb, gradient_ascent
from taskaware.strategies.strategy import Factory, Feedback, Strategy

STEP, LEAST = 0.3, 0.1
"""Step of a logit in the first round, and the share of it that is left in the last."""
BESIDE = 0.2
"""Step of a number that is no logit, relative to that of a logit."""
NUDGE = 1e-3
"""A number that cannot move so far along its gradient is at the border of the space."""


class AnnealedClimb(NamedTuple):
    """Climbs at temperature 1, and the round that each is in, (n,)."""

    climb: Climb
    round: Int[Array, " n"]


def annealed_ascent(
    starts: Float[EitherArray, "n D"] | None = None, *, rounds: int = 40, temperature: float = 2.0
) -> Factory:
    """Climb from all starts at once, by Adam. `ask` returns the same points until `tell` moves them.

    Logits are divided by a temperature, which falls by the same factor each round and is 1 in the last.
    A number at the border of the space gathers no speed against it.

    Args:
        starts: as in `gradient_ascent`.
        rounds: in which the temperature falls to 1 and the steps shrink.
        temperature: of the first round, 1 or more.

    Raises:
        UserError: `rounds` or the temperature is below 1, or, when it is bound to a space, the space is not
            relaxed.
    """
    for name, value in {"rounds": rounds, "temperature": temperature}.items():
        if not value >= 1:
            raise UserError(f"{name}={value} is too small. Give 1 or more.")

    def bound(space: Space, together: int) -> Strategy:
        logits = logits_of_groups(space)
        size = np.where(logits, 1.0, BESIDE).astype(np.float32)
        rule = optax.chain(
            optax.adam(optax.cosine_decay_schedule(STEP, rounds, LEAST)),
            optax.stateless(lambda updates, _: updates * size),
        )
        inner = gradient_ascent(starts, optimizer=rule)(space, together)
        space = cast(RelaxedSpace, space)

        def heat(now: Int[Array, " n"]) -> Float[Array, "n D"]:
            left = 1 - jnp.minimum(now, rounds - 1) / max(rounds - 1, 1)
            return jnp.where(logits, jnp.power(jnp.float32(temperature), left)[:, None], jnp.float32(1))

        def init(key: Array) -> AnnealedClimb:
            climb = inner.init(key)
            return AnnealedClimb(climb, jnp.zeros(len(climb.points), jnp.int32))

        def ask(key: Array, state: AnnealedClimb) -> tuple[AnnealedClimb, Float[Array, "n D"]]:
            del key
            return state, state.climb.points / heat(state.round)

        def tell(
            state: AnnealedClimb, points: Float[EitherArray, "n D"], feedback: Feedback
        ) -> tuple[AnnealedClimb, dict]:
            count, number = len(state.round), feedback.number
            number = jnp.arange(len(points)) if number is None else number
            rows = jnp.where(number < 0, count, number % count)
            hot = heat(state.round.at[rows].get(mode="clip"))
            # It is there: the strategy wants it.
            gradient = cast(Array, feedback.gradient)
            stuck = space.project(points + NUDGE * jnp.sign(gradient)) == points
            gradient = jnp.where(stuck, 0, gradient / hot)
            climb, info = inner.tell(state.climb, points * hot, feedback._replace(gradient=gradient))
            return AnnealedClimb(climb, state.round.at[rows].add(1, mode="drop")), info

        return Strategy(init, ask, tell, wants_gradient=True, repeats=True)

    return bound


def logits_of_groups(space: Space) -> Bool[np.ndarray, " D"]:
    """Which numbers of a point are logits of a softmax group: those of decisions with labels."""
    found = np.zeros(space.dimension, bool)
    for decision in space.decisions:
        found[list(decision.entries)] = len(decision.labels) > 1
    return found
