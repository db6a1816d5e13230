"""The control: it learns nothing, and what learns has to beat it."""

import jax
import numpy as np
import pytest

from taskaware.strategies import gradient_ascent, maximise, random
from taskaware.testing.hills import SPACE, paraboloid


@pytest.fixture(scope="module")
def drawn():
    """Six random searches of 20 rounds of 8 points."""
    search = jax.jit(lambda key: maximise(random()(SPACE, 8), paraboloid, key, 20))
    return [search(jax.random.key(seed)) for seed in range(6)]


def test_every_round_draws_from_the_space_anew(drawn):
    points = np.concatenate([trace.points for trace in drawn]).reshape(-1, SPACE.dimension)
    assert len(np.unique(points, axis=0)) == 6 * 20 * 8
    assert 0.4 < np.mean(jax.jit(SPACE.is_plain)(points)) < 0.6


def test_gradient_ascent_beats_it_at_equal_evaluations(drawn):
    climb = jax.jit(
        lambda starts: maximise(gradient_ascent(starts)(SPACE, 8), paraboloid, jax.random.key(0), 20)
    )
    for chance in drawn:
        climbed = climb(chance.points[0])
        assert climbed.values.shape == chance.values.shape
        assert climbed.best[1] > chance.best[1]
