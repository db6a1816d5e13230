"""One program for all networks of a space of cells: which operation runs is data, not code.

Each slot of a cell (a side of a combination) has weights for every operation. A network reads those of its
own operations; `module_params` takes them out. The concatenation before a convolution is written as a sum
over all hidden states, where those that are used elsewhere count 0. Series are images one pixel wide.
"""

import dataclasses
import functools
import math
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.arrays import EitherArray
from taskaware.children.cells.operations import SEPARABLE, average_pooled, max_pooled
from taskaware.children.cells.stack import REDUCTION, Placed, placed_cells
from taskaware.pytrees import pytree
from taskaware.spaces import CellSpace
from taskaware.spaces.cells import CELLS

KERNEL = 7
DENSE_UP_TO = 16
"""Largest side of images at which a convolution of each channel by itself is a product with a matrix for
each channel: quicker there on a processor, and one size of kernel costs as much as another. Series: its
square."""

ROWS = "1x7 then 7x1"
EPSILON = 1e-5
LAYOUT = ("NHWC", "HWIO", "NHWC")


@pytree
@dataclasses.dataclass(frozen=True, eq=False)
class Wiring:
    """Both cells of a point; a pytree. P combinations have 2 P slots: left, right, left, ...

    Attributes:
        inputs: hidden state that each slot reads, (2, 2 P).
        operations: its operation, (2, 2 P).
        used: 1 where a hidden state is part of the output, (2, P).
        valid: 1, or NaN for a point that is none.
    """

    inputs: Int[Array, "*b 2 S"]
    operations: Int[Array, "*b 2 S"]
    used: Float[Array, "*b 2 P"]
    valid: Float[Array, "*b"]

    def of(self, cell: str) -> tuple[Array, Array, Array]:
        """Inputs, operations and outputs of the normal or the reduction cell."""
        place = CELLS.index(cell)
        return self.inputs[place], self.operations[place], self.used[place]


def wiring(space: CellSpace, point: Float[Array, " D"]) -> Wiring:
    """The cells of a point as data."""
    valid = jnp.where(jnp.isfinite(point).all(), 1.0, jnp.nan)
    numbers = jnp.nan_to_num(point).astype(jnp.int32).reshape(2, 2 * space.combinations, 2)
    inputs, made = numbers[..., 0], jnp.arange(2, space.combinations + 2, dtype=jnp.int32)
    used = (inputs[:, :, None] != made[None, None]).all(1)
    return Wiring(inputs, numbers[..., 1], used.astype(jnp.float32), valid)


def init_params(space: CellSpace, key: Array, wired: Wiring, outputs: int) -> dict[str, Array]:
    """First weights: normal draws of a variance of one by the numbers that are read (LeCun).

    Args:
        space: of the point.
        key: of the draws; the same numbers for every point.
        wired: of the point.
        outputs: K.
    """
    deviations = _deviations(space, wired, outputs)
    ends = np.cumsum([math.prod(shape) for shape, _ in deviations.values()]).tolist()
    # One draw, cut to pieces: each draw of its own takes seconds to compile.
    drawn = jax.random.normal(key, (ends[-1],))
    params = {}
    for end, (name, (shape, deviation)) in zip(ends, deviations.items(), strict=True):
        params[name] = deviation * drawn[end - math.prod(shape) : end].reshape(shape)
    for name in [*params]:
        if not name.endswith(("row", "depthwise")) and name != "output":
            # A normalisation follows all but these.
            width = (*params[name].shape[:-3], params[name].shape[-1]) if name.endswith("ops") else None
            norm = width or params[name].shape[-1:]
            params[f"{name}_scale"], params[f"{name}_bias"] = jnp.ones(norm), jnp.zeros(norm)
    return params | {"output_bias": jnp.zeros(outputs)}


def forward(
    space: CellSpace, params: dict[str, Array], wired: Wiring, images: Float[Array, "n h w c"]
) -> tuple[Float[Array, "P n y x F"], Float[Array, " P"]]:
    """The hidden states of the last cell, and which of them are its output.

    Args:
        space: of the point.
        params: weights.
        wired: of the point.
        images: standardised pixels, or samples of series, (n, side, 1, c).
    """
    stem = _normed(params, "stem", _convolution(images, params["stem"]))
    one = jnp.ones(1)
    last = skip = (stem[None], one)
    for each in placed_cells(space):
        inputs, operations, used = wired.of(each.cell)
        start = [
            _squeezed(params, f"{each.name}_skip", skip, space.window(each.skip_stride)),
            _squeezed(params, f"{each.name}_last", last, space.window(1)),
        ]
        states = _cell(space, _slots(params, each), jnp.stack(start), inputs, operations)
        skip, last = last, (states[2:], used)
        if each.cell == REDUCTION:
            last = (_squeezed(params, f"{each.name}_reduced", last, space.window(2))[None], one)
    return last


