"""Ascent against calculus, against Optax, and against random search."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from taskaware.search import Feedback, gradient_ascent, maximise, random_search, score
from taskaware.spaces.mixture import BOUND
from taskaware.testing.strategy_contract import EXTENT, SPACE, SUMMIT, half_lost, paraboloid

STARTS = np.random.default_rng(0).uniform(-4, 8, (5, SPACE.dimension)).astype(np.float32)
STARTS[:, -2:] = np.random.default_rng(1).uniform(size=(5, 2))
STARTS.setflags(write=False)


def test_it_climbs_a_concave_objective_to_its_maximum():
    trace = jax.jit(lambda key: maximise(gradient_ascent(SPACE, STARTS), paraboloid, key, 400))(
        jax.random.key(0)
    )
    np.testing.assert_array_equal(trace.points[0], STARTS)
    np.testing.assert_allclose(trace.points[-1], [SUMMIT] * 5, atol=0.05)
    assert trace.best[1] == pytest.approx(0, abs=1e-4)


def test_a_maximum_outside_is_met_at_the_wall():
    def slope(vector):
        return vector[0] - vector[1] + vector[-1] - vector[-2]

    trace = maximise(gradient_ascent(SPACE, STARTS), slope, jax.random.key(0), 120)
    last = np.asarray(trace.points[-1])[:, [0, 1, -1, -2]]
    np.testing.assert_array_equal(last, [[BOUND, -BOUND, 1.0, 0.0]] * 5)


def test_each_step_is_that_of_optax():
    rule = optax.chain(optax.clip_by_global_norm(0.05), optax.adam(0.3))
    trace = maximise(gradient_ascent(SPACE, STARTS, optimizer=rule), paraboloid, jax.random.key(0), 5)
    for row, start in enumerate(STARTS):
        point, state = jnp.asarray(start), rule.init(start)
        for number in range(5):
            np.testing.assert_allclose(trace.points[number, row], point, rtol=1e-4, atol=1e-5)
            gradient = -2 * (point - SUMMIT) / EXTENT**2 / SPACE.dimension
            updates, state = rule.update(-gradient, state, point)
            point = SPACE.project(optax.apply_updates(point, updates))


def test_starts_are_brought_into_the_space():
    trace = maximise(gradient_ascent(SPACE, 100 * STARTS), paraboloid, jax.random.key(0), 1)
    np.testing.assert_array_equal(trace.points[0], SPACE.project(100 * STARTS))


def test_climbs_do_not_see_each_other():
    together = maximise(gradient_ascent(SPACE, STARTS), paraboloid, jax.random.key(0), 6)
    alone = maximise(gradient_ascent(SPACE, STARTS[2:3]), paraboloid, jax.random.key(0), 6)
    np.testing.assert_allclose(together.points[:, 2:3], alone.points, rtol=1e-5, atol=1e-6)


def test_a_lost_climb_stands_still_and_stops_no_other():
    starts = STARTS.copy()
    starts[:, -1] = [0.9, 0.1, 0.1, 0.1, 0.1]
    trace = maximise(gradient_ascent(SPACE, starts), half_lost, jax.random.key(0), 3)
    np.testing.assert_array_equal(trace.points[:, 0], [starts[0]] * 3)
    np.testing.assert_array_equal(trace.values[:, 0], -np.inf)
    assert (np.diff(trace.values[:, 1:], axis=0) > 0).all()


def test_feedback_on_what_cannot_be_scored():
    def objective(vector):
        return jnp.sqrt(vector[0])

    points = np.zeros((3, SPACE.dimension), np.float32)
    points[:, 0] = [4.0, -1.0, 0.0]
    climbing = score(gradient_ascent(SPACE, points), objective, points)
    np.testing.assert_array_equal(climbing.value, [2.0, -np.inf, -np.inf])
    np.testing.assert_array_equal(climbing.gradient[:, 0], [0.25, 0.0, 0.0])
    plain = score(random_search(SPACE, points=3), objective, points)
    np.testing.assert_array_equal(plain.value, [2.0, -np.inf, 0.0])
    assert isinstance(plain, Feedback)
    assert plain.gradient is None
