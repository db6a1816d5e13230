"""A network of cells as source code that runs alone, with Flax."""

import textwrap

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.cells import operations
from taskaware.children.cells.operations import CALLS
from taskaware.children.cells.stack import REDUCTION, placed_cells
from taskaware.children.copied import without_annotations
from taskaware.spaces import CellSpace
from taskaware.spaces.cells import CELLS, Cell

HEADER = '''\
"""A network of cells designed by taskaware."""

import flax.linen as nn
import jax.numpy as jnp
'''

MODULE = '''\
class Network(nn.Module):
    """Outputs (n, {outputs}) of n {rows}."""

    @nn.compact
    def __call__(self, inputs):
'''

ROWS = (
    "series (n, {side}, {channels}) of standardised samples",
    "images (n, {side}, {side}, {channels}) of standardised pixels",
)
"""What a network reads, by the number of axes less one."""

PARTS = (
    operations.convolved,
    operations.squeezed,
    operations.separable,
    operations.rows_then_columns,
    operations.average_pooled,
    operations.max_pooled,
)


def source(space: CellSpace, point: Float[EitherArray, " D"], outputs: int) -> str:
    """Source code of the network; its weights have the names of those of `CellNetwork`.

    Args:
        space: of the point.
        point: choice numbers.
        outputs: classes, or 1 for a value.
    """
    cells = space.decode(point)
    used = [_cell_text(name, cells[name]) for name in CELLS]
    body = "".join(used) + _network_text(space, outputs)
    parts = [without_annotations(part) for part in PARTS if f"{part.__name__}(" in body]
    return "\n\n".join([HEADER, *parts, *used, _network_text(space, outputs)])


def _cell_text(name: str, cell: Cell) -> str:
    lines = [f"def {name}_cell(h0, h1, name):"]
    for number, each in enumerate(cell.combinations, 2):
        left = CALLS[each.left_operation].format(x=f"h{each.left}", slot=f"{number}_left")
        right = CALLS[each.right_operation].format(x=f"h{each.right}", slot=f"{number}_right")
        lines.append(f"    h{number} = {left} + {right}")
    outputs = ", ".join(f"h{number}" for number in cell.outputs)
    return "\n".join([*lines, f"    return jnp.concatenate([{outputs}], axis=-1)\n"])


def _network_text(space: CellSpace, outputs: int) -> str:
    stack, axes = space.stack, space.axes
    lines = [f'last = convolved(inputs, {stack.stem}, {(3,) * axes}, "stem")', "skip = last"]
    for each in placed_cells(space):
        lines += [
            f'h0 = squeezed(skip, {each.filters}, {each.skip_stride}, "{each.name}_skip")',
            f'h1 = squeezed(last, {each.filters}, 1, "{each.name}_last")',
            f'skip, last = last, {each.cell}_cell(h0, h1, "{each.name}")',
        ]
        if each.cell == REDUCTION:
            lines.append(f'last = squeezed(last, {2 * each.filters}, 2, "{each.name}_reduced")')
    over = tuple(range(1, axes + 1))
    lines.append(f'return nn.Dense({outputs}, name="output")(nn.relu(last).mean({over}))')
    rows = ROWS[axes - 1].format(side=stack.side, channels=stack.channels)
    head = MODULE.format(outputs=outputs, rows=rows)
    return head + textwrap.indent("\n".join(lines), " " * 8) + "\n"
