"""Who comes first on which task."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from markupsafe import Markup

from taskaware.reports import page, plots
from taskaware.reports.folder import Run
from taskaware.reports.progress import ends, paired
from taskaware.reports.style import ACCENT, INK, PAPER, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = {"score": "validation score", "test_score": "test score"}
Standing = Mapping[str, tuple[pd.Series, pd.Series]]
"""Measure → mean rank of each name, and its standard error."""

BLOCK, BLOCKS = 40, 4
"""Rows of a heat map before a second one is begun beside it, and how many may stand there."""


class Field(NamedTuple):
    """Who competes.

    Attributes:
        who: what they are, "strategy" or "method".
        many: several of them.
        table: a row for each of them, task and seed: `name`, `task`, `group`, `seed` and the `MEASURES`.
        pairs: of task and seed that there were before those were left out that someone lacks.
    """

    who: str
    many: str
    table: pd.DataFrame
    pairs: int


CELL_WIDTH = 1.1
"""Inches that a cell is wide at most."""

LETTER = 0.0085
"""Inches that a letter is wide, for each point of its size."""


def section(run: Run, *looks: Mapping[str, Look]) -> page.Section | None:
    """None where there are no two to compare.

    Args:
        looks: of the strategies, and of the methods.
    """
    parts = [
        part for field, mine in zip(_fields(run), looks, strict=True) for part in _field_parts(field, mine)
    ]
    return page.Section("Ranks", parts) if parts else None


def ranks(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Mean rank over seeds, a row for each task, a column for each name; 1 is best, ties share a rank.

    Args:
        table: see `Field`; one without a score is last.
        measure: column of scores, larger is better.
    """
    rank = table.groupby(["task", "seed"])[measure].rank(ascending=False, na_option="bottom")
    return table.assign(rank=rank).pivot_table(index="task", columns="name", values="rank", aggfunc="mean")


