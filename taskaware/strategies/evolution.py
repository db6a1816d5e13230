"""Aging evolution: the best of a random sample becomes a parent, and the oldest point dies.

Source: Real, Aggarwal, Huang & Le 2019 ("regularized evolution"); US20220004879A1.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from taskaware.arrays import EitherArray
from taskaware.errors import UserError
from taskaware.spaces import Space
from taskaware.strategies.strategy import Factory, Feedback, Strategy

VERSION = 2
"""Raise it when the same key would give other points: recorded searches are told apart by it."""

UNDER_WAY = 1024
"""Number of unfinished evaluations whose parents are remembered."""


class Population(NamedTuple):
    """The P youngest evaluated points; birth number b is in row b mod P.

    Attributes:
        points: (P, D).
        values: (P,); -inf for a diverged point and in an empty row.
        numbers: evaluation number of each, (P,); -2 or less for points of other strategies, see
            `Feedback.number`.
        born: number of points evaluated so far, dead ones included.
        asked: number of points asked for so far.
        parents: evaluation number of the parent of each of the last R points asked for, -1 without a parent;
            point n is in row n mod R, (R,).
    """

    points: Float[Array, "P D"]
    values: Float[Array, " P"]
    numbers: Int[Array, " P"]
    born: Int[Array, ""]
    asked: Int[Array, ""]
    parents: Int[Array, " R"]


def evolution(*, population: int = 100, tournament: int = 25) -> Factory:
    """Aging evolution: a population of random points, then children, each a mutation of the best of a sample.

    Points of other strategies join the population, so `portfolio_then(points, evolution())` starts with
    points of your own. The result of a search is the best point of its history.

    Args:
        population: P; from then on, each birth removes the oldest point (published: 100).
        tournament: size of the sample that a parent is the best of, with replacement (published: 25).

    Raises:
        UserError: a number is out of range; or, when bound, a round has more points than P.

    >>> from taskaware.spaces import preset
    >>> strategy = evolution(population=8, tournament=4)(preset("compact"), 2)
    >>> state, points = strategy.ask(jax.random.key(1), strategy.init(jax.random.key(0)))
    >>> points.shape
    (2, 40)
    """
    if population < 1:
        raise UserError(f"population={population} is too small. Give 1 or more.")
    if tournament < 1:
        raise UserError(f"tournament={tournament} is too small. Give 1 or more.")

    def bound(space: Space, together: int) -> Strategy:
        if population < together:
            raise UserError(
                f"population={population} is less than the {together} points of a round. Raise it."
            )
        return _evolution(space, together, population, tournament)

    return bound


def _evolution(space: Space, together: int, population: int, tournament: int) -> Strategy:
    room = max(UNDER_WAY, population)

    def init(key: Array) -> Population:
        del key
        return Population(
            jnp.zeros((population, space.dimension), jnp.float32),
            jnp.full(population, -jnp.inf, jnp.float32),
            jnp.full(population, -1, jnp.int32),
            jnp.int32(0),
            jnp.int32(0),
            jnp.full(room, -1, jnp.int32),
        )

    def ask(key: Array, state: Population) -> tuple[Population, Float[Array, "n D"]]:
        first_key, child_key = jax.random.split(key)
        place = jnp.arange(together)
        # Points of other strategies count as first population; a child needs an evaluated parent.
        first = (jnp.maximum(state.asked, state.born) + place < population) | (state.born == 0)
        children, parents = jax.vmap(child, (0, None))(jax.random.split(child_key, together), state)
        points = jnp.where(first[:, None], space.sample(first_key, together), children)
        parents = state.parents.at[(state.asked + place) % room].set(jnp.where(first, -1, parents))
        return state._replace(asked=state.asked + together, parents=parents), points

    def child(key: Array, state: Population) -> tuple[Float[Array, " D"], Int[Array, ""]]:
        sample_key, mutation_key = jax.random.split(key)
        alive = jnp.clip(state.born, 1, population)
        sample = jax.random.randint(sample_key, (tournament,), 0, alive)
        parent = sample[jnp.argmax(state.values[sample])]
        return space.mutate(mutation_key, state.points[parent]), state.numbers[parent]

    def tell(
        state: Population, points: Float[EitherArray, "n D"], feedback: Feedback
    ) -> tuple[Population, dict]:
        births = state.born + jnp.arange(len(points), dtype=jnp.int32)
        number = births if feedback.number is None else jnp.asarray(feedback.number, jnp.int32)
        known = (number >= 0) & (state.asked - number <= room)
        info = {"parent": jnp.where(known, state.parents[number % room], -1)}
        rows = births % population
        updated = state._replace(
            points=state.points.at[rows].set(points),
            values=state.values.at[rows].set(feedback.value),
            numbers=state.numbers.at[rows].set(number),
            born=state.born + len(points),
        )
        return updated, info

    return Strategy(init, ask, tell, learns_after=population)
