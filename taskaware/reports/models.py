"""Scores of each model on each task, relative to the first model."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from taskaware.reports import page, plots
from taskaware.reports.folder import Run
from taskaware.reports.style import INK, MUTED, Look

REACH = 0.95
"""Share of the differences that the axis shows."""


def section(run: Run, looks: Mapping[str, Look]) -> page.Section | None:
    """None where no model was scored.

    Args:
        looks: of the models.
    """
    if run.scores.empty:
        return None
    by_task = run.scores.groupby(["task", "model"], sort=False)["score"].agg(["mean", "sem"]).unstack()
    names = list(dict.fromkeys(run.scores["model"]))
    seeds = page.counted(run.scores["seed"].nunique(), "seed")
    lead = f"{page.counted(len(names), 'model')}, {page.counted(len(by_task), 'task')}, {seeds}."
    ahead = by_task["mean"].drop(columns=names[0]).sub(by_task["mean"][names[0]], axis=0)[names[1:]]
    figure = [_figure(ahead, names[0], looks)] if ahead.notna().to_numpy().any() else []
    return page.Section("Models", [page.paragraph(lead), *figure, _table(by_task, names)])


def _figure(ahead: pd.DataFrame, reference: str, looks: Mapping[str, Look]) -> Markup:
    """A row for each other model, a point for each task."""
    sheet = plots.sheet(plots.WIDE, 0.8 + 0.42 * ahead.shape[1])
    ax = sheet.subplots()
    for row, name in enumerate(ahead):
        plots.box_row(ax, row, ahead[name].dropna().to_numpy(), looks[name].colour)
    far = max(float(np.nanquantile(ahead.abs(), REACH)), 0.01)
    ax.axvline(0, color=MUTED, lw=1.2, zorder=1)
    ax.set_yticks(range(ahead.shape[1]), [plots.label(name, 30) for name in ahead], fontsize=9, color=INK)
    about = f"test score, less that of {plots.label(reference)}"
    ax.set(ylim=(ahead.shape[1] - 0.4, -0.6), xlim=(-1.08 * far, 1.08 * far), xlabel=about)
    plots.bare(ax)
    beyond = int((ahead.abs() > 1.08 * far).to_numpy().sum())
    caption = (
        f"How far each model is ahead of {reference} on a task (a point, mean over seeds); the box holds the "
        "middle half, the thick line is the median: further right is better than it."
    ) + (f" {page.counted(beyond, 'point')} further out not shown." if beyond else "")
    return page.figure(plots.svg(sheet, "models", about), caption)


def _table(by_task: pd.DataFrame, names: Sequence[str]) -> Markup:
    rows = [
        (task, *(_with_error(row["mean", name], row["sem", name]) for name in names))
        for task, row in by_task.iterrows()
    ]
    note = page.paragraph("Test scores, mean over seeds with its standard error.")
    return page.details("Scores in numbers", note, page.table(["task", *names], rows), shown=len(rows) < 10)


def _with_error(mean: float, error: float) -> str:
    return f"{page.number(mean)} ± {page.number(error)}" if np.isfinite(error) else page.number(mean)
