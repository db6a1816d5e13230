"""Trainings whose products are rounded to bfloat16, beside float32: the same architectures and seeds.

    python benchmarks/rounding.py FOLDER --tasks abalone,letter [--architectures 64]

For each table: mean test score and seconds with either, the mean distance between the two scores of an
architecture and between its scores of two seeds, and the Spearman of both pairs. A seed draws the initial
weights and the order of rows, on one split. The time is without compilation.
"""

import argparse
import time
from collections.abc import Iterator
from unittest import mock

import jax
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from taskaware.modalities.suites import suite_named
from taskaware.spaces.presets import COMPACT
from taskaware.studies.quality import spearman
from taskaware.tasks.task import Task
from taskaware.training import programs
from taskaware.training.prepare import prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train

RECIPE = TrainingRecipe()


def compared(task: Task, points: np.ndarray) -> dict:
    """The line of a table: scores of points with and without rounding."""
    prepared = prepare(task, 0, RECIPE)

    def scores(seed: int, rounded: bool) -> tuple[np.ndarray, float]:
        began = time.perf_counter()
        with mock.patch.object(programs, "rounds_products", lambda: rounded):
            found = train(COMPACT, points, prepared, RECIPE, seed=seed)
        return np.asarray(found.test_score), time.perf_counter() - began

    # The first training of each kind compiles.
    (exact, _), (near, _) = scores(0, False), scores(0, True)
    (other, seconds), (_, rounded_seconds) = scores(1, False), scores(1, True)
    return {
        "table": task.name,
        "float32": exact.mean(),
        "rounded": near.mean(),
        "apart": np.abs(exact - near).mean(),
        "seeds apart": np.abs(exact - other).mean(),
        "Spearman": spearman(exact, near),
        "of seeds": spearman(exact, other),
        "seconds": seconds,
        "rounded s": rounded_seconds,
    }


def main() -> None:
    """Print a line for each table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="of Parquet tables, with an index.csv")
    parser.add_argument("--tasks", required=True, help="names, with commas between")
    parser.add_argument("--architectures", type=int, default=64)
    given = parser.parse_args()
    entries = suite_named(given.folder).only(*given.tasks.split(",")).entries
    points = np.asarray(COMPACT.sample(jax.random.key(0), given.architectures))

    def lines() -> Iterator[dict]:
        for entry in tqdm(entries, unit="table"):
            yield compared(entry.task(), points)

    table = pd.DataFrame(lines())
    print(table.to_string(index=False, float_format=lambda number: f"{number:.4f}"))
    print(f"rounded less float32: {(table['rounded'] - table['float32']).mean():.4f}")


if __name__ == "__main__":
    main()
