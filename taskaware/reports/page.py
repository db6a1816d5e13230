"""Pieces of the page, filled into the templates of this room, which escape everything from the run folder."""

import functools
import math
import numbers
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from taskaware.reports.style import COLOURS
from taskaware.secrets import masked_value

CELL = 300
"""Characters of a cell that are shown; what is longer is cut."""


class Section(NamedTuple):
    """A part of the page.

    Attributes:
        title: of it, in the list at the top too.
        parts: pieces of HTML, of the functions here; plain text among them is escaped.
    """

    title: str
    parts: Sequence[str]

    @property
    def anchor(self) -> str:
        """What links to the section name."""
        return self.title.lower().replace(" ", "-")


def document(title: str, head: Sequence[str], sections: Sequence[Section], foot: str) -> str:
    """The whole page.

    Args:
        title: in the browser's bar.
        head: pieces of HTML above the first section; plain text among them is escaped.
        sections: in their order.
        foot: the last line.
    """
    template = _templates().get_template("page.html")
    return template.render(title=title, head=head, sections=sections, foot=foot, colours=COLOURS)


def readable(text: object) -> str:
    """Text without passwords, and the marks that no browser may be given, or that would turn the line around.

    >>> readable("a\\x00b")
    'a?b'
    """
    return "".join(_mark(mark) for mark in masked_value(str(text)))


def title_block(kicker: str, title: str, facts: str, command: str | None) -> Markup:
    """The title of the page and what stands around it.

    Args:
        kicker: small, above the title.
        title: of the page.
        facts: small, below the title.
        command: that ran the study; None where it was not recorded.
    """
    return _part("title_block", kicker, title, facts, command)


def paragraph(text: str) -> Markup:
    """Plain text."""
    return _part("paragraph", text)


def heading(text: str) -> Markup:
    """A heading within a section."""
    return _part("heading", text)


def notice(text: str, *, fine: bool = False) -> Markup:
    """Words that should be read first."""
    return _part("notice", text, fine)


def error(text: str) -> Markup:
    """An error's text, line by line."""
    return _part("error", text)


def figure(drawing: Markup, caption: str) -> Markup:
    """A drawing of `plots.svg` and the sentence below it."""
    return _part("figure", drawing, caption)


def drawing(width: float, height: float, about: str, body: str) -> Markup:
    """A drawing that is as wide as the page lets it be.

    Args:
        width: in points.
        height: in points.
        about: for those who do not see it.
        body: what stands between `<svg>` and `</svg>`, from matplotlib; it is not escaped again.
    """
    return _part("drawing", f"{width:g}", f"{height:g}", f"{width / 72:g}", about, Markup(body))


def pair(*figures: Markup) -> Markup:
    """Figures beside one another, where there is room."""
    return _part("pair", figures)


def tiles(facts: Iterable[tuple[str, str, bool]]) -> Markup:
    """Large figures: what is counted, the count, and whether it is bad."""
    return _part("tiles", list(facts))


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A table; columns of numbers stand at the right, NaN and None are left empty."""
    rows = [list(row) for row in rows]
    right = [all(_is_number(row[place]) for row in rows) for place in range(len(names))]
    return _part("table", [_cell(name) for name in names], [[*map(_cell, row)] for row in rows], right)


def details(summary: str, *parts: Markup, shown: bool = False) -> Markup:
    """A line that opens what is below it.

    Args:
        summary: the line.
        parts: below it.
        shown: whether it is open at first.
    """
    return _part("details", summary, parts, shown)


def number(value: float | None, digits: int = 3) -> str:
    """A number for a cell or a sentence.

    >>> number(0.12345), number(1234.5), number(12.0), number(float("nan"))
    ('0.123', '1,234', '12', '')
    """
    if value is None or not math.isfinite(value):
        return ""
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}f}" if abs(value) < 100 else f"{value:.1f}"


def duration(seconds: float) -> str:
    """A stretch of time.

    >>> duration(0.5), duration(75), duration(7_300), duration(200_000)
    ('0.5 s', '1 min 15 s', '2 h 2 min', '2 d 8 h')
    """
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    for large, many, small, few in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        whole, rest = divmod(round(seconds / few), many // few)
        if whole:
            return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"
    return ""


def counted(count: int, what: str) -> str:
    """A number and its noun.

    >>> counted(1, "job"), counted(2000, "job")
    ('1 job', '2,000 jobs')
    """
    return f"{count:,} {what}" + "s" * (count != 1)


def shortened(text: str, longest: int) -> str:
    """The text, its end cut off where it is longer.

    >>> shortened("breast-cancer", 8)
    'breast-…'
    """
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


@functools.cache
def _templates() -> Environment:
    """The templates; everything that is filled in is made readable and escaped."""
    return Environment(
        loader=PackageLoader("taskaware.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else readable(value),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@functools.cache
def _macros():
    return _templates().get_template("parts.html").module


def _part(name: str, *values: object) -> Markup:
    """The macro of that name, filled with the values."""
    return getattr(_macros(), name)(*values)


def _cell(value: object) -> str:
    text = (
        number(cast(float, value)) if isinstance(value, numbers.Real) else "" if value is None else str(value)
    )
    return shortened(text, CELL)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, numbers.Real) and not isinstance(value, bool))


def _mark(mark: str) -> str:
    if mark.isprintable() or mark in "\n\t":
        return mark
    return " " if mark.isspace() else "?"
