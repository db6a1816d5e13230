"""The loop for work that JAX cannot trace: the same search as the traced one, to the point."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.search import Strategy, gradient_ascent, maximise, spend


def walk() -> Strategy:
    """Four points near the best so far."""

    def init(key):
        return jax.random.uniform(key, (3,)), jnp.float32(-jnp.inf)

    def ask(key, state):
        return state[0][None] + 0.3 * jax.random.normal(key, (4, 3))

    def tell(state, points, feedback):
        place = jnp.argmax(feedback.value)
        better = feedback.value[place] > state[1]
        return jnp.where(better, points[place], state[0]), jnp.maximum(feedback.value[place], state[1])

    return Strategy(init, ask, tell)


def objective(point):
    return jnp.where(point[0] > 1.5, jnp.nan, -jnp.sum((point - 1) ** 2))


def judge(points):
    return np.array([float(objective(point)) for point in points])


def test_it_is_the_traced_search():
    trace = maximise(walk(), objective, jax.random.key(3), rounds=5)
    points, values = spend(walk(), judge, jax.random.key(3), budget=20)
    np.testing.assert_allclose(points, trace.points.reshape(20, 3), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(values, trace.values.ravel(), rtol=1e-3, atol=1e-5)


def test_a_smaller_budget_is_the_beginning_and_nothing_more_is_judged():
    judged = []

    def counting(points):
        judged.append(len(points))
        return judge(points)

    some = spend(walk(), counting, jax.random.key(0), budget=10)
    assert judged == [4, 4, 2]
    more = spend(walk(), judge, jax.random.key(0), budget=13)
    for short, long in zip(some, more, strict=True):
        np.testing.assert_array_equal(short, long[:10])


def test_a_lost_point_is_told_as_lost():
    _, values = spend(walk(), lambda points: np.full(len(points), np.nan), jax.random.key(0), budget=8)
    np.testing.assert_array_equal(values, -np.inf)


def test_gradients_are_not_to_be_had():
    space = type("Line", (), {"project": staticmethod(jnp.asarray)})()
    with pytest.raises(UserError, match="wants gradients"):
        spend(gradient_ascent(space, jnp.zeros((1, 2))), judge, jax.random.key(0), budget=1)
