"""The Flax network of a point of `MixtureSpace`.

The architecture enters as numbers beside the input, not as code, so one program serves every network of
one width: `vmap` over the numbers trains many different architectures together.
"""

from typing import NamedTuple, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.arrays import EitherArray
from taskaware.spaces import MixtureSpace, Weights
from taskaware.spaces.mixture_presence import present_gamma

LEARNED_RANK = 16

ACTIVATIONS = {"relu": nn.relu, "tanh": nn.tanh}


class Wiring(NamedTuple):
    """How a network mixes, in the form that `MixtureNetwork` multiplies with.

    Attributes:
        alpha: share of each baseline in each layer, (*b, L, P).
        beta: presence of each layer, (*b, L).
        gamma: share of each embedding, (*b, E).
        fan_in: units that feed each layer and the output, (*b, L + 1); sets the scale of the initial weights.
        dropout: probability of dropping a unit, (*b,).
    """

    alpha: Float[Array, "*b L P"]
    beta: Float[Array, "*b L"]
    gamma: Float[Array, "*b E"]
    fan_in: Float[Array, "*b L1"]
    dropout: Float[Array, "*b"]


class Inputs(NamedTuple):
    """Rows as a network reads them: embedded columns side by side, padding included.

    Attributes:
        numbers: columns of the numeric embeddings, (n, D).
        categories: one-hot columns, (n, T).
    """

    numbers: Float[Array | np.ndarray, "n D"]
    categories: Float[Array | np.ndarray, "n T"]


class Columns(NamedTuple):
    """Meaning of the columns of `Inputs`.

    Attributes:
        block: embedding of each numeric column, index into `space.embedding_names`, or the number of
            embeddings where the column is padding, (D,).
        active: columns of each embedding that are not 0 at once; sets the scale of the initial weights, (E,).
    """

    block: Int[Array, " D"]
    active: Float[Array, " E"]


def wiring(space: MixtureSpace, weights: Weights, width: int, dropout: Float[Array, "*b"]) -> Wiring:
    """The wiring of networks.

    Args:
        space: of the networks.
        weights: shares and presences of each network, batched (*b, ...).
        width: largest number of units in a layer.
        dropout: probability for each network, (*b,).
    """
    sizes = jnp.array([size for size, _ in space.baselines], jnp.float32)
    used = jnp.where(weights.alpha > 0, sizes, 0.0).max(-1)
    fed = [jnp.full(used.shape[:-1], float(width))]
    for layer in range(space.layers):
        present, own = weights.beta[..., layer], used[..., layer]
        # A partly bypassed layer outputs the units of the layer before it, too.
        both = jnp.where(present < 1, jnp.maximum(own, fed[-1]), own)
        fed.append(jnp.where(present > 0, both, fed[-1]))
    return Wiring(weights.alpha, weights.beta, weights.gamma, jnp.stack(fed, axis=-1), dropout)


