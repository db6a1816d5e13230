"""What a point of the space of fronts means; the contract on spaces stands in test_space_contract."""

import dataclasses

import jax
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.spaces import front, preset, space_from
from taskaware.spaces.front import DENSE
from taskaware.spaces.mixture_draws import CUTOFF

SPACE = front(2, kernels=(1, 3), filters=4, side=8, channels=1)


def test_corners_are_plain_and_small_shares_are_dropped():
    shares, dense = SPACE.weights(SPACE.discretise(SPACE.sample(jax.random.key(0), 256)))
    for part in (*shares, dense.alpha, dense.beta):
        assert set(np.unique(part)) <= {0.0, 1.0}
    point = np.zeros(SPACE.dimension, np.float32)
    point[0] = -np.log(CUTOFF / 2)
    shares, _ = SPACE.weights(point)
    assert shares.kernel.tolist() == [[1.0, 0.0], [0.5, 0.5]]
    softened, _ = SPACE.soften(point)
    np.testing.assert_allclose(softened.kernel[0, 1], CUTOFF / 2, rtol=0.02)


def test_half_of_the_samples_have_plain_convolutions():
    shares, _ = SPACE.weights(SPACE.sample(jax.random.key(0), 256))
    plain = np.all([np.all((part == 0) | (part == 1), axis=(1, 2)) for part in shares[:2]], axis=0)
    assert 0.4 < plain.mean() < 0.6
    assert 0.7 < np.asarray(shares.presence)[plain].mean() < 0.8


def test_decisions_name_every_convolution_and_the_dense_layers():
    names = [decision.name for decision in SPACE.decisions]
    assert names[:3] == ["convolution 1 kernel", "convolution 1 activation", "convolution 1 is"]
    assert names[6] == "dense layer 1" and SPACE.decisions[0].labels == ("1x1", "3x3")


@pytest.mark.parametrize(
    ("side", "sides"), [(8, (8, 4, 4, 4)), (16, (16, 8, 4, 4)), (28, (28, 14, 7, 7)), (9, (9, 9, 9, 9))]
)
def test_images_are_halved_while_their_side_is_even_and_eight_or_more(side, sides):
    assert front(side=side).sides == sides


def test_the_dense_layers_are_any_mixture():
    wide = front(dense=preset("extended"))
    assert wide.dense.recipe == preset("extended").recipe and wide.dense.embedding_names == ("front",)
    assert wide.embedding_names == ("pixels_16_3",) and space_from(wide.to_dict()) == wide
    named = dataclasses.replace(wide, name="other", dense=dataclasses.replace(wide.dense, name="its"))
    assert named.digest == wide.digest != front(dense=DENSE).digest


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kernels": (2, 3)}, "odd numbers that ascend"),
        ({"kernels": (3, 1)}, "odd numbers that ascend"),
        ({"kernels": (17,)}, "Give 1 to 15"),
        ({"side": 4}, "Give 8 to 64"),
        ({"layers": 0}, "Give 1 to 8"),
        ({"filters": 2}, "Give 3 to 512"),
        ({"channels": 2}, "Give 3, or 1 for grey"),
        ({"activations": ("relu", "mish")}, "Give some of relu, tanh, silu, selu"),
    ],
)
def test_what_may_not_stand_there_is_named(given, message):
    with pytest.raises(UserError, match=message):
        front(**given)
    with pytest.raises(UserError, match=message):
        space_from(preset("front").to_dict() | given)
