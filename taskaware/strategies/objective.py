"""Objectives, and the outcomes of their evaluations."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.children.forms import Sizes
from taskaware.errors import UserError

DIVERGED = -np.inf
"""Value of a diverged point: its score or gradient is NaN, or its objective raised an error."""


class Outcomes(NamedTuple):
    """Results of n points; a field that an objective does not compute is None.

    Attributes:
        score: larger is better; anything not finite where the point diverged, (n,).
        test_score: on rows that no search uses, (n,).
        seconds: run time of each, (n,).
        gradient: of the score by the point, (n, D).
        errors: text of the error that each raised, "" without one, n of them.
        more: further columns by name, such as the loss, (n,) each.
    """

    score: Float[Array | np.ndarray, " n"]
    test_score: Float[Array | np.ndarray, " n"] | None = None
    seconds: Float[Array | np.ndarray, " n"] | None = None
    gradient: Float[Array, "n D"] | None = None
    errors: tuple[str, ...] | None = None
    more: dict[str, Any] | None = None


class Objective(NamedTuple):
    """What a search maximises.

    Attributes:
        evaluate: points (n, D) → outcomes. They are JAX arrays where it is traceable, else NumPy arrays.
        traceable: whether JAX can trace `evaluate`; such a search is one compiled program.
        with_gradient: like `evaluate`, with gradients; None if there are none.
        together: preferred number of points in a round.
        unit: name of an evaluation in progress bars.
        numbered: whether `evaluate` takes the number of the first evaluation as well, for draws of its own:
            (points, first) → outcomes. So a search that goes on draws what one straight through draws.
        related: whether `evaluate` takes this number and the parent of each point, -1 without one:
            (points, first, parents). Only strategies that run in plain NumPy tell parents when they ask.
        sizes: what the networks of points read and give, for their modules and code; None if unknown.
        about: what is maximised, in a word or a digest; "" if unknown. A journal goes on only under the same
            one.
    """

    evaluate: Callable[..., Outcomes]
    traceable: bool = False
    with_gradient: Callable[[Float[Array, "n D"]], Outcomes] | None = None
    together: int = 1
    unit: str = "evaluation"
    numbered: bool = False
    about: str = ""
    related: bool = False
    sizes: Sizes | None = None

    def more(self, first: int, parents: tuple[int, ...]) -> tuple:
        """What `evaluate` takes beside points.

        Args:
            first: evaluation number of the first point.
            parents: of the points; () where none is known.
        """
        if self.related:
            return (first, parents)
        return (first,) if self.numbered else ()


def traced(value: Callable[[Float[Array, " D"]], Float[Array, ""]], together: int = 16) -> Objective:
    """An objective from a function of one point that JAX can trace and differentiate."""

    def with_gradient(points: Float[EitherArray, "n D"]) -> Outcomes:
        score, gradient = jax.vmap(jax.value_and_grad(value))(points)
        return Outcomes(score, gradient=gradient)

    return Objective(lambda points: Outcomes(jax.vmap(value)(points)), True, with_gradient, together)


def settled(outcomes: Outcomes, count: int) -> Outcomes:
    """The outcomes of `count` points, with the score DIVERGED where a point diverged.

    Raises:
        UserError: there is not one score, or one of another number, for each point.
    """
    if count == 1 and _is_plain(outcomes):
        return outcomes
    _check_columns(outcomes, count)
    if np.shape(outcomes.score) != (count,):
        raise UserError(
            f"The objective gave scores of shape {np.shape(outcomes.score)} for {count} points. "
            f"Return one number for each: shape ({count},)."
        )
    numbers = jnp if isinstance(outcomes.score, jax.Array) else np
    diverged = ~numbers.isfinite(outcomes.score)
    gradient = outcomes.gradient
    if gradient is not None:
        diverged |= jnp.any(~jnp.isfinite(gradient), axis=-1)
        gradient = jnp.where(diverged[:, None], 0.0, gradient)
    test = outcomes.test_score
    return outcomes._replace(
        score=numbers.where(diverged, DIVERGED, outcomes.score),
        test_score=None if test is None else numbers.where(diverged, DIVERGED, test),
        gradient=gradient,
    )


def _is_plain(outcomes: Outcomes) -> bool:
    """Whether one point has finite outcomes in NumPy: many thousand of these a second."""
    score, test, seconds, gradient, _, more = outcomes
    if gradient is not None or more is not None or type(score) is not np.ndarray or score.shape != (1,):
        return False
    if test is not None and (type(test) is not np.ndarray or test.shape != (1,)):
        return False
    if seconds is not None and (type(seconds) is not np.ndarray or seconds.shape != (1,)):
        return False
    return math.isfinite(score.item())


def _check_columns(outcomes: Outcomes, count: int) -> None:
    columns = {"test": outcomes.test_score, "seconds": outcomes.seconds, **(outcomes.more or {})}
    for name, column in columns.items():
        if column is not None and np.shape(column) != (count,):
            raise UserError(
                f"The objective gave '{name}' of shape {np.shape(column)} for {count} points. Return one "
                f"number for each: shape ({count},)."
            )
