"""The feature generators: sets have no order, and what is padded is not there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaware.errors import UserError
from taskaware.modalities.tables.samples import Samples
from taskaware.surrogates.generator import GENERATORS, generator_named
from taskaware.surrogates.learning import first_weights


def drawn(seed, rows=6, columns=4, outputs=3, pad=0):
    """Made-up samples; `pad` more of everything, filled with what must not be read."""
    rng = np.random.default_rng(seed)
    x = np.full((rows + pad, columns + pad), 9.0, np.float32)
    y = np.full((rows + pad, outputs + pad), 9.0, np.float32)
    x[:rows, :columns] = rng.normal(size=(rows, columns))
    y[:rows, :outputs] = rng.normal(size=(rows, outputs))
    return Samples(x, y, *(np.arange(count + pad) < count for count in (rows, columns, outputs)))


def turned(samples, rows=None, columns=None, outputs=None):
    rows, columns, outputs = (
        np.arange(len(there)) if order is None else order
        for order, there in zip((rows, columns, outputs), samples[2:], strict=True)
    )
    x, y = samples.x[rows][:, columns], samples.y[rows][:, outputs]
    return Samples(x, y, samples.rows[rows], samples.columns[columns], samples.outputs[outputs])


@pytest.fixture(scope="module")
def apply():
    """A function: the name of a generator and samples → the vector, with weights of seed 0."""
    compiled = {name: jax.jit(module.apply) for name, module in GENERATORS.items()}

    def applied(name, samples):
        module, rng = generator_named(name), np.random.default_rng(0)
        params = first_weights(rng, lambda key: module.init(key, samples))
        return np.asarray(compiled[name]({"params": params}, samples))

    return applied


@settings(max_examples=20)
@given(
    st.integers(0, 2**32 - 1), st.permutations(range(6)), st.permutations(range(4)), st.permutations(range(3))
)
def test_dataset2vec_knows_no_order(apply, seed, rows, columns, outputs):
    samples = drawn(seed)
    same = apply("dataset2vec", turned(samples, rows, columns, outputs))
    np.testing.assert_allclose(same, apply("dataset2vec", samples), rtol=1e-4, atol=1e-5)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.permutations(range(6)))
def test_the_published_generator_knows_no_order_of_rows(apply, seed, rows):
    samples = drawn(seed)
    np.testing.assert_allclose(
        apply("published", turned(samples, rows)), apply("published", samples), rtol=1e-4, atol=1e-5
    )


def test_the_published_generator_minds_the_places_of_columns(apply):
    samples = drawn(0)
    other = apply("published", turned(samples, columns=[1, 0, 2, 3]))
    assert np.abs(other - apply("published", samples)).max() > 1e-2


def test_which_value_belongs_to_which_target_is_seen(apply):
    """The same columns and the same targets, but not in the same rows."""
    samples = drawn(0)
    mixed = samples._replace(y=samples.y[[1, 2, 3, 4, 5, 0]])
    for name in GENERATORS:
        assert np.abs(apply(name, mixed) - apply(name, samples)).max() > 1e-3


def test_what_is_padded_is_not_read(apply):
    np.testing.assert_allclose(
        apply("dataset2vec", drawn(0, pad=5)), apply("dataset2vec", drawn(0)), rtol=1e-4, atol=1e-5
    )
    rows = drawn(0)
    longer = rows._replace(
        x=np.vstack([rows.x, np.full((3, 4), 9, np.float32)]),
        y=np.vstack([rows.y, np.full((3, 3), 9, np.float32)]),
        rows=np.arange(9) < 6,
    )
    np.testing.assert_allclose(apply("published", longer), apply("published", rows), rtol=1e-4, atol=1e-5)


def test_the_published_generator_is_two_layers_of_fifty():
    samples = drawn(0)
    module = generator_named("published")
    params = jax.tree.map(np.asarray, module.init(jax.random.key(0), samples))["params"]
    hidden = np.hstack([samples.x, samples.y])
    for name in ("Dense_0", "Dense_1"):
        hidden = np.maximum(hidden @ params[name]["kernel"] + params[name]["bias"], 0)
    assert hidden.shape == (6, 50)
    np.testing.assert_allclose(
        module.apply({"params": params}, samples), hidden.mean(0), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", GENERATORS)
def test_a_task_without_rows_is_finite_and_has_a_finite_gradient(name):
    empty = jax.tree.map(np.zeros_like, drawn(0))
    module = generator_named(name)
    params = jax.jit(module.init)(jax.random.key(0), empty)

    def total(params):
        return jnp.sum(module.apply(params, empty))

    leaves = jax.tree.leaves(jax.jit(jax.value_and_grad(total))(params))
    assert all(np.isfinite(leaf).all() for leaf in leaves)
    assert leaves[0].dtype == jnp.float32


def test_unknown_generator_is_refused():
    with pytest.raises(
        UserError, match="Unknown feature generator 'dataset2vek'. Did you mean 'dataset2vec'"
    ):
        generator_named("dataset2vek")
