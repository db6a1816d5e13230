"""Only the promising of several children are evaluated: a prediction chooses among them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.errors import UserError
from taskaware.spaces import Space
from taskaware.strategies.objective import Outcomes
from taskaware.strategies.strategy import Asked, Factory, HostSearch, Info, Strategy, UnderWay

Predict = Callable[[Any], Any]
"""Points (n, D) → predicted scores (n,); larger is better. For a compiled search, JAX must trace it."""


def promising(strategy: Factory, predict: Predict, *, of: int = 8) -> Factory:
    """Draw `of` times as many points as are evaluated, and keep those with the largest predictions.

    The strategy is asked for all of them and told of those that were evaluated. In NumPy, points that were
    evaluated already come last. Compose it after a portfolio, not around one: every point that it is asked
    for is screened.

    Args:
        strategy: draws the points.
        predict: what a surrogate, or a rule of yours, expects of points.
        of: points drawn for each that is evaluated.

    Raises:
        UserError: `of` is below 2; later, if the predictions have another shape.

    >>> from taskaware.spaces import choices
    >>> from taskaware.strategies import random
    >>> space = choices({f"bit {n}": [0, 1] for n in range(8)})
    >>> search = promising(random(), lambda points: points.sum(1), of=50)(space, 2)
    >>> bool((search.on_host(np.random.default_rng(0)).ask().points.sum(1) > 5).all())
    True
    """
    if of < 2:
        raise UserError(f"of={of} is too small. Give 2 or more.")

    def bound(space: Space, together: int) -> Strategy:
        inner = strategy(space, together * of)
        if inner.repeats or inner.wants_gradient:
            raise UserError("A climb cannot be screened: it asks for the points where it stands.")

        def ask(key: Array, state: Any) -> tuple[Any, Float[Array, "n D"]]:
            state, points = inner.ask(key, state)
            chosen = _largest(jnp.asarray(predict(points)), together, len(points))
            return state, jnp.asarray(points)[chosen]

        def tell(state: Any, points: Any, feedback: Any) -> tuple[Any, dict]:
            # The strategy counts all points that it was asked for, so these are points of others to it.
            return inner.tell(state, points, feedback._replace(number=_foreign(feedback.number, len(points))))

        on_host, label = inner.on_host, f"promising({inner.label}, of={of})" if inner.label else ""
        hosted = None if on_host is None else lambda rng: HostScreening(on_host(rng), predict, together)
        return inner._replace(
            ask=ask, tell=tell, on_host=hosted, label=label, learns_after=-(-inner.learns_after // of)
        )

    return bound


class HostScreening:
    """One running search, see `HostSearch`."""

    def __init__(self, then: HostSearch, predict: Predict, together: int):
        self._then, self._predict, self._together = then, predict, together
        self._asked: set[bytes] = set()

    def ask(self) -> Asked:
        """See `HostSearch.ask`."""
        points, parents = self._then.ask()
        if not len(points):
            return Asked(points)
        order = np.asarray(_largest(np.asarray(self._predict(points)), len(points), len(points)))
        names = [point.tobytes() for point in points]
        # A prediction stays the same, so the best would be evaluated again and again.
        again = np.array([names[place] in self._asked for place in order])
        chosen = order[np.argsort(again, kind="stable")][: self._together]
        self._asked.update(names[place] for place in chosen)
        return Asked(points[chosen], tuple(parents[place] for place in chosen) if parents else ())

    def tell(self, told: UnderWay, outcomes: Outcomes) -> Info:
        """See `HostSearch.tell`."""
        self._asked.update(point.tobytes() for point in told.points)
        return self._then.tell(told, outcomes)


def _largest(predicted: Any, together: int, count: int) -> Any:
    """Places of the largest predictions, the largest first; one that is no number is the smallest."""
    if predicted.shape != (count,):
        raise UserError(
            f"The predictions for {count} points have the shape {predicted.shape}. Give one number for each."
        )
    numbers = jnp if isinstance(predicted, jax.Array) else np
    return numbers.argsort(-numbers.where(numbers.isnan(predicted), -numbers.inf, predicted))[:together]


def _foreign(number: Int[Array, " n"] | None, count: int) -> Int[Array, " n"]:
    given = jnp.arange(count, dtype=jnp.int32) if number is None else jnp.asarray(number, jnp.int32)
    return jnp.where(given >= 0, -2 - given, given)
