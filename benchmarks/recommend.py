"""Time from call to answer: warm, for three sizes of table, and of a whole process."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.surrogates import Evaluator

SIZES = ((1_000, 20), (10_000, 100), (100_000, 50))
REPEATS = 7


def table(rows: int, columns: int) -> pd.DataFrame:
    """A mixed table: four fifths numbers, one fifth strings, some missing, three classes."""
    rng = np.random.default_rng(0)
    strings = columns // 5
    frame = pd.DataFrame(rng.normal(size=(rows, columns - strings)))
    frame = frame.mask(rng.random(frame.shape) < 0.01)
    labels = np.array([f"level {i}" for i in range(12)])
    for place in range(strings):
        frame[f"s{place}"] = labels[rng.integers(0, 12, rows)]
    frame.columns = [str(name) for name in frame.columns]
    frame["target"] = np.array(["a", "b", "c"])[np.digitize(frame["0"].fillna(0), [-0.5, 0.5])]
    return frame


def main() -> None:
    """Print medians; with an evaluator of your own, those of both side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluator", help="a file of train-evaluator, to be timed beside the shipped one")
    given = parser.parse_args()
    evaluators: dict[str, Evaluator | None] = {"shipped": None}
    if given.evaluator:
        evaluators[given.evaluator] = ta.load_evaluator(given.evaluator)
    print("warm, from DataFrame to Recommendation")
    for rows, columns in SIZES:
        frame = table(rows, columns)
        times: dict[str, list[float]] = {name: [] for name in evaluators}
        for repeat in range(REPEATS + 1):
            for name, evaluator in evaluators.items():
                began = time.perf_counter()
                ta.recommend(frame, target="target", evaluator=evaluator)
                if repeat:
                    times[name].append(time.perf_counter() - began)
        for name, its in times.items():
            print(
                f"  {rows:>7,} x {columns:<3}  {name}: median {np.median(its):.3f} s, least {min(its):.3f} s"
            )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        table(1_000, 20).to_csv(path, index=False)
        command = ["-m", "taskaware", "recommend", str(path), "--target", "target"]
        whole: list[float] = []
        bare: list[float] = []
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        for _ in range(5):
            for seconds, arguments in ((bare, ["-c", "import jax, pandas"]), (whole, command)):
                began = time.perf_counter()
                subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
                seconds.append(time.perf_counter() - began)
    print("process, second run and later (compiled programs are kept on disk)")
    print(f"  taskaware recommend  median {np.median(whole):.2f} s")
    print(f"  import jax, pandas   median {np.median(bare):.2f} s")
    print(f"  beyond the imports   {np.median(whole) - np.median(bare):.2f} s")


if __name__ == "__main__":
    main()
