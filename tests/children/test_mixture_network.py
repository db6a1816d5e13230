"""The Flax network of a point against the formulas it stands for, computed by NumPy."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaware.children.mixture.network import Columns, Inputs, MixtureNetwork, _kept, unit_gains, wiring
from taskaware.spaces import preset

SHARED = dataclasses.replace(
    preset("compact"), name="shared", layers=3, sizes=(3, 5, 8), width_odds=(0.3, 0.3, 0.4), recipe=()
)
SEPARATE = dataclasses.replace(SHARED, name="separate", shared_weights=False)
SPACES = pytest.mark.parametrize("space", [SHARED, SEPARATE], ids=lambda space: space.name)
FUNCTIONS = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh}
# Two columns of each numeric embedding, then two that are padding.
BLOCK = np.array([*np.repeat(np.arange(5), 2), 7, 7])
COLUMNS = Columns(jnp.asarray(BLOCK), jnp.array([2.0] * 5 + [1.0] * 2))
OUTPUTS = 3


def rows(count=6, seed=0):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(count, len(BLOCK))).astype(np.float32)
    return Inputs(numbers, np.eye(4, dtype=np.float32)[rng.integers(0, 4, count)])


def point(space, alpha=None, beta=None, gamma=None):
    """Logits of the given shares, (L, P), (L,) and (E,); by default equal ones, all layers present."""
    alpha = np.ones((space.layers, len(space.baselines))) if alpha is None else np.asarray(alpha, float)
    beta = np.ones(space.layers) if beta is None else np.asarray(beta, float)
    gamma = np.ones(7) if gamma is None else np.asarray(gamma, float)
    shares = np.concatenate([alpha.ravel(), np.stack([beta, 1 - beta], 1).ravel(), gamma])
    return jnp.asarray(np.log(np.maximum(shares, np.exp(-9))), jnp.float32)


def one_baseline(space, *chosen):
    return [[float(baseline == choice) for baseline in space.baselines] for choice in chosen]


@functools.partial(jax.jit, static_argnums=0)
def begun(net, vector):
    wired = wiring(net.space, net.space.weights(vector), net.width, jnp.zeros(()))
    return wired, net.init(jax.random.key(0), rows(), COLUMNS, wired)["params"]


def built(space, vector, width=8, *, biases=True):
    """The wiring, the network, and its first weights; the biases are made different from 0."""
    net = MixtureNetwork(space, width, OUTPUTS)
    wired, params = begun(net, vector)
    if biases:
        params = {
            name: leaf + 0.3 * np.cos(np.arange(leaf.size)).astype(np.float32) if leaf.ndim == 1 else leaf
            for name, leaf in params.items()
        }
    return wired, net, params


@functools.partial(jax.jit, static_argnums=0)
def applied(net, params, x, wired, key):
    return net.apply({"params": params}, x, COLUMNS, wired, key)


def given_by(net, params, x, wired, key=None):
    return np.asarray(applied(net, params, x, wired, key))


def embedded(params, gamma, x):
    """Σ over embeddings of γ · the embedding's own linear map, the learned one through its vectors."""
    p = {name: np.asarray(leaf, np.float64) for name, leaf in params.items()}
    hidden = np.zeros((len(x.numbers), p["number_kernel"].shape[1])) + p["embedding_bias"]
    for embedding in range(5):
        mine = embedding == BLOCK
        hidden += gamma[embedding] * (x.numbers[:, mine] @ p["number_kernel"][mine])
    hidden += gamma[5] * (x.categories @ p["category_kernel"])
    return hidden + gamma[6] * (x.categories @ p["category_vectors"] @ p["vector_kernel"])


