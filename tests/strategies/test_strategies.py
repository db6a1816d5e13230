"""The contract on every strategy, and that the contract finds what it is there for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.spaces import choices
from taskaware.strategies import (
    STRATEGIES,
    Strategy,
    aging_evolution,
    annealed_ascent,
    gradient_ascent,
    local_search,
    portfolio_then,
    ppo,
    promising,
    random,
    reinforce,
)
from taskaware.testing import strategy_contract
from taskaware.testing.hills import SPACE, objectives_of
from taskaware.testing.strategy_contract import Subject, check_strategy
from tests.toys.bits import Bits
from tests.toys.climber import hill_climber

# In NumPy: reading this module compiles nothing.
SPREAD = np.linspace(0, 1, 6, dtype=np.float32)[:, None]
WAVES = 3 * np.sin(7 * SPREAD * np.arange(1, SPACE.dimension, dtype=np.float32))
STARTS = jnp.asarray(np.concatenate([WAVES, SPREAD], axis=1))
SEEDS = np.random.default_rng(9).integers(0, 2, (6, 16)).astype(np.float32)
BITS = Bits(16)
NAMED = choices(
    {f"bit {n}": [0, 1] for n in range(16)},
    mutations={f"bit {n}": "low" if n < 8 else "high" for n in range(16)},
)

SUBJECTS = {
    "evolution": Subject(aging_evolution(16, 5, identity=0.0)),
    "evolution of bits": Subject(aging_evolution(16, 5, identity=0.0), space=BITS, together=4),
    "without aging, by weights": Subject(
        aging_evolution(12, 4, aging=False, mutations={"low": 1, "high": 3}), space=NAMED, together=4
    ),
    "local_search": Subject(local_search(), space=NAMED, together=4),
    "promising": Subject(
        promising(aging_evolution(24, 4), lambda points: points.sum(1), of=2), space=NAMED, together=4
    ),
    "reinforce": Subject(
        reinforce(4, learning_rate=0.05, units=4, layers=1, queue=3), space=NAMED, together=4
    ),
    "ppo": Subject(ppo(3, learning_rate=0.05, units=4, layers=1), space=NAMED, together=4),
    "gradient_ascent": Subject(gradient_ascent(STARTS), draws=False),
    "gradient_ascent from random points": Subject(gradient_ascent()),
    "annealed_ascent": Subject(annealed_ascent(STARTS, rounds=3), draws=False),
    "random": Subject(random()),
    "portfolio, then evolution": Subject(
        portfolio_then(SEEDS, aging_evolution(12, 4, identity=0.0)),
        space=BITS,
        together=4,
    ),
    "hill climber": Subject(hill_climber(), space=BITS, together=4),
    "portfolio, then hill climber": Subject(portfolio_then(SEEDS, hill_climber()), space=BITS, together=4),
}


LIKE_ANOTHER = {
    "evolution",
    "without aging, by weights",
    "promising",
    "gradient_ascent from random points",
    "portfolio, then evolution",
}
"""Subjects with the functions of another: they need not be run without compilation, which takes long."""


@pytest.mark.parametrize(
    ("name", "check"),
    [
        pytest.param(name, check, id=f"{name}-{check.__name__}")
        for name in SUBJECTS
        for check in strategy_contract.CHECKS
        if not (name in LIKE_ANOTHER and check is strategy_contract.compiled_equals_eager)
    ],
)
def test_contract(name, check):
    check(SUBJECTS[name])


def test_a_check_leaves_nothing_of_its_tracing_to_the_next():
    """Whichever check comes first: tests that run side by side are dealt out in any order."""
    subject = Subject(random(), space=choices({"a": [0, 1, 2], "b": [0, 1]}), together=4)
    objectives_of.cache_clear()
    strategy_contract.state_keeps_its_form(subject)
    strategy_contract.every_point_is_in_the_space(subject)


def test_every_registered_strategy_is_under_contract_and_needs_no_setting():
    assert set(STRATEGIES) <= {*SUBJECTS, "aging_evolution"}
    assert STRATEGIES["aging_evolution"] is STRATEGIES["evolution"]
    for name in STRATEGIES:
        space = SUBJECTS.get(name, SUBJECTS["evolution"]).space
        assert isinstance(STRATEGIES.named(name)()(space, 2), Strategy)


def walk(*, step=0.5, ask=None, tell=None, init=None):
    """A random walk from the middle, with any of its parts replaced by a broken one."""

    def bound(space, together):
        def walk_init(key):
            del key
            return jnp.zeros((together, space.dimension)).at[:, -2:].set(0.5), jnp.float32(0)

        def walk_ask(key, state):
            return state, space.project(state[0] + step * jax.random.normal(key, state[0].shape))

        def walk_tell(state, points, feedback):
            best = jnp.argmax(feedback.value)
            return (jnp.broadcast_to(points[best], state[0].shape), state[1]), {}

        return Strategy(init or walk_init, ask or walk_ask, tell or walk_tell)

    return bound


def test_a_sound_strategy_of_ones_own():
    check_strategy(walk())


def still(key, state):
    return state, state[0] + 0 * jax.random.normal(key, (6, 17))


BROKEN = {
    "two_keys_differ": {"ask": still},
    "asking_twice_gives_other_points": {"ask": still},
    "every_point_is_in_the_space": {
        "ask": lambda key, state: (state, state[0] + 30 * jax.random.normal(key, (6, 17)))
    },
    "state_keeps_its_form": {"tell": lambda state, points, feedback: ((points, jnp.int32(0)), {})},
    "it_may_be_told_in_any_order_and_one_at_a_time": {
        "tell": lambda state, points, feedback: ((state[0] + points * feedback.value[5], state[1]), {}),
        "ask": lambda key, state: (state, state[0] * jnp.nan),
    },
    "it_beats_its_first_round": {"ask": still},
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_contract_finds(name):
    check = getattr(strategy_contract, name)
    with pytest.raises(AssertionError):
        check(Subject(walk(**BROKEN[name])))


def test_a_strategy_that_does_not_draw_or_repeats_has_to_be_declared():
    subject = SUBJECTS["gradient_ascent"]
    with pytest.raises(AssertionError, match="draws=True, but that two keys differ is False"):
        strategy_contract.two_keys_differ(subject._replace(draws=True))
    hidden = subject._replace(make=lambda space, n: gradient_ascent(STARTS)(space, n)._replace(repeats=False))
    with pytest.raises(AssertionError, match="repeats=False, but asking twice gives the same: True"):
        strategy_contract.asking_twice_gives_other_points(hidden)


def test_climbs_told_in_another_order_are_the_same_climbs():
    subject = SUBJECTS["gradient_ascent"]
    init, _, tell = strategy_contract._functions(subject)
    state = init(jax.random.key(0))
    feedback = strategy_contract._feedback(subject, state.points, 0)
    together, _ = tell(state, state.points, feedback)
    order = np.array([3, 0, 5, 1, 4, 2])
    mixed = jax.tree.map(lambda leaf: leaf[order], feedback)
    apart, _ = tell(state, state.points[order], mixed)
    np.testing.assert_allclose(apart.points, together.points, rtol=1e-6)
