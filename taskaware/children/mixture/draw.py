"""Pictures of a network: its layers side by side, and the ascent that found it.

A picture is laid out once, as shapes on a sheet whose y points down, and then drawn with matplotlib or
written as SVG.
"""

import itertools
import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from taskaware.arrays import EitherArray
from taskaware.children.mixture.architecture import Architecture, Layer, architecture
from taskaware.children.mixture.describe import percent, recipe_texts, summary
from taskaware.children.mixture.presence import INPUTS, is_input, reads
from taskaware.children.mixture.shapes import INK, TEXT, Box, Curve, Shape, Sheet, Text
from taskaware.errors import UserError
from taskaware.spaces import MixtureSpace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MUTED, FAINT, PALE = "#6b7280", "#c3cad5", "#eef1f5"
INPUT, LINEAR = "#2a9d8f", "#8c98aa"
CHOSEN, ENDED = "#3f74b5", "#e2843f"
ACTIVATION_COLOURS = ("#3f74b5", "#e2843f", "#5a9e57", "#8e6bb0", "#c4505a")

MARGIN, LINE = 18.0, 15.0
CHIP_WIDTH, CHIP_HEIGHT, CHIP_STEP = 126.0, 20.0, 24.0
COLUMN, GAP, TALLEST, ARC = 58.0, 46.0, 150.0, 36.0
NAMED = 4
UNITS_PER_INCH = 80.0


def draw_network(
    space: MixtureSpace,
    vector: Float[EitherArray, " D"],
    ax: "Axes | None" = None,
    *,
    inputs: Collection[str] = INPUTS,
) -> "Axes":
    """Draw the network of a point.

    From left to right: the embeddings with their shares; the columns they are mapped to; each layer that is
    present, a bar for each baseline, taller (by the root of its size) the larger it is, as wide as its
    share, and fainter the smaller its share and the layer's presence are; arcs for what passes by a layer;
    the output.

    Args:
        space: where the point lies.
        vector: the point.
        ax: where to draw; by default on a figure of its own, as `ax.figure`, which pyplot does not hold.
        inputs: kinds of column that the table has, of "numbers" and "categories".

    Raises:
        UserError: the vector is no point of the space, or an input is unknown.
    """
    sheet = _sheet(architecture(space, vector, inputs=inputs), inputs)
    if ax is None:
        from matplotlib.figure import Figure

        size = (sheet.width / UNITS_PER_INCH, sheet.height / UNITS_PER_INCH)
        ax = Figure(figsize=size, dpi=150, facecolor="white").add_axes((0, 0, 1, 1))
    sheet.draw(ax)
    return ax


def svg(space: MixtureSpace, vector: Float[EitherArray, " D"], *, inputs: Collection[str] = INPUTS) -> str:
    """The picture of `draw_network` as one `<svg>` element; it needs no matplotlib.

    Args:
        space, vector, inputs: as in `draw_network`.

    >>> import jax.numpy as jnp
    >>> from taskaware.spaces import preset
    >>> space = preset("compact")
    >>> picture = svg(space, space.discretise(jnp.zeros(space.dimension)))
    >>> picture[:5], picture[-6:]
    ('<svg ', '</svg>')
    """
    sheet = _sheet(architecture(space, vector, inputs=inputs), inputs)
    return sheet.svg(summary(space, vector, inputs=inputs))


def plot_ascent(
    ax: "Axes",
    trace: Float[np.ndarray, "starts steps"],
    *,
    chosen: int | None = None,
    stops: Int[np.ndarray, " starts"] | Sequence[int] | None = None,
) -> "Axes":
    """Plot the predicted score along every ascent.

    Args:
        ax: where to draw.
        trace: predicted score of each start at each step, the start itself being step 0; NaN leaves a gap.
        chosen: the start whose end was returned; it is drawn strong and marked.
        stops: the step at which the guard stopped each start; what follows is drawn faint. By default none
            was stopped.

    Raises:
        UserError: `trace` is no (starts, steps) table, or `chosen` or `stops` do not fit it.
    """
    trace = np.asarray(trace, float)
    if trace.ndim != 2 or not trace.size:
        raise UserError(f"The trace has the shape {trace.shape}. Give (starts, steps), at least one of each.")
    starts, steps = trace.shape
    stops = np.full(starts, steps - 1) if stops is None else np.asarray(stops)
    if stops.shape != (starts,) or stops.min() < 0 or stops.max() >= steps:
        raise UserError(
            f"The stops are {stops}. Give a step from 0 to {steps - 1} for each of {starts} starts."
        )
    if chosen is not None and not 0 <= chosen < starts:
        raise UserError(f"The chosen start is {chosen}. Give one from 0 to {starts - 1}.")
    for start in range(starts):
        _plot_start(ax, trace[start], int(stops[start]), start == chosen)
    ax.set(xlabel="step of the ascent", ylabel="predicted score")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=PALE)
    ax.set_axisbelow(True)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False)
    return ax


