"""Random changes of training images, or series as images one pixel wide: a shift, a mirror image, a hole."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

MARGIN = 8
"""A crop is shifted by a side / MARGIN at most (published for CIFAR-10: 4 of 32 pixels)."""


def cropped(key: Array, image: Float[Array, "h w c"]) -> Float[Array, "h w c"]:
    """The image, padded with zeros and cut to its size at a random place."""
    most = max(1, image.shape[0] // MARGIN)
    across = most if image.shape[1] > 1 else 0
    room = jnp.pad(image, ((most, most), (across, across), (0, 0)))
    down, right = jax.random.randint(key, (2,), 0, 2 * jnp.array([most, across]) + 1)
    return jax.lax.dynamic_slice(room, (down, right, 0), image.shape)


def flipped(key: Array, image: Float[Array, "h w c"]) -> Float[Array, "h w c"]:
    """The image, or its mirror image, left and right exchanged."""
    return jnp.where(jax.random.bernoulli(key), image[:, ::-1], image)


def cut_out(key: Array, image: Float[Array, "h w c"]) -> Float[Array, "h w c"]:
    """The image with a square of half its side at 0, the mean (DeVries & Taylor 2017); it may stick out."""
    middles = jax.random.randint(key, (2,), 0, jnp.array(image.shape[:2]))
    down, right = (
        jnp.abs(jnp.arange(side) - middle) < max(1, side // 4)
        for side, middle in zip(image.shape[:2], middles, strict=True)
    )
    return jnp.where((down[:, None] & right[None])[:, :, None], 0.0, image)


CHANGES: dict[str, Callable] = {"crop": cropped, "flip": flipped, "cutout": cut_out}
"""Name of a change → function of (key, image)."""


def augmented(key: Array, images: Float[Array, "n h w c"], names: tuple[str, ...]) -> Float[Array, "n h w c"]:
    """The images after random changes, each with its own draws.

    Args:
        key: of the draws.
        images: standardised pixels.
        names: keys of CHANGES, in order.
    """
    for number, name in enumerate(names):
        keys = jax.random.split(jax.random.fold_in(key, number), len(images))
        images = jax.vmap(CHANGES[name])(keys, images)
    return images
