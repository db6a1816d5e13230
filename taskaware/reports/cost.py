"""Cost of a study: by task and, from the journal, over time and by worker."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from markupsafe import Markup

from taskaware.reports import page, plots, timeline
from taskaware.reports.folder import TABLES, Run
from taskaware.reports.style import ACCENT, MUTED, SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS = 40
"""Tasks that have a bar of their own."""


def section(run: Run) -> page.Section | None:
    """None where there is neither a table of costs nor a journal."""
    table = _by_task(run)
    parts: list[Markup] = []
    if len(table):
        parts += [_lead(table, run), _seconds_figure(table)]
        sized = table[(table["rows"] > 0) & (table["trainings"] > 0) & (table["seconds"] > 0)]
        parts += [_speed_figure(sized)] if len(sized) > 1 else []
    parts += list(timeline.parts(run))
    if len(table):
        parts.append(_table(table))
    return page.Section("Cost", parts) if parts else None


def _by_task(run: Run) -> pd.DataFrame:
    """`cost.csv`, or the sums of the journal where there is none."""
    if len(run.cost):
        return run.cost
    jobs = run.jobs[run.jobs["task"] != ""]
    if jobs.empty:
        return run.cost
    well, gone = jobs["status"] == "ok", jobs["status"] == "failed"
    table = jobs.assign(trainings=jobs["size"] * well, failed=jobs["size"] * gone)
    sums = (
        table.groupby("task", sort=False)[["trainings", "diverged", "failed", "seconds"]].sum().reset_index()
    )
    words, numbers = TABLES["cost"]
    return sums.assign(problem="", rows=np.nan, columns=np.nan)[[*words, *numbers]]


def _lead(table: pd.DataFrame, run: Run) -> Markup:
    trainings, seconds = table["trainings"].sum(), table["seconds"].sum()
    speed = f", {page.number(trainings / seconds, 2)} a second" if seconds > 0 else ""
    diverged = int(table["diverged"].sum())
    gone = f"; {diverged:,} of them diverged (NaN)" if diverged else ""
    source = "" if len(run.cost) else " (by the journal; the seconds of a job are those of its last attempt)"
    # The store knows what trainings took, the journal what workers spent, with compiling and reading.
    what = "training time" if len(run.cost) else "worker time"
    spent = page.duration(seconds)
    return page.paragraph(f"{trainings:,.0f} {run.unit} in {spent} of {what}{speed}{gone}{source}.")


def _seconds_figure(table: pd.DataFrame) -> Markup:
    ordered = table.sort_values(["seconds", "task"], ascending=[False, True], kind="stable")
    shown = ordered.head(BARS)
    sheet = plots.sheet(plots.WIDE, 0.8 + 0.19 * len(shown))
    ax = sheet.subplots()
    scale, unit = timeline.clock(shown["seconds"].max())
    ax.barh(range(len(shown)), shown["seconds"].fillna(0) / scale, 0.72, color=ACCENT)
    ax.set_yticks(range(len(shown)), [plots.label(name, 26) for name in shown["task"]], fontsize=8)
    ax.set(xlabel=unit, ylim=(len(shown) - 0.3, -0.7))
    plots.bare(ax)
    which = f"the {BARS} most costly of {len(table)} tasks" if len(table) > BARS else "each task"
    share = shown["seconds"].iloc[: max(1, len(table) // 10)].sum() / max(table["seconds"].sum(), 1e-9)
    tenth = page.counted(max(1, len(table) // 10), "task")
    caption = (
        f"Time that {which} took, the longest bar first"
        f"{f': the first {tenth} took {100 * share:.0f} % of all' if len(table) > 9 else ''}."
    )
    return page.figure(plots.svg(sheet, "seconds", "Time by task"), caption)


def _speed_figure(table: pd.DataFrame) -> Markup:
    sheet = plots.sheet(plots.WIDE, 3.3)
    ax = sheet.subplots()
    problems = sorted(table["problem"].unique())
    for problem, colour, marker in zip(problems, SERIES, ("o", "^", "s", "D", "v", "P", "X"), strict=False):
        mine = table[table["problem"] == problem]
        speed = mine["trainings"] / mine["seconds"]
        ax.plot(
            mine["rows"], speed, marker, color=colour, ms=5.5, mew=0, alpha=0.8, label=plots.label(problem)
        )
    ax.set(xscale="log", yscale="log", xlabel="rows of the task", ylabel="trainings a second")
    ax.margins(0.06, 0.14)
    _name_ends(ax, table)
    plots.plain(ax)
    if len(problems) > 1:
        ax.legend(loc="best", handletextpad=0.1)
    caption = (
        "Trainings a second on each task over its number of rows, both on logarithmic scales: points that "
        "fall to the right show what more rows cost; the fastest and the slowest task are named."
    )
    return page.figure(plots.svg(sheet, "speed", "Trainings a second over rows"), caption)


def _name_ends(ax: "Axes", table: pd.DataFrame) -> None:
    speed = table["trainings"] / table["seconds"]
    for place, away in ((speed.idxmax(), 8), (speed.idxmin(), -8)):
        ax.annotate(
            plots.label(table.loc[place, "task"], 26), (table.loc[place, "rows"], speed[place]), (6, away),
            textcoords="offset points", fontsize=8, color=MUTED, va="center",
        )  # fmt: skip


def _table(table: pd.DataFrame) -> Markup:
    names = [
        "task",
        "problem",
        "rows",
        "columns",
        "trainings",
        "diverged",
        "failed",
        "seconds",
        "trainings a second",
    ]
    return page.details("Cost by task", page.table(names, _rows(table)))


def _rows(table: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    words, numbers = TABLES["cost"]
    ordered = table.sort_values("task", kind="stable")
    for row in ordered[[*words, *numbers]].itertuples(index=False):
        yield (*row, row.trainings / row.seconds if row.seconds > 0 else None)
