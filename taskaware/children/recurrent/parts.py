"""The parts of a recurrent cell in Flax; `source` copies their text, so they need nothing of taskaware."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def first_weights(key: Array, shape: tuple[int, ...], dtype=jnp.float32) -> Array:
    """Uniform between -0.08 and 0.08, as JAX calls it.

    Args:
        key: of the draws.
        shape: of the weights.
        dtype: of the weights.
    """
    return jax.random.uniform(key, shape, dtype, -0.08, 0.08)


def products(x: Float[Array, "*n I"], leaves: int, units: int, bias: bool, name: str) -> list[Array]:
    """A product with weights of its own for each leaf.

    Args:
        x: the input, or the last hidden state.
        leaves: number of products.
        units: of each.
        bias: whether a bias is added.
        name: of the weights.
    """
    dense = nn.Dense(leaves * units, use_bias=bias, kernel_init=first_weights, name=name)
    return jnp.split(dense(x), leaves, axis=-1)
