"""A list of points first, then another strategy, which receives their results."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.arrays import EitherArray
from taskaware.digests import digest
from taskaware.errors import UserError
from taskaware.spaces import Space
from taskaware.strategies.objective import Outcomes
from taskaware.strategies.strategy import Asked, Factory, Feedback, HostSearch, Info, Strategy, UnderWay


class HostPortfolio:
    """One running search, see `HostSearch`."""

    def __init__(self, points: Float[np.ndarray, "m D"], then: HostSearch, together: int):
        self._points, self._then, self._together, self._asked = points, then, together, 0

    def ask(self) -> Asked:
        """See `HostSearch.ask`."""
        points = self._points[self._asked : self._asked + self._together]
        self._asked += len(points)
        return Asked(points, (-1,) * len(points)) if len(points) else self._then.ask()

    def tell(self, told: UnderWay, outcomes: Outcomes) -> Info:
        """See `HostSearch.tell`."""
        return self._then.tell(told, outcomes)


class Portfolio(NamedTuple):
    """Number of points asked for, the portfolio (an array, so one program fits any), and the inner state."""

    asked: Int[Array, ""]
    points: Float[Array, "m D"]
    then: Any


def portfolio_then(points: Float[EitherArray, "m D"], strategy: Factory) -> Factory:
    """Evaluate the points in order, then continue with another strategy, which receives all results.

    Args:
        points: best first, for example known good ones or the candidates of a recommendation.
        strategy: continues after them.

    Raises:
        UserError: there is no point; or, when bound, one is outside the space.

    >>> from taskaware.spaces import preset
    >>> from taskaware.strategies import aging_evolution
    >>> begin = jnp.zeros((3, 40))
    >>> strategy = portfolio_then(begin, aging_evolution(population=8))(preset("compact"), 2)
    >>> state, first = strategy.ask(jax.random.key(1), strategy.init(jax.random.key(0)))
    >>> bool((first == 0).all())
    True
    """
    given = jnp.asarray(points, jnp.float32)
    if given.ndim != 2 or not len(given):
        raise UserError(f"A portfolio is a table of points (m, D), not an array of shape {given.shape}.")

    def bound(space: Space, together: int) -> Strategy:
        _check_inside(space, given)
        inner = strategy(space, together)
        ask = (_ask_traced if inner.traceable else _ask_on_host)(inner.ask, together)
        # The inner strategy counts from the first `ask` that exceeds the portfolio.
        shift = len(given) // together * together if inner.traceable else len(given)

        def init(key: Array) -> Portfolio:
            return Portfolio(jnp.int32(0), given, inner.init(key))

        def tell(
            state: Portfolio, points: Float[EitherArray, "n D"], feedback: Feedback
        ) -> tuple[Portfolio, dict]:
            number = feedback.number
            inner_number = None if number is None else _inwards(jnp.asarray(number), len(given), shift)
            then, info = inner.tell(state.then, points, feedback._replace(number=inner_number))
            if "parent" in info:
                info = info | {"parent": _outwards(jnp.asarray(info["parent"]), len(given), shift)}
            return state._replace(then=then), info

        on_host, begin = inner.on_host, np.asarray(given)
        label = f"portfolio_then({digest(begin)}, {inner.label})" if inner.label else ""
        hosted = None if on_host is None else lambda rng: HostPortfolio(begin, on_host(rng), together)
        return inner._replace(init=init, ask=ask, tell=tell, on_host=hosted, label=label)

    return bound


@functools.lru_cache(maxsize=8)
def _ask_traced(inner: Callable, together: int) -> Callable[[Array, Portfolio], tuple[Portfolio, Array]]:
    """Kept, so that the next search like it compiles nothing."""

    def ask(key: Array, state: Portfolio) -> tuple[Portfolio, Float[Array, "n D"]]:
        place, count = state.asked + jnp.arange(together), len(state.points)
        wait = (state.then, jnp.zeros((together, state.points.shape[1]), jnp.float32))
        goes_on = place[-1] >= count
        then, points = jax.lax.cond(goes_on, lambda: inner(key, state.then), lambda: wait)
        chosen = state.points[jnp.minimum(place, count - 1)]
        points = jnp.where((place < count)[:, None], chosen, points)
        return Portfolio(state.asked + together, state.points, then), points

    return ask


def _ask_on_host(
    inner: Callable, together: int
) -> Callable[[Array, Portfolio], tuple[Portfolio, Array | np.ndarray]]:
    def ask(key: Array, state: Portfolio) -> tuple[Portfolio, Float[Array | np.ndarray, "n D"]]:
        points: Array | np.ndarray = np.asarray(state.points)[int(state.asked) :][:together]
        then = state.then
        if not len(points):
            then, points = inner(key, then)
        return state._replace(asked=state.asked + len(points), then=then), points

    return ask


def _inwards(number: Int[Array, " n"], given: int, shift: int) -> Int[Array, " n"]:
    """Evaluation numbers of the inner strategy: its own from 0, the portfolio's from -2 downwards."""
    foreign = jnp.where(number < 0, number - given, -2 - number)
    return jnp.where(number < given, foreign, number - shift)


def _outwards(number: Int[Array, " n"], given: int, shift: int) -> Int[Array, " n"]:
    """The inverse; -1 stays."""
    foreign = jnp.where(number < -1 - given, number + given, -2 - number)
    return jnp.where(number >= 0, number + shift, jnp.where(number == -1, -1, foreign))


def _check_inside(space: Space, points: Float[Array, "m D"]) -> None:
    if points.shape[1] != space.dimension:
        raise UserError(
            f"The portfolio's points have {points.shape[1]} numbers; those of '{space.name}' have "
            f"{space.dimension}."
        )
    if isinstance(points, jax.core.Tracer):
        return
    with jax.ensure_compile_time_eval():
        inside = np.asarray(space.contains(points))
    if not inside.all():
        raise UserError(
            f"Point {int(np.argmin(inside))} of the portfolio is outside the space '{space.name}'. Remove it."
        )
