"""Points of mixtures as Flax modules, source code and drawings."""

from typing import TYPE_CHECKING, cast

import numpy as np
from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.forms import Forms, Sizes
from taskaware.children.mixture import source as writing
from taskaware.children.mixture.draw import draw_network
from taskaware.children.mixture.fixed import FixedNetwork
from taskaware.children.mixture.presence import CATEGORY_EMBEDDINGS, INPUTS
from taskaware.spaces import MixtureSpace

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def module(space: MixtureSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> FixedNetwork:
    """The network, to be called with (numbers (n, D), one-hot (n, T)).

    Args:
        space, point: the architecture.
        sizes: of the task.
    """
    numbers, block = tuple(map(float, np.asarray(point))), tuple(block_of(space, sizes))
    return FixedNetwork(space, numbers, sizes.outputs, block, categories_of(sizes), link=sizes.link)


def source(space: MixtureSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> str:
    """The text of a module with the network for encoded columns.

    Args:
        space, point: the architecture.
        sizes: of the task.
    """
    return writing.source(
        space,
        point,
        block=block_of(space, sizes),
        categories=categories_of(sizes),
        outputs=sizes.outputs,
        link=sizes.link,
    )


def draw(space: MixtureSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> "Figure":
    """The picture of the network.

    Args:
        space, point: the architecture.
        sizes: of the task; without widths, of a table with numbers and categories.
    """
    inputs = [name for name, width in sizes.widths.items() if width]
    return cast("Figure", draw_network(space, point, inputs=inputs or INPUTS).figure)


def block_of(space: MixtureSpace, sizes: Sizes) -> list[int]:
    """Embedding of each numeric column that a network reads, as an index into the space's names."""
    names = [name for name in space.embedding_names if name not in CATEGORY_EMBEDDINGS]
    return [space.embedding_names.index(name) for name in names for _ in range(sizes.widths.get(name, 0))]


def categories_of(sizes: Sizes) -> int:
    """One-hot columns that a network reads."""
    return max((sizes.widths.get(name, 0) for name in CATEGORY_EMBEDDINGS), default=0)


FORMS = Forms(module, source, draw)