class Column(NamedTuple):
    """Where a column of the picture stands, and how tall it is."""

    x: float
    tall: float

    @property
    def right(self) -> float:
        return self.x + COLUMN

    @property
    def middle(self) -> float:
        return self.x + COLUMN / 2


def _sheet(net: Architecture, inputs: Collection[str]) -> Sheet:
    """The picture: chips of the embeddings, then a column for the embedding, each layer and the output."""
    tall = [_tall(net, net.width), *(_tall(net, layer.size) for layer in net.layers), 1.4 * CHIP_HEIGHT]
    left = MARGIN + CHIP_WIDTH + 1.4 * GAP
    columns = [Column(left + place * (COLUMN + GAP), height) for place, height in enumerate(tall)]
    chips = _chips(net, inputs)
    shapes = _ribbons(chips, columns) + _chip_shapes(chips) + _ends(net, columns[0], columns[-1])
    for place, layer in enumerate(net.layers, 1):
        shapes += _layer_shapes(net, layer, columns[place])
        shapes += _bypass(layer, columns[place - 1 : place + 2]) if layer.bypass else []
    width, panel = columns[-1].right + MARGIN, CHIP_HEIGHT + chips[-1].y
    arcs = 1.7 * ARC if any(layer.bypass for layer in net.layers) else 0
    lines = max((min(len(layer.baselines), NAMED + 1) for layer in net.layers), default=1)
    bottom = max(TALLEST / 2 + (lines + 1.8) * LINE, panel)
    if net.recipe:
        bottom += 2 * LINE
        shapes.append(Text(width / 2, bottom - LINE / 2, _recipe_text(net), MUTED))
    return Sheet(width, -max(TALLEST / 2 + arcs, panel) - MARGIN, bottom + MARGIN / 2, shapes)


def _tall(net: Architecture, units: int) -> float:
    """Height of a bar; the root keeps the small ones visible."""
    return TALLEST * math.sqrt(units / max(net.space.sizes))


class Chip(NamedTuple):
    """A line of the list of embeddings: one of them with its share, or (share None) a heading."""

    y: float
    text: str
    share: float | None


def _chips(net: Architecture, inputs: Collection[str]) -> list[Chip]:
    """The embeddings that the table's columns can be given in, group by group, about the height 0."""
    shares = {embedding.name: embedding.share for embedding in net.embeddings}
    chips: list[Chip] = []
    y = 0.0
    for group in net.space.embeddings:
        names = [name for name in group if is_input(name, inputs)]
        y += CHIP_HEIGHT / 2 * bool(chips)
        heading = [(reads(name), None) for name in names[:1]]
        for text, share in heading + [(name, shares.get(name, 0)) for name in names]:
            chips.append(Chip(y, text.replace("_", "-"), share))
            y += CHIP_STEP
    middle = chips[-1].y / 2
    return [chip._replace(y=chip.y - middle) for chip in chips]


def _chip_shapes(chips: list[Chip]) -> list[Shape]:
    shapes: list[Shape] = []
    for y, text, share in chips:
        if share is None:
            shapes.append(Text(MARGIN, y, text, MUTED, "start"))
            continue
        top = y - CHIP_HEIGHT / 2
        shapes.append(Box(MARGIN, top, CHIP_WIDTH, CHIP_HEIGHT, PALE))
        if share:
            shapes.append(Box(MARGIN, top, CHIP_WIDTH * share, CHIP_HEIGHT, INPUT, 0.35))
            shapes.append(Text(MARGIN + CHIP_WIDTH - 6, y, percent(share), INK, "end"))
        shapes.append(Text(MARGIN + 6, y, text, INK if share else FAINT, "start"))
    return shapes


def _ribbons(chips: list[Chip], columns: list[Column]) -> list[Shape]:
    """What flows from each chip to the embedding, and from column to column."""
    first = columns[0]
    half = CHIP_HEIGHT / 2
    flows: list[Shape] = [
        _ribbon((MARGIN + CHIP_WIDTH, y - half, y + half), first, INPUT, 0.06 + 0.22 * share)
        for y, _, share in chips
        if share
    ]
    pairs = zip(columns[:-1], columns[1:], strict=True)
    return flows + [_ribbon((a.right, -a.tall / 2, a.tall / 2), b, FAINT, 0.4) for a, b in pairs]


def _ribbon(start: tuple[float, float, float], column: Column, colour: str, opacity: float) -> Curve:
    """An area from (x, top, bottom) to the left side of a column."""
    x, top, bottom = start
    middle, half = (x + column.x) / 2, column.tall / 2
    over = ((x, top), (middle, top), (middle, -half), (column.x, -half))
    down = ((column.x, -half / 3), (column.x, half / 3), (column.x, half))
    back = ((middle, half), (middle, bottom), (x, bottom))
    return Curve(over + down + back, colour, opacity, filled=True)


