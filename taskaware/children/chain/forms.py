"""Networks of convolution chains as Flax modules and source code."""

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.chain.network import ChainNetwork, chain_network
from taskaware.children.chain.source import source as text
from taskaware.children.forms import Forms, Sizes
from taskaware.spaces import ChainSpace


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


FORMS = Forms(module, source)
