"""The best score so far over the number of trainings."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from markupsafe import Markup

from taskaware.reports import page, plots
from taskaware.reports.folder import Run
from taskaware.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import MaxNLocator

MEASURES = {"best_score": "validation", "test_score": "test"}
PANELS, COLUMNS = 24, 4
"""Tasks that have a plot of their own, and how many stand in a row."""


def section(run: Run, looks: Mapping[str, Look]) -> page.Section | None:
    """None where the study has no table of progress."""
    table = run.progress[run.progress["trainings"].notna()]
    if table.empty:
        return None
    even = balanced(table)
    mine = {name: looks[name] for name in dict.fromkeys(table["strategy"])}
    parts = [page.paragraph(_lead(table, even))]
    if len(even):
        parts.append(_mean_figure(even, mine))
    chosen = _telling(table)
    parts.append(page.heading("Task by task"))
    parts += [_task_figure(table, chosen, column, mine) for column in MEASURES]
    return page.Section("Progress", [*parts, _ends_table(table)])


def balanced(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the tasks that every strategy has had with every seed.

    Where there is no such task (a study that has hardly begun): those of the pairs of task and seed that
    every strategy has had.
    """
    even = paired(table, "strategy")
    seeds = even.groupby("task")["seed"].nunique()
    whole = seeds == table["seed"].nunique()
    return even[even["task"].map(whole).astype(bool)] if whole.any() else even


def paired(table: pd.DataFrame, who: str) -> pd.DataFrame:
    """The rows of the pairs of task and seed that everyone has had.

    Args:
        table: with the columns `task` and `seed`.
        who: column of names.
    """
    return table[table.groupby(["task", "seed"])[who].transform("nunique") == table[who].nunique()]


def normalised(table: pd.DataFrame, column: str) -> pd.Series:
    """A score by what the table has on the same task: 0 is the lowest, 1 the highest.

    A score below 0 (R² of a model that is worse than the mean) counts as 0, and so does nothing (NaN). Where
    all are equal they count as 1.
    """
    score = table[column].clip(lower=0)
    by_task = score.groupby(table["task"])
    low, high = by_task.transform("min"), by_task.transform("max")
    share = ((score - low) / (high - low).where(high > low)).where(high > low, 1.0)
    return share.where(score.notna(), 0.0)


