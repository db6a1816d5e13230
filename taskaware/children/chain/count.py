"""Sizes, parameters and multiply-adds of a convolution chain, without building it."""

from collections.abc import Sequence

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.cells.count import Cost
from taskaware.spaces import ChainSpace
from taskaware.spaces.chain import Layer, ends

Shape = tuple[int, int, int]
"""Height, width and channels."""


def cost(space: ChainSpace, point: Float[EitherArray, " D"], outputs: int) -> Cost:
    """Parameters and multiply-adds of the network of a point; exactly those of `ChainNetwork`.

    Args:
        space: of the point.
        point: choice numbers.
        outputs: classes, or 1 for a value.

    >>> from taskaware.spaces import chain
    >>> space = chain(2, filters=(8,), side=8, channels=1)
    >>> cost(space, space.named("plain"), 10)
    Cost(parameters=770, multiply_adds=41552)
    """
    layers = space.decode(point)
    states, total = shapes(space, layers), Cost(0, 0)
    for layer in layers:
        height, width = _convolved(states, layer)
        kernel = layer.height * layer.width * joined(states, layer.reads)[2] * layer.filters
        total += Cost(kernel + 2 * layer.filters, height * width * kernel)
    last = joined(states, ends(layers))[2]
    return total + Cost((last + 1) * outputs, last * outputs)


def shapes(space: ChainSpace, layers: Sequence[Layer]) -> list[Shape]:
    """The shapes of the image and of what each layer gives."""
    settings = space.settings
    found = [(settings.side, settings.side, settings.channels)]
    for layer in layers:
        height, width = (-(-side // (1 + layer.pooled)) for side in _convolved(found, layer))
        found.append((height, width, layer.filters))
    return found


def joined(states: Sequence[Shape], numbers: Sequence[int]) -> Shape:
    """The shape of some states together: padded to the largest, their channels one behind the other."""
    heights, widths, channels = zip(*(states[number] for number in numbers), strict=True)
    return max(heights), max(widths), sum(channels)


def _convolved(states: Sequence[Shape], layer: Layer) -> tuple[int, int]:
    """Height and width after the convolution of a layer."""
    height, width, _ = joined(states, layer.reads)
    down, right = layer.strides
    return -(-height // down), -(-width // right)
