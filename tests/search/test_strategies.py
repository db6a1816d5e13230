"""The contract on every strategy, and that the contract finds what it is there for."""

import jax
import jax.numpy as jnp
import pytest

from taskaware.search import Strategy, evolution, gradient_ascent, random_search
from taskaware.testing import strategy_contract
from taskaware.testing.strategy_contract import SPACE, Subject, check_strategy


def ascent(space):
    spread = jnp.linspace(0, 1, 6)[:, None]
    starts = jnp.sin(7 * spread * jnp.arange(1, space.dimension + 1)[None]) * 3
    return gradient_ascent(space, starts.at[:, -1:].set(spread))


def draws_at_random(space):
    return random_search(space, points=8)


def evolves(space):
    return evolution(space, points=6, population=16, tournament=5, initial=jnp.zeros((3, space.dimension)))


STRATEGIES = {
    "evolution": Subject(evolves),
    "gradient_ascent": Subject(ascent, draws=False),
    "random_search": Subject(draws_at_random),
}


@pytest.mark.parametrize("check", strategy_contract.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", STRATEGIES)
def test_contract(name, check):
    check(STRATEGIES[name])


def walk(space, *, step=0.5, ask=None, tell=None, init=None):
    """A random walk from the middle, with any of its parts replaced by a broken one."""

    def walk_init(key):
        del key
        return jnp.zeros((4, space.dimension)).at[:, -2:].set(0.5), jnp.float32(0)

    def walk_ask(key, state):
        return space.project(state[0] + step * jax.random.normal(key, state[0].shape))

    def walk_tell(state, points, feedback):
        better = feedback.value > state[1] - 10
        return jnp.where(better[:, None], points, state[0]), state[1]

    return Strategy(init or walk_init, ask or walk_ask, tell or walk_tell)


def test_a_sound_strategy_of_ones_own():
    check_strategy(walk)


BROKEN = {
    "two_keys_differ": {"ask": lambda key, state: state[0]},
    "every_point_is_in_the_space": {
        "ask": lambda key, state: state[0] + 30 * jax.random.normal(key, (4, 17))
    },
    "state_keeps_its_form": {"tell": lambda state, points, feedback: (points, jnp.int32(0))},
    "it_beats_its_first_round": {"ask": lambda key, state: state[0] + 0 * jax.random.normal(key, (4, 17))},
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_contract_finds(name):
    check = getattr(strategy_contract, name)
    with pytest.raises(AssertionError):
        check(Subject(lambda space: walk(space, **BROKEN[name])))


def test_a_strategy_that_does_not_draw_has_to_be_declared():
    with pytest.raises(AssertionError, match="draws=True, but that two keys differ is False"):
        strategy_contract.two_keys_differ(Subject(ascent, draws=True))
    assert SPACE.dimension == 17
