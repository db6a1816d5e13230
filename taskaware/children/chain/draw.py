"""A picture of a convolution chain: its layers one above the other, and arcs for skip connections."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.chain.count import shapes
from taskaware.children.picture import BLUE, GREEN, INK, LINE, MUTED, ORANGE, PALE, RED, SLATE, VIOLET
from taskaware.spaces import ChainSpace
from taskaware.spaces.chain import Layer, ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ARCS = (BLUE, ORANGE, GREEN, VIOLET, RED)
STEP, HALF, TALL, LEFT, RIGHT = 0.62, 1.35, 0.3, 2.5, 1.55
"""In inches: from layer to layer; half the width and the height of a box; from the middle to each side."""

BULGE = 0.16
"""How far an arc goes to the right for each layer that it passes."""


def draw_chain(space: ChainSpace, point: Float[EitherArray, " D"]) -> "Figure":
    """The layers of a chain, as a figure that pyplot does not hold.

    From the bottom to the top: the image; the layers, each with its number, filters, and the strides and
    pooling that it has; the end. Beside them is the height, width and channels of what each gives. A line
    joins a layer to the one before that it reads, an arc to an earlier one, in the colour of the latter.

    Args:
        space: of the point.
        point: choice numbers.
    """
    from matplotlib.figure import Figure

    layers = space.decode(point)
    last = ends(layers)
    reads = [*(layer.reads for layer in layers), last]
    longest = max(later - earlier for later, each in enumerate(reads, 1) for earlier in each)
    right = RIGHT + BULGE * longest
    height = STEP * (len(reads) + 1)
    axes = (figure := Figure(figsize=(LEFT + right, height), dpi=150)).add_axes((0, 0, 1, 1))
    axes.set(xlim=(-LEFT, right), ylim=(-STEP / 2, height - STEP / 2))
    axes.set_axis_off()
    for later, each in enumerate(reads, 1):
        for earlier in each:
            _connect(axes, earlier, later)
    _box(axes, 0, "image", PALE, INK)
    for number, layer in enumerate(layers, 1):
        _box(axes, number, _text(number, layer), BLUE)
    end = "mean over pixels, dense layer"
    _box(axes, len(reads), f"concatenated, {end}" if len(last) > 1 else end, SLATE)
    for number, shape in enumerate(shapes(space, layers)):
        size = " × ".join(map(str, shape))
        axes.text(0.1 - LEFT, STEP * number, size, va="center", color=MUTED, fontsize=7)
    return figure


def _text(number: int, layer: Layer) -> str:
    text = f"{number}: {layer.filters} filters of {layer.height} × {layer.width}"
    if layer.strides != (1, 1):
        text += f", stride {layer.strides[0]} × {layer.strides[1]}"
    return text + ", pooled" * layer.pooled


def _box(axes: "Axes", number: int, text: str, colour: str, ink: str = "white") -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = (-HALF, STEP * number - TALL / 2)
    shape = "round,pad=0,rounding_size=0.05"
    box = FancyBboxPatch(corner, 2 * HALF, TALL, boxstyle=shape, facecolor=colour, edgecolor="none")
    axes.add_patch(box)
    axes.text(0, STEP * number, text, ha="center", va="center", color=ink, fontsize=7)


def _connect(axes: "Axes", earlier: int, later: int) -> None:
    low, high = STEP * earlier, STEP * later
    if later == earlier + 1:
        axes.plot([0, 0], [low + TALL / 2, high - TALL / 2], color=LINE, lw=1)
        return
    turn, colour = np.linspace(0, np.pi, 40), ARCS[earlier % len(ARCS)]
    low, high = low + 0.06, high - 0.06
    across = HALF + BULGE * (later - earlier) * np.sin(turn)
    axes.plot(across, (low + high) / 2 - (high - low) / 2 * np.cos(turn), color=colour, lw=1)
    axes.plot(HALF + 0.03, high, "<", color=colour, ms=4)
