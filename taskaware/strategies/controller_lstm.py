"""A controller of LSTM layers, as published: Zoph & Le 2017, section 3."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from taskaware.strategies.controller import Controller, uniform

Memory = tuple[Array, Array]
"""Cell and output of the step before, (H,) each."""


class LSTMController(Controller):
    """See `Controller`. What there is to know of the task is the first output of the first layer."""

    def set_up_layers(self) -> None:
        """See `Controller.set_up_layers`."""
        # Both inputs and all four gates of a layer in one product, which is quicker than `nn.LSTMCell`.
        self.kernel = self.param("kernel", uniform, (self.layers, 2 * self.units, 4 * self.units))
        self.shift = self.param("shift", uniform, (self.layers, 4 * self.units))

    def begun(self, token: Float[Array, " H"] | None) -> list[Memory]:
        """See `Controller.begun`."""
        memories = [(jnp.zeros(self.units), jnp.zeros(self.units)) for _ in range(self.layers)]
        if token is not None:
            memories[0] = (memories[0][0], token)
        return memories

    def read(
        self, memory: list[Memory], place: Int[Array, ""], hidden: Float[Array, " H"]
    ) -> tuple[list[Memory], Array]:
        """See `Controller.read`.

        Args:
            memory, place, hidden: see there.
        """
        kept = []
        for layer, each in enumerate(memory):
            each, hidden = lstm(self.kernel[layer], self.shift[layer], each, hidden)
            kept.append(each)
        return kept, hidden


def lstm(
    kernel: Float[Array, "I G"], shift: Float[Array, " G"], memory: tuple[Array, Array], hidden: Array
) -> tuple[tuple[Array, Array], Array]:
    """One step of an LSTM layer of H units.

    Args:
        kernel: (inputs + H, 4 H); the gates are input, forget, cell and output.
        shift: of the gates.
        memory: cell and output of the step before, (H,) each.
        hidden: the input.

    Returns:
        The memory, and the output.
    """
    gates = jnp.concatenate([hidden, memory[1]]) @ kernel + shift
    enter, forget, new, leave = jnp.split(gates, 4)
    cell = jax.nn.sigmoid(forget) * memory[0] + jax.nn.sigmoid(enter) * jnp.tanh(new)
    output = jax.nn.sigmoid(leave) * jnp.tanh(cell)
    return (cell, output), output
