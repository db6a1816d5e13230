"""Annotations are checked at run time in the tests: here it is made sure that the check is on."""

import jax
import numpy as np
import pytest
from jaxtyping import TypeCheckError

from taskaware.spaces import change_one, decided, preset
from taskaware.tasks.data import content_digest

SPACE = preset("compact")


def test_a_wrong_shape_raises():
    with pytest.raises(TypeCheckError, match="decided"):
        decided(SPACE, np.zeros(SPACE.dimension))
    with pytest.raises(TypeCheckError, match="mutate"):
        SPACE.mutate(jax.random.key(0), jax.numpy.zeros((2, SPACE.dimension)))


def test_two_axes_of_one_name_must_agree():
    space = SPACE.decode(np.zeros((3, SPACE.dimension), np.float32))
    assert space.alpha.shape[0] == 3
    with pytest.raises(TypeCheckError, match="features"):
        SPACE.features(jax.numpy.zeros((3, SPACE.dimension)))


def test_a_wrong_type_raises():
    with pytest.raises(TypeCheckError, match="decided"):
        decided(SPACE, np.zeros((1, SPACE.dimension), int))
    with pytest.raises(TypeCheckError, match="content_digest"):
        content_digest("bags", np.array([3, 7]))
    with pytest.raises(TypeCheckError, match="change_one"):
        change_one(0, jax.numpy.zeros(3), SPACE.decisions)


def test_the_check_can_be_left_out(unchecked):
    assert content_digest("bags", np.array([3, 7])) == content_digest("bags", np.array([7, 3]))