class MixtureNetwork(nn.Module):
    """One network of the space, computed at a given width.

    Attributes:
        space: the space it belongs to.
        width: W, at least the widest size in use.
        outputs: K, number of outputs.
    """

    space: MixtureSpace
    width: int
    outputs: int

    @nn.compact
    def __call__(
        self, x: Inputs, columns: Columns, wired: Wiring, dropout_key: Array | None = None
    ) -> Float[Array, "n K"]:
        """Outputs of a batch of n rows.

        Args:
            x: the rows.
            columns: meaning of its columns.
            wired: the architecture.
            dropout_key: key of the dropped units; None computes without dropout.
        """
        hidden = self._embed(x, columns, wired)
        for layer in range(self.space.layers):
            mixed = self._layer(layer, hidden, wired)
            if dropout_key is not None:
                mixed = mixed * _kept(jax.random.fold_in(dropout_key, layer), mixed.shape, wired.dropout)
            hidden = wired.beta[layer] * mixed + (1 - wired.beta[layer]) * hidden
        return self._dense("output", hidden, self.outputs, (1 / wired.fan_in[-1]) ** 0.5)

    def _embed(self, x: Inputs, columns: Columns, wired: Wiring) -> Array:
        """The mixed embedding: every fixed one through a linear map, the learned one through two."""
        names = self.space.embedding_names
        gamma = present_gamma(self.space, wired.gamma, columns.active > 0, jnp)
        scale = 1 / jnp.sqrt(jnp.maximum(columns.active, 1.0))
        hidden = self.param("embedding_bias", nn.initializers.zeros, (self.width,))[None]
        if x.numbers.shape[-1]:
            spread = jnp.append(scale, 0.0)[columns.block]
            kernel = self.param("number_kernel", _normal(spread[:, None]), (len(spread), self.width))
            hidden += x.numbers @ (kernel * jnp.append(gamma, 0.0)[columns.block][:, None])
        if x.categories.shape[-1]:
            one_hot, learned, count = names.index("one_hot"), names.index("learned"), x.categories.shape[-1]
            kernel = self.param("category_kernel", _normal(scale[one_hot]), (count, self.width))
            vectors = self.param("category_vectors", _normal(scale[one_hot]), (count, LEARNED_RANK))
            spread = self.param("vector_kernel", _normal(LEARNED_RANK**-0.5), (LEARNED_RANK, self.width))
            hidden += x.categories @ (kernel * gamma[one_hot])
            hidden += gamma[learned] * (x.categories @ vectors) @ spread
        return hidden

    def _layer(self, layer: int, hidden: Array, wired: Wiring) -> Array:
        scale = (2 / wired.fan_in[layer]) ** 0.5
        if self.space.shared_weights:
            before = self._dense(f"layer{layer}", hidden, self.width, scale)
            return self._shared(before, wired.alpha[layer])
        fitting = [size for size, _ in self.space.baselines if size <= self.width]
        before = self._dense(f"layer{layer}", hidden, sum(fitting), scale)
        return self._separate(before, wired.alpha[layer])

    def _dense(self, name: str, hidden: Array, features: int, scale: Array) -> Array:
        kernel = self.param(f"{name}_kernel", _normal(scale), (hidden.shape[-1], features))
        return hidden @ kernel + self.param(f"{name}_bias", nn.initializers.zeros, (features,))[None]

    def _shared(self, before: Array, alpha: Array) -> Array:
        """Baselines that are the leading columns of one matrix: a gain for each unit and activation."""
        gains = unit_gains(self.space, alpha, self.width)
        shares = (ACTIVATIONS[name](before) * gains[a, None] for a, name in enumerate(self.space.activations))
        return cast(Array, sum(shares))

    def _separate(self, before: Array, alpha: Array) -> Array:
        """Baselines with weights of their own, each zero-padded to the width."""
        total, start = jnp.zeros((*before.shape[:-1], self.width)), 0
        for i, (size, name) in enumerate(self.space.baselines):
            if size <= self.width:
                after = ACTIVATIONS[name](before[..., start : start + size])
                total = total.at[..., :size].add(alpha[i] * after)
                start += size
        return total


def _kept(key: Array, shape: tuple, probability: Array) -> Array:
    """Factor of each unit, 0 where it is dropped; the same draw serves every candidate.

    Bytes are drawn, not floats: a quarter of the work, with the probability exact to 1/256.
    """
    dropped = jnp.round(probability * 256)
    drawn = jax.random.bits(key, shape, jnp.uint8).astype(jnp.float32)
    return (drawn >= dropped) * (256 / (256 - dropped))


def unit_gains(space: MixtureSpace, alpha: Float[EitherArray, " P"], width: int) -> Float[Array, "A W"]:
    """Gain of each unit under each activation, where the baselines share one matrix.

    Unit c belongs to every baseline larger than c, so its gain is the sum of their shares.

    Args:
        space: of the network.
        alpha: share of each baseline in one layer.
        width: W, number of units.
    """
    covers = np.array(
        [
            [[size > c and name == activation for c in range(width)] for size, name in space.baselines]
            for activation in space.activations
        ],
        np.float32,
    )
    return jnp.einsum("apw,p->aw", covers, alpha)


def _normal(scale: float | Array):
    """Initializer of normal weights; the scale may differ by row."""
    return lambda key, shape: scale * jax.random.normal(key, shape)
