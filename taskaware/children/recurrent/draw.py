"""A picture of a recurrent cell: its tree, and where the memory joins and leaves."""

from typing import TYPE_CHECKING, NamedTuple

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.picture import BLUE, GREEN, INK, LINE, MUTED, ORANGE, PALE, RED, SLATE, VIOLET, label
from taskaware.spaces import RecurrentCellSpace
from taskaware.spaces.recurrent_cells import Node, RecurrentCell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"identity": SLATE, "tanh": BLUE, "sigmoid": VIOLET, "relu": RED, "sin": GREEN}
WIDE, STEP, BELOW, ABOVE = 1.1, 1.5, 1.5, 1.0
HALF = 0.2
"""Of the height of a box. All lengths are in inches."""

JOINED = 0.72
"""How far above a node the box stands in which the memory joins."""

NOTE = "Each box: how two values are combined, and the activation. cₜ is taken before the activation."


class Place(NamedTuple):
    """Where a node stands: its middle, and the side that its parent is not on, -1 for left."""

    x: float
    y: float
    outer: int


def draw_cell(space: RecurrentCellSpace, point: Float[EitherArray, " D"]) -> "Figure":
    """The tree of a cell, as a figure that pyplot does not hold.

    From the bottom to the top: the input and the last hidden state, which every leaf reads with weights of
    its own; the leaves and the inner nodes, each with its number, combination and activation; the next
    hidden state. The last memory joins a node in a box above it; the next memory leaves a node.

    Args:
        space: of the point.
        point: choice numbers.
    """
    from matplotlib.figure import Figure

    cell = space.decode(point)
    places = _places(space.base)
    width = max(WIDE * space.base, 5.6)
    height = BELOW + places[-1].y + (JOINED if cell.joined == len(places) - 1 else 0) + ABOVE
    axes = (figure := Figure(figsize=(width, height), dpi=150)).add_axes((0, 0, 1, 1))
    middle = WIDE * (space.base - 1) / 2
    axes.set(xlim=(middle - width / 2, middle + width / 2), ylim=(-BELOW, height - BELOW))
    axes.set_axis_off()
    for number, node in enumerate(cell.nodes):
        _draw(axes, cell, number, node, places)
    top = _top(cell, len(places) - 1, places)
    _line(axes, (places[-1].x, top), (places[-1].x, top + 0.35))
    label(axes, (places[-1].x, top + 0.45), "hₜ", PALE, ink=INK, size=9)
    axes.text(middle, 0.15 - BELOW, NOTE, ha="center", color=MUTED, fontsize=7)
    return figure


def _places(base: int) -> list[Place]:
    """Of all nodes, so that no lines cross."""

    def leaves(node: int) -> list[int]:
        first = 2 * (node - base)
        return [node] if node < base else leaves(first) + leaves(first + 1)

    across, up = [0.0] * base, [0.0] * base
    for place, leaf in enumerate(leaves(2 * base - 2)):
        across[leaf] = WIDE * place
    for first in range(0, 2 * base - 2, 2):
        across.append(sum(across[first : first + 2]) / 2)
        up.append(max(up[first : first + 2]) + STEP)
    return [Place(x, y, 1 if node % 2 else -1) for node, (x, y) in enumerate(zip(across, up, strict=True))]


def _draw(axes: "Axes", cell: RecurrentCell, number: int, node: Node, places: list[Place]) -> None:
    """A node with the lines from what it combines, and the memory where it joins or leaves there."""
    x, y, outer = places[number]
    base = (len(places) + 1) // 2
    for nth, side in enumerate((-0.18, 0.18)):
        into = (x + side, y - HALF)
        if number < base:
            _line(axes, (x + 1.5 * side, y - 0.7), into)
            label(axes, (x + 1.5 * side, y - 0.75), ("xₜ", "hₜ₋₁")[nth], PALE, ink=INK, size=7)
        else:
            child = 2 * (number - base) + nth
            _line(axes, (places[child].x, _top(cell, child, places)), into)
    _box(axes, (x, y), node)
    axes.text(x, y - HALF - 0.2, str(number), ha="center", color=MUTED, fontsize=6)
    if number == cell.memory:
        _line(axes, (x + 0.2 * outer, y + HALF), (x + 0.5 * outer, y + 0.45), ORANGE)
        label(axes, (x + 0.5 * outer, y + 0.45), "cₜ", ORANGE, size=8)
    if number == cell.joined:
        _line(axes, (x, y + HALF), (x, y + JOINED - HALF))
        _line(axes, (x + 0.5 * outer, y + 1.15), (x + 0.2 * outer, y + JOINED + HALF), ORANGE)
        _box(axes, (x, y + JOINED), cell.inject)
        label(axes, (x + 0.5 * outer, y + 1.2), "cₜ₋₁", ORANGE, size=8)


def _top(cell: RecurrentCell, number: int, places: list[Place]) -> float:
    """Where the value of a node leaves its boxes."""
    return places[number].y + HALF + (JOINED if number == cell.joined else 0)


def _box(axes: "Axes", at: tuple[float, float], node: Node) -> None:
    label(axes, at, f"{node.combination}\n{node.activation}", COLOURS[node.activation], size=7)


def _line(axes: "Axes", start: tuple[float, float], end: tuple[float, float], colour: str = LINE) -> None:
    axes.plot([start[0], end[0]], [start[1], end[1]], color=colour, lw=1)
