"""Recurrent cells as Flax modules, source code and drawings."""

from typing import TYPE_CHECKING

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.forms import Forms, Sizes
from taskaware.children.recurrent.draw import draw_cell
from taskaware.children.recurrent.network import CellNetwork, cell_network
from taskaware.children.recurrent.source import source as text
from taskaware.spaces import RecurrentCellSpace

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def module(space: RecurrentCellSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> CellNetwork:
    """The cell, to be called with (c, h) and inputs (n, I), or run over sequences by `flax.linen.RNN`.

    Args:
        space, point: the cell.
        sizes: its units.
    """
    return cell_network(space, point, sizes.units)


def source(space: RecurrentCellSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> str:
    """The cell as code.

    Args:
        space, point: the cell.
        sizes: its units.
    """
    return text(space, point, sizes.units)


def draw(space: RecurrentCellSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> "Figure":
    """The tree of the cell.

    Args:
        space, point: the cell.
        sizes: not used.
    """
    return draw_cell(space, point)


FORMS = Forms(module, source, draw, alone=("module", "source", "draw"))
