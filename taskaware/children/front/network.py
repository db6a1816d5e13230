"""The Flax network of a point of `FrontSpace`: its architecture is numbers beside the input, not code.

So one program serves all networks whose dense layers have one width.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.children.convolution import convolved
from taskaware.children.mixture.network import ACTIVATIONS, Columns, Inputs, MixtureNetwork
from taskaware.children.mixture.network import Wiring as DenseWiring
from taskaware.spaces import FrontSpace
from taskaware.spaces.front import Shares


class Wiring(NamedTuple):
    """How a network mixes.

    Attributes:
        shares: of its convolutions.
        fan_in: numbers that feed a filter of each convolution, weighed by the square of what the shares
            leave of them, (*b, L); sets the scale of the initial weights.
        active: columns of the dense layers that are not always 0, (*b,).
        dense: of the dense layers.
    """

    shares: Shares
    fan_in: Float[Array, "*b L"]
    active: Float[Array, "*b"]
    dense: DenseWiring


def wiring(space: FrontSpace, shares: Shares, dense: DenseWiring) -> Wiring:
    """The wiring of one network.

    Args:
        space: of the network.
        shares: of its convolutions.
        dense: of its dense layers.
    """
    # Channels in use: those of the image, until the first convolution that is there.
    used = jnp.cumsum(shares.presence > 0) > 0
    channels = jnp.where(jnp.append(False, used), float(space.filters), float(space.channels))
    taps = jnp.sum(jnp.square(kernel_gains(space, shares.kernel)), axis=(-2, -1))
    return Wiring(shares, channels[:-1] * taps, channels[-1] * space.sides[-1] ** 2, dense)


def kernel_gains(space: FrontSpace, shares: Float[Array, "*b K"]) -> Float[Array, "*b k k"]:
    """What is left of each place of the largest kernel: the sum of the shares of the kernels that have it.

    Args:
        space: of the network.
        shares: of the kernel sizes in a convolution.
    """
    away = np.abs(np.arange(space.kernels[-1]) - space.kernels[-1] // 2)
    apart = np.maximum(away[:, None], away[None])
    masks = np.array([apart <= size // 2 for size in space.kernels], np.float32)
    return jnp.einsum("...k,kij->...ij", shares, masks)


class FrontNetwork(nn.Module):
    """One network of the space, its dense layers computed at a given width.

    Attributes:
        space: the space it belongs to.
        width, outputs, members: see `MixtureNetwork`.
    """

    space: FrontSpace
    width: int
    outputs: int
    members: int = 1

    def setup(self) -> None:
        self.dense = MixtureNetwork(self.space.dense, self.width, self.outputs, self.members)
        # All weights stand side by side, as those of a mixture.
        nn.share_scope(self, self.dense)

    @nn.compact
    def __call__(
        self, x: Inputs, columns: Columns | None, wired: Wiring, dropout_key: Array | None = None
    ) -> Float[Array, "*k n K"]:
        """Outputs of a batch of n images; those of each of k members where there are several.

        Args:
            x: the pixels, row by row, as its numbers.
            columns: not used: all numbers are pixels.
            wired: the architecture.
            dropout_key: key of the dropped units; None computes without dropout.
        """
        hidden = images_of(self.space, x)
        kernels = self.param("convolution_kernel", self._kernels, wired)
        for layer in range(self.space.layers):
            hidden = self._advance(layer, kernels[layer, :, :, : hidden.shape[-1]], hidden, wired)
        # Not by `len`: rows of an exported function have no number.
        count = hidden.shape[0]
        features = Inputs(hidden.reshape(count, self.space.columns), jnp.zeros((count, 0)))
        meaning = Columns(jnp.zeros(self.space.columns, jnp.int32), wired.active[None])
        return self.dense(features, meaning, wired.dense, dropout_key)

    def _kernels(self, key: Array, wired: Wiring) -> Float[Array, "L k k F F"]:
        """First kernels of all convolutions; of the first one, only some channels are used.

        In one draw: each draw of its own takes seconds to compile.
        """
        size, filters = self.space.kernels[-1], self.space.filters
        drawn = jax.random.normal(key, (self.space.layers, size, size, filters, filters))
        return drawn * jnp.sqrt(2 / wired.fan_in)[:, None, None, None, None]

    def _advance(self, layer: int, kernel: Array, hidden: Array, wired: Wiring) -> Array:
        """The images after a convolution, halved where the space says so."""
        mixed = self._mixed(layer, kernel, hidden, wired)
        room = ((0, 0), (0, 0), (0, 0), (0, self.space.filters - hidden.shape[-1]))
        presence = wired.shares.presence[layer]
        hidden = presence * mixed + (1 - presence) * jnp.pad(hidden, room)
        return halved(hidden) if self.space.sides[layer + 1] < self.space.sides[layer] else hidden

    def _mixed(self, layer: int, kernel: Array, hidden: Array, wired: Wiring) -> Array:
        """A convolution under its activations."""
        kernels, own = self.space.kernels, wired.shares.kernel[layer]
        bias = self.param(f"convolution{layer}_bias", nn.initializers.zeros, (self.space.filters,))
        sizes, chosen = kernels[-1:], jnp.int32(1)
        if jax.default_backend() == "cpu":
            # Candidates run one by one there, so each computes no more than its largest kernel.
            largest = 1 + jnp.max(jnp.where(own > 0, jnp.arange(len(kernels)), 0))
            sizes, chosen = kernels, jnp.where(wired.shares.presence[layer] > 0, largest, 0)
        gains = kernel_gains(self.space, own)[:, :, None, None]
        before = convolved(sizes, chosen, hidden, kernel * gains) + bias[None, None, None]
        named = zip(self.space.activations, wired.shares.activation[layer], strict=True)
        parts = [share * ACTIVATIONS[name](before) for name, share in named]
        return jnp.stack(parts).sum(0)


def images_of(space: FrontSpace, x: Inputs) -> Float[Array, "n side side c"]:
    """Rows as images.

    Args:
        space: says their size.
        x: pixels as numbers, and padding behind them.
    """
    shape = (space.side, space.side, space.channels)
    return jnp.asarray(x.numbers)[:, : int(np.prod(shape))].reshape(x.numbers.shape[0], *shape)


def halved(images: Float[Array, "n h w c"]) -> Float[Array, "n _ _ c"]:
    """The mean of each 2x2 pixels; both sides are even."""
    count, height, width, channels = images.shape
    return images.reshape(count, height // 2, 2, width // 2, 2, channels).mean((2, 4))
