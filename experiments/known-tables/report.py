"""What the searches of `known.py` found: tables for reading, and a plot for each space."""

from pathlib import Path

import numpy as np
import pandas as pd

NEAR = 0.001
"""Distance from the best score of a table that counts as reached, as a share of best less worst score."""
SHOWN = (10, 20, 50, 100, 200, 500)
COLD = "evolution"
"""What a warm start is compared with."""


def report(
    lines: pd.DataFrame, ranges: dict[tuple[str, str], tuple[float, float]], budget: int, out: Path
) -> None:
    """Print and write: curves, evaluations until near the best, what a warm start saves; draw.

    Args:
        lines: a row for each search, as in `results.jsonl`.
        ranges: worst and best score of each table.
        budget: evaluations of a search.
        out: folder of curves.csv, summary.csv and the plots.
    """
    lines = lines[lines["budget"] == budget]
    regrets = {
        key: np.stack([regret(rises, ranges[key[:2]], budget) for rises in group["rises"]])
        for key, group in lines.groupby(["space", "table", "strategy"], sort=False)
        if key[:2] in ranges
    }
    curves(regrets, budget).to_csv(out / "curves.csv", index=False)
    summary = pd.DataFrame([summarised(key, found, regrets) for key, found in regrets.items()])
    summary.to_csv(out / "summary.csv", index=False)
    for space, part in summary.groupby("space", sort=False):
        print(f"\n{space}")
        print(part.drop(columns="space").to_string(index=False, na_rep="-"))
        print(f"\n{space}, all tables: means of the distances, sums of near, medians of what is saved")
        how = {name: "mean" for name in part if name.startswith("at ")} | {"near": "sum", "of": "sum"}
        how |= {name: _median_of_all for name in part if name.startswith("saves")}
        print(part.groupby("strategy", sort=False).agg(how).round(4).to_string())
        draw({key[1:]: found for key, found in regrets.items() if key[0] == space}, out / f"{space}.png")
    seconds = lines.groupby("strategy", sort=False)["seconds"].agg(["sum", "mean"])
    print("\nCPU seconds, all and of one search\n", seconds.round(2).to_string())


def regret(rises: list[list[float]], ends: tuple[float, float], budget: int) -> np.ndarray:
    """Distance of the best score so far from the table's best, as a share of its range, (budget,)."""
    worst, best = ends
    found = np.full(budget, np.nan)
    for place, score in rises:
        found[int(place) :] = (best - score) / (best - worst)
    return found


def reached(found: np.ndarray, goal: float) -> np.ndarray:
    """Evaluations until the regret is no more than the goal, for each row; infinite where it never is."""
    there = found <= goal
    return np.where(there.any(-1), there.argmax(-1) + 1.0, np.inf)


def summarised(key: tuple[str, str, str], found: np.ndarray, regrets: dict) -> dict:
    """A row for people: one strategy on one table."""
    space, table, strategy = key
    until = reached(found, NEAR)
    row: dict[str, str | float] = {"space": space, "table": table, "strategy": strategy}
    row |= {
        f"at {number}": round(float(np.median(found[:, number - 1])), 4)
        for number in SHOWN
        if number <= found.shape[1]
    }
    row |= {"until near": float(np.median(until)), "near": int(np.isfinite(until).sum()), "of": len(found)}
    cold = regrets.get((space, table, COLD))
    if cold is not None:
        row |= {f"saves of {most}": round(saved(cold[:, :most], found), 3) for most in (100, found.shape[1])}
    return row


def saved(cold: np.ndarray, other: np.ndarray) -> float:
    """Share of the evaluations that another search saves until cold evolution's last score, by medians."""
    median = np.median(cold, 0)
    needed = float(reached(median[None], median[-1])[0])
    took = float(reached(np.median(other, 0)[None], median[-1])[0])
    return 1 - took / needed if np.isfinite(took) else float("nan")


def _median_of_all(saves: pd.Series) -> float:
    """The median; a search that never gets there saves less than any other."""
    return float(np.median(saves.fillna(-np.inf)))


def curves(regrets: dict, budget: int) -> pd.DataFrame:
    """Median and quartiles of the regret over the seeds, after each evaluation."""
    parts = []
    for (space, table, strategy), found in regrets.items():
        low, median, high = np.quantile(found, (0.25, 0.5, 0.75), axis=0)
        part = {"evaluation": np.arange(1, budget + 1), "low": low, "median": median, "high": high}
        parts.append(pd.DataFrame(part).assign(space=space, table=table, strategy=strategy))
    return pd.concat(parts, ignore_index=True)


def draw(regrets: dict[tuple[str, str], np.ndarray], path: Path) -> None:
    """The regret over evaluations: a panel for each table, median and quartiles."""
    from matplotlib.figure import Figure

    tables, strategies = (list(dict.fromkeys(key[place] for key in regrets)) for place in range(2))
    columns = min(len(tables), 4)
    rows = -(-len(tables) // columns)
    figure = Figure(figsize=(3.1 * columns, 2.6 * rows + 0.8), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    for table, axes in zip(tables, panels, strict=False):
        for place, strategy in enumerate(strategies):
            if (table, strategy) not in regrets:
                continue
            found = np.maximum(regrets[table, strategy], 1e-4)
            number = np.arange(1, found.shape[1] + 1)
            low, median, high = np.quantile(found, (0.25, 0.5, 0.75), axis=0)
            axes.fill_between(number, low, high, step="post", alpha=0.12, color=f"C{place}", linewidth=0)
            axes.step(number, median, where="post", color=f"C{place}", label=strategy, linewidth=1.2)
        axes.axhline(NEAR, color="0.6", linewidth=0.8, linestyle=":")
        axes.set(xscale="log", yscale="log", title=table)
    for axes in panels[len(tables) :]:
        axes.set_axis_off()
    figure.supxlabel("evaluations")
    figure.supylabel("distance from the best")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(path, dpi=90)
