"""What more steps and more networks give in `fit`: test score and time for each table of a folder.

A quarter of the rows tests. All trainings are of the architecture that is recommended for the rest.

    python benchmarks/fitting.py FOLDER --tasks magic,banana [--ways 600:5,2400:5,2400:3]
"""

import argparse
import dataclasses
import time

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.modalities.suites import suite_named
from taskaware.training.fit import RECIPE, fit

MOST_ROWS = 20_000


def main() -> None:
    """Print a line for each table and way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="of Parquet tables, with an index.csv")
    parser.add_argument("--tasks", required=True, help="names, with commas between")
    parser.add_argument("--ways", default="600:5,2400:5", help="steps:networks for 4,096 training rows")
    given = parser.parse_args()
    print(f"{'table':<20}{'rows':>7}{'way':>10}{'steps':>7}{'score':>8}{'seconds':>9}")
    for entry in suite_named(given.folder).only(*given.tasks.split(",")).entries:
        frame = pd.read_parquet(entry.source).sample(frac=1.0, random_state=7)[:MOST_ROWS]
        name, cut = entry.name, len(frame) * 3 // 4
        known, rest = ta.make_task(frame[:cut], entry.target), frame[cut:]
        recommended = ta.recommend(known)
        for way in given.ways.split(","):
            steps, members = map(int, way.split(":"))
            began, recipe = time.perf_counter(), dataclasses.replace(RECIPE, steps=steps)
            model = fit(
                known,
                recommended.space,
                np.asarray(recommended.point),
                recipe=recipe,
                members=members,
                patience=steps // 30,
                progress=False,
            )
            score, done = model.score(rest), int(model.history["step"].iloc[-1])
            took = time.perf_counter() - began
            print(f"{name:<20}{cut:>7}{way:>10}{done:>7}{score:>8.4f}{took:>9.1f}", flush=True)


if __name__ == "__main__":
    main()
