"""One program for all chains of a space: filters, strides and connections are data, not code.

Each layer has a kernel of the largest size for every earlier layer, and for the image. A smaller filter is
its middle, the rest counts 0. Every layer has the channels of the widest; those that a chain lacks are 0.
Images keep the side of the space, and all pixels beyond the size that a layer has are 0: so unequal sizes are
padded with zeros by themselves. The concatenation before a convolution is written as a sum of convolutions.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taskaware.children.convolution import convolved
from taskaware.pytrees import pytree
from taskaware.spaces import ChainSpace
from taskaware.spaces.chain import Settings

EPSILON = 1e-5
MOMENTUM = 0.9
PARTS = ("scale", "bias", "mean", "variance")

Params = dict[str, Array]


@pytree
@dataclasses.dataclass(frozen=True, eq=False)
class Wiring:
    """The layers of a point; a pytree. Column j of `reads` is the image (j = 0) or layer j.

    Attributes:
        size: height and width of the filters, (L, 2).
        filters: number of them, (L,).
        strides: down and to the right, (L, 2).
        pooled: whether the output is halved, (L,).
        reads: whether a layer reads the image or an earlier layer, (L, L).
        there: whether the chain has the layer, (L,); one that it lacks reads nothing and has no filters.
        valid: 1, or NaN for a point that is none.
    """

    size: Int[Array, "*b L 2"]
    filters: Int[Array, "*b L"]
    strides: Int[Array, "*b L 2"]
    pooled: Bool[Array, "*b L"]
    reads: Bool[Array, "*b L L"]
    there: Bool[Array, "*b L"]
    valid: Float[Array, "*b"]

    @property
    def ends(self) -> Float[Array, " L"]:
        """1 for a layer that no other reads."""
        read = jnp.append(self.reads.any(0)[1:], False)
        return (self.there & ~read).astype(jnp.float32)


def wiring(space: ChainSpace, point: Float[Array, " D"]) -> Wiring:
    """The layers of the point as data."""
    settings = space.settings
    numbers = jnp.nan_to_num(point).astype(jnp.int32)
    valid = jnp.where(jnp.isfinite(point).all(), 1.0, jnp.nan)
    layers = range(1, settings.layers + 1)

    def chosen(what: str, options: tuple) -> Array:
        """The option of each layer."""
        if f"layer 1 {what}" not in space.places:
            return jnp.full(len(layers), options[0])
        entries = np.array([space.places[f"layer {number} {what}"] for number in layers])
        return jnp.array(options)[numbers[entries]]

    kernels, strides = (
        jnp.stack([chosen(f"{what} {side}", options) for side in ("height", "width")], 1)
        for what, options in (("filter", settings.kernels), ("stride", settings.strides))
    )
    pooled = chosen("pooling", (False, True))
    there = jnp.arange(settings.layers) < space.depth(jnp.nan_to_num(point))
    filters = jnp.where(there, chosen("filters", settings.filters), 0)
    reads = _reads(space, numbers) & there[:, None]
    return Wiring(kernels, filters, strides, pooled, reads, there, valid)


def _reads(space: ChainSpace, numbers: Int[Array, " D"]) -> Bool[Array, "L L"]:
    count = space.settings.layers
    if not space.settings.skips:
        return jnp.eye(count, dtype=bool)
    pairs = [(later, earlier) for later in range(2, count + 1) for earlier in range(1, later)]
    reads = jnp.zeros((count, count), bool)
    if pairs:
        entries = np.array([space.places[f"layer {later} reads layer {earlier}"] for later, earlier in pairs])
        rows, columns = np.array(pairs).T
        reads = reads.at[rows - 1, columns].set(numbers[entries] > 0)
    return reads.at[:, 0].set(~reads.any(1))


def width_of(settings: Settings) -> int:
    """Channels of every layer in the shared program."""
    return max(*settings.filters, settings.channels)


def init_params(space: ChainSpace, key: Array, wired: Wiring, outputs: int) -> Params:
    """First weights: normal draws of a variance of two by the numbers that are read (He).

    Args:
        space: of the point.
        key: of the draws; the same numbers for every point.
        wired: of the point.
        outputs: K.
    """
    settings, width = space.settings, width_of(space.settings)
    kernel, count = max(settings.kernels), settings.layers
    shapes = {f"layer{number}": (number, kernel, kernel, width, width) for number in range(1, count + 1)} | {
        "output": (count, width, outputs)
    }
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()]).tolist()
    # One draw, cut to pieces: each draw of its own takes seconds to compile.
    drawn = jax.random.normal(key, (ends[-1],))
    params = {
        name: drawn[end - math.prod(shape) : end].reshape(shape)
        for end, (name, shape) in zip(ends, shapes.items(), strict=True)
    }
    channels = jnp.concatenate([jnp.array([settings.channels]), wired.filters[:-1]])
    read = (wired.reads * channels[None]).sum(1) * wired.size.prod(1)
    for number in range(1, count + 1):
        name = f"layer{number}"
        params[name] *= jnp.sqrt(2 / jnp.maximum(read[number - 1], 1))
        params |= {f"{name}_scale": jnp.ones(width), f"{name}_bias": jnp.zeros(width)}
        params |= {f"{name}_mean": jnp.zeros(width), f"{name}_variance": jnp.ones(width)}
    params["output"] /= jnp.sqrt((wired.ends * wired.filters).sum())
    return params | {"output_bias": jnp.zeros(outputs)}


def forward(
    space: ChainSpace, params: Params, wired: Wiring, images: Float[Array, "n h w c"], training: bool
) -> tuple[Float[Array, "L n F"], Params]:
    """The mean over the pixels of each layer, 0 where others read it, and the moving means and variances.

    Args:
        space: of the point.
        params: weights.
        wired: of the point.
        images: standardised pixels.
        training: whether batches are normalised by themselves, and the moving numbers change.
    """
    settings, width = space.settings, width_of(space.settings)
    side, states = settings.side, [jnp.pad(images, ((0, 0),) * 3 + ((0, width - images.shape[-1]),))]
    sizes = [jnp.full(2, side)]
    moved: Params = {}
    for number in range(1, settings.layers + 1):
        at, name = number - 1, f"layer{number}"
        reads = wired.reads[at, :number]
        read_size = (jnp.stack(sizes) * reads[:, None]).max(0)
        convolved_size = -(-read_size // wired.strides[at])
        x = _strided(_convolved(settings, params[name], wired, number, states), settings, wired.strides[at])
        pixels = _inside(side, convolved_size)
        x, now = _normed({part: params[f"{name}_{part}"] for part in PARTS}, x, pixels, training)
        moved |= {f"{name}_{part}": value for part, value in now.items()}
        there = pixels[..., None] * (jnp.arange(width) < wired.filters[at])[None, None]
        x, size = _pooled(settings, wired.pooled[at], jax.nn.relu(x) * there[None], convolved_size)
        states.append(x)
        sizes.append(size)
    # Those that are concatenated are padded to the largest, and the mean is over its pixels.
    largest = (jnp.stack(sizes[1:]) * wired.ends.astype(jnp.int32)[:, None]).max(0).prod()
    means = jnp.stack(states[1:]).sum((2, 3)) * wired.ends[:, None, None] / largest
    return means, moved


def answers(params: Params, wired: Wiring, means: Float[Array, "L n F"]) -> Float[Array, "n K"]:
    """The outputs of the network.

    Args:
        params: weights.
        wired: of the point.
        means: of `forward`.
    """
    given = jnp.einsum("lnf,lfk->nk", means, params["output"]) + params["output_bias"][None]
    return given * wired.valid


def _convolved(settings: Settings, kernels: Array, wired: Wiring, number: int, states: list[Array]) -> Array:
    """The sum of the convolutions of all that a layer reads."""
    at, largest = number - 1, max(settings.kernels)
    taps = jnp.arange(largest)
    tall, wide = (jnp.abs(taps - largest // 2) <= wired.size[at, axis] // 2 for axis in (0, 1))
    kernels = kernels * (tall[:, None] & wide[None])[None, :, :, None, None]
    sizes = tuple(sorted(settings.kernels))
    # 0 where nothing is read, otherwise the smallest square that holds the filter.
    square = 1 + jnp.searchsorted(jnp.array(sizes), wired.size[at].max())
    squares = jnp.where(wired.reads[at, :number], square, 0)

    def add(total: Array, one: tuple[Array, Array, Array]) -> tuple[Array, None]:
        chosen, state, kernel = one
        return total + convolved(sizes, chosen, state, kernel), None

    steps = (squares, jnp.stack(states), kernels)
    return jax.lax.scan(add, jnp.zeros_like(states[0]), steps)[0]


def _strided(x: Float[Array, "n h w F"], settings: Settings, strides: Int[Array, " 2"]) -> Array:
    """Every stride-th pixel in front; what follows them is masked later."""
    if settings.strides == (1,):
        return x
    for axis in (0, 1):
        places = jnp.arange(settings.side) * strides[axis]
        x = jnp.take(x, places, axis=1 + axis, mode="clip")
    return x


def _pooled(
    settings: Settings, chosen: Array, x: Float[Array, "n h w F"], size: Int[Array, " 2"]
) -> tuple[Array, Array]:
    """The largest of each 2x2 pixels where that is chosen; all pixels are 0 or more."""
    if not settings.pooling:
        return x, size
    side = settings.side
    for axis in (1, 2):
        after = jnp.pad(x, [(0, 2 * (each == axis)) for each in range(4)])
        pairs = [jax.lax.slice_in_dim(after, start, start + side, axis=axis) for start in (0, 1)]
        halved = jax.lax.slice_in_dim(jnp.maximum(*pairs), 0, side, stride=2, axis=axis)
        halved = jnp.pad(halved, [(0, side // 2 * (each == axis)) for each in range(4)])
        x = jnp.where(chosen, halved, x)
    return x, jnp.where(chosen, -(-size // 2), size)


def _inside(side: int, size: Int[Array, " 2"]) -> Float[Array, "side side"]:
    """1 for the pixels of the upper left corner of that size."""
    down, right = (jnp.arange(side) < size[axis] for axis in (0, 1))
    return (down[:, None] & right[None]).astype(jnp.float32)


def _normed(own: Params, x: Array, pixels: Float[Array, "side side"], training: bool) -> tuple[Array, Params]:
    """A batch normalisation of those pixels, and the new moving mean and variance."""
    mean, variance = own["mean"], own["variance"]
    moved = {"mean": mean, "variance": variance}
    if training:
        # A layer that the chain lacks has no pixels.
        count, where = len(x) * jnp.maximum(pixels.sum(), 1), pixels[None, :, :, None]
        mean = (x * where).sum((0, 1, 2)) / count
        variance = (jnp.square(x - mean[None, None, None]) * where).sum((0, 1, 2)) / count
        now = {"mean": mean, "variance": variance}
        moved = {name: MOMENTUM * moved[name] + (1 - MOMENTUM) * now[name] for name in now}
    gain = own["scale"] * jax.lax.rsqrt(variance + EPSILON)
    return (x - mean[None, None, None]) * gain[None, None, None] + own["bias"][None, None, None], moved
