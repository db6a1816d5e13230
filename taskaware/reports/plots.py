"""How plots are made here: figures that pyplot does not hold, as SVG that takes the page's colours."""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from markupsafe import Markup

from taskaware.reports import page
from taskaware.reports.page import readable, shortened
from taskaware.reports.style import COLOURS, FAINT, INK, MUTED, PALE, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, HALF = 9.6, 4.7
"""Widths of a figure in inches, as wide as the page and half as wide."""

SETTINGS = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": PALE,
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "path.simplify_threshold": 0.2,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": FAINT,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.color": FAINT,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 8.5,
}
"""Nothing here depends on what is installed, so that the same run gives the same bytes."""

_VARIABLES = {light: f"var(--{name})" for name, (light, _) in COLOURS.items()}
_LONG_NUMBER = re.compile(r"\d+\.\d{3,}(?:e-\d+)?")
_COLOUR = re.compile("|".join(_VARIABLES))
_FAMILY = re.compile(r" ?font-family: [^;\"]*;?")
_NO_TURN = re.compile(r' transform="rotate\(-0 [^)]*\)"')
_ID = re.compile(r' id="([^"]*)"')
_USED = re.compile(r"#([\w.-]+)[\")]")


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """The settings in which everything is drawn, in place of the user's own."""
    import matplotlib.style

    with matplotlib.style.context(SETTINGS, after_reset=True):
        yield


def sheet(width: float, height: float) -> "Figure":
    """An empty figure, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def small_multiples(rows: int, columns: int, height: float) -> tuple["Figure", list["Axes"]]:
    """A wide figure of many small plots.

    The margins are fixed: measuring every label, as `sheet` does, takes as long as drawing.

    Args:
        rows: of plots.
        columns: of plots.
        height: of each with its title, in inches.
    """
    from matplotlib.figure import Figure

    top, bottom = 0.62, 0.55
    tall = rows * height + top + bottom
    figure = Figure(figsize=(WIDE, tall))
    figure.subplots_adjust(
        left=0.085, right=0.995, top=1 - top / tall, bottom=bottom / tall, wspace=0.36, hspace=0.32
    )
    return figure, list(figure.subplots(rows, columns, sharex=True, squeeze=False).ravel())


def svg(figure: "Figure", name: str, about: str) -> Markup:
    """The figure as one `<svg>` element for a page.

    Args:
        figure: drawn within `drawing`.
        name: no other figure of the page has it.
        about: for those who do not see it.
    """
    import matplotlib

    sink = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name}), warnings.catch_warnings():
        # The browser has the letters that the font for measuring lacks.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(sink, format="svg", metadata={"Date": None})
    text = sink.getvalue()
    width, height = (72 * inches for inches in figure.get_size_inches())
    return page.drawing(width, height, about, _for_page(text[text.index("<g ") : text.rindex("</svg>")]))


def label(text: object, longest: int = 24) -> str:
    """A name as it is written into a plot."""
    return shortened(" ".join(readable(text).split()), longest)


def plain(ax: "Axes", which: str = "both") -> None:
    """Numbers at a logarithmic axis that are written out, without exponents."""
    from matplotlib.scale import LogTransform
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (ax.xaxis, ax.yaxis):
        if which in ("both", axis.axis_name) and axis.get_scale() == "log":
            low, high = axis.get_view_interval()
            if cast(LogTransform, axis.get_transform()).base == 10 and high / low < 300:
                axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
            axis.set_minor_formatter(NullFormatter())


def budget_axis(ax: "Axes", most: float) -> None:
    """The horizontal axis of trainings: by doubling where there are many, or else by ones."""
    from matplotlib.ticker import MaxNLocator

    if most >= 16:
        ax.set_xscale("log", base=2)
        plain(ax, "x")
    else:
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def bare(ax: "Axes", *, left: bool = True) -> None:
    """Take away the ticks of named rows, and the lines of the frame."""
    ax.tick_params(length=0)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(left)


def box_row(ax: "Axes", row: int, values: np.ndarray, colour: str) -> None:
    """Points along a row of the plot, a box around the middle half of them, a line at the median.

    Args:
        ax: to draw on.
        row: height of the row on the vertical axis.
        values: places of the points on the horizontal axis.
        colour: of everything.
    """
    if not len(values):
        return
    places = row + spread(len(values), 0.52)
    ax.plot(np.sort(values), places, "o", color=colour, ms=3.6, mew=0, alpha=0.5, zorder=2)
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    ax.barh(row, high - low, 0.62, low, facecolor=colour, alpha=0.2, zorder=1)
    ax.plot([middle, middle], [row - 0.31, row + 0.31], color=colour, lw=2.6, zorder=3, solid_capstyle="butt")


def legend(figure: "Figure", entries: dict[str, Look], *, lines: bool = False, columns: int = 5) -> None:
    """Names and looks above everything else; nothing where there is a single one.

    Args:
        figure: to draw on.
        entries: look by name.
        lines: show the line of each, not its marker.
        columns: of names, at most.
    """
    from matplotlib.lines import Line2D

    if len(entries) < 2:
        return
    handles = [
        Line2D([], [], color=look.colour, ls=look.dash if lines else "", marker="" if lines else look.marker)
        for look in entries.values()
    ]
    names = [label(name, 30) for name in entries]
    loc: Literal["outside upper left", "upper left"] = (
        "outside upper left" if figure.get_layout_engine() else "upper left"
    )
    figure.legend(handles, names, loc=loc, ncols=min(len(names), columns), handlelength=1.8)


def spread(count: int, width: float = 0.5) -> np.ndarray:
    """Places from -width/2 to width/2 that follow one another without a pattern, always the same ones."""
    return ((np.arange(count) * 0.6180339887) % 1 - 0.5) * width


def _for_page(text: str) -> str:
    """Short numbers, the page's own letters and colours, no name that nothing refers to."""
    used = set(_USED.findall(text))

    def clean(tag: re.Match) -> str:
        short = _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}", " ".join(tag[0].split()))
        short = _NO_TURN.sub("", _FAMILY.sub("", short))
        short = _ID.sub(lambda found: found[0] if found[1] in used else "", short)
        return _COLOUR.sub(lambda found: _VARIABLES[found[0]], short)

    return re.sub(r"\s*\n\s*", "\n", re.sub(r"<[^>]+>", clean, text))
