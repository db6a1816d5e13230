"""One program for all recurrent cells of a base number: which functions run is data, not code."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from taskaware.spaces import RecurrentCellSpace
from taskaware.spaces.recurrent_cells import ACTIVATIONS, COMBINATIONS


class Coded(NamedTuple):
    """A cell as numbers, as a program reads it; N nodes, and last of both lists how the memory joins.

    Attributes:
        combinations: places in COMBINATIONS, (N + 1,).
        activations: places in ACTIVATIONS, (N + 1,).
        joined: node that the memory joins.
        memory: node that gives the next memory.
        sound: 1, or NaN for a point that is none.
    """

    combinations: Int[Array, " N1"]
    activations: Int[Array, " N1"]
    joined: Int[Array, ""]
    memory: Int[Array, ""]
    sound: Float[Array, ""]


class Kernels(NamedTuple):
    """Weights of a cell of base B with H units that reads I inputs.

    Attributes:
        inputs: (I, B, H).
        hidden: (H, B, H).
        bias: of the products with the input, (B, H).
    """

    inputs: Float[Array, "I B H"]
    hidden: Float[Array, "H B H"]
    bias: Float[Array, "B H"]


class Memory(NamedTuple):
    """What a cell hands to its next step: hidden state and memory, (n, H) each."""

    hidden: Float[Array, "n H"]
    memory: Float[Array, "n H"]


def coded(space: RecurrentCellSpace, point: Float[Array, " D"]) -> Coded:
    """The cell of a point as numbers."""
    sound = jnp.where(jnp.isfinite(point).all(), 1.0, jnp.nan)
    numbers = jnp.nan_to_num(point).astype(jnp.int32)
    labels = numbers[:-2].reshape(-1, 2)
    combinations = jnp.array([COMBINATIONS.index(name) for name in space.combinations])
    activations = jnp.array([ACTIVATIONS.index(name) for name in space.activations])
    return Coded(combinations[labels[:, 0]], activations[labels[:, 1]], numbers[-1], numbers[-2], sound)


def stepped(
    cell: Coded, kernels: Kernels, before: Memory, inputs: Float[Array, "n I"], kept: Array | float = 1.0
) -> Memory:
    """One step of a cell.

    Args:
        cell: the cell.
        kernels: its weights.
        before: what the step before handed on.
        inputs: of this step.
        kept: factor of the hidden state that the leaves read: a mask of dropout.
    """
    base = kernels.bias.shape[0]
    given = jnp.einsum("ni,ibh->bnh", inputs, kernels.inputs) + kernels.bias[:, None]
    own = jnp.einsum("nh,hbk->bnk", before.hidden * kept, kernels.hidden)
    values: list[Array] = []
    memory = jnp.zeros_like(before.memory)
    for node in range(2 * base - 1):
        inner = 2 * (node - base)
        pair = (given[node], own[node]) if node < base else (values[inner], values[inner + 1])
        made = _combined(cell.combinations[node], *pair)
        memory = jnp.where(cell.memory == node, made, memory)
        value = _activated(cell.activations[node], made)
        with_memory = _activated(cell.activations[-1], _combined(cell.combinations[-1], value, before.memory))
        values.append(jnp.where(cell.joined == node, with_memory, value))
    return Memory(values[-1], memory)


def _combined(which: Array, left: Array, right: Array) -> Array:
    return jax.lax.select_n(which, left + right, left * right, jnp.maximum(left, right))


def _activated(which: Array, value: Array) -> Array:
    made = (value, jnp.tanh(value), jax.nn.sigmoid(value), jax.nn.relu(value), jnp.sin(value))
    return jax.lax.select_n(which, *made)