def by_hand(space, params, weights, x, width=8):
    """The network of the published formula: o_j = Σ_i α_ij pad(o_ij), layers weighed by β."""
    p = {name: np.asarray(leaf, np.float64) for name, leaf in params.items()}
    alpha, beta, gamma, _ = (np.asarray(part, np.float64) for part in weights)
    hidden = embedded(params, gamma, x)
    for layer in range(space.layers):
        mixed, start = np.zeros((len(hidden), width)), 0
        for share, (size, name) in zip(alpha[layer], space.baselines, strict=True):
            if size > width:
                continue
            first = 0 if space.shared_weights else start
            kernel = p[f"layer{layer}_kernel"][:, first : first + size]
            bias = p[f"layer{layer}_bias"][first : first + size]
            mixed[:, :size] += share * FUNCTIONS[name](hidden @ kernel + bias)
            start += size
        hidden = beta[layer] * mixed + (1 - beta[layer]) * hidden
    return hidden @ p["output_kernel"] + p["output_bias"]


@SPACES
@settings(max_examples=15)
@given(seed=st.integers(0, 2**31 - 1))
def test_any_point_equals_the_formula(space, seed):
    rng = np.random.default_rng(seed)
    present = rng.choice([0.0, 1.0, 0.4], space.layers)
    vector = point(space, rng.dirichlet([0.3] * 6, 3), present, rng.dirichlet([0.5] * 7))
    wired, net, params = built(space, vector)
    expected = by_hand(space, params, space.weights(vector), rows())
    np.testing.assert_allclose(given_by(net, params, rows(), wired), expected, rtol=1e-3, atol=1e-4)


@SPACES
def test_a_plain_relu_network_is_a_multilayer_perceptron(space):
    vector = point(
        space, one_baseline(space, (5, "relu"), (3, "relu"), (5, "relu")), gamma=[1, *[0] * 4, 1, 0]
    )
    wired, net, params = built(space, vector, 5)
    p = {name: np.asarray(leaf, np.float64) for name, leaf in params.items()}
    x = rows()
    hidden = x.numbers[:, :2] @ p["number_kernel"][:2] + x.categories @ p["category_kernel"]
    hidden += p["embedding_bias"]
    # Where weights are separate, a relu of 3 has the columns from 0 on, a relu of 5 those from 6 on.
    begins = (0, 0, 0) if space.shared_weights else (6, 0, 6)
    for layer, (size, begin) in enumerate(zip((5, 3, 5), begins, strict=True)):
        kernel = p[f"layer{layer}_kernel"][: hidden.shape[1], begin : begin + size]
        hidden = np.maximum(hidden @ kernel + p[f"layer{layer}_bias"][begin : begin + size], 0)
    expected = hidden @ p["output_kernel"][:5] + p["output_bias"]
    np.testing.assert_allclose(given_by(net, params, x, wired), expected, rtol=1e-4, atol=1e-5)


@SPACES
def test_without_layers_the_network_is_linear(space):
    vector = point(space, beta=[0, 0, 0])
    wired, net, params = built(space, vector)
    p = {name: np.asarray(leaf, np.float64) for name, leaf in params.items()}
    gamma = np.asarray(space.weights(vector).gamma, np.float64)
    numbers = p["number_kernel"] * np.append(gamma, 0.0)[BLOCK][:, None]
    categories = gamma[5] * p["category_kernel"] + gamma[6] * p["category_vectors"] @ p["vector_kernel"]
    x = rows()
    slope = np.concatenate([numbers, categories]) @ p["output_kernel"]
    expected = np.concatenate(x, axis=1) @ slope + p["embedding_bias"] @ p["output_kernel"] + p["output_bias"]
    np.testing.assert_allclose(given_by(net, params, x, wired), expected, rtol=1e-4, atol=1e-5)


@SPACES
def test_units_beyond_the_size_in_use_do_not_show(space):
    vector = point(space, one_baseline(space, (3, "relu"), (3, "tanh"), (3, "relu")))
    wired, net, params = built(space, vector)
    outputs = given_by(net, params, rows(), wired)
    for name in ("layer1_kernel", "layer2_kernel", "output_kernel"):
        changed = np.array(params[name])
        changed[3:] = 99.0
        other = params | {name: changed}
        np.testing.assert_array_equal(given_by(net, other, rows(), wired), outputs)


def test_padding_does_not_show():
    wired, net, params = built(SHARED, point(SHARED))
    assert (params["number_kernel"][BLOCK == 7] == 0).all()
    x = rows()
    other = x._replace(numbers=x.numbers + 99 * (BLOCK == 7)[None].astype(np.float32))
    np.testing.assert_array_equal(given_by(net, params, x, wired), given_by(net, params, other, wired))


