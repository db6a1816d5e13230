"""The journal over time: how fast jobs ended, and what each worker did."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from markupsafe import Markup

from taskaware.reports import page, plots
from taskaware.reports.folder import Run
from taskaware.reports.style import ACCENT, FAINT, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS, ROWS = 60, 32
SHORTEST_PAUSE, PAUSE_SHARE = 60.0, 0.05
"""Time in which no job ran is cut out from so many seconds on, and from such a share of all the rest."""
UNITS = ((7200.0, 3600.0, "hours"), (180.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


class Clocked(NamedTuple):
    """The jobs on a clock that stands still while none runs.

    Attributes:
        jobs: with `start` and `end` on that clock, in seconds.
        length: of the clock, in seconds.
        cuts: when, on the clock, it stood still.
        paused: seconds for which it did.
    """

    jobs: pd.DataFrame
    length: float
    cuts: list[float]
    paused: float


def parts(run: Run) -> Iterator[Markup]:
    """Headings and figures; nothing where the journal has no times."""
    jobs = run.jobs[run.jobs["end"].notna() & (run.jobs["seconds"] > 0)]
    if jobs.empty:
        return
    clocked = clocked_jobs(jobs)
    yield page.heading("Over time")
    yield _throughput_figure(clocked, run.unit)
    yield _workers_figure(clocked)


def clocked_jobs(jobs: pd.DataFrame) -> Clocked:
    """Cut out the pauses between one start of a study and the next.

    Args:
        jobs: with `end` and `seconds`.
    """
    spans = merged((jobs["end"] - jobs["seconds"]).to_numpy(), jobs["end"].to_numpy(), 0.0)
    gaps = spans[1:, 0] - spans[:-1, 1]
    busy = (spans[:, 1] - spans[:, 0]).sum()
    long = gaps > max(SHORTEST_PAUSE, PAUSE_SHARE * busy)
    edges, lengths = spans[1:, 0][long], gaps[long]
    before = np.concatenate([[0.0], np.cumsum(lengths)])
    end = jobs["end"].to_numpy()
    start = end - jobs["seconds"].to_numpy()
    # A job lies as a whole between two pauses.
    shift = before[np.searchsorted(edges, start, side="right")] + spans[0, 0]
    placed = jobs.assign(start=start - shift, end=end - shift)
    cuts = (edges - before[1:] - spans[0, 0]).tolist()
    return Clocked(placed, float(spans[-1, 1] - spans[0, 0] - before[-1]), cuts, float(lengths.sum()))


def merged(start: np.ndarray, end: np.ndarray, slack: float) -> np.ndarray:
    """Stretches as few as possible, (n, 2), in order.

    Args:
        start: of each stretch.
        end: of each stretch.
        slack: stretches that are at most so far apart become one.

    >>> merged(np.array([0.0, 5.0, 1.0]), np.array([2.0, 6.0, 3.0]), 0.5).tolist()
    [[0.0, 3.0], [5.0, 6.0]]
    """
    order = np.argsort(start, kind="stable")
    start, reach = start[order], np.maximum.accumulate(end[order])
    first = np.concatenate([[True], start[1:] > reach[:-1] + slack])
    last = np.concatenate([first[1:], [True]])
    return np.stack([start[first], reach[last]], axis=1)


def throughput(jobs: pd.DataFrame, edges: np.ndarray) -> np.ndarray:
    """Units done a second between the edges, the size of each job spread evenly over its time."""
    well = jobs[jobs["status"] == "ok"]
    start, seconds, size = (well[name].to_numpy() for name in ("start", "seconds", "size"))
    done = [(size * np.clip((edge - start) / seconds, 0, 1)).sum() for edge in edges]
    return np.diff(done) / np.diff(edges)


def clock(length: float) -> tuple[float, str]:
    """The unit for a stretch of seconds, in seconds, and its name.

    >>> clock(600.0)
    (60.0, 'minutes')
    """
    return next(((scale, name) for least, scale, name in UNITS if length >= least), UNITS[-1][1:])


def _throughput_figure(clocked: Clocked, unit: str) -> Markup:
    edges = np.linspace(0, clocked.length, BINS + 1)
    speed = throughput(clocked.jobs, edges)
    scale, name = clock(clocked.length)
    sheet = plots.sheet(plots.WIDE, 2.6)
    ax = sheet.subplots()
    ax.stairs(speed, edges / scale, color=ACCENT, fill=True, alpha=0.25)
    ax.stairs(speed, edges / scale, color=ACCENT, lw=1.6, baseline=None)
    ax.axhline(speed.mean(), color=MUTED, lw=1.1, ls="--")
    _finish(ax, clocked, scale, name)
    ax.set(ylabel=f"{unit} a second", ylim=(0, max(1.08 * speed.max(), 1e-9)))
    mean = page.number(speed.mean(), 2)
    caption = (
        f"{unit.capitalize()} finished a second while the study went on, the dashed line being the mean "
        f"({mean}){_pauses(clocked)}: a dip is large tasks, compiling, or workers idle."
    )
    return page.figure(plots.svg(sheet, "throughput", f"{unit.capitalize()} a second over time"), caption)


def _workers_figure(clocked: Clocked) -> Markup:
    jobs = clocked.jobs
    spans = {
        name: merged(mine["start"].to_numpy(), mine["end"].to_numpy(), clocked.length / 800)
        for name, mine in jobs.groupby("worker")
    }
    busy = {
        name: float(np.minimum((s[:, 1] - s[:, 0]).sum() / clocked.length, 1)) for name, s in spans.items()
    }
    shown = sorted(_chosen(busy), key=_natural)
    scale, unit = clock(clocked.length)
    sheet = plots.sheet(plots.WIDE, 0.75 + 0.24 * max(len(shown), 2))
    ax = sheet.subplots()
    for row, name in enumerate(shown):
        ax.broken_barh(
            [(a / scale, (b - a) / scale) for a, b in spans[name]], (row - 0.36, 0.72), color=ACCENT
        )
        ax.annotate(
            f"{100 * busy[name]:.0f} %", (1, row), (6, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", fontsize=8, color=INK,
        )  # fmt: skip
    ax.set_yticks(range(len(shown)), [plots.label(name, 18) for name in shown], fontsize=8)
    ax.set(ylim=(len(shown) - 0.4, -0.6), ylabel="worker")
    plots.bare(ax, left=False)
    _finish(ax, clocked, scale, unit)
    few = f" ({len(shown)} of {len(busy)}, from the busiest to the idlest)" if len(shown) < len(busy) else ""
    mean = np.mean(list(busy.values()))
    caption = (
        f"When each worker{few} was busy with a job, with its share of the whole time at the right (mean "
        f"{100 * mean:.0f} %){_pauses(clocked)}: gaps are time in which it had nothing to do."
    )
    return page.figure(plots.svg(sheet, "workers", "What each worker did over time"), caption)


def _finish(ax: "Axes", clocked: Clocked, scale: float, unit: str) -> None:
    for cut in clocked.cuts:
        ax.axvline(cut / scale, color=FAINT, lw=1.2, ls=":")
    ax.set(xlim=(0, clocked.length / scale), xlabel=f"{unit} since the first job began")


def _pauses(clocked: Clocked) -> str:
    if not clocked.cuts:
        return ""
    return f"; {page.duration(clocked.paused)} in which no job ran are cut out at the dotted lines"


def _chosen(busy: dict[str, float]) -> list[str]:
    """All workers, or some of them, evenly taken from the busiest to the idlest."""
    ordered = sorted(busy, key=lambda name: (-busy[name], _natural(name)))
    places = np.unique(np.linspace(0, len(ordered) - 1, min(ROWS, len(ordered))).round().astype(int))
    return [ordered[place] for place in places]


def _natural(name: str) -> list[tuple[int, int | str]]:
    """A key that puts worker 10 behind worker 9."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", name) if part]
