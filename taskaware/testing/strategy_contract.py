"""What every search strategy must do, as checks that run on any strategy, over any space.

A check takes a `Subject` and raises AssertionError where the strategy breaks the contract. A test of a
strategy runs them all:

    def test_contract():
        check_strategy(my_strategy(temperature=2.0))
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.spaces import Space
from taskaware.strategies import (
    AllDiverged,
    Factory,
    Feedback,
    Objective,
    Outcomes,
    Strategy,
    search,
    settled,
    traced,
)
from taskaware.testing.hills import SPACE, objectives_of

ROUNDS = 12
# Kept, so that what a strategy or an objective compiled is compiled once.
_mapped = functools.cache(lambda objective: jax.jit(jax.vmap(objective)))
_answers = functools.cache(
    lambda objective, gradient: jax.jit(functools.partial(_settled, objective, gradient))
)
_made = functools.lru_cache(maxsize=4)(lambda make, space, together: make(space, together))


class Subject(NamedTuple):
    """A strategy under test.

    Attributes:
        make: the strategy, its settings given: (space, points of an ask) → strategy.
        draws: whether it uses its keys: then two keys must give two searches, otherwise the same one.
        space: that it searches.
        together: points of an ask.
    """

    make: Factory
    draws: bool = True
    space: Space = SPACE
    together: int = 6

    @property
    def strategy(self) -> Strategy:
        return _made(self.make, self.space, self.together)


class Found(NamedTuple):
    """N points (N, D) that a search looked at, and their values (N,)."""

    points: np.ndarray
    values: np.ndarray

    @property
    def best(self) -> tuple[np.ndarray, float]:
        place = int(self.values.argmax())
        return self.points[place], float(self.values[place])


def check_strategy(make: Factory, *, draws: bool = True, space: Space = SPACE, together: int = 6) -> None:
    """Run every check on a strategy; for strategies of other packages too, in JAX or in NumPy.

    The checks search a space for `ROUNDS` rounds.

    Args:
        make: the strategy, its settings given: (space, points of an ask) → strategy.
        draws: whether the strategy uses its keys.
        space: that it searches; one of mixtures with 17 dimensions by default.
        together: points of an ask.

    Raises:
        AssertionError: a check failed; the traceback names it.
    """
    for check in CHECKS:
        check(Subject(make, draws, space, together))


def same_key_same_search(subject: Subject) -> None:
    first, second = _search(subject), _search(subject)
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.values, second.values)


def two_keys_differ(subject: Subject) -> None:
    first, second = _search(subject), _search(subject, seed=1)
    differ = first.points.shape != second.points.shape or bool((first.points != second.points).any())
    assert differ == subject.draws, f"draws={subject.draws}, but that two keys differ is {differ}."


def one_compilation_is_enough(subject: Subject) -> None:
    if not subject.strategy.traceable:
        return
    functions = _functions(subject)
    _search(subject)
    before = [function._cache_size() for function in functions]
    for seed in (1, 2):
        _search(subject, seed=seed)
    assert [function._cache_size() for function in functions] == before, "A later round compiles anew."


def compiled_equals_eager(subject: Subject) -> None:
    strategy = subject.strategy
    if not strategy.traceable:
        return
    init, ask, tell = _functions(subject)
    state = strategy.init(jax.random.key(0))
    _assert_close(init(jax.random.key(0)), state)
    first = 0
    for number in range(2):
        key = jax.random.key(number)
        asked = strategy.ask(key, state)
        _assert_close(ask(key, state), asked)
        state, points = asked
        feedback = _feedback(subject, points, first)
        compiled = tell(state, points, feedback)
        state, info = strategy.tell(state, points, feedback)
        _assert_close(compiled, (state, info))
        first += len(points)


def state_keeps_its_form(subject: Subject) -> None:
    """Structure, shapes, dtypes, and what JAX calls weak types."""
    strategy = subject.strategy
    if not strategy.traceable:
        return

    def one_round(key: Array) -> tuple[Any, Any, Any]:
        state = strategy.init(key)
        asked, points = strategy.ask(key, state)
        return state, asked, strategy.tell(asked, points, _feedback(subject, points, 0))[0]

    states = jax.eval_shape(one_round, jax.random.key(0))
    trees: list[object] = [jax.tree.structure(state) for state in states]
    assert trees[0] == trees[1] == trees[2], states
    forms = [
        [(leaf.shape, leaf.dtype, leaf.weak_type) for leaf in jax.tree.leaves(state)] for state in states
    ]
    assert forms[0] == forms[1] == forms[2], forms


def asking_twice_gives_other_points(subject: Subject) -> None:
    """Unless the strategy says that it repeats: then the same ones."""
    strategy, (init, ask, _) = subject.strategy, _functions(subject)
    state, first = ask(jax.random.key(1), init(jax.random.key(0)))
    _, second = ask(jax.random.key(2), state)
    same = np.shape(first) == np.shape(second) and bool(np.all(np.asarray(first) == np.asarray(second)))
    assert same == strategy.repeats, f"repeats={strategy.repeats}, but asking twice gives the same: {same}."


def it_may_be_told_in_any_order_and_one_at_a_time(subject: Subject) -> None:
    init, ask, tell = _functions(subject)
    state, first = ask(jax.random.key(1), init(jax.random.key(0)))
    waiting = [(number, point) for number, point in enumerate(np.asarray(first))]
    asked = len(waiting)
    for turn in range(3):
        # The youngest first, and the oldest half stays under way while more is asked for.
        for number, point in reversed(waiting[len(waiting) // 2 :]):
            state, _ = tell(state, point[None], _feedback(subject, point[None], number))
        waiting = waiting[: len(waiting) // 2]
        state, points = ask(jax.random.key(10 + turn), state)
        waiting += [(asked + place, point) for place, point in enumerate(np.asarray(points))]
        asked += len(points)
        _assert_inside(subject.space, points)


def it_may_be_told_what_others_asked_for(subject: Subject) -> None:
    space, (init, ask, tell) = subject.space, _functions(subject)
    foreign = space.sample(jax.random.key(5), subject.together)
    feedback = _feedback(subject, foreign, 0)._replace(number=-2 - jnp.arange(len(foreign), dtype=jnp.int32))
    state, _ = tell(init(jax.random.key(0)), foreign, feedback)
    for seed in range(3):
        state, points = ask(jax.random.key(seed), state)
        _assert_inside(space, points)
        state, _ = tell(state, points, _feedback(subject, points, seed * len(points)))


def every_point_is_in_the_space(subject: Subject) -> None:
    for number in range(3):
        points = _search(subject, number).points
        assert points.dtype == np.float32, points.dtype
        assert points.shape[1:] == (subject.space.dimension,), points.shape
        _assert_inside(subject.space, points)


def values_are_those_of_the_points(subject: Subject) -> None:
    found = _search(subject)
    expected = _mapped(objectives_of(subject.space)[0])(found.points)
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-6)


def a_diverged_point_never_wins(subject: Subject) -> None:
    found = _search(subject, 1)
    diverged = np.isnan(_mapped(objectives_of(subject.space)[1])(found.points))
    np.testing.assert_array_equal(found.values[diverged], -np.inf)
    assert np.isfinite(found.values[~diverged]).all()
    assert diverged.all() or np.isfinite(found.best[1]), found.best


def a_search_that_diverges_everywhere_ends(subject: Subject) -> None:
    np.testing.assert_array_equal(_search(subject, 2).values, -np.inf)


def it_beats_its_first_round(subject: Subject) -> None:
    """On the average of four searches, for luck may give a single first round its best point."""
    all_found = [_search(subject, seed=seed) for seed in range(4)]
    gains = [found.best[1] - float(found.values[: subject.together].max()) for found in all_found]
    assert np.mean(gains) > 0, gains


def _search(subject: Subject, number: int = 0, seed: int = 0) -> Found:
    """ROUNDS rounds on the objective of that number."""
    if subject.strategy.traceable:
        return _rounds(subject, number, seed)
    value = _mapped(objectives_of(subject.space)[number])
    objective = Objective(lambda points: Outcomes(np.asarray(value(points))))
    try:
        history = search(
            subject.strategy,
            objective,
            space=subject.space,
            budget=ROUNDS * subject.together,
            seed=seed,
            progress=False,
        )
    except AllDiverged as error:
        history = error.history
    return Found(history.points, history.scores)


def _rounds(subject: Subject, number: int, seed: int) -> Found:
    """A search by `_functions`, which other checks run too."""
    (init, ask, tell), key = _functions(subject), jax.random.key(seed)
    state, points, values = init(key), [], []
    for turn in range(ROUNDS):
        state, asked = ask(jax.random.fold_in(key, turn), state)
        feedback = _feedback(subject, asked, turn * len(asked), number)
        state, _ = tell(state, asked, feedback)
        points.append(np.asarray(asked))
        values.append(np.asarray(feedback.value))
    return Found(np.concatenate(points), np.concatenate(values))


@functools.lru_cache(maxsize=4)
def _functions(subject: Subject) -> tuple[Any, ...]:
    """`init`, `ask` and `tell`, compiled where they may be; kept, for several checks run them."""
    return tuple(jax.jit(each) if subject.strategy.traceable else each for each in subject.strategy[:3])


def _feedback(
    subject: Subject, points: Float[Array | np.ndarray, "n D"], first: int, number: int = 0
) -> Feedback:
    """What a strategy is told of points.

    Args:
        subject: its strategy.
        points: of the space.
        first: evaluation number of the first one.
        number: of the objective.
    """
    answers = _answers(objectives_of(subject.space)[number], subject.strategy.wants_gradient)
    found = answers(jnp.asarray(points))
    return Feedback(found.score, found.gradient, first + jnp.arange(len(points), dtype=jnp.int32))


def _settled(objective: Callable, gradient: bool, points: Array) -> Outcomes:
    """The outcomes of an objective."""
    whole = traced(objective)
    wanted = cast(Callable, whole.with_gradient) if gradient else whole.evaluate
    return settled(wanted(points), len(points))


def _assert_inside(space: Space, points: Array | np.ndarray) -> None:
    inside = np.asarray(space.contains(jnp.asarray(points)))
    assert inside.all(), f"{(~inside).sum()} of {inside.size} points are outside."


def _assert_close(found: Any, expected: Any) -> None:
    """Both are trees of one structure with the same numbers, but for rounding."""
    assert cast(object, jax.tree.structure(found)) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(_numbers(ours), _numbers(theirs), rtol=1e-4, atol=1e-5)


def _numbers(leaf: Any) -> np.ndarray:
    keyed = jnp.issubdtype(jnp.asarray(leaf).dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if keyed else leaf)


CHECKS = (
    same_key_same_search,
    two_keys_differ,
    one_compilation_is_enough,
    compiled_equals_eager,
    state_keeps_its_form,
    asking_twice_gives_other_points,
    it_may_be_told_in_any_order_and_one_at_a_time,
    it_may_be_told_what_others_asked_for,
    every_point_is_in_the_space,
    values_are_those_of_the_points,
    a_diverged_point_never_wins,
    a_search_that_diverges_everywhere_ends,
    it_beats_its_first_round,
)
