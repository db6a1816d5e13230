"""First weights of a child cell from those of its parent."""

import numpy as np
from jaxtyping import Float

from taskaware.children.cells.stack import placed_cells
from taskaware.spaces import CellSpace
from taskaware.spaces.cells import CELLS


def inherited(
    space: CellSpace,
    point: Float[np.ndarray, " D"],
    fresh: dict[str, np.ndarray],
    parent: tuple[np.ndarray, dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """The weights of the parent, but fresh ones in the slots whose operation is another.

    All networks of a space have weights of the same shapes in the shared program.

    Args:
        space: of both points.
        point: the child, (D,).
        fresh: its first weights without a parent.
        parent: point and trained weights.
    """
    before, given = parent
    slots = 2 * space.combinations
    same = (point == before).reshape(len(CELLS), slots, 2)[..., 1]
    found = dict(given)
    for each in placed_cells(space):
        kept = same[CELLS.index(each.cell)]
        for name in fresh:
            if name.startswith(f"{each.name}_ops"):
                mask = kept.reshape(slots, *[1] * (fresh[name].ndim - 1))
                found[name] = np.where(mask, given[name], fresh[name])
    return found
