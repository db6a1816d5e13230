"""Colours and type, in light and in dark, and how each strategy or method looks in all plots."""

from collections.abc import Iterable
from typing import NamedTuple

COLOURS = {
    "ink": ("#1d2731", "#e3e8ed"),
    "muted": ("#5d6b79", "#9eabb8"),
    "faint": ("#c9d1d9", "#44505c"),
    "pale": ("#edf0f3", "#252d36"),
    "paper": ("#fefefe", "#14191e"),
    "accent": ("#0b66a0", "#63b3ed"),
    "warn": ("#b3480d", "#ff9d5c"),
    "series0": ("#0072b2", "#5caee6"),
    "series1": ("#dd9200", "#f0b53c"),
    "series2": ("#009e73", "#2cc79c"),
    "series3": ("#c46a9b", "#e79dc6"),
    "series4": ("#d55e00", "#ff8a4c"),
    "series5": ("#55aee0", "#a6dbf8"),
    "series6": ("#4b4f54", "#b9bec4"),
    "series7": ("#8457b0", "#c3a1ec"),
}
"""Name → in light, in dark. The series are those of Okabe and Ito, which most colour-blind people can tell
apart, a little darker for white paper, and one more. All in light differ, so that a drawing can be turned
dark later."""

INK, MUTED, FAINT, PALE, PAPER, ACCENT, WARN = (COLOURS[name][0] for name in list(COLOURS)[:7])
SERIES = tuple(light for name, (light, _) in COLOURS.items() if name.startswith("series"))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
DASHES = ("-", "--", ":", "-.")


class Look(NamedTuple):
    """How one strategy or method is drawn."""

    colour: str
    marker: str
    dash: str


def looks(names: Iterable[str]) -> dict[str, Look]:
    """A look for each name, in the order in which they come.

    >>> looks(["random", "evolution", "random"])["evolution"].colour == SERIES[1]
    True
    """
    found: dict[str, Look] = {}
    for place, name in enumerate(dict.fromkeys(names)):
        lap, colour = divmod(place, len(SERIES))
        marker = MARKERS[(colour + lap) % len(MARKERS)]
        found[name] = Look(SERIES[colour], marker, DASHES[lap % len(DASHES)])
    return found
