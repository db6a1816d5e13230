"""A convolution that is computed at the size of its filter, though its kernel has the largest size."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

LAYOUT = ("NHWC", "HWIO", "NHWC")


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def convolved(sizes: tuple[int, ...], chosen: Array, x: Array, kernel: Array) -> Array:
    """A convolution of the chosen size, padded, with stride 1; 0 of none.

    Its gradient keeps nothing for the other sizes.

    Args:
        sizes: sides of filters, odd, ascending.
        chosen: 1 for the first of them, and so on; 0 for no convolution, ().
        x: images, (n, h, w, c).
        kernel: of the largest size, (k, k, c, F); a smaller filter is its middle.
    """
    return jax.lax.switch(chosen, [functools.partial(_of_size, size) for size in (0, *sizes)], x, kernel)


def _forward(sizes: tuple[int, ...], chosen: Array, x: Array, kernel: Array) -> tuple:
    return convolved(sizes, chosen, x, kernel), (chosen, x, kernel)


def _backward(sizes: tuple[int, ...], kept: tuple, change: Array) -> tuple:
    chosen, x, kernel = kept
    branches = [functools.partial(_gradients, size) for size in (0, *sizes)]
    return (None, *jax.lax.switch(chosen, branches, change, x, kernel))


convolved.defvjp(_forward, _backward)


def _of_size(size: int, x: Float[Array, "n h w c"], kernel: Float[Array, "k k c F"]) -> Array:
    if not size:
        return jnp.zeros((*x.shape[:-1], kernel.shape[-1]))
    edge = (len(kernel) - size) // 2
    return _convolution(x, kernel[edge : edge + size, edge : edge + size], size // 2)


def _gradients(size: int, change: Array, x: Array, kernel: Array) -> tuple[Array, Array]:
    """Of the images and of the kernel.

    Both are plain convolutions: those that JAX derives have other layouts, which a processor computes some
    twenty times slower inside a loop or a branch.
    """
    if not size:
        return jnp.zeros_like(x), jnp.zeros_like(kernel)
    edge = (len(kernel) - size) // 2
    used = kernel[edge : edge + size, edge : edge + size]
    of_images = _convolution(change, used[::-1, ::-1].transpose(0, 1, 3, 2), size // 2)
    of_kernel = _convolution(x.transpose(3, 1, 2, 0), change.transpose(1, 2, 0, 3), size // 2)
    room = ((edge, edge), (edge, edge), (0, 0), (0, 0))
    return of_images, jnp.pad(of_kernel.transpose(1, 2, 0, 3), room)


def _convolution(x: Array, kernel: Float[Array, "h w c F"], edge: int) -> Array:
    edges = ((edge, edge), (edge, edge))
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), edges, dimension_numbers=LAYOUT)