def over_groups(by_task: pd.DataFrame, groups: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Mean over groups of each column, and its standard error; NaN for a single group.

    Args:
        by_task: a row for each task.
        groups: by task.
    """
    means = by_task.groupby(groups.reindex(by_task.index).to_numpy()).mean()
    return means.mean(), means.std(ddof=1) / np.sqrt(means.notna().sum())


def _fields(run: Run) -> Iterator[Field]:
    last = ends(run.progress).rename(columns={"strategy": "name", "best_score": "score"})
    yield _field("strategy", "strategies", last)
    yield _field("method", "methods", run.picks.rename(columns={"method": "name"}))


def _field(who: str, many: str, table: pd.DataFrame) -> Field:
    once = table.drop_duplicates(["name", "task", "seed"], keep="last")
    return Field(who, many, paired(once, "name"), len(once.drop_duplicates(["task", "seed"])))


def _field_parts(field: Field, looks: Mapping[str, Look]) -> list[Markup]:
    table = field.table
    if table["name"].nunique() < 2:
        return []
    by_task = {measure: ranks(table, measure) for measure in MEASURES}
    groups = table.drop_duplicates("task").set_index("task")["group"]
    standing = {measure: over_groups(found, groups) for measure, found in by_task.items()}
    mean = standing["score"][0]
    order = sorted(mean.index, key=lambda name: (mean[name], name))
    parts = [page.heading(f"{field.many.capitalize()} by rank")]
    left_out = field.pairs - len(table.drop_duplicates(["task", "seed"]))
    if left_out:
        words = f"Left out: {left_out} of {field.pairs} pairs of task and seed, which someone lacks."
        parts.append(page.paragraph(words))
    parts.append(_mean_figure(field, order, standing, looks, groups.nunique()))
    parts.append(_map_figure(field, by_task["score"][order]))
    return [*parts, _table(order, standing, by_task["score"])]


def _mean_figure(
    field: Field, order: Sequence[str], standing: Standing, looks: Mapping[str, Look], groups: int
) -> Markup:
    sheet = plots.sheet(plots.WIDE, 0.9 + 0.36 * len(order))
    ax = sheet.subplots()
    for row, name in enumerate(order):
        colour = looks[name].colour
        for measure, (mean, error) in standing.items():
            held = measure == "score"
            place = row + (-0.12 if held else 0.14)
            face = colour if held else PAPER
            ax.errorbar(
                mean[name], place, xerr=_or_zero(error[name]), fmt="o", color=colour, mfc=face, ms=6, lw=1.4
            )
    ax.set_yticks(range(len(order)), [plots.label(name, 30) for name in order], fontsize=9, color=INK)
    ax.set(xlabel="mean rank (1 is first)", ylim=(len(order) - 0.45, -0.55))
    plots.bare(ax)
    error = (
        f"bars are one standard error over {groups} groups"
        if groups > 1
        else "with a single group there is no standard error"
    )
    caption = (
        f"Mean rank of each {field.who} over tasks, by validation score (filled) and by test score (hollow), "
        f"where 1 is the best; {error}: further left is better, and bars that overlap much are no difference."
    )
    name = f"rank-{field.who}"
    return page.figure(plots.svg(sheet, name, f"Mean rank of each {field.who}"), caption)


def _map_figure(field: Field, by_task: pd.DataFrame) -> Markup:
    """The tasks from those where the best on average does best, down to those where it does worst."""
    best = by_task.columns[0]
    order = [plots.label(name, 20) for name in by_task.columns]
    table = by_task.sort_index().sort_values(best, kind="stable")
    blocks = min(BLOCKS, -(-len(table) // BLOCK))
    rows = -(-len(table) // blocks)
    lettered = len(table) <= BLOCK
    width = min(plots.WIDE, blocks * (1.7 + CELL_WIDTH * len(order)))
    sheet = plots.sheet(width, 1.15 + rows * (0.22 if lettered else 0.15))
    for place, ax in enumerate(sheet.subplots(1, blocks, squeeze=False)[0]):
        part = table.iloc[place * rows : (place + 1) * rows]
        ax.set_visible(len(part) > 0)
        _draw_map(ax, part, rows, lettered=lettered)
        _name_columns(ax, order, (width / blocks - 1.7) / len(order), lettered=lettered)
    caption = (
        f"Rank by validation score of each {field.who} on each task, mean over seeds, the stronger the "
        f"colour the better{' (the number is the rank)' if lettered else ''}; tasks stand by the rank of "
        f"{plots.label(best, 40)}, which is best on average, so that those where it fails stand at the end."
    )
    return page.figure(
        plots.svg(sheet, f"map-{field.who}", f"Rank of each {field.who} on each task"), caption
    )


def _draw_map(ax: "Axes", part: pd.DataFrame, rows: int, *, lettered: bool) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    values = part.to_numpy()
    strength = 0.04 + 0.9 * (part.shape[1] - values) / (part.shape[1] - 1)
    places = list(np.ndindex(values.shape))
    cells = [Rectangle((column + 0.03, row + 0.05), 0.94, 0.9) for row, column in places]
    faces = [to_rgba(ACCENT, strength[place]) for place in places]
    ax.add_collection(PatchCollection(cells, facecolors=faces, edgecolors="none"))
    if lettered:
        for row, column in places:
            ink = PAPER if strength[row, column] > 0.55 else INK
            text = f"{values[row, column]:.1f}".removesuffix(".0")
            ax.text(column + 0.5, row + 0.52, text, ha="center", va="center", color=ink, fontsize=8)
    tasks = [plots.label(name, 22) for name in part.index]
    ax.set_yticks(np.arange(len(tasks)) + 0.5, tasks, fontsize=8.5 if lettered else 7)
    ax.set(xlim=(0, part.shape[1]), ylim=(rows, 0))
    ax.grid(visible=False)
    ax.tick_params(length=0, pad=2)
    ax.spines[:].set_visible(False)


def _name_columns(ax: "Axes", names: Sequence[str], room: float, *, lettered: bool) -> None:
    """Names above the columns, turned where they have not enough room (inches)."""
    size = 8.5 if lettered else 7
    turned: dict[str, Any] = {}
    if max(map(len, names)) * LETTER * size > room:
        turned = {"rotation": 40, "ha": "left", "rotation_mode": "anchor"}
    ax.xaxis.tick_top()
    ax.set_xticks(np.arange(len(names)) + (0.35 if turned else 0.5), names, fontsize=size, **turned)


def _table(order: Sequence[str], standing: Standing, by_task: pd.DataFrame) -> Markup:
    (score, score_error), (test, test_error) = standing.values()
    firsts = (by_task.le(by_task.min(axis=1), axis=0)).sum()
    names = [
        "name",
        "mean rank, validation",
        "standard error",
        "mean rank, test",
        "standard error",
        "tasks first",
    ]
    rows = [
        (name, score[name], score_error[name], test[name], test_error[name], int(firsts[name]))
        for name in order
    ]
    return page.details("Mean ranks", page.table(names, rows))


def _or_zero(value: float) -> float:
    return value if np.isfinite(value) else 0.0
