"""Trained networks as one function of StableHLO, by `jax.export`."""

import jax
import jax.numpy as jnp

from taskaware.training.forward import Networks

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")


def program(networks: Networks, widths: tuple[int, int]) -> bytes:
    """The function from encoded rows to outputs, serialised; the weights are a part of it.

    It takes numbers (rows, D) and categories (rows, T), both float32, for any number of rows, and gives what
    `Networks` gives, (rows, K).

    Args:
        networks: trained.
        widths: D and T.
    """
    (rows,) = jax.export.symbolic_shape("rows")
    given = [jax.ShapeDtypeStruct((rows, width), jnp.float32) for width in widths]
    exported = jax.export.export(jax.jit(networks.traced), platforms=PLATFORMS)(*given)
    return bytes(exported.serialize())
