"""What a search strategy is, and the loop that drives any of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

State = Any
Objective = Callable[[Float[Array, " D"]], Float[Array, ""]]


class Feedback(NamedTuple):
    """What a strategy is told about the points it asked for.

    Attributes:
        value: larger is better; -inf for a lost point (one whose value or gradient is NaN), (n,).
        gradient: of the value by the point, 0 for a lost one, (n, D); None unless the strategy wants it.
    """

    value: Float[Array, " n"]
    gradient: Float[Array, "n D"] | None = None


class Strategy(NamedTuple):
    """Three pure functions. `ask` never stores, `tell` never draws.

    Attributes:
        init: key → state.
        ask: (key, state) → points (n, D), all of them in the space.
        tell: (state, points, feedback) → state.
        wants_gradient: whether the feedback has to carry gradients.
    """

    init: Callable[[Array], State]
    ask: Callable[[Array, State], Float[Array, "n D"]]
    tell: Callable[[State, Float[Array, "n D"], Feedback], State]
    wants_gradient: bool = False


class Trace(NamedTuple):
    """Everything a search looked at: R rounds of n points.

    Attributes:
        points: (R, n, D).
        values: (R, n); -inf where a point was lost.
    """

    points: Float[Array, "R n D"]
    values: Float[Array, "R n"]

    @property
    def best(self) -> tuple[Float[Array, " D"], Float[Array, ""]]:
        """The point of the largest value in the whole search, and that value; -inf if all were lost."""
        place = jnp.argmax(self.values)
        return self.points.reshape(-1, self.points.shape[-1])[place], self.values.ravel()[place]


def maximise(strategy: Strategy, objective: Objective, key: Array, rounds: int) -> Trace:
    """Ask, score, tell, so many times; pure, so it can be compiled whole.

    Args:
        strategy: how to search.
        objective: the value of one point; anything that JAX can trace.
        key: of the whole search.
        rounds: R, at least 1.

    >>> from taskaware.search import gradient_ascent
    >>> from taskaware.spaces import preset
    >>> starts = jnp.zeros((2, 40))
    >>> climb = gradient_ascent(preset("compact"), starts)
    >>> trace = maximise(climb, lambda vector: vector[0], jax.random.key(0), rounds=3)
    >>> trace.points.shape, trace.values[0].tolist(), round(float(trace.best[1]), 1)
    ((3, 2, 40), [0.0, 0.0], 0.4)
    """
    start_key, loop_key = jax.random.split(key)

    def one_round(state, round_key):
        points = strategy.ask(round_key, state)
        feedback = score(strategy, objective, points)
        return strategy.tell(state, points, feedback), (points, feedback.value)

    _, (points, values) = jax.lax.scan(
        one_round, strategy.init(start_key), jax.random.split(loop_key, rounds)
    )
    return Trace(points, values)


def score(strategy: Strategy, objective: Objective, points: Float[Array, "n D"]) -> Feedback:
    """What the strategy is to be told about the points; here, and only here, a NaN becomes a lost point."""
    if not strategy.wants_gradient:
        value = jax.vmap(objective)(points)
        return Feedback(jnp.where(jnp.isnan(value), -jnp.inf, value))
    value, gradient = jax.vmap(jax.value_and_grad(objective))(points)
    lost = jnp.isnan(value) | jnp.any(~jnp.isfinite(gradient), axis=-1)
    return Feedback(jnp.where(lost, -jnp.inf, value), jnp.where(lost[:, None], 0.0, gradient))
