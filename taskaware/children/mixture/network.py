"""The Flax network of a point of `MixtureSpace`.

The architecture enters as numbers beside the input, not as code, so one program serves every network of
one width: `vmap` over the numbers trains many different architectures together.
"""

from collections.abc import Callable
from typing import NamedTuple, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.arrays import EitherArray
from taskaware.children.mixture.presence import LEARNED_RANK
from taskaware.children.products import Product, rounded_product
from taskaware.spaces import MixtureSpace, Weights
from taskaware.spaces.mixture_presence import present_gamma

VARIANCE = 1e-5
"""Added to variances before they divide."""


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    **{"relu": nn.relu, "tanh": nn.tanh, "silu": nn.silu, "selu": nn.selu},
    "mish": jax.nn.mish,
}


class Gates(NamedTuple):
    """Shares by which further parts are there; None where the space has no such gate.

    Attributes:
        residual: of a layer's input that is added to its output, beside what bypasses the layer, (*b,).
        normalisation: of each layer's and the output's input brought to mean 0 and variance 1, (*b,).
        scaling: of the learned factor of each input column, (*b,). Source: RealMLP (Holzmüller et al. 2024).
        ensemble: by which MEMBERS members differ, (*b,). Source: TabM (Gorishniy et al. 2025).
    """

    residual: Float[Array, "*b"] | None = None
    normalisation: Float[Array, "*b"] | None = None
    scaling: Float[Array, "*b"] | None = None
    ensemble: Float[Array, "*b"] | None = None


class Wiring(NamedTuple):
    """How a network mixes, in the form that `MixtureNetwork` multiplies with.

    Attributes:
        alpha: share of each baseline in each layer, (*b, L, P).
        beta: presence of each layer, (*b, L).
        gamma: share of each embedding, (*b, E).
        fan_in: units that feed each layer and the output, (*b, L + 1); sets the scale of the initial weights.
        dropout: probability of dropping a unit, (*b,).
        gates: of the network.
    """

    alpha: Float[Array, "*b L P"]
    beta: Float[Array, "*b L"]
    gamma: Float[Array, "*b E"]
    fan_in: Float[Array, "*b L1"]
    dropout: Float[Array, "*b"]
    gates: Gates = Gates()


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
    gates = gates_of(space, weights)
    added = _share(gates.residual)
    for layer in range(space.layers):
        present, own = weights.beta[..., layer], used[..., layer]
        # A layer that is bypassed in part outputs the units of the layer before it, too.
        both = jnp.where((present < 1) | (added > 0), jnp.maximum(own, fed[-1]), own)
        fed.append(jnp.where(present > 0, both, fed[-1]))
    return Wiring(weights.alpha, weights.beta, weights.gamma, jnp.stack(fed, axis=-1), dropout, gates)


def _share(gate: Array | None) -> Array:
    """The share of a gate; 0 where the space has none."""
    return jnp.zeros(()) if gate is None else gate


def gates_of(space: MixtureSpace, weights: Weights) -> Gates:
    """The gates that the space has, with the shares that networks give them."""
    named = {name: weights.recipe[..., place] for place, name in enumerate(space.coordinates)}
    return Gates(**{name: named[name] for name in Gates._fields if name in named})


