"""What pictures of points have in common: their colours, and a text in a box."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, PALE = "#1d2731", "#5d6b79", "#edf0f3"
"""Those of the pages of reports in light, which turn them dark."""

LINE, SLATE = "#8c98aa", "#5b6472"
BLUE, VIOLET, RED, GREEN, ORANGE = "#3f74b5", "#8e6bb0", "#c4505a", "#5a9e57", "#e2843f"


def label(
    axes: "Axes",
    at: tuple[float, float],
    text: str,
    colour: str,
    *,
    ink: str = "white",
    size: int = 6,
) -> None:
    """A text in a round box.

    Args:
        axes: that it stands in.
        at: its middle.
        text: may have several lines.
        colour: of the box.
        ink: colour of the text.
        size: of the text, in points.
    """
    box = {"boxstyle": "round,pad=0.3", "facecolor": colour, "edgecolor": "none"}
    axes.text(*at, text, ha="center", va="center", color=ink, fontsize=size, bbox=box, zorder=3)
