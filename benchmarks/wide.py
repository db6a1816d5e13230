"""Wide tables: seconds to read and to recommend, to fit for a few steps, and the most memory in all."""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.training.fit import fit
from taskaware.training.recipe import TrainingRecipe

STEPS = 20


def table(rows: int, columns: int) -> pd.DataFrame:
    """Columns of numbers, the classes told by ten of them."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, columns)), copy=False).add_prefix("c")
    names = frame.columns[: min(10, columns)]
    frame["target"] = np.where(frame[names].sum(axis=1) > 0, "yes", "no")
    return frame


def peak() -> float:
    """Gigabytes that this process has had in memory at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def measured(what: str, work: Callable):
    """The result of the work; prints its seconds, and the most memory so far."""
    began, busy = time.perf_counter(), time.process_time()
    result = work()
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    print(f"{what}: {seconds:.1f} s ({busy:.1f} s of the processors), at most {peak():.2f} GB", flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--columns", type=int, default=10_000)
    parser.add_argument("--file", action="store_true", help="read the table from a CSV file, too")
    parser.add_argument("--fit", action="store_true", help=f"train the first answer for {STEPS} steps, too")
    arguments = parser.parse_args()
    ta.recommend(table(100, 20), "target")  # compiles
    frame = table(arguments.rows, arguments.columns)
    print(f"{arguments.rows:,} rows x {arguments.columns:,} columns; the frame: {peak():.2f} GB")
    task = measured("read the frame", lambda: ta.make_task(frame, "target"))
    answer = measured("recommend", lambda: ta.recommend(task))
    if arguments.file:
        with tempfile.TemporaryDirectory() as folder:
            frame.to_csv(path := Path(folder) / "wide.csv", index=False)
            read = measured("read the file", lambda: ta.make_task(path, "target"))
            assert read.digest == task.digest
    if arguments.fit:
        point, recipe = np.array(answer.ranked[0].point, np.float32), TrainingRecipe(steps=STEPS)
        # As `answer.fit` does: the training alone has the rows, and lets go of them.
        del task
        model = measured(
            f"fit, {STEPS} steps",
            lambda: fit(
                ta.make_task(frame, "target"), answer.space, point, recipe=recipe, members=1, progress=False
            ),
        )
        some = frame.head(100)
        measured("predict 100 rows", lambda: model.predict(some))


if __name__ == "__main__":
    main()
