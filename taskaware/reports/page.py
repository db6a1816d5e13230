"""Pieces of the page. Whatever comes from the run is escaped here, and nowhere else."""

import html
import math
import numbers
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from taskaware.reports.style import CSS

BAD, RIGHT = ' class="bad"', ' class="number"'
CELL = 300
"""Characters of a cell that are shown; what is longer is cut."""


class Section(NamedTuple):
    """A part of the page.

    Attributes:
        title: of it, in the list at the top too.
        parts: pieces of HTML, of the functions here.
    """

    title: str
    parts: Sequence[str]

    @property
    def anchor(self) -> str:
        return self.title.lower().replace(" ", "-")


def document(title: str, head: Sequence[str], sections: Sequence[Section], foot: str) -> str:
    """The whole page."""
    links = "".join(f'<a href="#{each.anchor}">{escaped(each.title)}</a>' for each in sections)
    nav = [f'<nav aria-label="sections">{links}</nav>'] if sections else []
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escaped(title)}</title>",
        f"<style>{CSS}</style></head>",
        "<body>",
        "<header>",
        *head,
        *nav,
        "</header>",
        "<main>",
        *map(_section, sections),
        "</main>",
        f"<footer>{escaped(foot)}</footer>",
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: object) -> str:
    """Text as HTML; what no browser may be given is shown as a question mark.

    >>> escaped("<b> & \\x00")
    '&lt;b&gt; &amp; ?'
    """
    return html.escape(readable(text))


def readable(text: object) -> str:
    """Text without the marks that no browser may be given, or that would turn the line around."""
    return "".join(_mark(mark) for mark in str(text))


def paragraph(text: str) -> str:
    return f"<p>{escaped(text)}</p>"


def heading(text: str) -> str:
    return f"<h3>{escaped(text)}</h3>"


def notice(text: str, *, fine: bool = False) -> str:
    """Words that should be seen first."""
    kind = "notice fine" if fine else "notice"
    return f'<p class="{kind}" role="note">{escaped(text)}</p>'


def error(text: str) -> str:
    """An error as it was said, line by line."""
    return f'<pre class="error">{escaped(text)}</pre>'


def figure(drawing: str, caption: str) -> str:
    """A drawing of `plots.svg` and the sentence below it."""
    return f'<figure><div class="picture">{drawing}</div><figcaption>{escaped(caption)}</figcaption></figure>'


def pair(*figures: str) -> str:
    """Figures beside one another, where there is room."""
    return f'<div class="pair">{"".join(figures)}</div>'


def tiles(facts: Iterable[tuple[str, str, bool]]) -> str:
    """Large figures: what is counted, the count, and whether it is bad."""
    cells = (
        f"<div{BAD * bad}><dt>{escaped(what)}</dt><dd>{escaped(count)}</dd></div>"
        for what, count, bad in facts
    )
    return f'<dl class="tiles">{"".join(cells)}</dl>'


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; columns of numbers stand at the right, NaN and None are left empty."""
    rows = [list(row) for row in rows]
    right = [all(_is_number(row[place]) for row in rows) for place in range(len(names))]
    head = "".join(_cell("th", name, number) for name, number in zip(names, right, strict=True))
    lines = (
        "<tr>"
        + "".join(_cell("td", value, number) for value, number in zip(row, right, strict=True))
        + "</tr>"
        for row in rows
    )
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="table"><table>{body}</table></div>'


def details(summary: str, *parts: str, shown: bool = False) -> str:
    """What is there for those who look."""
    return f"<details{' open' * shown}><summary>{escaped(summary)}</summary>{''.join(parts)}</details>"


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


def _section(section: Section) -> str:
    parts = "\n".join(section.parts)
    return f'<section id="{section.anchor}">\n<h2>{escaped(section.title)}</h2>\n{parts}\n</section>'


def _cell(tag: str, value: object, right: bool) -> str:
    text = number(value) if isinstance(value, numbers.Real) else "" if value is None else str(value)
    return f"<{tag}{RIGHT * right}>{escaped(shortened(text, CELL))}</{tag}>"


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, numbers.Real) and not isinstance(value, bool))


def _mark(mark: str) -> str:
    if mark.isprintable() or mark in "\n\t":
        return mark
    return " " if mark.isspace() else "?"
