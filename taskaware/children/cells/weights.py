"""Weights of the shared program as those of the module of one point."""

import math
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.cells.operations import SEPARABLE
from taskaware.children.cells.shared import ROWS, middle
from taskaware.children.cells.stack import REDUCTION, Placed, placed_cells
from taskaware.spaces import CellSpace
from taskaware.spaces.cells import Cell

Params = dict[str, Any]


def module_params(
    space: CellSpace, point: Float[EitherArray, " D"], params: dict[str, EitherArray]
) -> Params:
    """The weights of `CellNetwork`, and of the code of `source`, that reproduce trained ones.

    Args:
        space: of the point.
        point: choice numbers.
        params: that `child.outputs` reads, of one network.
    """
    # On the host, where cutting compiles nothing.
    arrays = {name: np.asarray(each) for name, each in jax.device_get(params).items()}
    cells = space.decode(point)
    found: Params = {"stem": {"kernel": arrays["stem"]}, "stem_norm": _norm(arrays, "stem")}
    skip, last = [0], [0]
    for each in placed_cells(space):
        found |= _squeezed(arrays, f"{each.name}_skip", skip, space.window(each.skip_stride))
        found |= _squeezed(arrays, f"{each.name}_last", last, space.window(1))
        found |= _operations(arrays, each, cells[each.cell])
        skip, last = last, [number - 2 for number in cells[each.cell].outputs]
        if each.cell == REDUCTION:
            found |= _squeezed(arrays, f"{each.name}_reduced", last, space.window(2))
            last = [0]
    if space.axes == 1:
        found = {name: _without_width(leaves) for name, leaves in found.items()}
    kernel = np.concatenate([arrays["output"][state] for state in last])
    return found | {"output": {"kernel": kernel, "bias": arrays["output_bias"]}}


def _without_width(leaves: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Kernels of images that are one pixel wide as those of series."""
    return {name: leaf[:, 0] if name == "kernel" else leaf for name, leaf in leaves.items()}


def _operations(params: dict[str, np.ndarray], each: Placed, cell: Cell) -> Params:
    found: Params = {}
    for number, combination in enumerate(cell.combinations):
        chosen = ("left", combination.left_operation), ("right", combination.right_operation)
        for slot, (side, operation) in enumerate(chosen, 2 * number):
            own = {
                name.removeprefix(f"{each.name}_ops"): leaf[slot]
                for name, leaf in params.items()
                if name.startswith(f"{each.name}_ops")
            }
            found |= _operation(own, operation, f"{each.name}_{number + 2}_{side}")
    return found


def _operation(own: dict[str, np.ndarray], operation: str, name: str) -> Params:
    if operation in SEPARABLE:
        kernel = middle(own["_depthwise"], SEPARABLE[operation][0])[:, :, None]
        pixels = own[""][len(own[""]) // 2]
        found = {f"{name}_depthwise": {"kernel": kernel}, name: {"kernel": pixels[None, None]}}
    elif operation == ROWS:
        found = {name: {"kernel": own[""][:, None]}}
        if "_row" in own:
            found[f"{name}_row"] = {"kernel": own["_row"][None]}
    else:
        return {}
    return found | {f"{name}_norm": _norm(own, "")}


def _squeezed(params: dict[str, np.ndarray], name: str, states: list[int], window: tuple[int, int]) -> Params:
    """The kernel over concatenated states from the kernels of each."""
    _, read, filters = params[name].shape
    shape = (*window, read // math.prod(window), filters)
    parts = [params[name][state].reshape(shape) for state in states]
    return {name: {"kernel": np.concatenate(parts, axis=2)}, f"{name}_norm": _norm(params, name)}


def _norm(params: dict[str, np.ndarray], name: str) -> Params:
    return {"scale": params[f"{name}_scale"], "bias": params[f"{name}_bias"]}
