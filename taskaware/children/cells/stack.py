"""How cells are stacked: which cell stands where, its size, its filters and what it reads."""

from typing import NamedTuple

from taskaware.spaces import CellSpace
from taskaware.spaces.cells import CELLS

NORMAL, REDUCTION = CELLS
STAGES = 3


class Placed(NamedTuple):
    """One cell of a stack.

    Attributes:
        name: of its weights.
        cell: "normal" or "reduction".
        side: of its images, or samples of its series.
        filters: of each hidden state.
        skip_stride: 2 where the output of the cell before the previous one is twice as large, else 1.
    """

    name: str
    cell: str
    side: int
    filters: int
    skip_stride: int

    @property
    def halved(self) -> int:
        """Side of the images after the convolution that follows a reduction cell."""
        return -(-self.side // 2)


def placed_cells(space: CellSpace) -> tuple[Placed, ...]:
    """The cells of a network, from the image to the output.

    >>> from taskaware.spaces import cells
    >>> [(each.cell, each.side, each.filters) for each in placed_cells(cells(side=8, filters=4))]
    [('normal', 8, 4), ('reduction', 8, 4), ('normal', 4, 8), ('reduction', 4, 8), ('normal', 2, 16)]
    """
    found: list[Placed] = []
    side, filters, stride = space.stack.side, space.stack.filters, 1
    for stage in range(STAGES):
        kinds = [NORMAL] * space.stack.repeats + [REDUCTION] * (stage < STAGES - 1)
        for kind in kinds:
            found.append(Placed(f"cell{len(found)}", kind, side, filters, stride))
            stride = 1
        side, filters, stride = found[-1].halved, 2 * filters, 2
    return tuple(found)
