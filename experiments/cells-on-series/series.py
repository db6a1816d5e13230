"""Cells found by small searches on series, beside what is recommended; see README.md.

python experiments/cells-on-series/series.py --data FOLDER
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.training.recipe import TrainingRecipe

CELLS = ta.spaces.cells(3, filters=4)
RECIPE = TrainingRecipe(steps=60, batch_size=32, evaluations=2, learning_rate=0.01)


def parts(path: Path) -> list[tuple[list, np.ndarray]]:
    """The archive's own training and test part."""
    frame = pd.read_parquet(path)
    chosen = [frame[frame["split"] == part] for part in ("train", "test")]
    return [
        ([np.array(list(map(list, row))) for row in part["series"]], part["label"].to_numpy())
        for part in chosen
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with series/NAME.parquet")
    parser.add_argument("--sets", nargs="+", default=["syntheticcontrol", "italypowerdemand"])
    parser.add_argument("--budget", type=int, default=8, help="trainings of a search")
    parser.add_argument("--steps", type=int, default=300, help="of the final training")
    given = parser.parse_args()
    for name in given.sets:
        train, test = parts(given.data / "series" / f"{name}.parquet")
        task, began = ta.make_task(train, modality="series", name=name), time.process_time()
        strategy = ta.strategies.aging_evolution(4, 2)
        found = ta.search(CELLS, strategy, task=task, recipe=RECIPE, budget=given.budget, progress=False)
        longer = TrainingRecipe(
            steps=given.steps, batch_size=32, evaluations=1, score_last=1, learning_rate=0.01
        )
        model, spent = found.fit(recipe=longer, augment="crop", progress=False), time.process_time() - began
        print(f"{name}: cells {model.score(*test):.3f}, {spent:.0f} CPU seconds", end="; ", flush=True)
        began = time.process_time()
        model = ta.recommend(task).fit(task, progress=False)
        print(
            f"recommended {model.score(*test):.3f}, {time.process_time() - began:.0f} CPU seconds", flush=True
        )


if __name__ == "__main__":
    main()