class MixtureNetwork(nn.Module):
    """One network of the space, computed at a given width.

    Attributes:
        space: the space it belongs to.
        width: W, at least the widest size in use.
        outputs: K, number of outputs.
        members: k, of the ensemble; 1 where the gate is shut or there is none.
        rounded: whether training steps round the factors of their products, see `products`.
    """

    space: MixtureSpace
    width: int
    outputs: int
    members: int = 1
    rounded: bool = False

    @nn.compact
    def __call__(
        self, x: Inputs, columns: Columns, wired: Wiring, dropout_key: Array | None = None
    ) -> Float[Array, "*k n K"]:
        """Outputs of a batch of n rows; those of each of k members where there are several.

        Args:
            x: the rows.
            columns: meaning of its columns.
            wired: the architecture.
            dropout_key: key of the dropped units in a training step; None computes without dropout.
        """
        product = rounded_product if self.rounded and dropout_key is not None else jnp.matmul
        hidden = self._embed(x, columns, wired, product)
        if self.members > 1:
            signs = self.param("member_signs", random_signs, (self.members, 1, self.width))
            hidden = hidden[None] * (1 + _share(wired.gates.ensemble) * signs)
        for layer in range(self.space.layers):
            hidden = self._advance(layer, hidden, wired, product, dropout_key)
        return self._output(_normalised(hidden, wired.gates, wired.fan_in[-1]), wired)

    def _advance(
        self, layer: int, hidden: Array, wired: Wiring, product: Product, dropout_key: Array | None
    ) -> Array:
        """The units after a layer."""
        mixed = self._layer(layer, _normalised(hidden, wired.gates, wired.fan_in[layer]), wired, product)
        if dropout_key is not None:
            mixed = mixed * _kept(jax.random.fold_in(dropout_key, layer), mixed.shape, wired.dropout)
        bypass = 1 - wired.beta[layer]
        if wired.gates.residual is not None:
            bypass = bypass + wired.gates.residual * wired.beta[layer]
        return wired.beta[layer] * mixed + bypass * hidden

    def _embed(self, x: Inputs, columns: Columns, wired: Wiring, product: Product) -> Array:
        """The mixed embedding: every fixed one through a linear map, the learned one through two."""
        names = self.space.embedding_names
        gamma = present_gamma(self.space, wired.gamma, columns.active > 0, jnp)
        scale = 1 / jnp.sqrt(jnp.maximum(columns.active, 1.0))
        hidden = self._zeros("embedding_bias", (self.width,))[None]
        if x.numbers.shape[-1]:
            spread = jnp.append(scale, 0.0)[columns.block]
            kernel = self.param("number_kernel", _normal(spread[:, None]), (len(spread), self.width))
            share = self._scaled("number_scale", jnp.append(gamma, 0.0)[columns.block], wired)
            hidden += product(x.numbers, kernel * share[:, None])
        if x.categories.shape[-1]:
            one_hot, learned, count = names.index("one_hot"), names.index("learned"), x.categories.shape[-1]
            kernel = self.param("category_kernel", _normal(scale[one_hot]), (count, self.width))
            vectors = self.param("category_vectors", _normal(scale[one_hot]), (count, LEARNED_RANK))
            spread = self.param("vector_kernel", _normal(LEARNED_RANK**-0.5), (LEARNED_RANK, self.width))
            share = self._scaled("category_scale", jnp.broadcast_to(gamma[one_hot], (count,)), wired)
            hidden += product(x.categories, kernel * share[:, None])
            hidden += gamma[learned] * (x.categories @ vectors) @ spread
        return hidden

    def _scaled(self, name: str, share: Array, wired: Wiring) -> Array:
        """The share of each column, times what is learned of it."""
        if wired.gates.scaling is None:
            return share
        return share * (1 + wired.gates.scaling * self._zeros(name, share.shape))

    def _layer(self, layer: int, hidden: Array, wired: Wiring, product: Product) -> Array:
        """The mixture of a layer's baselines; members have factors and biases of their own."""
        fitting = [size for size, _ in self.space.baselines if size <= self.width]
        features = self.width if self.space.shared_weights else sum(fitting)
        hidden = self._by_member(f"layer{layer}_member_in", hidden, wired)
        scale = (2 / wired.fan_in[layer]) ** 0.5
        before = self._dense(f"layer{layer}", hidden, features, scale, product)
        before = self._by_member(f"layer{layer}_member_out", before, wired)
        if self.members > 1:
            bias = self._zeros(f"layer{layer}_member_bias", (self.members, 1, features))
            before = before + _share(wired.gates.ensemble) * bias
        mix = self._shared if self.space.shared_weights else self._separate
        return mix(before, wired.alpha[layer])

    def _by_member(self, name: str, hidden: Array, wired: Wiring) -> Array:
        """The units times a factor of each member; 1 where the gate is shut."""
        if self.members == 1:
            return hidden
        more = self._zeros(name, (self.members, 1, hidden.shape[-1]))
        return hidden * (1 + _share(wired.gates.ensemble) * more)

    def _dense(self, name: str, hidden: Array, features: int, scale: Array, product: Product) -> Array:
        given = product(hidden, self.param(f"{name}_kernel", _normal(scale), (hidden.shape[-1], features)))
        return given + _as_row(self._zeros(f"{name}_bias", (features,)), given)

    def _zeros(self, name: str, shape: tuple[int, ...]) -> Array:
        return jnp.asarray(self.param(name, nn.initializers.zeros, shape))

    def _output(self, hidden: Array, wired: Wiring) -> Array:
        """The outputs; each member has weights of its own beside the shared ones."""
        scale = (1 / wired.fan_in[-1]) ** 0.5
        given = self._dense("output", hidden, self.outputs, scale, jnp.matmul)
        if self.members == 1:
            return given
        kernel = self._zeros("output_member_kernel", (self.members, self.width, self.outputs))
        bias = self._zeros("output_member_bias", (self.members, 1, self.outputs))
        return given + _share(wired.gates.ensemble) * (hidden @ kernel + bias)

    def _shared(self, before: Array, alpha: Array) -> Array:
        """Baselines that are the leading columns of one matrix: a gain for each unit and activation."""
        gains = unit_gains(self.space, alpha, self.width)
        activations = (ACTIVATIONS[name] for name in self.space.activations)
        shares = (own(before) * _as_row(gain, before) for own, gain in zip(activations, gains, strict=True))
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


