"""Networks of cells as Flax modules, source code and drawings."""

from typing import TYPE_CHECKING

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.cells.draw import draw_cells
from taskaware.children.cells.network import CellNetwork, cell_network
from taskaware.children.cells.source import source as text
from taskaware.children.forms import Forms, Sizes
from taskaware.spaces import CellSpace

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def module(space: CellSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> CellNetwork:
    """The network, to be called with images (n, side, side, channels) of standardised pixels,
    or with series (n, side, channels) of standardised samples.

    Args:
        space, point: the cells.
        sizes: of the task.
    """
    return cell_network(space, point, sizes.outputs)


def source(space: CellSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> str:
    """The network as code.

    Args:
        space, point: the cells.
        sizes: of the task.
    """
    return text(space, point, sizes.outputs)


def draw(space: CellSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> "Figure":
    """Both cells.

    Args:
        space, point: the cells.
        sizes: not used.
    """
    return draw_cells(space, point)


FORMS = Forms(module, source, draw, alone=("draw",))
