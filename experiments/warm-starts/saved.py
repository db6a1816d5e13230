"""How many trainings a warm start saves, from the run folder of a comparison; see README.md.

python experiments/warm-starts/saved.py runs/warm-starts
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

COLD, WARM = "evolution", "recommend_then_evolve"


def until(best: np.ndarray, score: float) -> int:
    """Trainings until the best score so far is not below a score; all of them where it never is."""
    reached = np.flatnonzero(best >= score)
    return int(reached[0]) + 1 if len(reached) else len(best)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="run folders, of comparisons that may still run")
    journals = [run / "journal.jsonl" for run in parser.parse_args().runs]
    lines = [line for journal in journals for line in journal.read_text().splitlines()]
    ended = [line for line in map(json.loads, lines) if line["status"] == "ok"]
    rows, searches = [], {(line["task"], line["seed"], line["strategy"]): line["scores"] for line in ended}
    for task, seed in dict.fromkeys((task, seed) for task, seed, _ in searches):
        found = {name: searches.get((task, seed, name)) for name in (COLD, WARM)}
        curves = {name: np.maximum.accumulate(each) for name, each in found.items() if each}
        if {COLD, WARM} <= set(curves):
            final = curves[COLD][-1]
            needed = [until(curves[name], final) for name in (COLD, WARM)]
            first = float(curves[WARM][0])
            rows.append((task, seed, final, *needed, bool(curves[WARM][-1] >= final), first))
    names = ["task", "seed", "cold_score", "cold", "warm", "reached", "warm_first"]
    frame = pd.DataFrame(rows, columns=names)
    print(frame.round(4).to_string(index=False))
    means = frame.groupby("task")[["cold", "warm"]].mean()
    saved = means["cold"] - means["warm"]
    error = saved.std(ddof=1) / len(saved) ** 0.5
    print(f"trainings: cold {means['cold'].mean():.1f}, warm {means['warm'].mean():.1f}", end="; ")
    print(f"saved: {saved.mean():.1f} ± {error:.1f} over {len(saved)} tasks", end="; ")
    print(f"the cold score is reached in {frame['reached'].sum()} of {len(frame)} searches")


if __name__ == "__main__":
    main()
