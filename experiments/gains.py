"""The gain of a controller over random search as evaluations go on: a figure and a table over seeds."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from taskaware.strategies import History

TOPS = (1, 5, 15)
"""The published plot has the gain of the best, and of the means of so many best points."""

LAST = 16
"""Latest points whose median shows what a controller draws by now."""


class Pair(NamedTuple):
    """Scores of searches at equal budget: of a controller and of random search, (seeds, N) each."""

    controller: np.ndarray
    control: np.ndarray


def paired(found: Sequence[History]) -> Pair:
    """The scores of searches with `control=True`; -inf where a training diverged."""
    controls = [control_of(each) for each in found]
    return Pair(*(np.stack([each.scores for each in part]) for part in (found, controls)))


def control_of(found: History) -> History:
    """The random search beside a search.

    Raises:
        ValueError: the search was without `control=True`.
    """
    if found.control is None:
        raise ValueError("The search has no random search beside it. Search with control=True.")
    return found.control


def top(scores: np.ndarray, count: int) -> np.ndarray:
    """Mean of the best scores so far, (seeds, N); NaN where there are fewer than `count`.

    Args:
        scores: (seeds, N), -inf where a training diverged.
        count: of the best.
    """
    rows = [[np.sort(row[: n + 1])[-count:] for n in range(len(row))] for row in scores]
    means = [
        [each.mean() if len(each) == count and np.isfinite(each).all() else np.nan for each in row]
        for row in rows
    ]
    return np.array(means)


def latest(scores: np.ndarray) -> np.ndarray:
    """Median of the latest scores, (seeds, N); NaN where there are fewer than `LAST`."""
    return np.array(
        [
            [np.median(row[n + 1 - LAST : n + 1]) if n + 1 >= LAST else np.nan for n in range(len(row))]
            for row in scores
        ]
    )


def mean_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over seeds, and its standard error; 0 for one seed.

    Args:
        values: (seeds, ...).
    """
    count = len(values)
    return values.mean(0), values.std(0, ddof=1) / count**0.5 if count > 1 else np.zeros(values.shape[1:])


def show(pair: Pair, digits: int = 3) -> None:
    """Print what each search ended with, and the difference, over seeds.

    Args:
        pair: scores of the searches.
        digits: behind the point.
    """
    print(f"\n| over {len(pair.control)} seeds | controller | random | difference |\n|---|---|---|---|")
    measures = {f"mean of the best {count}" if count > 1 else "best": count for count in TOPS}
    for name, count in (measures | {f"median of the last {LAST}": 0}).items():
        ends = [(top(each, count) if count else latest(each))[:, -1] for each in pair]
        cells = [mean_error(each) for each in (*ends, ends[0] - ends[1])]
        print(f"| {name} | " + " | ".join(f"{m:.{digits}f} ± {e:.{digits}f}" for m, e in cells) + " |")


def figure(pairs: dict[str, Pair], path: Path, unit: str) -> None:
    """The published plot: the gain over random search, a row for each name; bands are standard errors.

    Args:
        pairs: scores of the searches, by name.
        path: of the picture.
        unit: of the scores.
    """
    sheet, axes = plt.subplots(len(pairs), 2, figsize=(9, 3.1 * len(pairs)), squeeze=False)
    for row, (name, pair) in zip(axes, pairs.items(), strict=True):
        for count in TOPS:
            label = "the best" if count == 1 else f"mean of the best {count}"
            _drawn(row[0], top(pair.controller, count) - top(pair.control, count), label)
        _drawn(row[1], latest(pair.controller) - latest(pair.control), f"median of the last {LAST}")
        for ax in row:
            ax.axhline(0.0, color="grey", lw=0.8)
            ax.set_ylim(*_range(ax))
            ax.set(title=name, xlabel="trainings", ylabel=f"gain over random search, {unit}")
            ax.legend(fontsize=8)
    sheet.tight_layout()
    sheet.savefig(path, dpi=90)
    plt.close(sheet)


def _range(ax: plt.Axes) -> tuple[float, float]:
    """What the last third of the lines needs, and room: failed cells among the first would hide the rest."""
    lines = [np.asarray(line.get_ydata(), float) for line in ax.lines]
    found = np.concatenate([each[-max(1, len(each) // 3) :] for each in lines])
    low, high = np.nanmin(found), np.nanmax(found)
    room = 0.5 * (high - low) or 1.0
    return float(low - room), float(high + room)


def _drawn(ax: plt.Axes, gains: np.ndarray, label: str) -> None:
    mean, error = mean_error(gains)
    trainings = np.arange(1, len(mean) + 1)
    [line] = ax.plot(trainings, mean, label=label)
    ax.fill_between(trainings, mean - error, mean + error, color=line.get_color(), alpha=0.2, lw=0)
