"""Parameters and multiply-adds of a network of cells, without building it."""

from typing import NamedTuple

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.cells.operations import SEPARABLE
from taskaware.children.cells.stack import REDUCTION, Placed, placed_cells
from taskaware.spaces import CellSpace
from taskaware.spaces.cells import Cell


class Cost(NamedTuple):
    """What a network costs.

    Attributes:
        parameters: trained numbers.
        multiply_adds: of its convolutions and its last layer, for one image or series.
    """

    parameters: int
    multiply_adds: int

    def __add__(self, other: tuple) -> "Cost":
        return Cost(*(mine + its for mine, its in zip(self, other, strict=True)))


def cost(space: CellSpace, point: Float[EitherArray, " D"], outputs: int) -> Cost:
    """Parameters and multiply-adds of the network of a point; exactly those of `CellNetwork`.

    Args:
        space: of the point.
        point: choice numbers.
        outputs: classes, or 1 for a value.

    >>> from taskaware.spaces import cells
    >>> space = cells(side=8)
    >>> cost(space, space.named("amoebanet-a"), 10)
    Cost(parameters=37186, multiply_adds=494528)
    """
    cells, stack, axes = space.decode(point), space.stack, space.axes
    total = _convolution(stack.side**axes, 3**axes * stack.channels, stack.stem) + _norm(stack.stem)
    skip = last = stack.stem
    for each in placed_cells(space):
        cell, pixels = cells[each.cell], each.side**axes
        for channels, stride in ((skip, each.skip_stride), (last, 1)):
            total += _convolution(pixels, stride**axes * channels, each.filters) + _norm(each.filters)
        total += _operations(cell, each, axes)
        skip, last = last, len(cell.outputs) * each.filters
        if each.cell == REDUCTION:
            reduced = _convolution(each.halved**axes, 2**axes * last, 2 * each.filters)
            total += reduced + _norm(2 * each.filters)
            last = 2 * each.filters
    return total + Cost((last + 1) * outputs, last * outputs)


def _operations(cell: Cell, placed: Placed, axes: int) -> Cost:
    total, pixels, filters = Cost(0, 0), placed.side**axes, placed.filters
    for each in cell.combinations:
        for operation in (each.left_operation, each.right_operation):
            if operation in SEPARABLE:
                depthwise = _convolution(pixels, SEPARABLE[operation][0] ** axes, filters)
                total += depthwise + _convolution(pixels, filters, filters) + _norm(filters)
            elif operation == "1x7 then 7x1":
                for _ in range(axes):
                    total += _convolution(pixels, 7 * filters, filters)
                total += _norm(filters)
    return total


def _convolution(pixels: int, read: int, filters: int) -> Cost:
    """Each of the new pixels and filters reads so many numbers."""
    return Cost(read * filters, pixels * read * filters)


def _norm(filters: int) -> Cost:
    return Cost(2 * filters, 0)
