"""Pictures of the two cells of a point."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.picture import BLUE, GREEN, INK, LINE, PALE, RED, SLATE, VIOLET, label
from taskaware.spaces import CellSpace
from taskaware.spaces.cells import ON_SERIES, OPERATIONS, Cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "identity": "#c3cad5",
    "average pooling 3x3": VIOLET,
    "max pooling 3x3": RED,
    "1x7 then 7x1": GREEN,
}
CONVOLUTION = BLUE
NAMES = {1: dict(zip(OPERATIONS, ON_SERIES, strict=True)), 2: {name: name for name in OPERATIONS}}
"""What operations are called, by the axes of the data."""
WIDE, STEP = 2.4, 1.5
SHORT = {"average pooling": "average", "max pooling": "max", "dilated separable": "dilated"}


def draw_cells(space: CellSpace, point: Float[EitherArray, " D"]) -> "Figure":
    """The normal and the reduction cell side by side, as a figure that pyplot does not hold.

    From the bottom to the top: the outputs of the two cells before (0 and 1); the hidden states, each above
    its two operations, with a line from what each operation reads; the output, which concatenates what is
    left.

    Args:
        space: of the point.
        point: choice numbers.
    """
    from matplotlib.figure import Figure

    cells = space.decode(point)
    tall = 1.2 + 0.75 * max(_levels(cell)[-1] for cell in cells.values())
    wide = 1.3 * space.combinations + 1
    figure = Figure(figsize=(2 * max(wide, 3.0), max(tall, 2.5)), dpi=150, layout="constrained")
    for axes, (name, cell) in zip(figure.subplots(1, 2), cells.items(), strict=True):
        _draw(axes, cell, NAMES[space.axes])
        axes.set_title(f"{name} cell", color=INK)
    return figure


def _levels(cell: Cell) -> list[int]:
    """Height of each hidden state: one above the higher of its two; the output last."""
    levels = [0, 0]
    for each in cell.combinations:
        levels.append(max(levels[each.left], levels[each.right]) + 1)
    return [*levels, max(levels) + 1]


def _draw(axes: "Axes", cell: Cell, names: Mapping[str, str]) -> None:
    levels, places = _levels(cell), _places(cell)
    for number, each in enumerate(cell.combinations, 2):
        x, y = places[number], STEP * levels[number]
        for state, operation, side in (
            (each.left, each.left_operation, -0.55),
            (each.right, each.right_operation, 0.55),
        ):
            axes.plot([places[state], x + side], [STEP * levels[state] + 0.2, y - 0.75], color=LINE, lw=1)
            axes.plot([x + side, x], [y - 0.45, y - 0.2], color=LINE, lw=1)
            label(axes, (x + side, y - 0.6), _short(names[operation]), COLOURS.get(operation, CONVOLUTION))
    top = STEP * levels[-1] - 0.5
    middle = sum(places.values()) / len(places)
    for number in cell.outputs:
        axes.plot([places[number], middle], [STEP * levels[number] + 0.2, top], color=INK, lw=1)
    for number, x in places.items():
        label(axes, (x, STEP * levels[number]), str(number), PALE, ink=INK, size=9)
    label(axes, (middle, top), "concatenated", SLATE, size=9)
    axes.margins(0.12)
    axes.set_axis_off()


def _places(cell: Cell) -> dict[int, float]:
    """Where each hidden state stands from left to right; those of one height side by side."""
    levels, found = _levels(cell)[:-1], {}
    for level in sorted(set(levels)):
        row = [number for number, own in enumerate(levels) if own == level]
        for place, number in enumerate(row):
            found[number] = WIDE * (place - (len(row) - 1) / 2) + 0.4 * (level % 2)
    return found


def _short(operation: str) -> str:
    for long, short in SHORT.items():
        if operation.startswith(long):
            operation = operation.replace(long, short)
    return operation.replace(" ", "\n", 1)
