"""Ascent against calculus, against Optax, and against random search."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from taskaware.errors import UserError
from taskaware.spaces.mixture import BOUND
from taskaware.strategies import gradient_ascent, maximise, settled, traced
from taskaware.testing.hills import EXTENT, SPACE, SUMMIT, half_diverged, paraboloid
from tests.toys.bits import Bits

STARTS = np.random.default_rng(0).uniform(-4, 8, (5, SPACE.dimension)).astype(np.float32)
STARTS[:, -2:] = np.random.default_rng(1).uniform(size=(5, 2))
STARTS.setflags(write=False)


def test_it_climbs_a_concave_objective_to_its_maximum():
    trace = jax.jit(lambda key: maximise(gradient_ascent(STARTS)(SPACE, 5), paraboloid, key, 400))(
        jax.random.key(0)
    )
    np.testing.assert_array_equal(trace.points[0], STARTS)
    np.testing.assert_allclose(trace.points[-1], [SUMMIT] * 5, atol=0.05)
    assert trace.best[1] == pytest.approx(0, abs=1e-4)


def test_a_maximum_outside_is_met_at_the_wall():
    def slope(vector):
        return vector[0] - vector[1] + vector[-1] - vector[-2]

    trace = maximise(gradient_ascent(STARTS)(SPACE, 5), slope, jax.random.key(0), 120)
    last = np.asarray(trace.points[-1])[:, [0, 1, -1, -2]]
    np.testing.assert_array_equal(last, [[BOUND, -BOUND, 1.0, 0.0]] * 5)


def test_each_step_is_that_of_optax():
    rule = optax.chain(optax.clip_by_global_norm(0.05), optax.adam(0.3))
    trace = maximise(gradient_ascent(STARTS, optimizer=rule)(SPACE, 5), paraboloid, jax.random.key(0), 5)
    for row, start in enumerate(STARTS):
        point, state = jnp.asarray(start), rule.init(start)
        for number in range(5):
            np.testing.assert_allclose(trace.points[number, row], point, rtol=1e-4, atol=1e-5)
            gradient = -2 * (point - SUMMIT) / EXTENT**2 / SPACE.dimension
            updates, state = rule.update(-gradient, state, point)
            point = SPACE.project(optax.apply_updates(point, updates))


def test_starts_are_brought_into_the_space():
    trace = maximise(gradient_ascent(100 * STARTS)(SPACE, 5), paraboloid, jax.random.key(0), 1)
    np.testing.assert_array_equal(trace.points[0], SPACE.project(100 * STARTS))


def test_climbs_do_not_see_each_other():
    together = maximise(gradient_ascent(STARTS)(SPACE, 5), paraboloid, jax.random.key(0), 6)
    alone = maximise(gradient_ascent(STARTS[2:3])(SPACE, 1), paraboloid, jax.random.key(0), 6)
    np.testing.assert_allclose(together.points[:, 2:3], alone.points, rtol=1e-5, atol=1e-6)


def test_a_lost_climb_stands_still_and_stops_no_other():
    starts = STARTS.copy()
    starts[:, -1] = [0.9, 0.1, 0.1, 0.1, 0.1]
    trace = maximise(gradient_ascent(starts)(SPACE, 5), half_diverged, jax.random.key(0), 3)
    np.testing.assert_array_equal(trace.points[:, 0], [starts[0]] * 3)
    np.testing.assert_array_equal(trace.values[:, 0], -np.inf)
    assert (np.diff(trace.values[:, 1:], axis=0) > 0).all()


def test_feedback_on_what_cannot_be_scored():
    def objective(vector):
        return jnp.sqrt(vector[0])

    points = np.zeros((3, SPACE.dimension), np.float32)
    points[:, 0] = [4.0, -1.0, 0.0]
    climbing = settled(traced(objective).with_gradient(points), 3)
    np.testing.assert_array_equal(climbing.score, [2.0, -np.inf, -np.inf])
    np.testing.assert_array_equal(climbing.gradient[:, 0], [0.25, 0.0, 0.0])
    plain = settled(traced(objective).evaluate(points), 3)
    np.testing.assert_array_equal(plain.score, [2.0, -np.inf, 0.0])
    assert plain.gradient is None


def test_a_space_that_is_not_continuous_is_refused():
    with pytest.raises(UserError, match="'bits' has no `project`"):
        gradient_ascent()(Bits(), 4)
