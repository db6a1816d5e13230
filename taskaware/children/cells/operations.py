"""The parts of a network of cells in Flax; `source` copies their text, so they need nothing of taskaware.

All of them take images (n, h, w, c), or series (n, t, c), whose windows have one axis.
"""

import flax.linen as nn
from jaxtyping import Array, Float


def convolved(x: Float[Array, "n *s c"], filters: int, kernel: tuple[int, ...], name: str) -> Array:
    """A convolution without bias, then a normalisation over each row (Wu & He 2018, one group).

    Args:
        x: images or series.
        filters: channels after it.
        kernel: size on each axis.
        name: of the weights.
    """
    x = nn.Conv(filters, kernel, use_bias=False, name=name)(x)
    return nn.GroupNorm(num_groups=1, epsilon=1e-5, name=f"{name}_norm")(x)


def squeezed(x: Float[Array, "n *s c"], filters: int, stride: int, name: str) -> Array:
    """An input brought to the filters of a cell, and to half its size where the stride is 2.

    Args:
        x: images or series.
        filters: channels after it.
        stride: 1 or 2; the size of the kernel, too.
        name: of the weights.
    """
    kernel = (stride,) * (x.ndim - 2)
    x = nn.Conv(filters, kernel, strides=kernel, use_bias=False, name=name)(nn.relu(x))
    return nn.GroupNorm(num_groups=1, epsilon=1e-5, name=f"{name}_norm")(x)


def separable(x: Float[Array, "n *s c"], size: int, dilation: int, name: str) -> Array:
    """A convolution of each channel by itself, then one of single pixels.

    Args:
        x: images or series.
        size: of the kernel on each axis.
        dilation: pixels from one entry of the kernel to the next.
        name: of the weights.
    """
    filters, axes = x.shape[-1], x.ndim - 2
    x = nn.Conv(
        filters,
        (size,) * axes,
        kernel_dilation=dilation,
        feature_group_count=filters,
        use_bias=False,
        name=f"{name}_depthwise",
    )(nn.relu(x))
    return convolved(x, filters, (1,) * axes, name)


def rows_then_columns(x: Float[Array, "n *s c"], name: str) -> Array:
    """A convolution of 1x7 pixels, then one of 7x1; of series, which have no rows, one of 7 samples."""
    x, filters = nn.relu(x), x.shape[-1]
    if x.ndim == 4:
        x = nn.Conv(filters, (1, 7), use_bias=False, name=f"{name}_row")(x)
    return convolved(x, filters, (7, 1)[: x.ndim - 2], name)


def average_pooled(x: Float[Array, "n *s c"]) -> Array:
    """The mean of 3x3 pixels, or of 3 samples; beyond the edge there are none."""
    return nn.avg_pool(x, (3,) * (x.ndim - 2), padding="SAME", count_include_pad=False)


def max_pooled(x: Float[Array, "n *s c"]) -> Array:
    """The largest of 3x3 pixels, or of 3 samples."""
    return nn.max_pool(x, (3,) * (x.ndim - 2), padding="SAME")


CALLS = {
    "identity": "{x}",
    "separable 3x3": 'separable({x}, 3, 1, f"{{name}}_{slot}")',
    "separable 5x5": 'separable({x}, 5, 1, f"{{name}}_{slot}")',
    "separable 7x7": 'separable({x}, 7, 1, f"{{name}}_{slot}")',
    "average pooling 3x3": "average_pooled({x})",
    "max pooling 3x3": "max_pooled({x})",
    "dilated separable 3x3": 'separable({x}, 3, 2, f"{{name}}_{slot}")',
    "1x7 then 7x1": 'rows_then_columns({x}, f"{{name}}_{slot}")',
}
"""Operation → its call in source code."""

SEPARABLE = {
    "separable 3x3": (3, 1),
    "separable 5x5": (5, 1),
    "separable 7x7": (7, 1),
    "dilated separable 3x3": (3, 2),
}
"""Operation → size of the kernel and dilation."""


def applied(operation: str, x: Float[Array, "n *s c"], name: str) -> Array:
    """An operation of a space of cells.

    Args:
        operation: its name.
        x: a hidden state.
        name: of its weights.
    """
    if operation in SEPARABLE:
        return separable(x, *SEPARABLE[operation], name)
    if operation == "1x7 then 7x1":
        return rows_then_columns(x, name)
    if operation == "average pooling 3x3":
        return average_pooled(x)
    return max_pooled(x) if operation == "max pooling 3x3" else x