def answers(
    params: dict[str, Array], wired: Wiring, last: tuple[Float[Array, "P n h w F"], Float[Array, " P"]]
) -> Float[Array, "n K"]:
    """The outputs of the network from its last hidden states.

    Args:
        params: weights.
        wired: of the point.
        last: of `forward`.
    """
    states, used = last
    pooled = jax.nn.relu(states).mean((2, 3)) * used[:, None, None]
    given = jnp.einsum("pnf,pfk->nk", pooled, params["output"]) + params["output_bias"][None]
    return given * wired.valid


def _slots(params: dict[str, Array], each: Placed) -> dict[str, Array]:
    start = f"{each.name}_ops"
    return {name.removeprefix(start): leaf for name, leaf in params.items() if name.startswith(start)}


def _deviations(space: CellSpace, wired: Wiring, outputs: int) -> dict[str, tuple[tuple[int, ...], Any]]:
    """Shape and standard deviation of all kernels."""
    stack, slots = space.stack, 2 * space.combinations
    found: dict[str, tuple[tuple[int, ...], Any]] = {}
    # Roots of the numbers that a convolution of each channel by itself reads.
    roots = [SEPARABLE.get(name, (KERNEL, 1))[0] ** (space.axes / 2) for name in space.operations]
    sizes = jnp.array(roots, jnp.float32)

    def squeeze(name: str, before: tuple[int, int, Array], stride: int, filters: int) -> None:
        states, channels, count = before
        channels = channels * math.prod(space.window(stride))
        found[name] = ((states, channels, filters), (count * channels) ** -0.5)

    seen = math.prod(space.window(3)) * stack.channels
    found["stem"] = ((*space.window(3), stack.channels, stack.stem), seen**-0.5)
    skip = last = (1, stack.stem, jnp.ones(()))
    for each in placed_cells(space):
        _, operations, used = wired.of(each.cell)
        squeeze(f"{each.name}_skip", skip, each.skip_stride, each.filters)
        squeeze(f"{each.name}_last", last, 1, each.filters)
        name, width = f"{each.name}_ops", each.filters
        found[f"{name}_depthwise"] = (
            (slots, *space.window(KERNEL), width),
            (1 / sizes[operations])[:, None, None, None],
        )
        columns = KERNEL if ROWS in space.operations else 1
        if ROWS in space.operations:
            if space.axes == 2:
                found[f"{name}_row"] = ((slots, KERNEL, width, width), (KERNEL * width) ** -0.5)
            is_rows = operations == space.operations.index(ROWS)
            read = jnp.where(is_rows, KERNEL, 1) * width
        else:
            read = jnp.full(slots, width)
        # The kernel before the normalisation: of single pixels (its middle entry), or of 7 x 1.
        found[name] = ((slots, columns, width, width), (read**-0.5)[:, None, None, None])
        skip, last = last, (space.combinations, width, used.sum())
        if each.cell == REDUCTION:
            squeeze(f"{each.name}_reduced", last, 2, 2 * width)
            last = (1, 2 * width, jnp.ones(()))
    states, width, count = last
    found["output"] = ((states, width, outputs), (count * width) ** -0.5)
    return found


