"""Random changes of training images: a shift, a mirror image, a hole."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

MARGIN = 8
"""A crop is shifted by a side / MARGIN at most (published for CIFAR-10: 4 of 32 pixels)."""


def cropped(key: Array, image: Float[Array, "h w c"]) -> Float[Array, "h w c"]:
    """The image, padded with zeros and cut to its size at a random place."""
    most = max(1, image.shape[0] // MARGIN)
    room = jnp.pad(image, ((most, most), (most, most), (0, 0)))
    down, right = jax.random.randint(key, (2,), 0, 2 * most + 1)
    return jax.lax.dynamic_slice(room, (down, right, 0), image.shape)


def flipped(key: Array, image: Float[Array, "h w c"]) -> Float[Array, "h w c"]:
    """The image, or its mirror image, left and right exchanged."""
    return jnp.where(jax.random.bernoulli(key), image[:, ::-1], image)


def cut_out(key: Array, image: Float[Array, "h w c"]) -> Float[Array, "h w c"]:
    """The image with a square of half its side at 0, the mean (DeVries & Taylor 2017); it may stick out."""
    side = image.shape[0]
    middle = jax.random.randint(key, (2, 1), 0, side)
    down, right = jnp.abs(jnp.arange(side)[None] - middle) < max(1, side // 4)
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
