"""The parts of a convolution chain in Flax; `source` copies their text, so they need nothing of taskaware."""

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float


def joined(inputs: Sequence[Float[Array, "n _ _ _"]]) -> Array:
    """Images, one behind the other; smaller ones are padded with zeros, below and on the right."""
    height, width = (max(x.shape[axis] for x in inputs) for axis in (1, 2))
    padded = [jnp.pad(x, ((0, 0), (0, height - x.shape[1]), (0, width - x.shape[2]), (0, 0))) for x in inputs]
    return jnp.concatenate(padded, axis=-1)


def convolved(
    x: Float[Array, "n h w c"],
    filters: int,
    size: tuple[int, int],
    strides: tuple[int, int],
    training: bool,
    name: str,
) -> Array:
    """A convolution, a batch normalisation (Ioffe & Szegedy 2015) and relu.

    Args:
        x: images.
        filters: channels after it.
        size: height and width of a filter.
        strides: down and to the right.
        training: whether the mean and variance are those of the batch, not the moving ones.
        name: of the weights.
    """
    edges = [(side // 2, side // 2) for side in size]
    x = nn.Conv(filters, size, strides, edges, use_bias=False, name=name)(x)
    norm = nn.BatchNorm(not training, momentum=0.9, epsilon=1e-5, name=f"{name}_norm")
    return nn.relu(norm(x))


def pooled(x: Float[Array, "n h w c"]) -> Array:
    """The largest of each 2x2 pixels."""
    return nn.max_pool(x, (2, 2), (2, 2), padding="SAME")
