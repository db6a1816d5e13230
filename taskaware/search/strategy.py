"""What a search strategy is, and the loops that drive any of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.errors import UserError

State = Any
Objective = Callable[[Float[Array, " D"]], Float[Array, ""]]
Judge = Callable[[Float[np.ndarray, "n D"]], Float[np.ndarray, " n"]]
"""Points → their values, larger is better, NaN where diverged; work that JAX need not be able to trace."""


class Feedback(NamedTuple):
    """What a strategy is told about the points it asked for.

    Attributes:
        value: larger is better; -inf for a diverged point (one whose value or gradient is NaN), (n,).
        gradient: of the value by the point, 0 for a diverged one, (n, D); None unless the strategy wants it.
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
        values: (R, n); -inf where a point diverged.
    """

    points: Float[Array, "R n D"]
    values: Float[Array, "R n"]

    @property
    def best(self) -> tuple[Float[Array, " D"], Float[Array, ""]]:
        """The point of the largest value in the whole search, and that value; -inf if all diverged."""
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


def spend(
    strategy: Strategy, judge: Judge, key: Array, budget: int
) -> tuple[Float[np.ndarray, "budget D"], Float[np.ndarray, " budget"]]:
    """`maximise` for values that take real work, such as trainings.

    Args:
        strategy: how to search.
        judge: does the work on the points of a round.
        key: of the whole search.
        budget: points that are judged, at least 1; the last round is cut to what is left.

    Returns:
        Every point in the order in which it was asked for, and its value; -inf where it diverged. A smaller
        budget gives the beginning of the same.

    Raises:
        UserError: the strategy wants gradients.

    >>> def ask(key, state):
    ...     return jax.random.normal(key, (4, 2))
    >>> drawn = Strategy(lambda key: (), ask, lambda state, points, feedback: state)
    >>> points, values = spend(drawn, lambda points: points.sum(1), jax.random.key(0), budget=6)
    >>> points.shape, values.shape
    ((6, 2), (6,))
    """
    if strategy.wants_gradient:
        raise UserError("The strategy wants gradients, which such work does not give. Choose another one.")
    start_key, loop_key = jax.random.split(key)
    ask, tell, state = jax.jit(strategy.ask), jax.jit(strategy.tell), strategy.init(start_key)
    points, values, left = [], [], budget
    for round_key in jax.random.split(loop_key, budget):
        points.append(np.asarray(ask(round_key, state))[:left])
        value = np.asarray(judge(points[-1]), np.float32)
        values.append(np.where(np.isnan(value), -np.inf, value).astype(np.float32))
        left -= len(values[-1])
        if not left:
            break
        state = tell(state, points[-1], Feedback(values[-1]))
    return np.concatenate(points), np.concatenate(values)


def score(strategy: Strategy, objective: Objective, points: Float[Array, "n D"]) -> Feedback:
    """What the strategy is told about the points; here, and only here, a NaN becomes a diverged point."""
    if not strategy.wants_gradient:
        value = jax.vmap(objective)(points)
        return Feedback(jnp.where(jnp.isnan(value), -jnp.inf, value))
    value, gradient = jax.vmap(jax.value_and_grad(objective))(points)
    diverged = jnp.isnan(value) | jnp.any(~jnp.isfinite(gradient), axis=-1)
    return Feedback(jnp.where(diverged, -jnp.inf, value), jnp.where(diverged[:, None], 0.0, gradient))
