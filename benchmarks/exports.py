"""Exports to NumPy on real tables: how far their answers are from those of the model, and how long they take.

    python benchmarks/exports.py --data /folder/with/index.csv
    python benchmarks/exports.py --data /folder/with/index.csv --only anneal,abalone

Each table's first 1,500 rows, in random order, train a mixture for a few steps; its other rows, at most 400,
are predicted as a frame and as a CSV file. Differences are of probabilities and of standardised values.
"""

import argparse
import csv
import dataclasses
import importlib.util
import tempfile
import time
import warnings
from pathlib import Path
from types import ModuleType

import jax.numpy as jnp
import numpy as np
import pandas as pd

from taskaware.modalities.tables.build import make_task
from taskaware.spaces import preset
from taskaware.training.fit import fit
from taskaware.training.model import Model
from taskaware.training.recipe import TrainingRecipe

SPACE = dataclasses.replace(
    preset("compact"), name="small", layers=2, sizes=(4, 8), width_odds=(0.5, 0.5), recipe=()
)
POINT = jnp.linspace(-0.5, 0.5, SPACE.dimension)
"""All embeddings, a bypass, and several plain layers in each layer."""
RECIPE = TrainingRecipe(steps=40, batch_size=64)
TRAINED, PREDICTED = 1500, 400


def imported(folder: Path) -> ModuleType:
    """The exported `predict.py` as a module."""
    spec = importlib.util.spec_from_file_location(folder.name, folder / "predict.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def differences(model: Model, new: pd.DataFrame, folder: Path) -> tuple[float, float, float]:
    """The largest difference, milliseconds of one row, and those of all rows, of a model that is exported."""
    alone = imported(model.export(folder / "plain"))
    new.to_csv(folder / "new.csv", index=False)
    file = str(folder / "new.csv")
    pairs = [(new, new), (file, alone.read_file(file))]
    largest = max(np.abs(model._outputs(own) - alone.outputs_of(rows)).max() for own, rows in pairs)
    one = new.iloc[0].to_dict()
    return float(largest), _milliseconds(alone, one), _milliseconds(alone, new)


def _milliseconds(alone: ModuleType, rows: object) -> float:
    found = []
    for _ in range(5):
        began = time.perf_counter()
        alone.outputs_of(rows)
        found.append(time.perf_counter() - began)
    return 1e3 * min(found)


def main() -> None:
    """Print a line for each table, and the largest difference."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with index.csv")
    parser.add_argument("--only", default="", help="names of tables, with commas between them")
    given = parser.parse_args()
    # Rare labels are lost by the draw, and odd cells are noted.
    warnings.simplefilter("ignore")
    with (given.data / "index.csv").open(newline="") as file:
        entries = [row for row in csv.DictReader(file) if row["modality"] == "tabular"]
    only, every = set(filter(None, given.only.split(","))), []
    for entry in entries:
        if only and entry["name"] not in only:
            continue
        frame = pd.read_parquet(given.data / entry["file"]).sample(frac=1, random_state=0)
        rows = min(TRAINED, len(frame) - len(frame) // 5)
        task = make_task(frame.iloc[:rows], entry["target"], problem=entry["task"])
        model = fit(task, SPACE, POINT, recipe=RECIPE, members=1, progress=False)
        new = frame.iloc[rows : rows + PREDICTED].drop(columns=entry["target"])
        with tempfile.TemporaryDirectory() as folder:
            every.append(differences(model, new, Path(folder)))
        largest, one, many = every[-1]
        print(
            f"{entry['name']:<28} {largest:.1e}  {one:6.2f} ms a row  {many:7.1f} ms {len(new)} rows",
            flush=True,
        )
    largest, one, _ = (np.array(column) for column in zip(*every, strict=True))
    print(
        f"{len(every)} tables: largest difference {largest.max():.1e}; median {np.median(one):.2f} ms a row"
    )


if __name__ == "__main__":
    main()
