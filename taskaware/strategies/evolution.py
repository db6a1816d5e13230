"""Aging evolution: the best of a random sample becomes a parent, and the oldest point dies.

Source: Real, Aggarwal, Huang & Le 2019 ("regularized evolution"); US20220004879A1.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from taskaware.arrays import EitherArray
from taskaware.errors import UserError, warn
from taskaware.spaces import ChoiceSpace, Space
from taskaware.strategies.evolution_on_host import HostEvolution, Terms
from taskaware.strategies.mutations import chances_of, host_space
from taskaware.strategies.strategy import Factory, Feedback, Strategy, kept

VERSION = 2
"""Raise it when the same key would give other points: recorded searches are told apart by it."""

UNDER_WAY = 1024
"""Number of unfinished evaluations whose parents are remembered."""


class Population(NamedTuple):
    """The P youngest evaluated points; birth number b is in row b mod P.

    Without aging it is the P best points, in any order.

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


def aging_evolution(
    population: int = 100,
    sample: int = 25,
    *,
    aging: bool = True,
    identity: float = 0.05,
    mutations: Mapping[str, float] | None = None,
    network: float = 0.0,
) -> Factory:
    """Aging evolution: a population of random points, then children, each a mutation of the best of a sample.

    Points of other strategies join the population, so `portfolio_then(points, aging_evolution())` starts with
    points of your own. The result of a search is the best point of its history.

    Args:
        population: P; from then on, each birth removes the oldest point (published: 100).
        sample: size of the sample that a parent is the best of, with replacement (published: 25).
        aging: whether the oldest point is removed; False, the control, removes the worst.
        identity: share of children that equal their parent and are evaluated anew (published: 0.05).
        mutations: how often each mutation is drawn, by the names that the space gives its decisions, such as
            {"hidden state": 1, "operation": 2}; equally often if None.
        network: share of the children that a mutation network proposes, which learns from what came of all
            children; it takes most of a millisecond for each. For spaces of choices and cells without holes.

    Raises:
        UserError: a number is out of range; or, when bound, a round has more points than P, or the space
            has no such mutations, or is none for a mutation network.

    >>> from taskaware.spaces import preset
    >>> strategy = aging_evolution(population=8, sample=4)(preset("compact"), 2)
    >>> state, points = strategy.ask(jax.random.key(1), strategy.init(jax.random.key(0)))
    >>> points.shape
    (2, 40)
    """
    for name, value in {"population": population, "sample": sample}.items():
        if value < 1:
            raise UserError(f"{name}={value} is too small. Give 1 or more.")
    if not 0 <= identity < 1:
        raise UserError(f"identity={identity} is out of range. Give 0 or more, and less than 1.")

    if not 0 <= network <= 1:
        raise UserError(f"network={network} is out of range. Give 0 to 1.")

    def bound(space: Space, together: int) -> Strategy:
        if network and (not isinstance(space, ChoiceSpace) or space.allowed is not None):
            raise UserError(
                f"The mutation network is for spaces of choices without holes, and '{space.name}' is none. "
                "Leave network= out."
            )
        if population < together:
            raise UserError(
                f"population={population} is less than the {together} points of a round. Raise it."
            )
        terms = Terms(population, sample, aging, identity, chances_of(space, mutations), network)
        chances = None if terms.chances is None else tuple(terms.chances.tolist())
        strategy = _evolution(space, together, terms._replace(chances=None), chances)
        settings = [f"population={population}", f"sample={sample}", f"identity={identity}"]
        settings += ["aging=False"] * (not aging) + [f"mutations={dict(mutations or {})}"] * bool(mutations)
        settings += [f"network={network}"] * bool(network)
        strategy = strategy._replace(label=f"aging_evolution({', '.join(settings)})")
        if not host_space(space):
            return strategy
        hosted = strategy._replace(on_host=lambda rng: HostEvolution(space, together, terms, rng))
        # The network is in NumPy alone.
        return hosted._replace(traceable=False) if network else hosted

    return bound


def evolution(*, population: int = 100, tournament: int = 25) -> Factory:
    """The old name of `aging_evolution(population, sample=tournament, identity=0)`.

    Args:
        population, tournament: see there.
    """
    warn(
        "evolution(tournament=...) is now aging_evolution(sample=...); the old name ends with the next "
        "version.",
        FutureWarning,
    )
    return aging_evolution(population, tournament, identity=0.0)


@kept
def _evolution(
    space: Space, together: int, terms: Terms, chances: tuple[float, ...] | None = None
) -> Strategy:
    """The strategy; `chances` are those of the terms."""
    population = terms.population
    room = max(UNDER_WAY, population)
    weighed = {} if chances is None else {"chances": jnp.asarray(chances)}

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
        sample = jax.random.randint(sample_key, (terms.sample,), 0, alive)
        parent = sample[jnp.argmax(state.values[sample])]
        point = space.mutate(mutation_key, state.points[parent], **weighed)
        if terms.identity:
            same = jax.random.uniform(jax.random.fold_in(key, 2)) < terms.identity
            point = jnp.where(same, state.points[parent], point)
        return point, state.numbers[parent]

    def tell(
        state: Population, points: Float[EitherArray, "n D"], feedback: Feedback
    ) -> tuple[Population, dict]:
        births = state.born + jnp.arange(len(points), dtype=jnp.int32)
        number = births if feedback.number is None else jnp.asarray(feedback.number, jnp.int32)
        known = (number >= 0) & (state.asked - number <= room)
        info = {"parent": jnp.where(known, state.parents[number % room], -1)}
        told = (jnp.asarray(points, jnp.float32), jnp.asarray(feedback.value, jnp.float32), number)
        held: tuple[Array, ...] = (state.points, state.values, state.numbers)
        if terms.aging:
            rows = births % population
            held = tuple(old.at[rows].set(new) for old, new in zip(held, told, strict=True))
        else:
            held = jax.lax.scan(_replace_worst, held, (*told, births < population, births))[0]
        points, values, numbers = held
        updated = state._replace(points=points, values=values, numbers=numbers, born=state.born + len(births))
        return updated, info

    return Strategy(init, ask, tell, learns_after=population)


def _replace_worst(
    held: tuple[Array, ...], told: tuple[Array, Array, Array, Array, Array]
) -> tuple[tuple[Array, ...], None]:
    """Put one point where there is room, or in place of the worst, unless it is itself the worst."""
    *new, has_room, birth = told
    row = jnp.where(has_room, birth, jnp.argmin(held[1]))
    # A row beyond the end is dropped.
    row = jnp.where(has_room | (new[1] >= held[1][row]), row, len(held[1]))
    return tuple(old.at[row].set(each, mode="drop") for old, each in zip(held, new, strict=True)), None
