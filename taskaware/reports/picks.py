"""Choices of each method for held-out tasks."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from taskaware.reports import page, plots
from taskaware.reports.folder import Run
from taskaware.reports.ranks import over_groups
from taskaware.reports.style import INK, Look

COLUMNS = ("spearman", "score", "test_score", "regret", "top1")
FURTHEST = 0.97
"""Share of the regrets that the axis shows."""


def section(run: Run, looks: Mapping[str, Look]) -> page.Section | None:
    """None where nothing was picked."""
    table = run.picks
    if table.empty:
        return None
    by_task = table.groupby(["method", "task"], sort=False)[list(COLUMNS)].mean()
    names = list(dict.fromkeys(table["method"]))
    seeds = table["seed"].nunique()
    lead = f"{page.counted(len(names), 'method')}, {page.counted(table['task'].nunique(), 'held-out task')}, "
    lead += f"{page.counted(seeds, 'seed')}."
    if seeds == 1:
        lead += " A single seed does not show how much of a difference is chance."
    figures = [_figure(by_task, names, column, looks) for column in ("spearman", "regret")]
    parts = [page.paragraph(lead), *filter(None, figures), _table(table, by_task, names)]
    return page.Section("Picks", parts)


def _figure(by_task: pd.DataFrame, names: Sequence[str], column: str, looks: Mapping[str, Look]) -> Markup:
    values = {name: by_task.loc[name, column].dropna().to_numpy() for name in names}
    everything = np.concatenate(list(values.values()))
    if not len(everything):
        return Markup()
    order = sorted(names, key=lambda name: _sorting(values[name], column))
    sheet = plots.sheet(plots.WIDE, 0.75 + 0.42 * len(names))
    ax = sheet.subplots()
    for row, name in enumerate(order):
        plots.box_row(ax, row, values[name], looks[name].colour)
    ax.set_yticks(range(len(order)), [plots.label(name, 30) for name in order], fontsize=9, color=INK)
    ax.set(ylim=(len(order) - 0.4, -0.6), xlim=_reach(everything, column), xlabel=AXES[column])
    plots.bare(ax)
    if column == "spearman":
        ax.axvline(0, color=plots.FAINT, lw=1.2, zorder=1)
    beyond = int((everything > ax.get_xlim()[1]).sum())
    caption = CAPTIONS[column] + (
        f" {page.counted(beyond, 'point')} further right not shown." if beyond else ""
    )
    return page.figure(plots.svg(sheet, f"picks-{column}", AXES[column]), caption)


AXES = {
    "spearman": "Spearman correlation of preference and true validation score",
    "regret": "regret: best test score that could be picked, less that of the pick",
}
CAPTIONS = {
    "spearman": (
        "How well each method orders the architectures of a held-out task: a point is a task (mean over "
        "seeds), the box holds the middle half, the thick line the median; 1 is the true order, 0 is a guess."
    ),
    "regret": (
        "Test score that each method gives away on a held-out task: a point is a task (mean over seeds), the "
        "box holds the middle half, the thick line is the median; further left is better, 0 is perfect."
    ),
}


def _sorting(values: np.ndarray, column: str) -> float:
    if not len(values):
        return np.inf
    return -np.median(values) if column == "spearman" else np.median(values)


def _reach(values: np.ndarray, column: str) -> tuple[float, float]:
    if column == "spearman":
        return min(-0.05, values.min() - 0.05), 1.03
    high = max(np.quantile(values, FURTHEST), 0.01)
    return min(0.0, values.min()) - 0.02 * high, 1.05 * high


def _table(table: pd.DataFrame, by_task: pd.DataFrame, names: Sequence[str]) -> Markup:
    groups = table.drop_duplicates("task").set_index("task")["group"]
    titles = [
        "method",
        "Spearman",
        "validation score",
        "test score",
        "regret",
        "median regret",
        "best one picked",
    ]
    rows = []
    for name in names:
        mine = by_task.loc[name]
        mean, error = over_groups(mine, groups)
        cells = {column: _with_error(mean[column], error[column]) for column in COLUMNS}
        share = mine["top1"].mean()
        rows.append(
            (
                name,
                *(cells[column] for column in COLUMNS[:4]),
                float(mine["regret"].median()),
                f"{100 * share:.0f} %" if np.isfinite(share) else "",
            )
        )
    note = page.paragraph("Means over groups, each with its standard error; a task's own mean is over seeds.")
    return page.details("Picks in numbers", note, page.table(titles, rows), shown=len(rows) < 10)


def _with_error(mean: float, error: float) -> str:
    return f"{page.number(mean)} ± {page.number(error)}" if np.isfinite(error) else page.number(mean)
