"""The climb whose softmax groups cool: what it asks for, where it ends, what it refuses."""

import jax
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.spaces import preset
from taskaware.strategies import annealed_ascent, gradient_ascent, maximise
from taskaware.strategies.annealed_ascent import logits_of_groups
from taskaware.testing.hills import SPACE, SUMMIT, paraboloid
from tests.toys.bits import Bits

STARTS = np.random.default_rng(0).uniform(-4, 4, (5, SPACE.dimension)).astype(np.float32)
STARTS[:, -2:] = np.random.default_rng(1).uniform(0.2, 0.8, (5, 2))
STARTS.setflags(write=False)
LOGITS = logits_of_groups(SPACE)
RECIPE = np.arange(SPACE.dimension) >= SPACE.dimension - len(SPACE.recipe)
END = np.asarray(SUMMIT)


def climbed(rounds, **settings):
    climb = annealed_ascent(STARTS, rounds=rounds, **settings)(SPACE, 5)
    return jax.jit(lambda key: maximise(climb, paraboloid, key, rounds))(jax.random.key(0))


def test_logits_are_the_shares_and_nothing_else():
    space = preset("compact")
    assert logits_of_groups(space).sum() == space.dimension - len(space.recipe) - sum(
        len(group) == 1 for group in space.embeddings
    )
    assert LOGITS.any() and not LOGITS.all()


def test_the_first_points_are_hot_and_the_last_are_not():
    trace = climbed(2, temperature=4.0)
    np.testing.assert_allclose(trace.points[0][:, LOGITS], STARTS[:, LOGITS] / 4, rtol=1e-6)
    np.testing.assert_array_equal(trace.points[0][:, ~LOGITS], STARTS[:, ~LOGITS])
    # One step from the starts, which no longer are divided.
    assert np.abs(np.asarray(trace.points[1]) - STARTS)[:, LOGITS].max() <= 0.31


def test_it_ends_at_the_maximum():
    """But for the logit of a group of one, which decides nothing."""
    decided = LOGITS | RECIPE
    trace = climbed(300, temperature=1.0)
    np.testing.assert_allclose(trace.points[-1][:, decided], [END[decided]] * 5, atol=0.05)
    cooled = climbed(300)
    np.testing.assert_allclose(cooled.points[-1][:, RECIPE], [END[RECIPE]] * 5, atol=0.05)
    assert (cooled.values[-1] > cooled.values[0]).all()


def test_without_heat_it_comes_to_rest_nearer_than_with_steps_that_do_not_shrink():
    rough = maximise(gradient_ascent(STARTS)(SPACE, 5), paraboloid, jax.random.key(0), 60)
    fine = climbed(60, temperature=1.0)
    far = [np.abs(np.asarray(trace.points[-1]) - END)[:, RECIPE].max() for trace in (rough, fine)]
    assert far[1] < far[0]


def test_a_number_at_the_border_leaves_it_at_once():
    """It has gathered no speed against the border, though the slope has pushed there for long."""
    number = int(np.flatnonzero(~LOGITS)[-1])

    def turning(vector):
        # Up to the border while the first logit is small; away from it once that has grown.
        return vector[0] + 10 * vector[number] * (1 - jax.lax.stop_gradient(vector[0]))

    starts = np.zeros((1, SPACE.dimension), np.float32)
    starts[0, number] = 1.0
    climb = annealed_ascent(starts, rounds=40, temperature=1.0)(SPACE, 1)
    points = np.asarray(maximise(climb, turning, jax.random.key(0), 40).points[:, 0])
    turned = int(np.argmax(points[:, 0] > 1))
    assert turned and points[turned, number] == 1.0
    assert points[turned + 1, number] < 1.0


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"temperature": 0.5}])
def test_what_is_too_small_is_refused(wrong):
    name, value = next(iter(wrong.items()))
    with pytest.raises(UserError, match=f"{name}={value} is too small"):
        annealed_ascent(**wrong)


def test_a_space_that_is_not_continuous_is_refused():
    with pytest.raises(UserError, match="needs a continuous space"):
        annealed_ascent()(Bits(), 4)
