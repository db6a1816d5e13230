"""What every search strategy must do, as checks that run on any strategy.

A check takes a `Subject` and raises AssertionError where the strategy breaks the contract. A test of a
strategy runs them all:

    def test_contract():
        check_strategy(lambda space: my_strategy(space, points=16))
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.search import Objective, Strategy, Trace, maximise, score
from taskaware.spaces import MixtureSpace
from taskaware.spaces.mixture import RecipeCoordinate

ROUNDS = 12
SPACE = MixtureSpace(
    name="contract",
    layers=2,
    sizes=(4, 8),
    activations=("relu", "tanh"),
    embeddings=(("standardised", "periodic"), ("one_hot",)),
    recipe=(RecipeCoordinate("learning_rate", 1e-3, 1e-1, log=True), RecipeCoordinate("dropout", 0.0, 0.5)),
    shared_weights=True,
    width_odds=(0.5, 0.5),
)
SUMMIT = np.array([*[6.0, 1.0] * 7, 3.0, 0.3, 0.9], np.float32)
EXTENT = np.array([*[8.0] * 15, 1.0, 1.0], np.float32)


class Subject(NamedTuple):
    """A strategy under test.

    Attributes:
        make: space → strategy.
        draws: whether it uses its keys: then two keys must give two searches, otherwise the same one.
    """

    make: Callable[[MixtureSpace], Strategy]
    draws: bool = True


def check_strategy(make: Callable[[MixtureSpace], Strategy], *, draws: bool = True) -> None:
    """Run every check on a strategy; for strategies of other packages too.

    The checks search `SPACE`, which has 17 dimensions, for `ROUNDS` rounds; what the strategy asks for in a
    round should be a few points up to a hundred.

    Args:
        make: space → strategy.
        draws: whether the strategy uses its keys.

    Raises:
        AssertionError: a check failed; the traceback names it.
    """
    for check in CHECKS:
        check(Subject(make, draws))


def paraboloid(vector: Float[Array, " D"]) -> Float[Array, ""]:
    """0 at `SUMMIT`, less everywhere else; each coordinate in units of its usual extent."""
    return -jnp.mean(jnp.square((vector - SUMMIT) / EXTENT))


def half_lost(vector: Float[Array, " D"]) -> Float[Array, ""]:
    """The paraboloid, but NaN in the half of the space where the summit lies."""
    return jnp.where(vector[-1] > 0.5, jnp.nan, paraboloid(vector))


def all_lost(vector: Float[Array, " D"]) -> Float[Array, ""]:
    """NaN everywhere, its gradient too."""
    return jnp.nan * jnp.sum(vector)


OBJECTIVES = (paraboloid, half_lost, all_lost)


def same_key_same_search(subject: Subject) -> None:
    first, second = _search(subject), _search(subject)
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.values, second.values)


def two_keys_differ(subject: Subject) -> None:
    first, second = _search(subject), _search(subject, seed=1)
    differ = bool((first.points != second.points).any())
    assert differ == subject.draws, f"draws={subject.draws}, but that two keys differ is {differ}."


def one_compilation_is_enough(subject: Subject) -> None:
    for seed in range(3):
        _search(subject, seed=seed)
    assert _compiled(subject)._cache_size() == 1


def compiled_equals_eager(subject: Subject) -> None:
    strategy = subject.make(SPACE)
    init, ask, tell = (jax.jit(function) for function in strategy[:3])
    state = strategy.init(jax.random.key(0))
    _assert_close(init(jax.random.key(0)), state)
    for number in range(3):
        key = jax.random.key(number)
        points = strategy.ask(key, state)
        _assert_close(ask(key, state), points)
        feedback = score(strategy, paraboloid, points)
        compiled = tell(state, points, feedback)
        state = strategy.tell(state, points, feedback)
        _assert_close(compiled, state)


def state_keeps_its_form(subject: Subject) -> None:
    """Structure, shapes, dtypes, and what JAX calls weak types."""

    def one_round(key):
        strategy = subject.make(SPACE)
        state = strategy.init(key)
        points = strategy.ask(key, state)
        return state, strategy.tell(state, points, score(strategy, paraboloid, points))

    before, after = jax.eval_shape(one_round, jax.random.key(0))
    assert jax.tree.structure(before) == jax.tree.structure(after), (before, after)
    forms = [
        [(leaf.shape, leaf.dtype, leaf.weak_type) for leaf in jax.tree.leaves(state)]
        for state in (before, after)
    ]
    assert forms[0] == forms[1], forms


def every_point_is_in_the_space(subject: Subject) -> None:
    for objective in OBJECTIVES:
        points = _search(subject, objective).points
        assert points.dtype == jnp.float32, points.dtype
        assert points.shape[2:] == (SPACE.dimension,), points.shape
        outside = ~np.asarray(SPACE.contains(points))
        assert not outside.any(), f"{objective.__name__}: {outside.sum()} of {outside.size} are outside."


def values_are_those_of_the_points(subject: Subject) -> None:
    trace = _search(subject)
    expected = jax.vmap(jax.vmap(paraboloid))(trace.points)
    np.testing.assert_allclose(trace.values, expected, rtol=1e-4, atol=1e-6)
    point, value = trace.best
    assert value == trace.values.max()
    np.testing.assert_allclose(paraboloid(point), value, rtol=1e-4, atol=1e-6)


def nan_never_wins(subject: Subject) -> None:
    trace = _search(subject, half_lost)
    diverged = np.asarray(trace.points[..., -1] > 0.5)
    np.testing.assert_array_equal(trace.values[diverged], -np.inf)
    assert np.isfinite(trace.values[~diverged]).all()
    point, value = trace.best
    assert diverged.all() or (np.isfinite(value) and point[-1] <= 0.5), (point, value)


def a_search_that_loses_everything_ends(subject: Subject) -> None:
    trace = _search(subject, all_lost)
    np.testing.assert_array_equal(trace.values, -np.inf)
    assert trace.best[1] == -np.inf


def it_beats_its_first_round(subject: Subject) -> None:
    """On the average of four searches, for luck may give a single first round its best point."""
    traces = [_search(subject, seed=seed) for seed in range(4)]
    assert all(trace.best[1] >= trace.values[0].max() for trace in traces)
    gains = [float(trace.best[1] - trace.values[0].max()) for trace in traces]
    assert np.mean(gains) > 0, gains


def _search(subject: Subject, objective: Objective = paraboloid, seed: int = 0) -> Trace:
    return _compiled(subject)(jax.random.key(seed), OBJECTIVES.index(objective))


@functools.lru_cache(maxsize=4)
def _compiled(subject: Subject) -> Callable[[Array, int], Trace]:
    """(key, number of the objective) → search, as one program; kept, for nearly all checks run it."""
    strategy = subject.make(SPACE)

    def search(key, number):
        return maximise(strategy, lambda vector: jax.lax.switch(number, OBJECTIVES, vector), key, ROUNDS)

    return jax.jit(search)


def _assert_close(found, expected) -> None:
    """Both are trees of one structure with the same numbers, but for rounding."""
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(_numbers(ours), _numbers(theirs), rtol=1e-4, atol=1e-5)


def _numbers(leaf) -> np.ndarray:
    keyed = jnp.issubdtype(jnp.asarray(leaf).dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if keyed else leaf)


CHECKS = (
    same_key_same_search,
    two_keys_differ,
    one_compilation_is_enough,
    compiled_equals_eager,
    state_keeps_its_form,
    every_point_is_in_the_space,
    values_are_those_of_the_points,
    nan_never_wins,
    a_search_that_loses_everything_ends,
    it_beats_its_first_round,
)
