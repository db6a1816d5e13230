"""Aging evolution: the best of a few becomes a parent, and the oldest dies, however good it was.

Source: Real, Aggarwal, Huang & Le 2019 ("regularized evolution"); US20220004879A1.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from taskaware.errors import UserError
from taskaware.search.strategy import Feedback, Strategy
from taskaware.spaces import MixtureSpace


class Population(NamedTuple):
    """The P youngest points; the one born as number b lies in row b mod P.

    Attributes:
        points: (P, D); in a row that nobody has yet stands the point that was given for it, if any.
        values: (P,); -inf for a diverged point and in a row that nobody has yet.
        born: points so far, the dead ones too.
    """

    points: Float[Array, "P D"]
    values: Float[Array, " P"]
    born: Int[Array, ""]


def evolution(
    space: MixtureSpace,
    points: int,
    *,
    population: int = 100,
    tournament: int = 25,
    initial: Float[Array, "m D"] | None = None,
) -> Strategy:
    """A first population, then in each round so many children: each of the best of a sample, mutated once.

    The answer of a search is the best of its whole history, see `Trace.best`.

    Args:
        space: draws and mutates the points.
        points: children in a round; their parents are chosen before any of them is told.
        population: P, after which the oldest dies with each birth (published: 100).
        tournament: S, drawn with replacement to find a parent (published: 25).
        initial: the first of the population, m of at most P; the others are random.

    Raises:
        UserError: a number is out of range.
    """
    given = jnp.zeros((0, space.dimension)) if initial is None else space.project(jnp.asarray(initial))
    if points < 1:
        raise UserError(f"points={points} searches nothing. Give 1 or more.")
    if population < points:
        raise UserError(f"population={population} is less than the {points} points of a round. Raise it.")
    if tournament < 1:
        raise UserError(f"tournament={tournament} finds no parent. Give 1 or more.")
    if len(given) > population:
        raise UserError(f"{len(given)} initial points are more than population={population}. Raise it.")

    def init(key: Array) -> Population:
        del key
        # Given points come with the state, so that one compiled program serves whatever is given.
        room = jnp.zeros((population - len(given), space.dimension))
        values = jnp.full(population, -jnp.inf, jnp.float32)
        return Population(jnp.concatenate([given, room]), values, jnp.int32(0))

    def ask(key: Array, state: Population) -> Float[Array, "n D"]:
        first_key, child_key = jax.random.split(key)
        number = state.born + jnp.arange(points)
        chosen = (number < len(given))[:, None]
        first = jnp.where(chosen, state.points[number % population], space.sample(first_key, points))
        children = jax.vmap(child, (0, None))(jax.random.split(child_key, points), state)
        return jnp.where((number < population)[:, None], first, children)

    def child(key: Array, state: Population) -> Float[Array, " D"]:
        sample_key, mutation_key = jax.random.split(key)
        alive = jnp.clip(state.born, 1, population)
        sample = jax.random.randint(sample_key, (tournament,), 0, alive)
        parent = sample[jnp.argmax(state.values[sample])]
        return space.mutate(mutation_key, state.points[parent])

    def tell(state: Population, asked: Float[Array, "n D"], feedback: Feedback) -> Population:
        rows = (state.born + jnp.arange(len(asked))) % population
        return Population(
            state.points.at[rows].set(asked),
            state.values.at[rows].set(feedback.value),
            state.born + len(asked),
        )

    return Strategy(init, ask, tell)
