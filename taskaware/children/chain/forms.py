"""Networks of convolution chains as Flax modules, source code and drawings."""

from typing import TYPE_CHECKING

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.chain.draw import draw_chain
from taskaware.children.chain.network import ChainNetwork, chain_network
from taskaware.children.chain.source import source as text
from taskaware.children.forms import Forms, Sizes
from taskaware.spaces import ChainSpace

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def module(space: ChainSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> ChainNetwork:
    """The network, to be called with images (n, side, side, channels) of standardised pixels.

    Args:
        space, point: the chain.
        sizes: of the task.
    """
    return chain_network(space, point, sizes.outputs)


def source(space: ChainSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> str:
    """The network as code.

    Args:
        space, point: the chain.
        sizes: of the task.
    """
    return text(space, point, sizes.outputs)


def draw(space: ChainSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> "Figure":
    """The layers and their connections.

    Args:
        space, point: the chain.
        sizes: not used.
    """
    return draw_chain(space, point)


FORMS = Forms(module, source, draw, alone=("draw",))
