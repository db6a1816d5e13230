"""Gates, activations and the longer recipe of mixture networks, against formulas."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.special

from taskaware.children.child import Batch, Design, Now, child_of
from taskaware.children.mixture.child import coslog4
from taskaware.children.mixture.network import ACTIVATIONS, Inputs, mean_of_members
from taskaware.modalities.reading import make_task
from taskaware.spaces import preset
from taskaware.spaces.mixture_checks import MEMBERS
from taskaware.training.prepare import prepare
from taskaware.training.programs import Program, candidates, scored_by, start
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train

SPACE = dataclasses.replace(
    preset("extended"),
    name="small",
    layers=2,
    sizes=(4, 8),
    width_odds=(0.5, 0.5),
    embeddings=preset("compact").embeddings,
)
SHUT = {"label_smoothing": 0.0, "beta2": 0.5, "coslog4": 0.0} | dict.fromkeys(
    ("residual", "normalisation", "scaling", "ensemble"), 0.0
)


@pytest.fixture(scope="module")
def wine():
    return prepare(make_task("wine"), 0, TrainingRecipe(steps=20))


def point(first=(8, "relu"), second=(8, "relu"), **gates):
    """Two plain layers on standardised numbers, with some gates open."""
    vector = SPACE.decode(np.zeros(SPACE.dimension, np.float32))
    alpha, gamma = np.zeros(vector.alpha.shape), np.zeros(vector.gamma.shape)
    for layer, baseline in enumerate((first, second)):
        alpha[layer, SPACE.baselines.index(baseline)] = 8.0
    gamma[[0, 5]] = 8.0
    beta = np.array([[8.0, 0.0]] * 2)
    recipe = [{**SHUT, "dropout": 0.0}.get(name, 0.5) for name in SPACE.coordinates]
    for name, value in gates.items():
        recipe[SPACE.coordinates.index(name)] = value
    parts = (alpha, beta, gamma, np.array(recipe))
    return SPACE.encode(vector._replace(**dict(zip(vector._fields, map(jnp.asarray, parts), strict=True))))


def begun(wine, vector):
    """The child, its candidate, its first state, and a batch of ten rows."""
    child = child_of(SPACE)
    [(key, _)] = child.group(SPACE, vector[None])
    many = candidates(child, Design(SPACE, key), vector[None])
    state = start(Program(child, scored_by("classification"), True), wine.arrays, many, jax.random.key(0))
    arrays = jax.device_get(wine.arrays)
    batch = Batch(Inputs(*(x[:10] for x in arrays.x)), arrays.y[:10], arrays.columns, arrays.allowed, True)
    first = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[0]), (many, state))
    return child._replace(step=jax.jit(child.step), outputs=jax.jit(child.outputs)), *first, batch


def unlike_the_first(params):
    """The weights, with something in place of every 0."""
    return {
        name: leaf + 0.1 * np.cos(np.arange(leaf.size, dtype=leaf.dtype)).reshape(leaf.shape)
        for name, leaf in params.items()
    }


def embedded(params, batch):
    """The standardised columns, and the kernel of them."""
    columns = np.asarray(batch.columns.block) == 0
    x = np.asarray(batch.x.numbers)[:, columns]
    return x, np.asarray(params["number_kernel"])[columns]


def layers_by_hand(params, hidden, residual=0.0, normalised=0.0):
    """Two relu layers and the output, in NumPy."""

    def read(h):
        centred = h - h.mean(1, keepdims=True)
        return h + normalised * (centred / np.sqrt(centred.var(1, keepdims=True) + 1e-5) - h)

    p = {name: np.asarray(leaf, np.float64) for name, leaf in params.items()}
    for layer in ("layer0", "layer1"):
        mixed = np.maximum(read(hidden) @ p[f"{layer}_kernel"] + p[f"{layer}_bias"], 0)
        hidden = mixed + residual * hidden
    return read(hidden) @ p["output_kernel"] + p["output_bias"]


@pytest.mark.parametrize(("residual", "normalised"), [(0, 0), (1, 0), (0, 1), (0.5, 0.25), (1, 1)])
def test_residual_and_normalisation(wine, residual, normalised):
    child, candidate, state, batch = begun(wine, point(residual=residual, normalisation=normalised))
    params = unlike_the_first(state.params)
    x, kernel = embedded(params, batch)
    hidden = x @ kernel + np.asarray(params["embedding_bias"])
    expected = layers_by_hand(params, hidden, residual, normalised)
    np.testing.assert_allclose(child.outputs(params, candidate, batch), expected, rtol=1e-4, atol=1e-4)


def test_scaling_multiplies_the_input_columns(wine):
    child, candidate, state, batch = begun(wine, point(scaling=0.5))
    params = unlike_the_first(state.params)
    x, kernel = embedded(params, batch)
    columns = np.asarray(batch.columns.block) == 0
    scale = 1 + 0.5 * np.asarray(params["number_scale"])[columns]
    expected = layers_by_hand(params, (x * scale) @ kernel + np.asarray(params["embedding_bias"]))
    np.testing.assert_allclose(child.outputs(params, candidate, batch), expected, rtol=1e-4, atol=1e-4)


def test_normalisation_counts_the_units_in_use_alone(wine):
    child, candidate, state, batch = begun(wine, point(first=(4, "relu"), normalisation=1.0))
    x, kernel = embedded(state.params, batch)
    p = {name: np.asarray(leaf, np.float64) for name, leaf in state.params.items()}

    def read(h):
        return (h - h.mean(1, keepdims=True)) / np.sqrt(h.var(1, keepdims=True) + 1e-5)

    hidden = np.maximum(read(x @ kernel) @ p["layer0_kernel"][:, :4], 0)
    hidden = np.maximum(read(hidden) @ p["layer1_kernel"][:4], 0)
    expected = read(hidden) @ p["output_kernel"]
    np.testing.assert_allclose(child.outputs(state.params, candidate, batch), expected, rtol=1e-4, atol=1e-4)


def test_an_ensemble_averages_the_probabilities_of_members_that_differ(wine):
    child, candidate, state, batch = begun(wine, point(ensemble=1.0))
    assert candidate.members == MEMBERS
    params = unlike_the_first(state.params)
    x, kernel = embedded(params, batch)
    p, chances = {name: np.asarray(leaf, np.float64) for name, leaf in params.items()}, []
    for member in range(MEMBERS):
        hidden = (x @ kernel + p["embedding_bias"]) * (1 + p["member_signs"][member])
        for layer in ("layer0", "layer1"):
            read = hidden * (1 + p[f"{layer}_member_in"][member])
            given = read @ p[f"{layer}_kernel"] + p[f"{layer}_bias"]
            given = given * (1 + p[f"{layer}_member_out"][member]) + p[f"{layer}_member_bias"][member]
            hidden = np.maximum(given, 0)
        logits = hidden @ (p["output_kernel"] + p["output_member_kernel"][member])
        logits = logits + p["output_bias"] + p["output_member_bias"][member]
        chances.append(scipy.special.softmax(logits[:, :3], axis=1))
    assert np.ptp(np.stack(chances), axis=0).max() > 0.05
    found = batch.predictions(child.outputs(params, candidate, batch))
    np.testing.assert_allclose(found[:, :3], np.mean(chances, axis=0), rtol=1e-4, atol=1e-4)


def test_first_factors_of_members_are_signs_and_shut_gates_have_no_members(wine):
    signs = np.asarray(begun(wine, point(ensemble=1.0))[2].params["member_signs"]) + 1
    assert set(np.unique(signs)) == {-1, 1}
    assert len(np.unique(signs[:, 0], axis=0)) == MEMBERS
    assert not any("member" in name for name in begun(wine, point())[2].params)


def test_members_of_a_regression_average_their_values_and_labels_their_chances():
    outputs = np.random.default_rng(0).normal(size=(8, 5, 2)).astype(np.float32)
    np.testing.assert_allclose(mean_of_members(jnp.asarray(outputs), "values"), outputs.mean(0), rtol=1e-6)
    chances = scipy.special.expit(np.asarray(mean_of_members(jnp.asarray(outputs), "labels")))
    np.testing.assert_allclose(chances, scipy.special.expit(outputs).mean(0), rtol=1e-5)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_activations(name):
    x = np.linspace(-30, 30, 121).astype(np.float32)
    expected = {
        "relu": np.maximum(x, 0),
        "tanh": np.tanh(x),
        "silu": x * scipy.special.expit(x),
        "selu": 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
        "mish": x * np.tanh(np.logaddexp(0, x)),
    }[name]
    np.testing.assert_allclose(jax.jit(ACTIVATIONS[name])(x), expected, rtol=1e-5, atol=1e-6)
    assert np.isfinite(jax.jit(jax.vmap(jax.grad(ACTIVATIONS[name])))(jnp.asarray(x * 10))).all()


def test_a_step_is_adamw_with_the_points_recipe(wine):
    gates = {"scaling": 1.0, "label_smoothing": 0.5, "coslog4": 0.25, "beta2": 0.25}
    child, candidate, state, batch = begun(wine, point(**gates))
    now = Now(jax.random.key(1), jnp.float32(0.5), jnp.float32(0.3))
    after = child.step(state, candidate, batch, now).params

    def loss(params):
        logs = jax.nn.log_softmax(child.outputs(params, candidate, batch)[:, :3])
        wanted = 0.9 * jax.nn.one_hot(batch.y.astype(int), 3) + 0.1 / 3
        return -(wanted * logs).sum(1).mean()

    grads = jax.jit(jax.grad(loss))(state.params)
    factor = 0.75 * 0.5 + 0.25 * float(coslog4(jnp.float32(0.3)))
    decays = {name: leaf.ndim > 1 for name, leaf in state.params.items()}
    rule = optax.adamw(
        factor * float(candidate.learning_rate),
        b2=0.9 + 0.25 * 0.099,
        weight_decay=float(candidate.weight_decay),
        mask=decays,
    )
    updates, _ = jax.jit(rule.update)(grads, rule.init(state.params), state.params)
    updates = {name: 6 * each if name.endswith("_scale") else each for name, each in updates.items()}
    for name, leaf in optax.apply_updates(state.params, updates).items():
        np.testing.assert_allclose(after[name], leaf, rtol=1e-3, atol=1e-5, err_msg=name)


def test_coslog4_is_four_waves_from_zero_to_zero():
    done = np.array([0, 1 / 15, 3 / 15, 7 / 15, 1])
    np.testing.assert_allclose(jax.vmap(coslog4)(jnp.asarray(done)), 0, atol=1e-5)
    between = (2.0 ** np.array([0.5, 1.5, 2.5, 3.5]) - 1) / 15
    np.testing.assert_allclose(jax.vmap(coslog4)(jnp.asarray(between)), 1, atol=1e-5)


def test_one_point_alone_trains_as_it_does_among_others(wine):
    drawn = np.asarray(SPACE.sample(jax.random.key(5), 12))
    # Ensembles: the contract of children trains networks without members.
    [ensembles] = [rows for key, rows in child_of(SPACE).group(SPACE, jnp.asarray(drawn)) if key == -8]
    vectors = drawn[ensembles[:2]]
    assert len(vectors) == 2
    recipe = TrainingRecipe(steps=20)
    # Chunks of one size: one program, not two.
    together = train(SPACE, vectors, wine, recipe, seed=0, chunk_for=2)
    alone = train(SPACE, vectors[::2], wine, recipe, seed=0, chunk_for=2)
    np.testing.assert_allclose(alone.loss, np.asarray(together.loss)[::2], rtol=1e-3, atol=1e-4)
