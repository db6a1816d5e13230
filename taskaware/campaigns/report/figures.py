"""The plots of a report, each as the text of an SVG."""

import io

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000000")
"""Okabe and Ito 2008: told apart by the colour-blind too."""

STYLE = {"svg.hashsalt": "taskaware", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False}
STYLE |= {"axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25, "font.family": "sans-serif"}
MOST_PANELS = 24


def progress(table: pd.DataFrame) -> str:
    """Mean over tasks of the best score so far, normalised within the task, with a band over seeds."""
    scores = {"best_score": "best validation score", "test_score": "its test score"}
    figure, axes = _figure(9, 3.4, columns=2)
    for ax, (column, title) in zip(axes, scores.items(), strict=True):
        shares = table.assign(share=_normalised(table, column))
        for colour, (name, rows) in _coloured(shares, "strategy"):
            by_seed = rows.pivot_table(index="trainings", columns="seed", values="share", aggfunc="mean")
            _band(ax, by_seed, name, colour)
        ax.set(xlabel="trainings", ylabel="share of the way", title=title)
    axes[0].legend(frameon=False)
    return _svg(figure)


def progress_by_task(table: pd.DataFrame) -> str:
    """The best validation score by trainings, a panel for each task; at most MOST_PANELS of them."""
    names = list(dict.fromkeys(table["task"]))[:MOST_PANELS]
    columns = min(4, len(names))
    figure, axes = _figure(2.4 * columns, 1.9 * -(-len(names) // columns), columns, -(-len(names) // columns))
    for ax, name in zip(axes, names, strict=False):
        for colour, (strategy, rows) in _coloured(table, "strategy"):
            mine = rows[rows["task"] == name]
            by_seed = mine.pivot_table(index="trainings", columns="seed", values="best_score")
            _band(ax, by_seed, strategy, colour)
        ax.set_title(name, fontsize=8)
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    return _svg(figure)


def ranks(table: pd.DataFrame) -> str:
    """A row for each task, a column for each strategy or method: its mean rank over seeds, 1 is best."""
    figure, (ax,) = _figure(1.6 + 1.1 * len(table.columns), 1.2 + 0.2 * len(table))
    ax.grid(visible=False)
    shown = ax.imshow(
        table.to_numpy(), aspect="auto", cmap="cividis_r", vmin=1, vmax=max(2, len(table.columns))
    )
    ax.set_xticks(range(len(table.columns)), table.columns, rotation=30, ha="right")
    ax.set_yticks(range(len(table)), table.index, fontsize=7)
    figure.colorbar(shown, ax=ax, label="mean rank", shrink=0.6)
    return _svg(figure)


def calibration(table: pd.DataFrame) -> str:
    """Predicted against actual scores with one standard deviation; and how often intervals hold."""
    figure, axes = _figure(10, 3.4, columns=3)
    levels, held = coverage(table)
    for colour, (name, rows) in _coloured(table, "method"):
        axes[0].errorbar(
            rows["predicted"], rows["actual"], xerr=rows["deviation"], fmt="o", ms=3, lw=0.4, color=colour,
            alpha=0.6, label=name,
        )  # fmt: skip
        axes[2].hist(_z(rows), bins=np.linspace(-4, 4, 25), density=True, color=colour, alpha=0.6)
    ends = [np.nanmin(table["actual"]), np.nanmax(table["actual"])]
    axes[0].plot(ends, ends, color="#7f7f7f", lw=1)
    axes[0].set(xlabel="predicted", ylabel="actual", title="score of what was picked")
    axes[1].plot([0, 1], [0, 1], color="#7f7f7f", lw=1)
    axes[1].plot(levels, held, "o-", color=COLOURS[0])
    axes[1].set(xlabel="nominal", ylabel="held", title="coverage of intervals")
    z = np.linspace(-4, 4, 100)
    axes[2].plot(z, np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), color="#7f7f7f")
    axes[2].set(xlabel="(actual − predicted) / deviation", title="errors in deviations")
    return _svg(figure)


def coverage(table: pd.DataFrame, levels: tuple[float, ...] = (0.5, 0.8, 0.95)) -> tuple[tuple, list[float]]:
    """The levels, and the share of the actual scores within the normal interval of each."""
    from scipy.stats import norm

    z = np.abs(_z(table))
    return levels, [float(np.mean(z <= norm.ppf(0.5 + level / 2))) for level in levels]


def by_method(table: pd.DataFrame, columns: dict[str, str]) -> str:
    """A box for each method over tasks (mean over seeds), a panel for each column."""
    figure, axes = _figure(4.6 * len(columns), 0.7 + 0.42 * table["method"].nunique(), len(columns))
    names = list(dict.fromkeys(table["method"]))[::-1]
    for ax, (column, title) in zip(axes, columns.items(), strict=True):
        means = table.groupby(["method", "task"])[column].mean()
        ax.boxplot([means[name].dropna() for name in names], vert=False, showmeans=True, widths=0.6)
        ax.set_yticks(range(1, len(names) + 1), names)
        ax.set_title(title)
    return _svg(figure)


def cost(table: pd.DataFrame) -> str:
    """Seconds that each task took, the dearest first; at most 40 of them."""
    dearest = table.sort_values("seconds", ascending=False).head(40)[::-1]
    figure, (ax,) = _figure(7, 0.8 + 0.19 * len(dearest))
    ax.barh(dearest["task"], dearest["seconds"], color=COLOURS[0])
    ax.tick_params(axis="y", labelsize=7)
    ax.set(xlabel="seconds of training")
    return _svg(figure)


def throughput(jobs: pd.DataFrame) -> str:
    """Work that ended in each part of the run, and how busy every worker was."""
    at = pd.to_datetime(jobs["at"], format="ISO8601", utc=True)
    minutes = (at - at.min()).dt.total_seconds() / 60
    edges = np.linspace(0, max(minutes.max(), 1e-3), 25)
    done, _ = np.histogram(minutes, edges, weights=jobs["size"])
    figure, axes = _figure(9, 2.8, columns=2)
    axes[0].stairs(done / (60 * np.diff(edges)), edges, fill=True, color=COLOURS[0])
    axes[0].set(xlabel="minutes", ylabel="per second", title="work that ended")
    busy = jobs.groupby(jobs["worker"].astype(str))["seconds"].sum() / 60
    axes[1].bar(busy.index, busy, color=COLOURS[2])
    axes[1].set(xlabel="worker", ylabel="busy minutes", title="workers")
    return _svg(figure)


def _normalised(table: pd.DataFrame, column: str) -> pd.Series:
    """Within each task, 0 for the worst and 1 for the best value of any strategy and seed."""
    by_task = table.groupby("task")[column]
    low, high = by_task.transform("min"), by_task.transform("max")
    return ((table[column] - low) / (high - low).where(high > low)).fillna(1.0).where(table[column].notna())


def _band(ax: Axes, by_seed: pd.DataFrame, name: str, colour: str) -> None:
    mean = by_seed.mean(axis=1)
    ax.plot(mean.index, mean, color=colour, label=name, lw=1.5)
    if by_seed.shape[1] > 1:
        ax.fill_between(mean.index, by_seed.min(axis=1), by_seed.max(axis=1), color=colour, alpha=0.18, lw=0)


def _z(table: pd.DataFrame) -> np.ndarray:
    return ((table["actual"] - table["predicted"]) / table["deviation"]).to_numpy()


def _coloured(table: pd.DataFrame, column: str):
    groups = table.groupby(column, sort=False)
    return zip((COLOURS[i % len(COLOURS)] for i in range(len(groups))), groups, strict=True)


def _figure(width: float, height: float, columns: int = 1, rows: int = 1) -> tuple[Figure, np.ndarray]:
    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained", facecolor="none")
        return figure, figure.subplots(rows, columns, squeeze=False).ravel()


def _svg(figure: Figure) -> str:
    page = io.StringIO()
    with rc_context(STYLE):
        figure.savefig(page, format="svg", metadata={"Date": None})
    text = page.getvalue()
    return text[text.index("<svg") :]