def _ends(net: Architecture, first: Column, last: Column) -> list[Shape]:
    """The embedding's column and the output's."""
    label = TALLEST / 2 + LINE
    return [
        Box(first.x, -first.tall / 2, COLUMN, first.tall, LINEAR),
        Text(first.middle, label, "embedding", MUTED),
        Text(first.middle, label + LINE, f"{net.width} linear"),
        Box(last.x, -last.tall / 2, COLUMN, last.tall, INK, 1, last.tall / 2),
        Text(last.middle, 0, "output", "white"),
    ]


def _layer_shapes(net: Architecture, layer: Layer, column: Column) -> list[Shape]:
    """Bars side by side, and below them their names."""
    colours = dict(zip(net.space.activations, itertools.cycle(ACTIVATION_COLOURS)))
    shapes: list[Shape] = []
    if len(layer.baselines) > 1:
        shapes.append(Box(column.x, -column.tall / 2, COLUMN, column.tall, PALE))
    x, presence = column.x, 0.3 + 0.7 * layer.presence
    for baseline in layer.baselines:
        wide, tall = COLUMN * baseline.share, _tall(net, baseline.size)
        opacity = (0.5 + 0.5 * baseline.share) * presence
        shapes.append(Box(x, -tall / 2, max(wide - 1, 1), tall, colours[baseline.activation], opacity))
        x += wide
    if layer.bypass:
        shapes.append(Text(column.middle, -column.tall / 2 - 8, percent(layer.presence)))
    title = f"layer {layer.name.removeprefix('layer')}"
    shapes.append(Text(column.middle, TALLEST / 2 + LINE, title, MUTED))
    return shapes + _names(layer, column, colours)


def _names(layer: Layer, column: Column, colours: dict[str, str]) -> list[Shape]:
    """The largest baselines, each with its colour before it, and how many more there are."""
    ordered = sorted(layer.baselines, key=lambda baseline: -baseline.share)
    rows = [
        (f"{percent(b.share)} " * (b.share < 1) + f"{b.size} {b.activation}", colours[b.activation])
        for b in ordered[:NAMED]
    ]
    if len(ordered) > NAMED:
        rows.append((f"+ {len(ordered) - NAMED} more", "none"))
    left = column.middle - 0.28 * TEXT * max(len(text) for text, _ in rows)
    shapes: list[Shape] = []
    for row, (text, colour) in enumerate(rows, 2):
        y = TALLEST / 2 + row * LINE
        shapes += [Box(left - 9, y - 3.5, 7, 7, colour, 1, 1.5), Text(left + 2, y, text, INK, "start")]
    return shapes


def _bypass(layer: Layer, columns: list[Column]) -> list[Shape]:
    """An arc over a layer, from the column before to the one after."""
    before, column, after = columns
    peak = -max(each.tall for each in columns[:2]) / 2 - ARC
    start, end = (before.right, 8 - before.tall / 2), (after.x, 8 - after.tall / 2)
    reach = 0.5 * (column.middle - start[0])
    rise = (start, (start[0] + reach, start[1]), (column.middle - reach, peak), (column.middle, peak))
    fall = ((column.middle + reach, peak), (end[0] - reach, end[1]), end)
    label = f"{percent(layer.bypass)} passes by"
    arc = Curve(rise + fall, LINEAR, 0.3 + 0.5 * layer.bypass, 2 + 6 * layer.bypass)
    return [arc, Text(column.middle, peak - 12, label, MUTED)]


def _recipe_text(net: Architecture) -> str:
    return "  ·  ".join(recipe_texts(net))


def _plot_start(ax: "Axes", scores: Float[np.ndarray, " steps"], stop: int, chosen: bool) -> None:
    colour, width, opacity, order = (CHOSEN, 2.2, 1.0, 4) if chosen else (LINEAR, 1.1, 0.6, 2)
    line: dict[str, Any] = {"color": colour, "lw": width, "zorder": order}
    steps = np.arange(len(scores))
    ax.plot(steps[: stop + 1], scores[: stop + 1], **line, alpha=opacity)
    if stop < steps[-1]:
        ax.plot(steps[stop:], scores[stop:], **line, alpha=0.7 * opacity, ls=":")
        ring: dict[str, Any] = {
            "marker": "o",
            "mfc": "white",
            "mec": colour,
            "ms": 5,
            "ls": "",
            "zorder": order + 1,
        }
        ax.plot(stop, scores[stop], **ring, label=_once(ax, "stopped by the guard"))
    if chosen:
        ax.plot(stop, scores[stop], "*", color=ENDED, mec="white", ms=15, zorder=6, label="returned")


def _once(ax: "Axes", label: str) -> str:
    """The label, or nothing if the legend has it."""
    return "" if label in ax.get_legend_handles_labels()[1] else label
