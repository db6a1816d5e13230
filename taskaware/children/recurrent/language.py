"""A model of language with layers of one recurrent cell, and how it is trained on streams of text.

Sources: Zaremba, Sutskever & Vinyals 2014 (streams, truncated backpropagation); Gal & Ghahramani 2016
(variational dropout); Press & Wolf 2017 and Inan, Khosravi & Socher 2017 (tied embeddings).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from taskaware.children.recurrent.cell import Coded, Kernels, Memory, stepped

SPREAD = 0.08
"""First weights are uniform between plus and minus this."""


class Size(NamedTuple):
    """What is the same for all cells; hashable.

    Attributes:
        base: of the cells.
        tokens: V.
        units: H, of each layer and of the embeddings.
        layers: number of them.
        dropout: share that is dropped of embeddings, hidden states and between layers.
        learning_rate: of Adam, at its beginning; it falls to 0 along a cosine.
        clip: largest norm of a gradient.
    """

    base: int
    tokens: int
    units: int
    layers: int
    dropout: float
    learning_rate: float
    clip: float


class Params(NamedTuple):
    """Weights: embeddings (V, H), which also score the next token, its biases (V,), and the layers."""

    embedding: Float[Array, "V H"]
    bias: Float[Array, " V"]
    layers: tuple[Kernels, ...]


def init_params(size: Size, key: Array) -> Params:
    """First weights; the same numbers for every cell."""
    shape = (size.base, size.units)

    def uniform(number: int, *shape: int) -> Array:
        return jax.random.uniform(jax.random.fold_in(key, number), shape, minval=-SPREAD, maxval=SPREAD)

    layers = tuple(
        Kernels(
            uniform(2 * layer, size.units, *shape),
            uniform(2 * layer + 1, size.units, *shape),
            jnp.zeros(shape),
        )
        for layer in range(size.layers)
    )
    return Params(uniform(2 * size.layers, size.tokens, size.units), jnp.zeros(size.tokens), layers)


def rested(size: Size, streams: int) -> tuple[Memory, ...]:
    """What the cells remember before the first token."""
    nothing = jnp.zeros((streams, size.units))
    return (Memory(nothing, nothing),) * size.layers


def losses(
    cell: Coded,
    params: Params,
    memories: tuple[Memory, ...],
    tokens: Int[Array, "T1 n"],
    kept: Float[Array, "K n H"] | None = None,
) -> tuple[tuple[Memory, ...], Float[Array, "T n"]]:
    """Loss of each token after the first, in nats, and what the cells remember then.

    Args:
        cell: of all layers.
        params: weights.
        memories: of each layer, before the first token.
        tokens: T + 1 of n streams; each is read, and then the next one predicted.
        kept: factors of dropout, the same for all tokens: of the embeddings, then of the output and of the
            hidden state of each layer; none if None.
    """
    count = 1 + 2 * len(params.layers)
    factors: Any = [1.0] * count if kept is None else list(kept)

    def step(memories: tuple[Memory, ...], token: Array) -> tuple[tuple[Memory, ...], Array]:
        return read(cell, params, memories, token, factors)

    memories, hidden = jax.lax.scan(step, memories, tokens[:-1])
    logits = scored(cell, params, hidden)
    return memories, optax.softmax_cross_entropy_with_integer_labels(logits, tokens[1:])


def read(
    cell: Coded, params: Params, memories: tuple[Memory, ...], token: Int[Array, " n"], factors: Any
) -> tuple[tuple[Memory, ...], Float[Array, "n H"]]:
    """What the cells remember after one more token of n streams, and the output of the last layer.

    Args:
        cell: of all layers.
        params: weights.
        memories: of each layer, before the token.
        token: of each stream.
        factors: of dropout, as `kept` of `losses`; 1.0 for each that drops nothing.
    """
    value, after = params.embedding[token] * factors[0], []
    for layer, (kernels, memory) in enumerate(zip(params.layers, memories, strict=True)):
        now = stepped(cell, kernels, memory, value, factors[2 * layer + 2])
        value = now.hidden * factors[2 * layer + 1]
        after.append(now)
    return tuple(after), value


def scored(cell: Coded, params: Params, hidden: Float[Array, "*b H"]) -> Float[Array, "*b V"]:
    """Logits of the next token.

    Args:
        cell: of all layers.
        params: weights.
        hidden: outputs of the last layer.
    """
    products = hidden @ params.embedding.T
    return cell.sound * (products + jnp.broadcast_to(params.bias, products.shape))


class Training(NamedTuple):
    """A training between two passes over the text.

    Attributes:
        params: weights.
        state: of the optimizer.
        key: of dropout.
    """

    params: Params
    state: Any
    key: Array


def begun(size: Size, key: Array, steps: int) -> Training:
    """A training before its first pass.

    Args:
        size: of the network, and how it is trained.
        key: of first weights and dropout.
        steps: of all passes, for the learning rate.
    """
    init_key, drop_key = jax.random.split(key)
    params = init_params(size, init_key)
    return Training(params, _rule(size, steps).init(params), drop_key)


def passed(
    size: Size, cell: Coded, training: Training, windows: Int[Array, "W T1 n"], epoch: Any, epochs: int
) -> Training:
    """The training after one more pass over the text.

    The gradient reaches back to the beginning of a window; the memories go on to the next one.

    Args:
        size: of the network, and how it is trained.
        cell: of all layers.
        training: before the pass.
        windows: T + 1 tokens of n streams each; the last token of one is the first of the next.
        epoch: number of the pass, from 0.
        epochs: passes of the whole training, 1 or more.
    """
    count, streams = len(windows), windows.shape[2]
    rule = _rule(size, epochs * count)

    def step(carry: tuple, now: tuple[Array, Array]) -> tuple[tuple, None]:
        params, state, memories = carry
        number, tokens = now
        kept = _kept(size, jax.random.fold_in(training.key, number), streams)

        def loss(params: Params) -> tuple[Array, tuple[Memory, ...]]:
            memories_after, each = losses(cell, params, memories, tokens, kept)
            return each.mean(), memories_after

        gradient, memories = jax.grad(loss, has_aux=True)(params)
        changes, state = rule.update(gradient, state, params)
        return (optax.apply_updates(params, changes), state, memories), None

    carry = (training.params, training.state, rested(size, streams))
    params, state, _ = jax.lax.scan(step, carry, (epoch * count + jnp.arange(count), windows))[0]
    return Training(params, state, training.key)


def trained(size: Size, cell: Coded, key: Array, windows: Int[Array, "W T1 n"], epochs: int) -> Params:
    """Weights after so many passes over the text.

    Args:
        size, cell, windows, epochs: as in `passed`.
        key: of first weights and dropout.
    """

    def one(training: Training, epoch: Array) -> tuple[Training, None]:
        return passed(size, cell, training, windows, epoch, epochs), None

    return jax.lax.scan(one, begun(size, key, epochs * len(windows)), jnp.arange(epochs))[0].params


def mean_loss(size: Size, cell: Coded, params: Params, windows: Int[Array, "W T1 n"]) -> Float[Array, ""]:
    """Mean loss of a token in nats, without dropout.

    Args:
        size: of the network.
        cell: of all layers.
        params: weights.
        windows: as in `trained`.
    """

    def step(memories: tuple[Memory, ...], tokens: Array) -> tuple[tuple[Memory, ...], Array]:
        memories, each = losses(cell, params, memories, tokens)
        return memories, each.mean()

    return jax.lax.scan(step, rested(size, windows.shape[2]), windows)[1].mean()


def _rule(size: Size, steps: int) -> optax.GradientTransformation:
    schedule = optax.cosine_decay_schedule(size.learning_rate, steps)
    return optax.chain(optax.clip_by_global_norm(size.clip), optax.adam(schedule))


def _kept(size: Size, key: Array, streams: int) -> Float[Array, "K n H"] | None:
    if not size.dropout:
        return None
    shape = (1 + 2 * size.layers, streams, size.units)
    return jax.random.bernoulli(key, 1 - size.dropout, shape) / (1 - size.dropout)
