"""Aging evolution against a step-by-step account of it, and against random search."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.search import Feedback, evolution, maximise, random_search
from taskaware.testing.strategy_contract import SPACE


class Cube:
    """Six numbers from 0 to 1, each of them a decision: a space that is quick to draw from."""

    dimension = 6

    def sample(self, key, count):
        return jax.random.uniform(key, (count, 6))

    def mutate(self, key, point):
        place_key, value_key = jax.random.split(key)
        place = jax.random.randint(place_key, (), 0, 6)
        return point.at[place].set(jax.random.uniform(value_key))

    def project(self, points):
        return jnp.clip(points, 0.0, 1.0)


CUBE = Cube()


def rugged(point):
    """0 at the summit, with many lesser ones around it."""
    off = point - jnp.array([0.1, 0.9, 0.3, 0.7, 0.5, 0.2])
    return -jnp.mean(off**2 + 0.05 * (1 - jnp.cos(20 * off)))


def is_child(child, parent) -> bool:
    return np.sum(np.asarray(child) != np.asarray(parent)) <= 1


def history(strategy, values):
    """The points of rounds that are told these values, (R n, D) for (R, n)."""
    state, points = strategy.init(jax.random.key(0)), []
    for number, row in enumerate(values):
        asked = strategy.ask(jax.random.key(number), state)
        state = strategy.tell(state, asked, Feedback(jnp.asarray(row, jnp.float32)))
        points.append(np.asarray(asked))
    return np.concatenate(points)


def test_the_first_population_is_the_given_points_then_random_ones():
    given = jnp.array([[0.5] * 6, [9.0] * 6])
    points = history(evolution(CUBE, 3, population=9, tournament=2, initial=given), np.zeros((3, 3)))
    np.testing.assert_array_equal(points[:2], [[0.5] * 6, [1.0] * 6])
    assert not any(is_child(a, b) for n, a in enumerate(points) for b in points[:n])


def test_a_child_is_the_best_of_a_large_sample_with_one_decision_changed():
    values = np.random.default_rng(0).random((12, 4))
    points = history(evolution(CUBE, 4, population=8, tournament=200), values)
    for number in range(8, len(points)):
        told = number // 4 * 4
        best = told - 8 + values.ravel()[told - 8 : told].argmax()
        assert is_child(points[number], points[best])


def test_the_oldest_dies_although_it_was_the_best():
    values = np.zeros((9, 1))
    values[0] = 1.0
    points = history(evolution(CUBE, 1, population=4, tournament=100), values)
    # Born as number 4, the last child of the best; those after it can only descend from what is left.
    assert [is_child(point, points[0]) for point in points[:5]] == [True, False, False, False, True]
    assert all(any(is_child(points[n], points[i]) for i in range(n - 4, n)) for n in range(5, 9))


def test_a_sample_of_one_chooses_anybody():
    values = np.arange(40.0)[:, None]
    points = history(evolution(CUBE, 1, population=5, tournament=1), values)
    best_is_parent = [is_child(points[n], points[n - 1]) for n in range(5, 40)]
    assert 0 < np.mean(best_is_parent) < 0.6


def test_a_round_that_ends_the_first_population_has_children_of_those_told():
    values = np.random.default_rng(1).random((3, 4))
    points = history(evolution(CUBE, 4, population=6, tournament=100), values)
    best = values.ravel()[:4].argmax()
    assert [is_child(point, points[best]) for point in points[4:8]] == [False, False, True, True]


def test_a_short_last_round_may_be_told():
    strategy = evolution(CUBE, 4, population=4, tournament=2)
    state = strategy.init(jax.random.key(0))
    asked = strategy.ask(jax.random.key(1), state)
    state = strategy.tell(state, asked[:3], Feedback(jnp.arange(3.0)))
    assert int(state.born) == 3
    assert state.values.tolist() == [0.0, 1.0, 2.0, -np.inf]


def test_a_population_that_is_lost_goes_on():
    points = history(evolution(CUBE, 4, population=8), np.full((5, 4), -np.inf))
    assert len(np.unique(points, axis=0)) == 20


def test_it_beats_random_search_at_equal_budget():
    def best(strategy):
        search = jax.jit(lambda key: maximise(strategy, rugged, key, rounds=40).best[1])
        return np.array([search(key) for key in jax.random.split(jax.random.key(7), 10)])

    evolved = best(evolution(CUBE, points=8, population=32, tournament=8))
    drawn = best(random_search(CUBE, points=8))
    assert (evolved > drawn).all(), (evolved, drawn)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"points": 9, "population": 8}, "population=8 is less than the 9"),
        ({"points": 0}, "points=0"),
        ({"points": 1, "tournament": 0}, "tournament=0"),
        ({"points": 1, "population": 1, "initial": np.zeros((2, 17))}, "2 initial points are more"),
    ],
)
def test_numbers_out_of_range_are_named(numbers, words):
    with pytest.raises(UserError, match=words):
        evolution(SPACE, **numbers)
