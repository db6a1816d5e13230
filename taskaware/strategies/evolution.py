"""Aging evolution: the best of a few becomes a parent, and the oldest dies, however good it was.

Source: Real, Aggarwal, Huang & Le 2019 ("regularized evolution"); US20220004879A1.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from taskaware.errors import UserError
from taskaware.spaces import Space
from taskaware.strategies.strategy import Factory, Feedback, Strategy

VERSION = 2
"""Raise it when the same key would ask for other points: searches that were kept are told apart by it."""

UNDER_WAY = 1024
"""Evaluations that may be under way while the parents of their points are still known."""


class Population(NamedTuple):
    """The P youngest points that were told; the one born as number b lies in row b mod P.

    Attributes:
        points: (P, D).
        values: (P,); -inf for a diverged point and in a row that nobody has yet.
        numbers: which evaluation each is, (P,); -2 or less for those of others, see `Feedback.number`.
        born: points told so far, the dead ones too.
        asked: points asked for so far.
        parents: evaluation of the parent of each of the last points asked for, -1 without one; number n lies
            in row n mod R, (R,).
    """

    points: Float[Array, "P D"]
    values: Float[Array, " P"]
    numbers: Int[Array, " P"]
    born: Int[Array, ""]
    asked: Int[Array, ""]
    parents: Int[Array, " R"]


def evolution(*, population: int = 100, tournament: int = 25) -> Factory:
    """A first population of random points, then children: each of the best of a sample, mutated once.

    Points of others that it is told of join the population, so `portfolio_then(points, evolution())` begins
    with points of your own. The answer of a search is the best of its whole history.

    Args:
        population: P, after which the oldest dies with each birth (published: 100).
        tournament: S, drawn with replacement to find a parent (published: 25).

    Raises:
        UserError: a number is out of range; when it is bound, if it is asked for more points than P at once.

    >>> from taskaware.spaces import preset
    >>> strategy = evolution(population=8, tournament=4)(preset("compact"), 2)
    >>> state, points = strategy.ask(jax.random.key(1), strategy.init(jax.random.key(0)))
    >>> points.shape
    (2, 40)
    """
    if population < 1:
        raise UserError(f"population={population} breeds nothing. Give 1 or more.")
    if tournament < 1:
        raise UserError(f"tournament={tournament} finds no parent. Give 1 or more.")

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
        # Points of others count as part of the first population; a child needs somebody who was told.
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

    def tell(state: Population, points: Float[Array, "n D"], feedback: Feedback) -> tuple[Population, dict]:
        births = state.born + jnp.arange(len(points), dtype=jnp.int32)
        number = births if feedback.number is None else jnp.asarray(feedback.number, jnp.int32)
        known = (number >= 0) & (state.asked - number <= room)
        info = {"parent": jnp.where(known, state.parents[number % room], -1)}
        rows = births % population
        told = state._replace(
            points=state.points.at[rows].set(points),
            values=state.values.at[rows].set(feedback.value),
            numbers=state.numbers.at[rows].set(number),
            born=state.born + len(points),
        )
        return told, info

    return Strategy(init, ask, tell, learns_after=population)
