"""A point of a space of cells as a Flax module."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import EitherArray
from taskaware.children.cells.operations import applied, convolved, squeezed
from taskaware.children.cells.stack import REDUCTION, placed_cells
from taskaware.spaces import CellSpace
from taskaware.spaces.cells import Cell


class CellNetwork(nn.Module):
    """The network of a point; make one with `cell_network`.

    Attributes:
        space: of the point.
        point: choice numbers, D of them.
        outputs: K, classes or values.
    """

    space: CellSpace
    point: tuple[int, ...]
    outputs: int

    @nn.compact
    def __call__(self, inputs: Float[Array, "n *side channels"]) -> Float[Array, "n K"]:
        """Logits of the classes, or values.

        Args:
            inputs: standardised pixels (n, side, side, channels), or samples (n, side, channels).
        """
        cells, axes = self.space.decode(np.array(self.point, np.float32)), self.space.axes
        last = convolved(inputs, self.space.stack.stem, (3,) * axes, "stem")
        skip = last
        for each in placed_cells(self.space):
            states = [
                squeezed(skip, each.filters, each.skip_stride, f"{each.name}_skip"),
                squeezed(last, each.filters, 1, f"{each.name}_last"),
            ]
            skip, last = last, _cell(cells[each.cell], states, each.name)
            if each.cell == REDUCTION:
                last = squeezed(last, 2 * each.filters, 2, f"{each.name}_reduced")
        return nn.Dense(self.outputs, name="output")(nn.relu(last).mean(tuple(range(1, axes + 1))))


def cell_network(space: CellSpace, point: Float[EitherArray, " D"], outputs: int) -> CellNetwork:
    """The Flax module of a point.

    Args:
        space: of the point.
        point: choice numbers.
        outputs: classes, or 1 for a value.
    """
    return CellNetwork(space, tuple(np.asarray(point).astype(int).tolist()), outputs)


def _cell(cell: Cell, states: list[Array], name: str) -> Array:
    for number, each in enumerate(cell.combinations, 2):
        left = applied(each.left_operation, states[each.left], f"{name}_{number}_left")
        right = applied(each.right_operation, states[each.right], f"{name}_{number}_right")
        states.append(left + right)
    return jnp.concatenate([states[number] for number in cell.outputs], axis=-1)
