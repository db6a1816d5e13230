"""Convolutions in front of dense layers beside the recommended network of feature blocks, on images.

Of the space `front` some random points are trained shortly, and `fit` trains the best of them. Each set is
left out of the evaluator that recommends. The rows of the source's test part are scored, 30 % of the rows
where it has none. Seconds are those of the processor, compilation included.

    python -m benchmarks.fronts FOLDER [--sets digits,sign-digits] [--points 6] [--rows 2000]

FOLDER has an index.csv of Parquet files with a column `label`; `digits` are those of scikit-learn.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import taskaware as ta
from benchmarks.kinds_fitted import parts
from taskaware.modalities.images.pictures import Pictures
from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.tasks.task import Task

SIDE = 16


def read(folder: Path, name: str, rows: int) -> tuple[Task, tuple, int]:
    """What is learned from, images and labels to score, and the channels."""
    if name == "digits":
        digits = load_digits()
        x, tested, y, labels = train_test_split(
            digits.images, digits.target, test_size=0.3, random_state=0, stratify=digits.target
        )
        return ta.make_task((x, y), name=name), (tested, labels), 1
    index = pd.read_csv(folder / "index.csv").set_index("name")
    learned, scored = parts(pd.read_parquet(folder / index.loc[name, "file"]), rows)
    task = ta.make_task(learned, "label", name=name)
    return task, (scored[["image"]], scored["label"]), 3 if pictures(task).coloured.any() else 1


def pictures(task: Task) -> Pictures:
    """The data of a task of images."""
    assert isinstance(task.data, Pictures)
    return task.data


def blocks(task: Task, tested: tuple) -> list:
    """Test accuracy of the recommended network, and its seconds."""
    evaluator = shipped_evaluator("universal")
    known = evaluator.training_data
    pairs = zip(known.names, known.groups, strict=True)
    evaluator = evaluator.without(*{group for name, group in pairs if name == task.name})
    began = time.process_time()
    model = ta.recommend(task, evaluator=evaluator).fit(task, progress=False)
    return [model.score(*tested), time.process_time() - began]


def fronts(task: Task, tested: tuple, channels: int, points: int) -> list:
    """Test accuracy of the best point, seconds of the search and of its training, and the point in words."""
    side = min(SIDE, int(pictures(task).sizes.max()))
    space = ta.spaces.front(side=side, channels=channels)
    began = time.process_time()
    found = ta.search(space, "random", task=task, budget=points, progress=False)
    searched = time.process_time() - began
    model = found.fit(progress=False)
    took = time.process_time() - began - searched
    shares, dense = space.weights(found.best.point)
    print(task.name, np.round(found.scores, 3).tolist(), shares, dense, sep="\n", flush=True)
    return [model.score(*tested), searched, took]


def main() -> None:
    """A line for each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", default="digits,sign-digits", help="names, with commas")
    parser.add_argument("--points", type=int, default=6, help="random points of the space")
    parser.add_argument("--rows", type=int, default=2000, help="rows to learn from and to score, at most")
    given = parser.parse_args()
    columns = ["rows", "blocks", "seconds", "front", "search", "fit"]
    table = pd.DataFrame(columns=columns)
    for name in given.sets.split(","):
        task, tested, channels = read(given.folder, name, given.rows)
        table.loc[name] = [task.rows, *blocks(task, tested), *fronts(task, tested, channels, given.points)]
        print(table.round(3).to_string(), flush=True)


if __name__ == "__main__":
    main()
