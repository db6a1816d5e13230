"""Searches for cells on CIFAR-10, and the best cells trained for longer and tested; see README.md.

python experiments/cells-on-cifar10/cells.py --data FOLDER

The same command goes on where it was stopped.
"""

import argparse
import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.objectives.result import SearchResult
from taskaware.tasks.task import Task
from taskaware.training.fit import fit
from taskaware.training.recipe import TrainingRecipe

CELLS = ta.spaces.cells(filters=4, side=8)
"""The networks of the searches: 8 × 8 pixels in colour."""
BUDGET = 36
POPULATION, SAMPLE = 12, 4
RECIPE = TrainingRecipe(
    steps=100,
    batch_size=32,
    evaluations=2,
    learning_rate=0.01,
    train_rows=2048,
    validation_rows=1024,
    test_rows=1024,
)
SEARCHED, LONGER = 6000, 6000
"""Training images that the searches see, and others for the longer trainings."""

Pairs = tuple[list, np.ndarray]
"""Images and labels."""

EVOLUTION = functools.partial(ta.strategies.aging_evolution, POPULATION, SAMPLE, identity=0.0)
STRATEGIES: dict[str, tuple[Callable, int]] = {
    "random": (ta.strategies.random, 0),
    "evolution": (EVOLUTION, 0),
    "evolution with inherited weights": (EVOLUTION, BUDGET),
}
"""Name → strategy, and how many of the latest trainings keep their weights."""


def images(data: Path) -> tuple[Task, Task, Pairs]:
    """The images of the searches, those of the longer trainings, and the 10,000 of the test."""
    frame = pd.read_parquet(data / "image" / "cifar10.parquet")
    drawn = frame[frame["split"] == "train"].sample(frac=1, random_state=0)
    parts = drawn[:SEARCHED], drawn[SEARCHED:][:LONGER], frame[frame["split"] == "test"]
    searched, more, test = ((list(part["image"]), part["label"].to_numpy()) for part in parts)
    return ta.make_task(searched, name="cifar10"), ta.make_task(more, name="cifar10"), test


def searches(task: Task, folder: Path, seeds: int) -> Iterator[tuple[str, int, SearchResult]]:
    """Every strategy with every seed; a journal for each.

    Args:
        task: to search on.
        folder: of the journals.
        seeds: how many.
    """
    for seed in range(seeds):
        for name, (strategy, keep) in STRATEGIES.items():
            found = ta.search(
                CELLS,
                strategy(),
                task=task,
                recipe=RECIPE,
                budget=BUDGET,
                seed=seed,
                inherit=keep,
                journal=folder / f"{name.replace(' ', '-')}-{seed}.jsonl",
                resume=True,
            )
            if found.stopped:
                raise KeyboardInterrupt
            yield name, seed, found


def longer(point: np.ndarray, data: tuple[Task, Pairs], *, steps: int, seed: int) -> dict:
    """The cells trained anew with crops and flips: accuracy on validation and test images.

    Args:
        point: the cells.
        data: images of the training, and those of the test.
        steps: of 32 images each.
        seed: of first weights and order.
    """
    task, test = data
    recipe = TrainingRecipe(
        steps=steps, batch_size=32, evaluations=1, score_last=1, learning_rate=0.01, train_rows=10**9
    )
    model = fit(
        task, CELLS, point, recipe=recipe, augment=("crop", "flip"), validation=0.1, seed=seed, progress=False
    )
    return {"longer": float(model.best_score), "longer_test": model.score(*test)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with image/cifar10.parquet")
    parser.add_argument("--out", type=Path, default=Path("runs/cells-on-cifar10"))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=300, help="of the longer trainings")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    searched, more, test = images(given.data)
    for name, seed, found in searches(searched, given.out, given.seeds):
        path = given.out / f"{name.replace(' ', '-')}-{seed}.json"
        if not path.exists():
            again = longer(found.best.point, (more, test), steps=given.steps, seed=seed)
            path.write_text(json.dumps(again))
        tested = found.best.test_score
        assert tested is not None  # a training scores its test images
        best = {"score": found.best.score, "test": tested}
        numbers = best | json.loads(path.read_text())
        print(name, f"seed {seed}:", *(f"{key} {value:.3f}" for key, value in numbers.items()), flush=True)


if __name__ == "__main__":
    main()
