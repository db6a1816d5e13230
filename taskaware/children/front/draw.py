"""A picture of a network with a front: its convolutions from left to right, and the dense layers below."""

from typing import TYPE_CHECKING

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.front.architecture import convolutions, dense_point, mixed
from taskaware.children.mixture.describe import percent
from taskaware.children.mixture.draw import draw_network
from taskaware.children.picture import BLUE, INK, LINE, MUTED, PALE, SLATE, label
from taskaware.spaces import FrontSpace
from taskaware.spaces.front import FEATURES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEP, TALL, DENSE = 1.9, 1.1, (10.0, 4.5)
"""In inches: from one convolution to the next, height of their row, width and height of the dense layers."""


def draw_front(space: FrontSpace, point: Float[EitherArray, " D"]) -> "Figure":
    """The network, as a figure that pyplot does not hold.

    The upper row has the image, each convolution that is present, and what is left of the image, with the
    height, width and channels of each under it. Below are the dense layers, as of a mixture.

    Args:
        space: of the point.
        point: D numbers.
    """
    from matplotlib.figure import Figure

    present = convolutions(space, point)
    steps = [("image", (space.side, space.channels), PALE, INK)]
    for one in present:
        passed = [f"{percent(1 - one.presence)} bypass"] if one.presence < 1 else []
        words = "\n".join([*mixed(one), *passed])
        steps.append((words, (space.sides[one.number], space.filters), BLUE, "white"))
    steps.append(("dense layers", (space.sides[-1], space.filters), SLATE, "white"))
    width = max(DENSE[0], STEP * len(steps))
    figure = Figure(figsize=(width, TALL + DENSE[1]), dpi=150, facecolor="white")
    share = DENSE[1] / (TALL + DENSE[1])
    upper, lower = figure.add_axes((0, share, 1, 1 - share)), figure.add_axes((0, 0, 1, share))
    upper.set(xlim=(-0.5, len(steps) - 0.5), ylim=(-1, 1))
    upper.set_axis_off()
    upper.plot([0, len(steps) - 1], [0, 0], color=LINE, lw=1, zorder=0)
    for place, (what, (side, channels), colour, ink) in enumerate(steps):
        label(upper, (place, 0), what, colour, ink=ink, size=7)
        size = f"{side} × {side} × {channels}"
        upper.text(place, -0.75, size, ha="center", va="center", color=MUTED, fontsize=7)
    draw_network(space.dense, dense_point(space, point), lower, inputs=[FEATURES])
    return figure
