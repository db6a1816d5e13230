"""Networks with a front as Flax modules, source code and drawings."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.forms import Forms, Sizes
from taskaware.children.front.draw import draw_front
from taskaware.children.front.fixed import FixedFront
from taskaware.children.front.source import source as text
from taskaware.spaces import FrontSpace

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def module(space: FrontSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> FixedFront:
    """The network, to be called with images (n, side, side, channels) of standardised pixels.

    Args:
        space, point: the architecture.
        sizes: of the task.
    """
    return FixedFront(space, tuple(map(float, np.asarray(point))), sizes.outputs, sizes.link)


def source(space: FrontSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> str:
    """The network as code.

    Args:
        space, point: the architecture.
        sizes: of the task.
    """
    return text(space, point, sizes.outputs, sizes.link)


def draw(space: FrontSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> "Figure":
    """The convolutions and the dense layers.

    Args:
        space, point: the architecture.
        sizes: not used.
    """
    return draw_front(space, point)


FORMS = Forms(module, source, draw, alone=("draw",))
