"""Aging evolution against a step-by-step account of it, and against random search."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.spaces import Space
from taskaware.spaces.space import Decision
from taskaware.strategies import Feedback, aging_evolution, maximise, portfolio_then, random


class Cube(Space):
    """Six numbers from 0 to 1, each of them a decision: a space that is quick to draw from."""

    name, dimension, digest = "cube", 6, "0" * 16
    feature_names = tuple(f"x{place}" for place in range(6))
    decisions = tuple(Decision(f"x{place}", 0, (place,)) for place in range(6))

    def sample(self, key, count):
        return jax.random.uniform(key, (count, 6))

    def mutate(self, key, point):
        place_key, value_key = jax.random.split(key)
        place = jax.random.randint(place_key, (), 0, 6)
        return point.at[place].set(jax.random.uniform(value_key))

    def contains(self, points):
        return jnp.all((points >= 0) & (points <= 1), axis=-1)


CUBE = Cube()


def rugged(point):
    """0 at the summit, with many lesser ones around it."""
    off = point - jnp.array([0.1, 0.9, 0.3, 0.7, 0.5, 0.2])
    return -jnp.mean(off**2 + 0.05 * (1 - jnp.cos(20 * off)))


def is_child(child, parent) -> bool:
    return np.sum(np.asarray(child) != np.asarray(parent)) <= 1


def compiled(strategy):
    return strategy._replace(**{name: jax.jit(getattr(strategy, name)) for name in ("init", "ask", "tell")})


def history(strategy, values):
    """The points of rounds that are told these values, (R n, D) for (R, n)."""
    strategy = compiled(strategy)
    state, points = strategy.init(jax.random.key(0)), []
    for number, row in enumerate(values):
        state, asked = strategy.ask(jax.random.key(number), state)
        state, _ = strategy.tell(state, asked, Feedback(np.asarray(row, np.float32)))
        points.append(np.asarray(asked))
    return np.concatenate(points)


def test_the_first_population_is_the_given_points_then_random_ones():
    given = np.array([[0.5] * 6, [1.0] * 6], np.float32)
    strategy = portfolio_then(given, aging_evolution(9, 2, identity=0.0))(CUBE, 3)
    points = history(strategy, np.zeros((3, 3)))
    np.testing.assert_array_equal(points[:2], given)
    assert not any(is_child(a, b) for n, a in enumerate(points) for b in points[:n])


def test_a_child_is_the_best_of_a_large_sample_with_one_decision_changed():
    values = np.random.default_rng(0).random((12, 4))
    points = history(aging_evolution(8, 200, identity=0.0)(CUBE, 4), values)
    for number in range(8, len(points)):
        told = number // 4 * 4
        best = told - 8 + values.ravel()[told - 8 : told].argmax()
        assert is_child(points[number], points[best])


def test_the_oldest_dies_although_it_was_the_best():
    values = np.zeros((9, 1))
    values[0] = 1.0
    points = history(aging_evolution(4, 100, identity=0.0)(CUBE, 1), values)
    # Born as number 4, the last child of the best; those after it can only descend from what is left.
    assert [is_child(point, points[0]) for point in points[:5]] == [True, False, False, False, True]
    assert all(any(is_child(points[n], points[i]) for i in range(n - 4, n)) for n in range(5, 9))


def test_a_sample_of_one_chooses_anybody():
    values = np.arange(40.0)[:, None]
    points = history(aging_evolution(5, 1, identity=0.0)(CUBE, 1), values)
    best_is_parent = [is_child(points[n], points[n - 1]) for n in range(5, 40)]
    assert 0 < np.mean(best_is_parent) < 0.6


def test_a_round_that_ends_the_first_population_has_children_of_those_told():
    values = np.random.default_rng(1).random((3, 4))
    points = history(aging_evolution(6, 100, identity=0.0)(CUBE, 4), values)
    best = values.ravel()[:4].argmax()
    assert [is_child(point, points[best]) for point in points[4:8]] == [False, False, True, True]


def test_asking_again_before_a_tell_goes_on():
    """Through the first population, then to children of those told; nothing waits for the slowest."""
    strategy = compiled(aging_evolution(4, 50, identity=0.0)(CUBE, 2))
    state, first = strategy.ask(jax.random.key(1), strategy.init(jax.random.key(0)))
    state, second = strategy.ask(jax.random.key(2), state)
    state, third = strategy.ask(jax.random.key(3), state)
    assert len(np.unique(np.concatenate([first, second, third]), axis=0)) == 6
    assert not any(is_child(child, parent) for child in third for parent in [*first, *second])
    feedback = Feedback(np.float32([3.0]), number=np.int32([3]))
    state, info = strategy.tell(state, np.asarray(second)[1:], feedback)
    assert info["parent"].tolist() == [-1] and int(state.born) == 1
    state, fourth = strategy.ask(jax.random.key(4), state)
    assert all(is_child(child, np.asarray(second)[1]) for child in fourth)
    _, info = strategy.tell(state, fourth, Feedback(np.zeros(2, np.float32), number=np.int32([6, 7])))
    assert info["parent"].tolist() == [3, 3]


def test_points_of_others_become_parents():
    given = np.full((5, 6), 0.25, np.float32)
    strategy = compiled(portfolio_then(given, aging_evolution(4, 50, identity=0.0))(CUBE, 2))
    state, numbers = strategy.init(jax.random.key(0)), []
    for number in range(5):
        state, asked = strategy.ask(jax.random.key(number), state)
        feedback = Feedback(np.float32([0, 1]), number=2 * number + np.arange(2, dtype=np.int32))
        state, info = strategy.tell(state, asked, feedback)
        asked = np.asarray(asked)
        numbers += info["parent"].tolist()
        if number == 2:
            assert is_child(asked[1], [0.25] * 6) and (asked[0] == 0.25).all()
    assert numbers[:6] == [-1, -1, -1, -1, -1, 3] and set(numbers[6:8]) == {5}


def test_a_population_that_diverged_goes_on():
    points = history(aging_evolution(8, identity=0.0)(CUBE, 4), np.full((5, 4), -np.inf))
    assert len(np.unique(points, axis=0)) == 20


def test_it_beats_random_search_at_equal_budget():
    def best(strategy):
        search = jax.jit(lambda key: maximise(strategy, rugged, key, rounds=40).best[1])
        return np.array([search(key) for key in jax.random.split(jax.random.key(7), 10)])

    evolved = best(aging_evolution(32, 8, identity=0.0)(CUBE, 8))
    drawn = best(random()(CUBE, 8))
    assert (evolved > drawn).all(), (evolved, drawn)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"population": 8}, "population=8 is less than the 9"),
        ({"population": 0}, "population=0"),
        ({"sample": 0}, "sample=0"),
        ({"identity": 1.0}, "identity=1.0"),
    ],
)
def test_numbers_out_of_range_are_named(numbers, words):
    with pytest.raises(UserError, match=words):
        aging_evolution(**numbers)(CUBE, 9)
