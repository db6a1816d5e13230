"""A recurrent cell as source code that runs alone, with Flax."""

import textwrap
from collections.abc import Iterator

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.copied import without_annotations
from taskaware.children.recurrent import parts
from taskaware.spaces import RecurrentCellSpace
from taskaware.spaces.recurrent_cells import Node, RecurrentCell

HEADER = '''\
"""A recurrent cell designed by taskaware."""

import flax.linen as nn
import jax
import jax.numpy as jnp
'''

MODULE = '''\
class Cell(nn.RNNCellBase):
    """One step from the memory c, the hidden state h and the input x to the next c and h.

    cell.apply(variables, (c, h), x) gives ((c, h), h); nn.RNN(Cell()) runs sequences (n, steps, inputs).
    """

    features: int = {features}

    @nn.compact
    def __call__(self, carry, x):
        c, h = carry
{equations}

    @nn.nowrap
    def initialize_carry(self, rng, input_shape):
        nothing = jnp.zeros((*input_shape[:-1], self.features))
        return nothing, nothing

    @property
    def num_feature_axes(self):
        return 1
'''

COMBINED = {"add": "{} + {}", "elem_mult": "{} * {}", "max": "jnp.maximum({}, {})"}
ACTIVATED = {
    "identity": "{}",
    "tanh": "nn.tanh({})",
    "sigmoid": "nn.sigmoid({})",
    "relu": "nn.relu({})",
    "sin": "jnp.sin({})",
}


def source(space: RecurrentCellSpace, point: Float[EitherArray, " D"], features: int) -> str:
    """Source code of the cell; its weights have the names of those of `CellNetwork`.

    Args:
        space: of the point.
        point: choice numbers.
        features: H, units.
    """
    equations = textwrap.indent("\n".join(_equations(space.decode(point), space.base)), " " * 8)
    copied = [without_annotations(part) for part in (parts.first_weights, parts.products)]
    return "\n\n".join([HEADER, *copied, MODULE.format(features=features, equations=equations)])


def _equations(cell: RecurrentCell, base: int) -> Iterator[str]:
    """Node i is a line `ai = ...`; `m` is the next memory."""
    yield f'xs = products(x, {base}, self.features, True, "input")'
    yield f'hs = products(h, {base}, self.features, False, "hidden")'
    for number, node in enumerate(cell.nodes):
        first = 2 * (number - base)
        pair = (f"xs[{number}]", f"hs[{number}]") if number < base else (f"a{first}", f"a{first + 1}")
        made = COMBINED[node.combination].format(*pair)
        if number == cell.memory:
            yield f"m = {made}"
            made = "m"
        yield f"a{number} = {ACTIVATED[node.activation].format(made)}"
        if number == cell.joined:
            yield f"a{number} = {_joined(cell.inject, number)}"
    yield f"return (m, a{number}), a{number}"


def _joined(inject: Node, number: int) -> str:
    return ACTIVATED[inject.activation].format(COMBINED[inject.combination].format(f"a{number}", "c"))
