"""Products of training steps, in float32 or with rounded factors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.children import products
from taskaware.children.products import has_fast_bfloat16, rounded_product, rounds_products


def rounded(values) -> np.ndarray:
    return np.asarray(jnp.asarray(values).astype(jnp.bfloat16).astype(jnp.float32))


def drawn(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """A function that puts a processor with some flags in place of this machine's."""

    def replaced(flags: str | None) -> None:
        listed = tmp_path / "cpuinfo"
        if flags is not None:
            listed.write_text(f"processor\t: 0\nflags\t\t: fpu {flags} sse\n")
        monkeypatch.setattr(products, "PROCESSOR", listed)
        has_fast_bfloat16.cache_clear()

    yield replaced
    has_fast_bfloat16.cache_clear()


@pytest.mark.parametrize("flags, fast", [("amx_bf16", True), ("avx512_bf16 amx_tile", False), (None, False)])
def test_the_processor_decides(processor, flags, fast):
    processor(flags)
    assert has_fast_bfloat16() == fast
    assert rounds_products() == (fast and jax.default_backend() == "cpu")


def test_a_precision_that_the_user_chose_is_kept(processor):
    processor("amx_bf16")
    with jax.default_matmul_precision("float32"):
        assert not rounds_products()


@pytest.mark.parametrize(
    "shapes", [((5, 3), (3, 2)), ((1, 1), (1, 1)), ((2, 40, 130), (130, 64)), ((9, 16), (16, 1))]
)
def test_factors_are_rounded_and_sums_are_not(shapes):
    rows, weights = drawn(*shapes)
    given = jax.jit(rounded_product)(rows, weights)
    assert given.dtype == jnp.float32
    np.testing.assert_allclose(given, rounded(rows) @ rounded(weights), rtol=1e-5, atol=1e-5)
    if rows.shape[-1] > 1:
        assert (np.asarray(given) != rows @ weights).any()


def test_gradients_have_rounded_factors_too():
    """Of each candidate, as the trainer maps them: the rows shared, the weights its own."""
    rows, weights, pull = drawn((30, 24), (3, 24, 16), (3, 30, 16))

    def gradients(rows, weights, pull):
        return jax.grad(lambda *factors: (rounded_product(*factors) * pull).sum(), (0, 1))(rows, weights)

    by_rows, by_weights = jax.jit(jax.vmap(gradients, (None, 0, 0)))(rows, weights, pull)
    for mine, other, own, theirs in zip(by_rows, by_weights, weights, pull, strict=True):
        np.testing.assert_allclose(mine, rounded(theirs) @ rounded(own).T, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(other, rounded(rows).T @ rounded(theirs), rtol=1e-5, atol=1e-5)


def test_other_numbers_than_float32_are_not_rounded():
    rows, weights = drawn((4, 3), (3, 2))
    with jax.enable_x64(True):
        given = rounded_product(rows.astype(np.float64), jnp.asarray(weights, jnp.float64))
    np.testing.assert_allclose(given, rows.astype(np.float64) @ weights, rtol=1e-12)
