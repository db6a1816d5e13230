"""The page of several searches of one space: the best so far over evaluations, with bands over seeds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from taskaware.errors import UserError
from taskaware.reports import page, plots
from taskaware.reports.searches import Told, read_search, winner
from taskaware.reports.style import Look, looks

Groups = dict[str, list[Told]]
QUARTILES = (25, 50, 75)


def searches_page(paths: Sequence[Path]) -> str:
    """The page of searches as HTML; those of one strategy are seeds of it.

    Args:
        paths: of their journals, two or more.

    Raises:
        UserError: a file is no journal, is named twice, or is of another space than the first.
        StoreError: a line of one is damaged.
    """
    twice = next((path for place, path in enumerate(paths) if path in paths[:place]), None)
    if twice is not None:
        raise UserError(f"The journal '{twice}' is named twice. Leave one out.")
    told = [read_search(path) for path in paths]
    _check_spaces(paths, told)
    groups: Groups = {}
    for each in told:
        groups.setdefault(_strategy(each), []).append(each)
    title = f"{len(told)} searches of {told[0].head.get('space')}"
    facts = f"strategies: {len(groups)}"
    head = [page.title_block("searches", title, facts, None)]
    sections = []
    ended = [each for each in told if np.isfinite(each.scores).any()]
    if ended:
        best = max(ended, key=lambda each: each.scores.max())
        with plots.drawing():
            sections = [_progress(groups), winner(best)]
    else:
        head.append(page.paragraph("No evaluation has a score yet, and so there is nothing to plot."))
    foot = "Scores: larger is better. This page is one file; it loads nothing."
    return page.document(title, head, sections, foot)


def bands(searches: Sequence[Told]) -> np.ndarray:
    """Lower quartile, median and upper quartile over searches of the best score so far, (3, n).

    n is the length of the shortest search; NaN where one of them has no score yet.
    """
    shortest = min(len(each.scores) for each in searches)
    best = np.stack([np.maximum.accumulate(each.scores[:shortest]) for each in searches])
    found = np.full((len(QUARTILES), shortest), np.nan)
    whole = np.isfinite(best).all(0)
    found[:, whole] = np.percentile(best[:, whole], QUARTILES, axis=0)
    return found


def _progress(groups: Groups) -> page.Section:
    shown = looks(groups)
    parts = [_figure(groups, shown), page.table(_NAMES, [_row(name, own) for name, own in groups.items()])]
    return page.Section("Progress", parts)


def _figure(groups: Groups, shown: dict[str, Look]) -> Markup:
    sheet = plots.sheet(plots.WIDE, 3.9)
    ax = sheet.subplots()
    for name, look in shown.items():
        low, middle, high = bands(groups[name])
        number = np.arange(1, len(middle) + 1)
        ax.plot(number, middle, color=look.colour, ls=look.dash, lw=2)
        if len(groups[name]) > 1:
            ax.fill_between(number, low, high, color=look.colour, alpha=0.16, lw=0)
    ax.set(xlabel="evaluations", ylabel="best score so far")
    plots.legend(sheet, shown, lines=True)
    caption = (
        "The best score so far over evaluations: the median over the searches of a strategy, and a band from "
        "the lower to the upper quartile where there are several. A line ends with the shortest of them."
    )
    return page.figure(plots.svg(sheet, "bands", "Best score over evaluations"), caption)


_NAMES = ("strategy", "searches", "evaluations", "lower quartile", "median", "upper quartile", "median test")


def _row(name: str, searches: Sequence[Told]) -> list[object]:
    """The best scores at the ends of the searches."""
    lengths = sorted({len(each.scores) for each in searches})
    length = f"{lengths[0]:,}" + f" to {lengths[-1]:,}" * (len(lengths) > 1)
    ends = [each for each in searches if np.isfinite(each.scores).any()]
    scores = [each.scores.max() for each in ends]
    tests = [each.tests[each.scores.argmax()] for each in ends]
    low, middle, high = np.percentile(scores, QUARTILES) if scores else (None,) * 3
    test = float(np.median(tests)) if tests and np.isfinite(tests).all() else None
    return [name, len(searches), length, low, middle, high, test]


def _strategy(told: Told) -> str:
    about = told.head.get("search")
    found = about.get("strategy") if isinstance(about, dict) else None
    return str(found or "a strategy without a name")


def _check_spaces(paths: Sequence[Path], told: Sequence[Told]) -> None:
    for path, each in zip(paths, told, strict=True):
        if each.head.get("decisions") != told[0].head.get("decisions"):
            raise UserError(
                f"The journals '{paths[0]}' and '{path}' are of different spaces, so their scores do not "
                "compare. Write a page for each space."
            )