def _cell(
    space: CellSpace, params: dict[str, Array], start: Array, inputs: Array, operations: Array
) -> Float[Array, "S n h w F"]:
    """All hidden states of a cell, from its two first ones."""
    room = jnp.zeros((space.combinations, *start.shape[1:]))

    def slot(states: Array, now: tuple) -> tuple[Array, None]:
        place, source, operation, own = now
        made = _applied(space.operations, operation, states[source], own)
        return states.at[2 + place // 2].add(made), None

    steps = (jnp.arange(len(inputs)), inputs, operations, params)
    return jax.lax.scan(slot, jnp.concatenate([start, room]), steps)[0]


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _applied(names: tuple[str, ...], operation: Array, x: Array, own: dict[str, Array]) -> Array:
    """The operation of a slot. Its gradient runs it again, so that no branch keeps anything for another."""
    return jax.lax.switch(operation, [functools.partial(_operation, name) for name in names], x, own)


def _applied_forward(names: tuple[str, ...], operation: Array, x: Array, own: dict[str, Array]) -> tuple:
    return _applied(names, operation, x, own), (operation, x, own)


def _applied_backward(names: tuple[str, ...], kept: tuple, change: Array) -> tuple:
    operation, x, own = kept

    def back(name: str, change: Array, x: Array, own: dict[str, Array]) -> tuple:
        return jax.vjp(functools.partial(_operation, name), x, own)[1](change)

    branches = [functools.partial(back, name) for name in names]
    return (None, *jax.lax.switch(operation, branches, change, x, own))


_applied.defvjp(_applied_forward, _applied_backward)


def _operation(name: str, x: Float[Array, "n h w F"], own: dict[str, Array]) -> Float[Array, "n h w F"]:
    if name == "identity":
        return x
    if name == "average pooling 3x3":
        return average_pooled(x)
    if name == "max pooling 3x3":
        return max_pooled(x)
    x, kernel = jax.nn.relu(x), own[""]
    if name in SEPARABLE:
        x = _depthwise(x, own["_depthwise"], *SEPARABLE[name])
        return _normed(own, "", jnp.einsum("nhwc,cf->nhwf", x, kernel[len(kernel) // 2]))
    if "_row" in own:
        x = _convolution(x, own["_row"][None])
    return _normed(own, "", _convolution(x, kernel[:, None]))


def middle(kernel: EitherArray, size: int) -> EitherArray:
    """The middle of a kernel (7, 7, F), or (7, 1, F) of series, so many pixels wide and high."""
    edge = (KERNEL - size) // 2
    across = slice(None) if kernel.shape[1] == 1 else slice(edge, KERNEL - edge)
    return kernel[edge : KERNEL - edge, across]


def _depthwise(x: Array, kernel: Float[Array, "7 w F"], size: int, dilation: int) -> Array:
    kernel = cast(Array, middle(kernel, size))
    n, height, width, filters = x.shape
    if height * width > DENSE_UP_TO**2:
        dilations = (dilation, dilation)
        return jax.lax.conv_general_dilated(
            x,
            kernel[:, :, None],
            (1, 1),
            "SAME",
            rhs_dilation=dilations,
            dimension_numbers=LAYOUT,
            feature_group_count=filters,
        )
    down, right = (
        _shifts(side, count, dilation) for side, count in zip((height, width), kernel.shape[:2], strict=True)
    )
    # down[i, p, q] is 1 where the pixel p is read for the pixel q. Two products, as the compiler would fold
    # one of both constants.
    matrix = jnp.einsum("pqjc,jrs->cprqs", jnp.einsum("ipq,ijc->pqjc", down, kernel), right)
    pixels = height * width
    given = jnp.einsum("npc,cpq->nqc", x.reshape(n, pixels, filters), matrix.reshape(filters, pixels, pixels))
    return given.reshape(x.shape)


def _shifts(side: int, count: int, dilation: int) -> Float[Array, "count side side"]:
    """For each entry of a kernel, which pixel is read for which one."""
    shifts = [dilation * (place - count // 2) for place in range(count)]
    return jnp.asarray(np.stack([np.eye(side, k=-shift, dtype=np.float32) for shift in shifts]))


def _squeezed(
    params: dict[str, Array], name: str, given: tuple[Array, Array], window: tuple[int, int]
) -> Array:
    states, used = given
    x = jax.nn.relu(states) * used[:, None, None, None, None]
    if window != (1, 1):
        (p, n, height, width, channels), (down, right) = x.shape, window
        x = jnp.pad(x, ((0, 0), (0, 0), (0, height % down), (0, width % right), (0, 0)))
        half = (math.ceil(height / down), math.ceil(width / right))
        x = x.reshape(p, n, half[0], down, half[1], right, channels).transpose(0, 1, 2, 4, 3, 5, 6)
        x = x.reshape(p, n, *half, down * right * channels)
    return _normed(params, name, jnp.einsum("pnhwc,pcf->nhwf", x, params[name]))


def _normed(params: dict[str, Array], name: str, x: Float[Array, "n h w c"]) -> Array:
    mean, variance = x.mean((1, 2, 3), keepdims=True), x.var((1, 2, 3), keepdims=True)
    scaled = (x - mean) * jax.lax.rsqrt(variance + EPSILON)
    scale, bias = (params[f"{name}_{part}"][None, None, None] for part in ("scale", "bias"))
    return scaled * scale + bias


def _convolution(x: Array, kernel: Float[Array, "h w c F"]) -> Array:
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=LAYOUT)
