"""Whether the uncertainty of predicted scores is right."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from scipy.stats import norm

from taskaware.reports import page, plots
from taskaware.reports.folder import Run
from taskaware.reports.style import FAINT, INK, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOMINAL = (0.5, 0.8, 0.95)
POINTS, PANELS, COLUMNS = 300, 6, 3
FLOOR = -1.0
"""Scores below are not drawn: a single R² of -50 would hide everything else."""
Z_EDGES = np.linspace(-4.5, 4.5, 28)


def section(run: Run, looks: Mapping[str, Look]) -> page.Section | None:
    """None where no prediction has a deviation."""
    table = run.calibration
    used = table[(table["deviation"] > 0) & table["predicted"].notna() & table["actual"].notna()]
    if used.empty:
        return None
    mine = {name: looks[name] for name in dict.fromkeys(used["method"])}
    parts = [_left_out(len(table) - len(used)), _scatter_figure(used, mine)]
    parts.append(page.pair(_coverage_figure(used, mine), _z_figure(used, mine)))
    return page.Section("Calibration", [*filter(None, parts), _table(used, mine)])


def z_scores(table: pd.DataFrame) -> pd.Series:
    """By how many of its deviations each prediction was too low."""
    return (table["actual"] - table["predicted"]) / table["deviation"]


def coverage(table: pd.DataFrame) -> dict[float, float]:
    """Share of the actual scores within the interval of each nominal probability.

    >>> coverage(pd.DataFrame({"predicted": [0.5, 0.5], "deviation": [0.1, 0.1], "actual": [0.55, 0.65]}))
    {0.5: 0.5, 0.8: 0.5, 0.95: 1.0}
    """
    distance = z_scores(table).abs()
    return {share: float((distance <= norm.ppf((1 + share) / 2)).mean()) for share in NOMINAL}


def _left_out(count: int) -> Markup:
    if not count:
        return Markup()
    return page.paragraph(f"{page.counted(count, 'prediction')} without a number or a deviation left out.")


def _scatter_figure(table: pd.DataFrame, looks: Mapping[str, Look]) -> Markup:
    names = list(looks)[:PANELS]
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    sheet = plots.sheet(3.1 * columns + 0.3, 3.2 * rows + 0.7)
    axes = sheet.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    values = table[["predicted", "actual"]].clip(lower=FLOOR).to_numpy()
    reach = (values.min() - 0.05, values.max() + 0.05)
    for ax, name in zip(axes, names, strict=False):
        _draw_scatter(ax, table[table["method"] == name], looks[name].colour, reach)
        ax.set(title=plots.label(name, 30), xlim=reach, ylim=reach, aspect="equal")
    for place, ax in enumerate(axes):
        ax.set_visible(place < len(names))
        lowest = place + columns >= len(names)
        ax.tick_params(labelbottom=lowest)
        ax.set(xlabel="predicted score" * lowest, ylabel="actual score" * (place % columns == 0))
    return page.figure(
        plots.svg(sheet, "calibration", "Predicted and actual scores"), _scatter_caption(table, looks, names)
    )


def _draw_scatter(ax: "Axes", table: pd.DataFrame, colour: str, reach: tuple[float, float]) -> None:
    every = -(-len(table) // POINTS)
    shown = table.iloc[::every]
    ax.plot(reach, reach, color=FAINT, lw=1.2, zorder=1)
    bars: dict[str, Any] = {"fmt": "none", "ecolor": colour, "elinewidth": 0.7, "alpha": 0.22, "zorder": 2}
    ax.errorbar(shown["predicted"], shown["actual"], xerr=shown["deviation"], **bars)
    for problem, marker in zip(sorted(shown["problem"].unique()), ("o", "^", "s", "D"), strict=False):
        mine = shown[shown["problem"] == problem]
        ax.plot(
            mine["predicted"], mine["actual"], marker, color=colour, ms=3.6, mew=0, alpha=0.75, zorder=3,
            label=problem,
        )  # fmt: skip
    if shown["problem"].nunique() > 1:
        ax.legend(loc="upper left", handletextpad=0.1, borderpad=0, fontsize=8)


def _scatter_caption(table: pd.DataFrame, looks: Mapping[str, Look], names: list[str]) -> str:
    caption = (
        "Predicted score of each choice, with one predicted standard deviation to each side, against its "
        "true score: points on the diagonal are exact, points above it were underestimated."
    )
    most = table["method"].value_counts().max()
    if most > POINTS:
        caption += f" At most {POINTS} predictions a method are drawn, evenly taken from all."
    if len(names) < len(looks):
        caption += f" The first {len(names)} of {len(looks)} methods."
    low = int((table[["predicted", "actual"]].min(axis=1) < FLOOR).sum())
    if low:
        caption += f" {page.counted(low, 'point')} below {FLOOR:g} lie outside."
    return caption


def _coverage_figure(table: pd.DataFrame, looks: Mapping[str, Look]) -> Markup:
    sheet = plots.sheet(plots.HALF, 3.1)
    ax = sheet.subplots()
    wide = 0.76 / len(looks)
    for place, (name, look) in enumerate(looks.items()):
        found = coverage(table[table["method"] == name])
        x = np.arange(len(NOMINAL)) + (place - (len(looks) - 1) / 2) * wide
        ax.bar(x, [100 * share for share in found.values()], 0.88 * wide, color=look.colour)
    for place, share in enumerate(NOMINAL):
        ax.plot([place - 0.46, place + 0.46], [100 * share] * 2, color=INK, lw=1.6)
    ax.set_xticks(range(len(NOMINAL)), [f"{100 * share:g} % interval" for share in NOMINAL])
    ax.set(ylim=(0, 104), ylabel="% of scores inside")
    ax.grid(visible=False, axis="x")
    ax.tick_params(axis="x", length=0)
    _square_legend(sheet, looks)
    caption = (
        "Share of the actual scores inside the intervals that should hold 50, 80 and 95 % of them, with the "
        "nominal share as a dark line: bars below the line mean overconfidence, bars above it caution."
    )
    return page.figure(plots.svg(sheet, "coverage", "Coverage of the predicted intervals"), caption)


def _z_figure(table: pd.DataFrame, looks: Mapping[str, Look]) -> Markup:
    sheet = plots.sheet(plots.HALF, 3.1)
    ax = sheet.subplots()
    x = np.linspace(Z_EDGES[0], Z_EDGES[-1], 121)
    ax.fill_between(x, norm.pdf(x), color=FAINT, alpha=0.55, lw=0)
    for name, look in looks.items():
        z = z_scores(table[table["method"] == name]).clip(Z_EDGES[0], Z_EDGES[-1])
        height = np.histogram(z, Z_EDGES, density=True)[0]
        ax.stairs(height, Z_EDGES, color=look.colour, ls=look.dash, lw=1.6)
    ax.set(xlabel="(actual - predicted) / deviation", ylabel="density", xlim=(Z_EDGES[0], Z_EDGES[-1]))
    _square_legend(sheet, looks)
    caption = (
        "By how many predicted deviations the actual score is above the predicted one, beside the standard "
        "normal distribution (grey), which calibrated predictions follow: wider means overconfident, a "
        "shift to the left optimistic. Values further out are in the last bin."
    )
    return page.figure(plots.svg(sheet, "z-scores", "Histogram of z-scores"), caption)


def _square_legend(sheet, looks: Mapping[str, Look]) -> None:
    plots.legend(sheet, {name: look._replace(marker="s") for name, look in looks.items()}, columns=2)


def _table(table: pd.DataFrame, looks: Mapping[str, Look]) -> Markup:
    names = ["method", "predictions", *(f"{100 * share:g} % interval holds" for share in NOMINAL)]
    names += ["mean z", "deviation of z", "mean absolute error"]
    rows = []
    for name in looks:
        mine = table[table["method"] == name]
        z, error = z_scores(mine), (mine["actual"] - mine["predicted"]).abs()
        shares = [f"{100 * share:.1f} %" for share in coverage(mine).values()]
        rows.append((name, len(mine), *shares, float(z.mean()), float(z.std(ddof=0)), float(error.mean())))
    return page.details("Coverage in numbers", page.table(names, rows), shown=len(rows) < 8)
