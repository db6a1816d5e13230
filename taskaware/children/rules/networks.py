"""The small networks that rules train: a multilayer perceptron on tables, a ConvNet on images.

The ConvNet has two 3 × 3 layers of 32 filters, each followed by batch normalisation and ReLU (Bello, Zoph,
Vasudevan & Le 2017). Means of 2 × 2 pixels follow here, so that two cores train it.
"""

from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from taskaware.children.child import Batch
from taskaware.embeddings import TABLE_EMBEDDINGS

HIDDEN = (32, 32)
"""Units of the hidden layers on tables."""

FILTERS = (32, 32)
"""Filters of the layers on images."""

MOVING = "moving_"
"""Beginning of the names of moving averages, which are no weights."""

MOMENTUM, EPSILON = 0.9, 1e-5
"""Of batch normalisation."""

Params: TypeAlias = dict[str, Array]
Pixels: TypeAlias = tuple[int, int] | None
"""Side and channels of images; None on tables."""

_NAMES = tuple(name for group in TABLE_EMBEDDINGS for name in group)
_NUMBERS, _CATEGORIES = _NAMES.index("standardised"), _NAMES.index("one_hot")


def weights_of(params: Params) -> Params:
    """What a rule trains."""
    return {name: leaf for name, leaf in params.items() if not name.startswith(MOVING)}


def moving_of(params: Params) -> Params:
    """Moving means and variances of batch normalisation; none on tables."""
    return {name: leaf for name, leaf in params.items() if name.startswith(MOVING)}


def first_params(key: Array, pixels: Pixels, batch: Batch) -> Params:
    """Initial weights and moving averages.

    Args:
        key: of the draws.
        pixels: what images are; None on tables.
        batch: one row.
    """
    return _first_perceptron(key, batch) if pixels is None else _first_convnet(key, pixels, batch)


def answered(
    params: Params, pixels: Pixels, batch: Batch, training: bool = False
) -> tuple[Float[Array, "n K"], Params]:
    """Outputs for each row, and the moving averages behind them.

    Args:
        params: weights and moving averages.
        pixels: what images are; None on tables.
        batch: n rows.
        training: whether batches are normalised by themselves, and the moving averages change.
    """
    if pixels is None:
        return _perceptron(params, batch), {}
    return _convnet(params, pixels, batch, training=training)


def _drawn(key: Array, shape: tuple[int, ...], feeding: int | Array) -> Array:
    """A kernel of variance 2 / feeding (He et al. 2015)."""
    return jnp.sqrt(2.0 / feeding) * jax.random.normal(key, shape, jnp.float32)


def _first_perceptron(key: Array, batch: Batch) -> Params:
    # Columns of zeros feed nothing.
    feeding = jnp.maximum(batch.columns.active[jnp.array([_NUMBERS, _CATEGORIES])].sum(), 1.0)
    sizes = (_columns(batch).shape[-1], *HIDDEN, batch.outputs)
    params = {}
    for layer, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False)):
        key, own = jax.random.split(key)
        params[f"kernel{layer}"] = _drawn(own, (before, after), before if layer else feeding)
        params[f"bias{layer}"] = jnp.zeros(after)
    return params


def _perceptron(params: Params, batch: Batch) -> Float[Array, "n K"]:
    found = _columns(batch)
    for layer in range(len(HIDDEN) + 1):
        found = found @ params[f"kernel{layer}"] + params[f"bias{layer}"][None]
        found = jax.nn.relu(found) if layer < len(HIDDEN) else found
    return found


def _columns(batch: Batch) -> Float[Array, "n F"]:
    """Standardised numbers and one-hot columns; the other forms of the numbers are 0."""
    standardised = (batch.columns.block == _NUMBERS)[None]
    return jnp.concatenate([jnp.where(standardised, batch.x.numbers, 0.0), batch.x.categories], axis=1)


def _first_convnet(key: Array, pixels: tuple[int, int], batch: Batch) -> Params:
    (side, before), params = pixels, {}
    for layer, filters in enumerate(FILTERS):
        key, own = jax.random.split(key)
        params[f"kernel{layer}"] = _drawn(own, (3, 3, before, filters), 9 * before)
        params |= {f"scale{layer}": jnp.ones(filters), f"bias{layer}": jnp.zeros(filters)}
        params |= {f"{MOVING}mean{layer}": jnp.zeros(filters), f"{MOVING}variance{layer}": jnp.ones(filters)}
        side, before = side // 2, filters
    last, inputs = len(FILTERS), side * side * before
    params[f"kernel{last}"] = _drawn(key, (inputs, batch.outputs), inputs)
    return params | {f"bias{last}": jnp.zeros(batch.outputs)}


def _convnet(
    params: Params, pixels: tuple[int, int], batch: Batch, *, training: bool
) -> tuple[Float[Array, "n K"], Params]:
    side, channels = pixels
    found = batch.x.numbers[:, : side * side * channels].reshape(-1, side, side, channels)
    moved = moving_of(params)
    for layer in range(len(FILTERS)):
        found, means = _normalised(
            params, layer, _convolved(found, params[f"kernel{layer}"]), training=training
        )
        moved |= means
        found = _halved(jax.nn.relu(found))
    last = len(FILTERS)
    flat = found.reshape(len(found), -1)
    return flat @ params[f"kernel{last}"] + params[f"bias{last}"][None], moved


def _convolved(x: Float[Array, "n h w c"], kernel: Float[Array, "3 3 c F"]) -> Float[Array, "n h w F"]:
    """A convolution as a product of matrices: a processor computes its gradients in a quarter of the time."""
    height, width = x.shape[1:3]
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    patches = jnp.concatenate(shifted, axis=-1).reshape(-1, 9 * x.shape[-1])
    return (patches @ kernel.reshape(patches.shape[-1], -1)).reshape(*x.shape[:3], -1)


def _normalised(
    params: Params, layer: int, x: Float[Array, "n h w F"], *, training: bool
) -> tuple[Float[Array, "n h w F"], Params]:
    """Batch normalisation (Ioffe & Szegedy 2015), and the moving averages behind it."""
    names = [f"{MOVING}{what}{layer}" for what in ("mean", "variance")]
    means = [params[name] for name in names]
    if training:
        now = (x.mean((0, 1, 2)), x.var((0, 1, 2)))
        moved = [
            MOMENTUM * old + (1 - MOMENTUM) * jax.lax.stop_gradient(new)
            for old, new in zip(means, now, strict=True)
        ]
        means, kept = list(now), dict(zip(names, moved, strict=True))
    else:
        kept = dict(zip(names, means, strict=True))
    mean, gain = means[0], params[f"scale{layer}"] * jax.lax.rsqrt(means[1] + EPSILON)
    wide = (None, None, None)
    return (x - mean[wide]) * gain[wide] + params[f"bias{layer}"][wide], kept


def _halved(x: Float[Array, "n h w F"]) -> Float[Array, "n h2 w2 F"]:
    """Means of 2 × 2 pixels; an odd last row and column are left out."""
    rows, height, width, filters = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(rows, height // 2, 2, width // 2, 2, filters).mean((2, 4))
