"""The page of a search, from its journal: how good it became, how quickly, and how the winner came about."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from taskaware.children.forms import FORMS, UNKNOWN
from taskaware.errors import UserError
from taskaware.reports import page, plots
from taskaware.reports.style import ACCENT, MUTED, SERIES
from taskaware.spaces import space_from, type_of
from taskaware.strategies.journal import check_head, control_of, damaged, read_lines
from taskaware.strategies.journal_lines import outcomes_in

POPULATION = 100
"""The mean is over the last so many evaluations: the population of an evolution, at any moment."""

TOPS = (1, 5, 15)
"""The gain over random search is of the means of so many best points (published)."""

LISTED = 60
"""Ancestors that are listed, at most."""


class Told(NamedTuple):
    """A search as its journal has it; n evaluations in the order of their ends.

    Attributes:
        head: the first line.
        points: (n, D).
        scores: -inf where one diverged, (n,).
        tests: (n,), NaN where there is none.
        at: seconds since the search began, (n,).
        parents: row of the parent of each, -1 without one, (n,).
        under_way: evaluations that were asked for and have not ended.
        info: what the strategy told of itself, by name, NaN where it told nothing, (n,) each.
    """

    head: dict[str, Any]
    points: np.ndarray
    scores: np.ndarray
    tests: np.ndarray
    at: np.ndarray
    parents: np.ndarray
    under_way: int
    info: dict[str, np.ndarray]


def read_search(path: Path) -> Told:
    """What the journal of a search tells.

    Raises:
        UserError: the file is no journal.
        StoreError: a line of it is damaged.
    """
    lines, _ = read_lines(path)
    check_head(path, lines[0] if lines else {})
    asked: dict[int, tuple[np.ndarray, list[int]]] = {}
    rows: dict[int, int] = {}
    points: list[np.ndarray] = []
    parents: list[int] = []
    told: list[np.ndarray] = []
    informed: list[tuple[int, dict[str, list[float | None]]]] = []
    for number, line in enumerate(lines[1:], 2):
        try:
            if "ask" in line:
                found = np.asarray(line["points"], np.float32)
                asked[line["ask"]] = (found, line.get("parents") or [-1] * len(found))
                continue
            if "info" in line:
                informed.append((rows[line["info"]], dict(line["columns"])))
                continue
            found, before = asked.pop(line["tell"])
            outcomes = outcomes_in(line, len(found))
            test = np.full(len(found), np.nan) if outcomes.test_score is None else outcomes.test_score
            at = np.full(len(found), float(line["at"]))
            told.append(np.stack([np.asarray(outcomes.score), np.asarray(test), at]))
            for place, parent in enumerate(before):
                rows[line["tell"] + place] = len(points)
                points.append(found[place])
                parents.append(rows.get(int(parent), -1))
        except (KeyError, TypeError, ValueError) as error:
            raise damaged(path, number) from error
    scores, tests, times = np.concatenate(told, axis=1) if told else np.empty((3, 0))
    under_way = sum(len(found) for found, _ in asked.values())
    info = _columns(informed, len(points))
    return Told(lines[0], np.array(points), scores, tests, times, np.array(parents, int), under_way, info)


def _columns(informed: list[tuple[int, dict[str, list[float | None]]]], size: int) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for row, columns in informed:
        for name, values in columns.items():
            column = found.setdefault(name, np.full(size, np.nan))
            column[row : row + len(values)] = np.array(values, float)
    return found


def search_page(path: Path) -> str:
    """The page of a search as HTML.

    Raises:
        UserError: the file is no journal.
        StoreError: a line of it is damaged.
    """
    told = read_search(path)
    about = told.head.get("search") or {}
    facts = (
        f"space {told.head.get('space')} · seed {about.get('seed')} · taskaware {told.head.get('taskaware')}"
    )
    title = str(about.get("strategy") or "Search")
    head = [page.title_block(f"search · {path.stem}", title, facts, None), page.tiles(_tiles(told))]
    sections = []
    if np.isfinite(told.scores).any():
        with plots.drawing():
            sections = [_progress(told), *_gained(told, control_of(path)), *_informed(told), winner(told)]
    else:
        head.append(page.paragraph("No evaluation has a score yet, and so there is nothing to plot."))
    foot = "Scores: larger is better. This page is one file; it loads nothing."
    return page.document(f"{title} · {path.stem}", head, sections, foot)


def lineage(told: Told) -> list[int]:
    """Rows of the winner and its ancestors, the winner first."""
    row, found = int(np.argmax(told.scores)), []
    while row >= 0:
        found.append(row)
        row = int(told.parents[row])
    return found


def _tiles(told: Told) -> list[tuple[str, str, bool]]:
    lost = int((~np.isfinite(told.scores)).sum())
    tiles = [("evaluations", f"{len(told.scores):,}", False)]
    if np.isfinite(told.scores).any():
        best = int(np.argmax(told.scores))
        tiles += [("best score", page.number(told.scores[best], 4), False)]
        if np.isfinite(told.tests[best]):
            tiles += [("its test score", page.number(told.tests[best], 4), False)]
    tiles += [("diverged", f"{lost:,}", True)] * bool(lost)
    tiles += [("under way", f"{told.under_way:,}", False)] * bool(told.under_way)
    return [*tiles, ("took", page.duration(told.at[-1] if len(told.at) else 0.0), False)]


def _progress(told: Told) -> page.Section:
    sheet = plots.sheet(plots.WIDE, 3.6)
    best, mean = np.maximum.accumulate(told.scores), _means(told.scores)
    for ax, x, name in zip(
        sheet.subplots(1, 2, sharey=True),
        (np.arange(1, len(best) + 1), told.at),
        ("evaluations", "seconds"),
        strict=True,
    ):
        shown = np.isfinite(best)
        ax.plot(x, mean, color=SERIES[1], lw=1.2, label="mean of the population")
        ax.step(x[shown], best[shown], where="post", color=SERIES[0], label="best so far")
        ax.set_xlabel(name)
    sheet.axes[0].set_ylabel("score")
    sheet.axes[0].legend(loc="lower right")
    caption = (
        f"The best score so far, and the mean over the last {POPULATION} evaluations, over evaluations "
        "(left) and over the time since the search began (right)."
    )
    return page.Section("Progress", [page.figure(plots.svg(sheet, "progress", "Score over time"), caption)])


def _gained(told: Told, beside: Path) -> list[page.Section]:
    """How much better the best points are than those of the random search beside; no section without one."""
    if not beside.is_file():
        return []
    control = read_search(beside).scores
    upto = min(len(control), len(told.scores))
    if upto < 2:
        return []
    numbers = np.unique(np.linspace(1, upto, min(upto, 200)).astype(int))
    sheet = plots.sheet(plots.WIDE, 3.2)
    ax = sheet.subplots()
    for colour, top in zip(SERIES, TOPS, strict=False):
        shown = numbers[numbers >= top]
        gain = [_top(told.scores[:number], top) - _top(control[:number], top) for number in shown]
        label = "the best point" if top == 1 else f"mean of the best {top}"
        ax.plot(shown, gain, color=colour, lw=1.2, label=label)
    ax.axhline(0.0, color=MUTED, lw=0.8)
    ax.set(xlabel="evaluations", ylabel="gain in score")
    ax.legend(loc="best")
    caption = "The best scores so far, less those of a random search after as many evaluations."
    return [
        page.Section("Gain over random search", [page.figure(plots.svg(sheet, "gain", "The gain"), caption)])
    ]


def _top(scores: np.ndarray, count: int) -> float:
    """Mean of the best scores; NaN where there are fewer."""
    found = np.sort(scores[np.isfinite(scores)])[-count:]
    return float(found.mean()) if len(found) == count else np.nan


def _informed(told: Told) -> list[page.Section]:
    """What the strategy told of itself; no section where it told nothing."""
    if not told.info:
        return []
    sheet = plots.sheet(plots.WIDE, 2.4 * -(-len(told.info) // 2))
    axes = np.ravel(sheet.subplots(-(-len(told.info) // 2), 2, squeeze=False))
    for ax in axes[len(told.info) :]:
        ax.remove()
    for ax, (name, column) in zip(axes, told.info.items(), strict=False):
        there = np.flatnonzero(np.isfinite(column))
        ax.plot(there + 1, column[there], color=SERIES[0], lw=1.2)
        ax.set(xlabel="evaluations", ylabel=name.replace("_", " "))
    caption = "What the strategy told of itself after each of its updates."
    return [page.Section("Strategy", [page.figure(plots.svg(sheet, "strategy", "The strategy"), caption)])]


def _means(scores: np.ndarray) -> np.ndarray:
    """Mean over the last POPULATION evaluations that have a score, at each evaluation; NaN where none has."""
    finite = np.isfinite(scores)
    total = np.concatenate([[0.0], np.cumsum(np.where(finite, scores, 0.0))])
    count = np.concatenate([[0], np.cumsum(finite)])
    upto = np.arange(1, len(scores) + 1)
    since = np.maximum(upto - POPULATION, 0)
    number = count[upto] - count[since]
    return np.where(number > 0, (total[upto] - total[since]) / np.maximum(number, 1), np.nan)


def winner(told: Told) -> page.Section:
    """The best point of a search, drawn where that can be, and how it came about."""
    family = lineage(told)
    chosen = [[name, value] for name, value in _decided(told, family[0]).items()]
    parts = [*_drawing(told, family[0]), page.table(["decision", "choice"], chosen)]
    if len(family) > 1:
        lead = f"The winner has {page.counted(len(family) - 1, 'ancestor')}; this is what each child changed."
        rows = [[row, told.scores[row], _changes(told, row)] for row in family[:LISTED]]
        parts += [page.heading("Family"), _family_figure(told, family), page.paragraph(lead)]
        parts.append(page.table(["evaluation", "score", "changed"], rows))
    return page.Section("Winner", parts)


def _drawing(told: Told, row: int) -> list[Markup]:
    """The picture of a point; none where its space has none, or is too large to be in the journal."""
    definition = told.head.get("definition")
    if not isinstance(definition, dict):
        return []
    try:
        space = space_from(definition)
        forms, point = FORMS.get(type_of(space)), told.points[row]
        if forms is None or forms.draw is None or not bool(space.contains(point)):
            return []
        figure = forms.draw(space, point, UNKNOWN)
    except UserError:
        # A space of somebody's own, which is not registered here.
        return []
    return [page.figure(plots.svg(figure, "point", "The best point"), "The best point.")]


def _family_figure(told: Told, family: list[int]) -> Markup:
    """The winner's line among all evaluations, each joined to its parent."""
    sheet = plots.sheet(plots.WIDE, 3.2)
    ax = sheet.subplots()
    shown = np.isfinite(told.scores)
    numbers = np.arange(len(told.scores))
    some = numbers[shown][:: max(1, int(shown.sum()) // 3000)]
    ax.plot(some, told.scores[some], ".", color=MUTED, ms=2, alpha=0.4)
    line = np.array(family[::-1])
    ax.plot(line, told.scores[line], "-o", color=ACCENT, ms=4)
    ax.set(xlabel="evaluation", ylabel="score")
    caption = "All evaluations (grey), and the winner with its ancestors: each child is joined to its parent."
    return page.figure(plots.svg(sheet, "family", "The winner and its ancestors"), caption)


def _changes(told: Told, row: int) -> str:
    parent = int(told.parents[row])
    if parent < 0:
        return "drawn at random, or given"
    before, after = _decided(told, parent), _decided(told, row)
    changed = [f"{name}: {before[name]} → {after[name]}" for name in after if after[name] != before[name]]
    return "; ".join(changed[:4]) + "; ..." * (len(changed) > 4) or "nothing: evaluated anew"


def _decided(told: Told, row: int) -> dict[str, str]:
    """The choice of each decision by name; several numbers of one decision stand in one text."""
    found, point = {}, told.points[row]
    for each in told.head.get("decisions") or []:
        values = [float(point[entry]) for entry in each["entries"] if entry < len(point)]
        labels, single = each.get("labels") or [], len(each["entries"]) == 1
        if single and labels and values and 0 <= int(values[0]) < len(labels):
            found[str(each["name"])] = str(labels[int(values[0])])
        else:
            found[str(each["name"])] = ", ".join(page.number(value) for value in values)
    return found
