"""The networks have the shapes that were published, and the properties that the rest relies on."""

import jax
import jax.numpy as jnp
import pytest

from taskaware.errors import UserError
from taskaware.surrogates.networks import NETWORKS, network_named

Z, U = jnp.linspace(-1.0, 1.0, 6), jnp.linspace(0.0, 1.0, 9)


def params_of(name):
    return network_named(name).init(jax.random.key(0), Z, U)["params"]


def test_published_layers():
    kernels = {name: layer["kernel"].shape for name, layer in params_of("published").items()}
    assert kernels == {
        "Dense_0": (6, 50),
        "Dense_1": (50, 50),
        "Dense_2": (50 + 9, 50),
        "Dense_3": (50, 10),
        "Dense_4": (10, 1),
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_a_number_that_depends_on_task_and_architecture(name):
    network, params = network_named(name), params_of(name)

    def predict(z, u):
        return network.apply({"params": params}, z, u)

    first = predict(Z, U)
    assert first.shape == ()
    assert first == predict(Z, U)
    assert len({float(value) for value in (first, predict(-Z, U), predict(Z, 1 - U))}) == 3
    # What an architecture is worth beside another one differs from task to task.
    assert abs((first - predict(Z, 1 - U)) - (predict(-Z, U) - predict(-Z, 1 - U))) > 1e-3


def test_unknown_network_is_refused():
    with pytest.raises(UserError, match="Unknown evaluator network 'bilinar'. Did you mean 'bilinear'"):
        network_named("bilinar")
