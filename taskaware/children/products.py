"""The products of rows and weights in a training step: in bfloat16 where the processor is faster with it."""

import functools
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray

Product = Callable[[EitherArray, Array], Array]
"""(rows (..., D), weights (D, F)) → (..., F)."""

PROCESSOR = Path("/proc/cpuinfo")
FAST = "amx_bf16"
"""What Linux calls a processor's unit for products of bfloat16."""


def rounds_products() -> bool:
    """Whether trainings of many candidates round the factors of products: on a CPU that is faster with it.

    A precision that the user gave JAX ($JAX_DEFAULT_MATMUL_PRECISION, for instance "float32") is kept.
    """
    chosen = jax.default_matmul_precision.value
    return chosen is None and jax.default_backend() == "cpu" and has_fast_bfloat16()


@functools.cache
def has_fast_bfloat16() -> bool:
    """Whether the processor has a unit for products of bfloat16 (AMX); False where that is not known."""
    try:
        return FAST in PROCESSOR.read_text().split()
    except OSError:
        return False


def rounded_product(rows: Float[EitherArray, "*n D"], weights: Float[Array, "D F"]) -> Float[Array, "*n F"]:
    """rows @ weights, and its gradients, with factors rounded to bfloat16 and sums in float32.

    Numbers that are not of float32 are not rounded.
    """
    if rows.dtype != jnp.float32 or weights.dtype != jnp.float32:
        return jnp.matmul(rows, weights)
    return _product(rows.reshape(-1, rows.shape[-1]), weights).reshape(*rows.shape[:-1], -1)


@jax.custom_vjp
def _product(rows: Array, weights: Array) -> Array:
    return _forward(rows, weights)[0]


def _forward(rows: Array, weights: Array) -> tuple[Array, tuple[Array, Array]]:
    rounded = rows.astype(jnp.bfloat16), weights.astype(jnp.bfloat16)
    return _contracted(*rounded, 0), rounded


def _backward(rounded: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    rows, weights = rounded
    given = gradient.astype(jnp.bfloat16)
    return _contracted(given, weights, 1), _contracted(rows.T, given, 0)


def _contracted(first: Array, other: Array, axis: int) -> Array:
    """The product over the last axis of one and an axis of the other, summed in float32.

    XLA is fast for this form only, and its other forms of mixed types may fail. The barriers keep it from
    joining transpositions with the product.
    """
    first, other = jax.lax.optimization_barrier((first, other))
    terms = (((first.ndim - 1,), (axis,)), ((), ()))
    return jax.lax.optimization_barrier(
        jax.lax.dot_general(first, other, terms, preferred_element_type=jnp.float32)
    )


_product.defvjp(_forward, _backward)