def curves(table: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    """Mean over tasks after each number of trainings: a column for each (strategy, seed).

    Between its rows a search has what it had before; behind the last row of a strategy is NaN.
    """
    wide = table.assign(value=values).pivot_table(
        index="trainings", columns=["strategy", "seed", "task"], values="value", aggfunc="last", dropna=False
    )
    wide = wide.loc[:, wide.notna().any()].ffill()
    # A mean over other tasks than before would be a jump without a cause.
    mean = wide.T.groupby(level=["strategy", "seed"], sort=False).mean().T
    gaps = wide.isna().T.groupby(level=["strategy", "seed"], sort=False).any().T
    last = table.groupby("strategy")["trainings"].max()
    ended = mean.index.to_numpy()[:, None] > mean.columns.get_level_values("strategy").map(last).to_numpy()
    return mean.mask(gaps | ended)


def ends(table: pd.DataFrame) -> pd.DataFrame:
    """The last row of each search."""
    ordered = table.sort_values("trainings", kind="stable")
    return ordered.drop_duplicates(["strategy", "task", "seed"], keep="last")


def _lead(table: pd.DataFrame, even: pd.DataFrame) -> str:
    seeds, tasks = table["seed"].nunique(), table["task"].nunique()
    text = f"{page.counted(table['strategy'].nunique(), 'strategy').replace('strategys', 'strategies')}, "
    text += f"{page.counted(tasks, 'task')}, {page.counted(seeds, 'seed')}."
    if seeds == 1:
        text += " With a single seed there is no band, so chance differences cannot be seen."
    left_out = tasks - even["task"].nunique()
    if left_out:
        text += (
            f" {page.counted(left_out, 'task')} that some strategy lacks with some seed "
            f"{'is' if left_out == 1 else 'are'} left out of the means."
        )
    return text


def _mean_figure(even: pd.DataFrame, looks: Mapping[str, Look]) -> Markup:
    sheet = plots.sheet(plots.WIDE, 3.9)
    most = even["trainings"].max()
    for ax, (column, name) in zip(sheet.subplots(1, 2, sharey=True), MEASURES.items(), strict=True):
        _draw(ax, curves(even, normalised(even, column)), looks)
        plots.budget_axis(ax, most)
        ax.set(title=f"{name} score", xlabel="trainings")
    sheet.axes[0].set_ylabel("normalised score, mean over tasks")
    plots.legend(sheet, dict(looks), lines=True)
    several = even["seed"].nunique() > 1
    band = "; the band reaches from the lowest to the highest seed" if several else ""
    caption = (
        f"Best validation score so far (left) and the test score of the candidate that has it (right), mean "
        f"over {page.counted(even['task'].nunique(), 'task')} after scores were normalised within each task "
        "so that 0 is the lowest on the curves and 1 the highest (a negative R² counts as 0, nothing found "
        f"yet too)"
        f"{band}: a line that is higher further to the left has found more with less."
    )
    return page.figure(plots.svg(sheet, "progress", "Best score over trainings, mean over tasks"), caption)


def _draw(ax: "Axes", table: pd.DataFrame, looks: Mapping[str, Look], width: float = 2.0) -> None:
    """A line for each strategy, mean over seeds, and a band where there are several."""
    for name, look in looks.items():
        if name not in table.columns.get_level_values(0):
            continue
        mine = table[name]
        # Begins where every seed has something: a mean over other seeds than before would jump.
        mine = mine[mine.notna().all(axis=1)]
        x, middle = mine.index.to_numpy(), mine.mean(axis=1)
        alone = len(mine) == 1
        ax.plot(x, middle, color=look.colour, ls=look.dash, lw=width, marker=look.marker if alone else "")
        if mine.shape[1] > 1:
            low, high = mine.min(axis=1), mine.max(axis=1)
            ax.fill_between(x, low, high, color=look.colour, alpha=0.16, lw=0)


def _telling(table: pd.DataFrame) -> list[str]:
    """The tasks that are drawn, by name: all, or those on which the strategies end furthest apart."""
    names = sorted(table["task"].unique())
    if len(names) <= PANELS:
        return names
    last = ends(table.assign(share=normalised(table, "best_score")))
    means = last.groupby(["task", "strategy"])["share"].mean().groupby("task")
    apart = (means.max() - means.min()).sort_index().sort_values(ascending=False, kind="stable")
    return sorted(apart.index[:PANELS])


def _task_figure(table: pd.DataFrame, tasks: list[str], column: str, looks: Mapping[str, Look]) -> Markup:
    columns = min(COLUMNS, len(tasks))
    rows = -(-len(tasks) // columns)
    sheet, axes = plots.small_multiples(rows, columns, 1.7 if columns > 2 else 2.5)
    most = table["trainings"].max()
    for ax, task in zip(axes, tasks, strict=False):
        mine = table[table["task"] == task]
        found = curves(mine, mine[column])
        _draw(ax, found, looks, 1.5)
        _limit(ax, found)
        plots.budget_axis(ax, most)
        ax.set_title(plots.label(task, 26))
        # A linear axis has a locator of this kind.
        cast("MaxNLocator", ax.yaxis.get_major_locator()).set_params(nbins=4)
    for place, ax in enumerate(axes):
        ax.set_visible(place < len(tasks))
        ax.tick_params(labelbottom=place + columns >= len(tasks))
    sheet.supxlabel("trainings", fontsize=9, color=plots.MUTED)
    sheet.supylabel(f"{MEASURES[column]} score", fontsize=9, color=plots.MUTED, x=0.004, ha="left")
    plots.legend(sheet, dict(looks), lines=True)
    drawing = plots.svg(sheet, f"tasks-{column}", f"{MEASURES[column]} score over trainings, task by task")
    return page.figure(drawing, _task_caption(table["task"].nunique(), len(tasks), column))


def _task_caption(known: int, drawn: int, column: str) -> str:
    which = f"the {drawn} of {known} tasks on which the strategies end furthest apart"
    of = "the task" if known == 1 else f"each of the {known} tasks" if drawn == known else which
    what = {
        "best_score": "Best validation score so far",
        "test_score": "Test score of the candidate with the best validation score so far",
    }[column]
    scale = "" if known == 1 else ", each on a scale of its own"
    return (
        f"{what} (accuracy or R², higher is better) on {of}{scale}, mean over seeds: the line on top is the "
        "strategy that is ahead there; the lowest beginnings are cut off."
    )


def _limit(ax: "Axes", table: pd.DataFrame) -> None:
    """Let a single dreadful beginning not flatten everything else."""
    values = table.to_numpy()
    values = values[np.isfinite(values)]
    if not len(values):
        return
    low, high = np.quantile(values, 0.05), values.max()
    margin = 0.06 * (high - low) or 0.01
    ax.set_ylim(low - margin, high + margin)


def _ends_table(table: pd.DataFrame) -> Markup:
    last = ends(table)
    columns = list(MEASURES)
    means = last.groupby(["task", "strategy"], sort=False)[columns].mean()
    wide = means.unstack("strategy")
    names = [f"{name}, {MEASURES[column]}" for column, name in wide.columns]
    rows = ([task, *row] for task, row in zip(wide.index, wide.to_numpy(), strict=True))
    shown = page.table(["task", *names], sorted(rows, key=lambda row: str(row[0])))
    return page.details("Scores at the end, mean over seeds", shown)