def _normalised(hidden: Array, gates: Gates, count: Array) -> Array:
    """By the gate's share, the units in use at mean 0 and variance 1.

    Args:
        hidden: all units.
        gates: of the network.
        count: units in use.
    """
    if gates.normalisation is None:
        return hidden
    used = _as_row(jnp.arange(hidden.shape[-1]) < count, hidden)
    mean = jnp.sum(hidden * used, axis=-1, keepdims=True) / count
    centred = (hidden - mean) * used
    variance = jnp.sum(centred**2, axis=-1, keepdims=True) / count
    return hidden + gates.normalisation * (centred * jax.lax.rsqrt(variance + VARIANCE) - hidden)


def _kept(key: Array, shape: tuple, probability: Array) -> Array:
    """Factor of each unit, 0 where it is dropped; the same draw serves every candidate.

    Bytes are drawn, not floats: a quarter of the work, with the probability exact to 1/256.
    """
    dropped = jnp.round(probability * 256)
    drawn = jax.random.bits(key, shape, jnp.uint8).astype(jnp.float32)
    return (drawn >= dropped) * (256 / (256 - dropped))


def mean_of_members(outputs: Float[Array, "k n K"], link: str) -> Float[Array, "n K"]:
    """The mean of the members' values, or the logits of the mean of their probabilities.

    Args:
        outputs: of each member.
        link: "values", or what they are logits of: "classes" or "labels".
    """
    if link == "values":
        return outputs.mean(0)
    if link == "classes":
        return jax.nn.logsumexp(jax.nn.log_softmax(outputs), axis=0) - jnp.log(len(outputs))
    yes, no = (jax.nn.logsumexp(jax.nn.log_sigmoid(each), axis=0) for each in (outputs, -outputs))
    return yes - no


def _as_row(values: Array, like: Array) -> Array:
    """Values of the last axis, with the other axes of an array in front."""
    return values[(None,) * (like.ndim - 1)]


def random_signs(key: Array, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """What is added to 1 for factors of 1 or -1: the first factors of members."""
    return jax.random.rademacher(key, shape, jnp.float32) - 1


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
