"""A controller of transformer layers, which read all earlier choices by causal attention.

Source: Vaswani et al. 2017 ("Attention Is All You Need"), with layer normalisation before each part.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from taskaware.strategies.controller import Controller

MOST_HEADS = 5
WIDER = 4
"""Units of the layer inside each block, over those of the block."""

Memory = tuple[Array, Array]
"""Keys and values of one layer at all places, (places, H) each; zeros where nothing was read."""


class TransformerController(Controller):
    """See `Controller`. What there is to know of the task is a token before the first choice.

    Attention has as many heads as divide the units, at most `MOST_HEADS`.
    """

    def set_up_layers(self) -> None:
        """See `Controller.set_up_layers`."""
        units, inside = self.units, WIDER * self.units
        self.attend = self.param("attend", _normal, (self.layers, units, 3 * units))
        self.mix = self.param("mix", _normal, (self.layers, units, units))
        self.widen = self.param("widen", _normal, (self.layers, units, inside))
        self.narrow = self.param("narrow", _normal, (self.layers, inside, units))
        self.scale = self.param("scale", _ones, (2 * self.layers + 1, units))

    def begun(self, token: Float[Array, " H"] | None) -> list[Memory]:
        """See `Controller.begun`."""
        places = len(self.space.decisions) + bool(self.context)
        empty = jnp.zeros((places, self.units))
        memory = [(empty, empty) for _ in range(self.layers)]
        return memory if token is None else self._block(memory, jnp.int32(0), token)[0]

    def read(
        self, memory: list[Memory], place: Int[Array, ""], hidden: Float[Array, " H"]
    ) -> tuple[list[Memory], Array]:
        """See `Controller.read`.

        Args:
            memory, place, hidden: see there.
        """
        return self._block(memory, place + bool(self.context), hidden)

    def _block(
        self, memory: list[Memory], place: Int[Array, ""], hidden: Float[Array, " H"]
    ) -> tuple[list[Memory], Array]:
        """All layers at one place, after what is in the memory."""
        kept = []
        for layer, (keys, values) in enumerate(memory):
            query, key, value = jnp.split(_scaled(hidden, self.scale[2 * layer]) @ self.attend[layer], 3)
            keys, values = keys.at[place].set(key), values.at[place].set(value)
            kept.append((keys, values))
            hidden += attended(query, keys, values, place, heads_of(self.units)) @ self.mix[layer]
            inside = jax.nn.gelu(_scaled(hidden, self.scale[2 * layer + 1]) @ self.widen[layer])
            hidden += inside @ self.narrow[layer]
        return kept, _scaled(hidden, self.scale[-1])


def attended(
    query: Float[Array, " H"],
    keys: Float[Array, "P H"],
    values: Float[Array, "P H"],
    place: Int[Array, ""],
    heads: int,
) -> Float[Array, " H"]:
    """What one place reads of itself and the places before.

    Args:
        query: of the place.
        keys, values: of all places; those behind `place` do not count.
        place: its number.
        heads: number of them; divides H.
    """
    query, keys, values = (each.reshape(*each.shape[:-1], heads, -1) for each in (query, keys, values))
    logits = jnp.einsum("hu,phu->hp", query, keys) / query.shape[-1] ** 0.5
    logits = jnp.where(jnp.arange(len(keys)) <= place, logits, -jnp.inf)
    return jnp.einsum("hp,phu->hu", jax.nn.softmax(logits), values).reshape(-1)


def heads_of(units: int) -> int:
    """Number of heads.

    >>> heads_of(35), heads_of(32), heads_of(7)
    (5, 4, 1)
    """
    return max(heads for heads in range(1, MOST_HEADS + 1) if units % heads == 0)


def _scaled(hidden: Float[Array, " H"], scale: Float[Array, " H"]) -> Float[Array, " H"]:
    """Layer normalisation."""
    centred = hidden - hidden.mean()
    return scale * centred / jnp.sqrt(jnp.square(centred).mean() + 1e-6)


def _normal(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """Weights by which outputs are as large as inputs."""
    return jax.random.normal(key, shape, dtype) * shape[-2] ** -0.5


def _ones(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    return jnp.ones(shape, dtype)
