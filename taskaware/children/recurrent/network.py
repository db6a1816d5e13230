"""A recurrent cell as a Flax module, and the weights of the shared program as its own."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.children.recurrent.cell import Kernels
from taskaware.children.recurrent.parts import products
from taskaware.spaces import RecurrentCellSpace

COMBINED: dict[str, Callable] = {"add": jnp.add, "elem_mult": jnp.multiply, "max": jnp.maximum}
ACTIVATED: dict[str, Callable] = {
    "identity": lambda value: value,
    "tanh": nn.tanh,
    "sigmoid": nn.sigmoid,
    "relu": nn.relu,
    "sin": jnp.sin,
}

Carry = tuple[Array, Array]


class CellNetwork(nn.RNNCellBase):
    """The cell of a point, as Flax has others: `nn.RNN(cell)` runs it over sequences. See `cell_network`.

    Attributes:
        space: of the point.
        point: choice numbers, D of them.
        features: H, units.
    """

    space: RecurrentCellSpace
    point: tuple[int, ...]
    features: int

    @nn.compact
    def __call__(self, carry: Carry, inputs: Float[Array, "*n I"]) -> tuple[Carry, Float[Array, "*n H"]]:
        """One step.

        Args:
            carry: memory c and hidden state h of the step before, (*n, H) each.
            inputs: of this step.

        Returns:
            The next (c, h), and h once more.
        """
        cell = self.space.decode(np.array(self.point, np.float32))
        (c, h), base = carry, self.space.base
        given = products(inputs, base, self.features, True, "input")
        own = products(h, base, self.features, False, "hidden")
        values: list[Array] = []
        memory = c
        for number, node in enumerate(cell.nodes):
            inner = 2 * (number - base)
            pair = (given[number], own[number]) if number < base else values[inner : inner + 2]
            made = COMBINED[node.combination](*pair)
            memory = made if number == cell.memory else memory
            value = ACTIVATED[node.activation](made)
            if number == cell.joined:
                value = ACTIVATED[cell.inject.activation](COMBINED[cell.inject.combination](value, c))
            values.append(value)
        return (memory, values[-1]), values[-1]

    @nn.nowrap
    def initialize_carry(self, rng: Array, input_shape: tuple[int, ...]) -> Carry:
        """What a cell remembers before the first step: zeros.

        Args:
            rng: not used.
            input_shape: of the inputs of a step.
        """
        nothing = jnp.zeros((*input_shape[:-1], self.features))
        return nothing, nothing

    @property
    def num_feature_axes(self) -> int:
        """Axes of an input that are no batch."""
        return 1


def cell_network(space: RecurrentCellSpace, point: Float[EitherArray, " D"], features: int) -> CellNetwork:
    """The Flax module of a point.

    Args:
        space: of the point.
        point: choice numbers.
        features: H, units.
    """
    return CellNetwork(space, tuple(np.asarray(point).astype(int).tolist()), features)


def module_variables(kernels: Kernels) -> dict[str, Any]:
    """Weights of the shared program as those of `CellNetwork`, and of the code of `source`."""

    def flat(kernel: Float[Array, "I B H"]) -> Float[Array, "I BH"]:
        return jnp.reshape(kernel, (len(kernel), -1))

    given = {"kernel": flat(kernels.inputs), "bias": jnp.ravel(kernels.bias)}
    return {"params": {"input": given, "hidden": {"kernel": flat(kernels.hidden)}}}
