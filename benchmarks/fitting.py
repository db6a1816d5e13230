"""What more steps and more networks give in `fit`: test score and time for each table of a folder.

    python benchmarks/fitting.py FOLDER --tasks magic,banana [--ways 600:5,2400:5,2400:3]
    python benchmarks/fitting.py FOLDER --tasks letter,sick --passes 80,240

With --ways a quarter of the rows tests, and all trainings are of the architecture that is recommended for
the rest. With --passes a fifth tests, the recommendation knows neither the table nor a relative, and
scikit-learn's boosted trees stand beside it.
"""

import argparse
import dataclasses
import time
from collections.abc import Sequence
from unittest import mock

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.modalities.suites import suite_named
from taskaware.studies.models import Trial, score_model
from taskaware.training import length
from taskaware.training.fit import RECIPE, fit

MOST_ROWS = 20_000
MOST_ROWS_HELD_OUT = 10_000


def main() -> None:
    """Print a line for each table and way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="of Parquet tables, with an index.csv")
    parser.add_argument("--tasks", required=True, help="names, with commas between")
    parser.add_argument("--ways", default="600:5,2400:5", help="steps:networks for 4,096 training rows")
    parser.add_argument("--passes", help="passes over the rows, with commas between, in place of the ways")
    given = parser.parse_args()
    entries = suite_named(given.folder).only(*given.tasks.split(",")).entries
    if given.passes:
        held_out(entries, [int(number) for number in given.passes.split(",")])
    else:
        in_ways(entries, given.ways.split(","))


def in_ways(entries: Sequence, ways: Sequence[str]) -> None:
    """Trainings of so many steps of so many networks.

    Args:
        entries: of the tables.
        ways: steps:networks.
    """
    print(f"{'table':<20}{'rows':>7}{'way':>10}{'steps':>7}{'score':>8}{'seconds':>9}")
    for entry in entries:
        frame = pd.read_parquet(entry.source).sample(frac=1.0, random_state=7)[:MOST_ROWS]
        name, cut = entry.name, len(frame) * 3 // 4
        known, rest = ta.make_task(frame[:cut], entry.target), frame[cut:]
        found = ta.recommend(known)
        for way in ways:
            steps, members = map(int, way.split(":"))
            began, recipe = time.perf_counter(), dataclasses.replace(RECIPE, steps=steps)
            model = fit(
                known,
                found.space,
                np.asarray(found.point),
                recipe=recipe,
                members=members,
                patience=steps // 30,
                progress=False,
            )
            score, done = model.score(rest), int(model.history["step"].iloc[-1])
            took = time.perf_counter() - began
            print(f"{name:<20}{cut:>7}{way:>10}{done:>7}{score:>8.4f}{took:>9.1f}", flush=True)


def held_out(entries: Sequence, passes: Sequence[int]) -> None:
    """Boosted trees, and the recommended architecture trained with so many passes over the rows.

    Args:
        entries: of the tables; of a large one, MOST_ROWS_HELD_OUT rows drawn at random.
        passes: least numbers of passes.
    """
    print(f"{'table':<20}{'rows':>7}{'way':>10}{'score':>8}{'seconds':>9}")
    for entry in entries:
        frame = pd.read_parquet(entry.source)
        if len(frame) > MOST_ROWS_HELD_OUT:
            frame = frame.sample(MOST_ROWS_HELD_OUT, random_state=7)
        task = ta.make_task(frame, entry.target)
        ways = {"trees": (1, "trees")} | {str(each): (each, "recommended") for each in passes}
        for way, (number, model) in ways.items():
            began = time.perf_counter()
            with mock.patch.multiple(length, PASSES=number, PASSES_OF_CLASSES=number):
                score = score_model(task, Trial(model, 0))
            took = time.perf_counter() - began
            print(f"{entry.name:<20}{task.rows:>7}{way:>10}{score:>8.4f}{took:>9.1f}", flush=True)


if __name__ == "__main__":
    main()