@pytest.mark.parametrize("missing", ["numbers", "categories"])
def test_a_table_of_one_kind_of_column(missing):
    vector = point(SHARED)
    x = rows()._replace(**{missing: np.zeros((6, 0), np.float32)})
    columns = COLUMNS if missing == "categories" else Columns(jnp.zeros(0, int), COLUMNS.active)
    wired, net, _ = built(SHARED, vector)
    params = net.init(jax.random.key(0), x, columns, wired)["params"]
    outputs = net.apply({"params": params}, x, columns, wired)
    assert np.isfinite(outputs).all()
    assert np.ptp(outputs, axis=0).min() > 0
    words = {"numbers": "number", "categories": "category"}
    assert not any(name.startswith(words[missing]) for name in params)


@SPACES
def test_first_weights_keep_the_scale_of_what_passes(space):
    """He's scale by the units in use (1 / fan-in at the output), biases 0, whatever the width around them."""
    wide = dataclasses.replace(space, sizes=(20, 50, 200))
    alpha = one_baseline(wide, (50, "relu"), (20, "tanh"), (200, "relu"))
    _, _, params = built(wide, point(wide, alpha), 200, biases=False)
    for name, fan_in in (("layer0", 200), ("layer1", 50), ("layer2", 20), ("output", 200)):
        gain = 1 if name == "output" else 2
        assert not params[f"{name}_bias"].any()
        assert np.std(params[f"{name}_kernel"]) * np.sqrt(fan_in / gain) == pytest.approx(1, abs=0.1)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31 - 1), width=st.sampled_from([3, 5, 8]))
def test_gain_of_a_unit_is_the_sum_of_the_shares_that_cover_it(seed, width):
    alpha = np.random.default_rng(seed).dirichlet([0.5] * 6).astype(np.float32)
    gains = unit_gains(SHARED, alpha, width)
    assert gains.shape == (2, width)
    for a, activation in enumerate(SHARED.activations):
        for unit in range(width):
            covering = [
                share
                for share, (size, name) in zip(alpha, SHARED.baselines, strict=True)
                if name == activation and size > unit
            ]
            assert gains[a, unit] == pytest.approx(sum(covering), abs=1e-6)


def test_fan_in_counts_the_units_in_use():
    alpha = one_baseline(SHARED, (5, "relu"), (3, "tanh"), (8, "relu"))
    for presence, expected in (
        ([1, 0.5, 1], [8, 5, 5, 8]),
        ([1, 0, 0.5], [8, 5, 5, 8]),
        ([0, 1, 0], [8, 8, 3, 3]),
    ):
        weights = SHARED.weights(point(SHARED, alpha, presence))
        assert wiring(SHARED, weights, 8, jnp.zeros(())).fan_in.tolist() == expected


@pytest.mark.parametrize("probability", [0.0, 0.25, 0.5])
def test_dropped_units(probability):
    factors = np.asarray(_kept(jax.random.key(0), (200, 100), jnp.float32(probability)))
    values = [0.0, 1 / (1 - probability)] if probability else [1.0]
    np.testing.assert_allclose(np.unique(factors), values)
    assert np.mean(factors == 0) == pytest.approx(probability, abs=0.02)
    other = np.asarray(_kept(jax.random.key(1), (200, 100), jnp.float32(probability)))
    assert (other != factors).any() == (probability > 0)


def test_dropout_needs_a_key():
    wired, net, params = built(SHARED, point(SHARED))
    wired = wired._replace(dropout=jnp.float32(0.5))
    outputs = given_by(net, params, rows(), wired)
    dropped = [given_by(net, params, rows(), wired, jax.random.key(seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(dropped[0], dropped[1])
    assert (dropped[0] != outputs).any()
    assert (dropped[0] != dropped[2]).any()
    still = given_by(net, params, rows(), wired._replace(dropout=jnp.float32(0)), jax.random.key(0))
    np.testing.assert_allclose(still, outputs, rtol=1e-6)
