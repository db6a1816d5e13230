"""The few shapes that a picture is made of, each drawn with matplotlib or written as SVG; y points down.

`draw` takes how many points (1/72 inch) one unit of the sheet is on the axes.
"""

import html
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#1f2937"
TEXT = 11.0


class Box(NamedTuple):
    """A rectangle with round corners."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    opacity: float = 1.0
    round: float = 3.0

    def svg(self) -> str:
        return (
            f'<rect x="{self.x:.1f}" y="{self.y:.1f}" width="{self.width:.1f}" height="{self.height:.1f}" '
            f'rx="{self._radius:.1f}" fill="{self.fill}" fill-opacity="{self.opacity:.2f}"/>'
        )

    def draw(self, ax: "Axes", points: float) -> None:
        from matplotlib.patches import FancyBboxPatch

        style = f"round,pad=0,rounding_size={self._radius}"
        where, size = (self.x, self.y), (self.width, self.height)
        ax.add_patch(
            FancyBboxPatch(where, *size, boxstyle=style, fc=self.fill, ec="none", alpha=self.opacity)
        )

    @property
    def _radius(self) -> float:
        return min(self.round, self.width / 2, self.height / 2)


class Curve(NamedTuple):
    """Cubic Bézier pieces from a first point on, three points each: a line, or an area if filled."""

    nodes: tuple[tuple[float, float], ...]
    colour: str
    opacity: float
    width: float = 0.0
    filled: bool = False

    def svg(self) -> str:
        at = [f"{x:.1f} {y:.1f}" for x, y in self.nodes]
        path = f"M{at[0]} C" + ", ".join(at[1:]) + "Z" * self.filled
        paint = f'fill="{self.colour}" fill-opacity="{self.opacity:.2f}"'
        if not self.filled:
            paint = (
                f'fill="none" stroke="{self.colour}" stroke-width="{self.width:.1f}" '
                f'stroke-opacity="{self.opacity:.2f}" stroke-linecap="round"'
            )
        return f'<path d="{path}" {paint}/>'

    def draw(self, ax: "Axes", points: float) -> None:
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        path = Path(self.nodes, [Path.MOVETO] + [Path.CURVE4] * (len(self.nodes) - 1))
        paint: dict[str, Any] = {"fc": self.colour, "ec": "none"}
        if not self.filled:
            paint = {"fc": "none", "ec": self.colour, "lw": self.width * points, "capstyle": "round"}
        ax.add_patch(PathPatch(path, alpha=self.opacity, **paint))


class Text(NamedTuple):
    """A line of text, its middle at the height y."""

    x: float
    y: float
    text: str
    colour: str = INK
    anchor: str = "middle"
    size: float = TEXT

    def svg(self) -> str:
        return (
            f'<text x="{self.x:.1f}" y="{self.y + 0.36 * self.size:.1f}" text-anchor="{self.anchor}" '
            f'font-size="{self.size:g}" fill="{self.colour}">{html.escape(self.text)}</text>'
        )

    def draw(self, ax: "Axes", points: float) -> None:
        side = {"start": "left", "middle": "center", "end": "right"}[self.anchor]
        style: dict[str, Any] = {
            "ha": side,
            "va": "center",
            "fontsize": self.size * points,
            "color": self.colour,
            "parse_math": False,
        }
        ax.text(self.x, self.y, self.text, **style)


Shape = Box | Curve | Text


class Sheet(NamedTuple):
    """A picture.

    Attributes:
        width: it reaches from x = 0 to here.
        top, bottom: its reach in y.
        shapes: the lower ones first.
    """

    width: float
    top: float
    bottom: float
    shapes: list[Shape]

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def svg(self, title: str) -> str:
        """The picture as one `<svg>` element."""
        size = f'width="{self.width:g}" height="{self.height:g}"'
        view = f"0 {self.top:g} {self.width:g} {self.height:g}"
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" {size} '
            'style="max-width: 100%; height: auto" font-family="system-ui, sans-serif" role="img">'
        )
        paper = f'<rect y="{self.top:g}" {size} fill="white"/>'
        shapes = [shape.svg() for shape in self.shapes]
        return "\n".join([head, f"<title>{html.escape(title)}</title>", paper, *shapes, "</svg>"])

    def draw(self, ax: "Axes") -> None:
        """Draw the picture as large as fits into the axes."""
        inches = min(ax.bbox.width / self.width, ax.bbox.height / self.height) / ax.figure.dpi
        for shape in self.shapes:
            shape.draw(ax, 72 * inches)
        ax.set(xlim=(0, self.width), ylim=(self.bottom, self.top), aspect="equal")
        ax.axis("off")
