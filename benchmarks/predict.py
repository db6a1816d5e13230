"""Predictions for a million rows: seconds, and the most memory beyond the frame; LightGBM beside it."""

import argparse
import importlib.util
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.training.fit import fit
from taskaware.training.recipe import TrainingRecipe

SAMPLE = 20_000
EVERY = 0.02
PAGE = 4096


def table(rows: int, seed: int) -> pd.DataFrame:
    """Seven columns of numbers, three of strings, two classes."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, 7)), columns=[f"x{place}" for place in range(7)])
    for place, levels in enumerate((5, 20, 200)):
        frame[f"s{place}"] = np.array([f"level {i}" for i in range(levels)])[rng.integers(0, levels, rows)]
    noise = rng.normal(size=rows)
    frame["target"] = np.where(frame["x0"] * frame["x1"] + frame["x2"] + 0.3 * noise > 0, "yes", "no")
    return frame


def resident() -> int:
    """Bytes of this process that are in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def measured(work: Callable) -> tuple[object, str]:
    """The result of the work; its seconds, and the gigabytes that it took at most beyond those before it."""
    before, most, done = resident(), 0, threading.Event()

    def watch():
        nonlocal most
        while not done.wait(EVERY):
            most = max(most, resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    began, busy = time.perf_counter(), time.process_time()
    result = work()
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    done.set()
    watcher.join()
    memory = (max(most, resident()) - before) / 1e9
    return result, f"{seconds:.1f} s ({busy:.1f} s of the processors), {memory:.2f} GB"


def saved_model(folder: Path, members: int) -> Path:
    """A model of a sample, shortly trained: its speed is that of a model that was trained to the end."""
    sample = table(SAMPLE, 1)
    answer = ta.recommend(sample, "target")
    recipe = TrainingRecipe(steps=60)
    point = np.array(answer.ranked[0].point, np.float32)
    task = ta.make_task(sample, "target")
    return fit(task, answer.space, point, recipe=recipe, members=members, progress=False).save(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--members", type=int, default=1, help="networks; 1 is the default for many rows")
    parser.add_argument("--model", type=Path, help="a folder to keep the model in, and to take it from")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.model or Path(temporary) / "model"
        if not folder.exists():
            saved_model(folder, arguments.members)
        model = ta.load_model(folder)
    frame = table(arguments.rows, 0)
    features = frame.drop(columns="target")
    model.predict(features[:1000])
    found, cost = measured(lambda: model.predict(features))
    right = np.mean(found == frame["target"])
    print(f"{arguments.rows:,} rows x 10 columns: {cost}, accuracy {right:.3f}")
    if importlib.util.find_spec("lightgbm"):
        beside(frame, features)


def beside(frame: pd.DataFrame, features: pd.DataFrame) -> None:
    """The same with LightGBM."""
    from lightgbm import LGBMClassifier

    def read(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.astype({f"s{place}": "category" for place in range(3)})

    other = LGBMClassifier(verbose=-1).fit(read(features[:SAMPLE]), frame["target"][:SAMPLE])
    _, cost = measured(lambda: other.predict(read(features)))
    print(f"LightGBM: {cost}")


if __name__ == "__main__":
    main()
