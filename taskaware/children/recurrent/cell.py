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
    values = jnp.zeros((0, *before.hidden.shape))
    memory = jnp.zeros_like(before.memory)
    for nodes in levels(base):
        numbers = jnp.arange(nodes.start, nodes.stop)
        if not nodes.start:
            pair = (given, own)
        else:
            inner = values[2 * (nodes.start - base) : 2 * (nodes.stop - base)]
            pair = (inner[::2], inner[1::2])
        made = _combined(cell.combinations[nodes.start : nodes.stop], *pair)
        memory += jnp.where(_each(cell.memory == numbers), made, 0.0).sum(0)
        value = _activated(cell.activations[nodes.start : nodes.stop], made)
        joining = _combined(cell.combinations[-1:], value, before.memory[None])
        joined = _activated(cell.activations[-1:], joining)
        values = jnp.concatenate([values, jnp.where(_each(cell.joined == numbers), joined, value)])
    return Memory(values[-1], memory)


def levels(base: int) -> list[range]:
    """The nodes of a tree in groups, each of which needs none but those before; few groups compile quickly.

    >>> levels(8)
    [range(0, 8), range(8, 12), range(12, 14), range(14, 15)]
    """
    found = [range(base)]
    while (start := found[-1].stop) < 2 * base - 1:
        found.append(range(start, base + start // 2))
    return found


def _each(which: Array) -> Array:
    """A number for each node as one for each of its values."""
    return which[:, None, None]


def _combined(which: Int[Array, " m"], left: Array, right: Array) -> Array:
    right = jnp.broadcast_to(right, left.shape)
    return _chosen(which, left + right, left * right, jnp.maximum(left, right))


def _activated(which: Int[Array, " m"], value: Array) -> Array:
    made = (value, jnp.tanh(value), jax.nn.sigmoid(value), jax.nn.relu(value), jnp.sin(value))
    return _chosen(which, *made)


def _chosen(which: Int[Array, " m"], *made: Array) -> Array:
    return jax.lax.select_n(jnp.broadcast_to(_each(which), made[0].shape), *made)
