"""Exports to NumPy on real data: how far their answers are from those of the model, and how long they take.

    python benchmarks/exports.py --data /folder/with/index.csv
    python benchmarks/exports.py --data /folder/with/index.csv --only anneal,abalone
    python benchmarks/exports.py --data /folder/with/index.csv --kind text

The first 1,500 rows of each dataset (400 of images and sounds), in random order, train a mixture for a few
steps; its other rows, at most 400, are predicted: a table as a frame and as a CSV file, others as lists.
Differences are of probabilities and of standardised values.
"""

import argparse
import csv
import dataclasses
import importlib.util
import io
import tempfile
import time
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from taskaware.modalities.reading import make_task
from taskaware.spaces import MixtureSpace
from taskaware.spaces.presets import COMPACT, UNIVERSAL
from taskaware.training.fit import fit
from taskaware.training.model import Model
from taskaware.training.recipe import TrainingRecipe


def small(space: MixtureSpace) -> MixtureSpace:
    """The space with two layers of few units."""
    return dataclasses.replace(space, name="small", layers=2, sizes=(4, 8), width_odds=(0.5, 0.5), recipe=())


SPACES = {
    kind: small(COMPACT if kind == "tabular" else UNIVERSAL)
    for kind in ("tabular", "text", "image", "series", "audio")
}
RECIPE = TrainingRecipe(steps=40, batch_size=64)
TRAINED = {"tabular": 1500, "text": 1500, "image": 400, "series": 1500, "audio": 400}
PREDICTED = 400


def imported(folder: Path) -> ModuleType:
    """The exported `predict.py` as a module."""
    spec = importlib.util.spec_from_file_location(folder.name, folder / "predict.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def values_of(frame: pd.DataFrame, kind: str, target: str) -> Any:
    """The rows of a dataset as the model and the export both read them."""
    features = frame.drop(columns=[name for name in (target, "split", "speaker") if name in frame])
    if kind == "tabular":
        return features
    if features.shape[1] > 1:
        return [list(row) for row in features.itertuples(index=False)]
    values = features.iloc[:, 0].tolist()
    if kind == "image":
        from PIL import Image

        files = [io.BytesIO(value["bytes"]) for value in values]
        return [np.asarray(Image.open(file).convert("RGB")) for file in files]
    return values


def differences(model: Model, new: Any, folder: Path) -> tuple[float, float, float]:
    """The largest difference, milliseconds of one row, and those of all rows, of a model that is exported."""
    alone = imported(model.export(folder / "plain"))
    pairs = [(new, new)]
    if isinstance(new, pd.DataFrame):
        new.to_csv(folder / "new.csv", index=False)
        file = str(folder / "new.csv")
        pairs.append((file, alone.read_file(file)))
    largest = max(np.abs(model._outputs(own) - alone.outputs_of(rows)).max() for own, rows in pairs)
    one = new.iloc[0].to_dict() if isinstance(new, pd.DataFrame) else new[:1]
    return float(largest), _milliseconds(alone, one), _milliseconds(alone, new)


def _milliseconds(alone: ModuleType, rows: object) -> float:
    found = []
    for _ in range(5):
        began = time.perf_counter()
        alone.outputs_of(rows)
        found.append(time.perf_counter() - began)
    return 1e3 * min(found)


def main() -> None:
    """Print a line for each dataset, and the largest difference."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with index.csv")
    parser.add_argument("--only", default="", help="names of datasets, with commas between them")
    parser.add_argument("--kind", default="tabular", choices=SPACES, help="kind of data")
    given = parser.parse_args()
    # Rare labels are lost by the draw, and odd cells are noted.
    warnings.simplefilter("ignore")
    with (given.data / "index.csv").open(newline="") as file:
        entries = [row for row in csv.DictReader(file) if row["modality"] == given.kind]
    space, most = SPACES[given.kind], TRAINED[given.kind]
    # All embeddings, a bypass, and several plain layers in each layer.
    point = jnp.linspace(-0.5, 0.5, space.dimension)
    only, every = set(filter(None, given.only.split(","))), []
    for entry in entries:
        if only and entry["name"] not in only:
            continue
        frame = pd.read_parquet(given.data / entry["file"]).sample(frac=1, random_state=0)
        rows = min(most, len(frame) - len(frame) // 5)
        if given.kind == "tabular":
            task = make_task(frame.iloc[:rows], entry["target"], problem=entry["task"])
        else:
            known = values_of(frame.iloc[:rows], given.kind, entry["target"])
            answers = frame[entry["target"]].iloc[:rows].astype(str).to_numpy()
            task = make_task(known, answers, modality=given.kind)
        model = fit(task, space, point, recipe=RECIPE, members=1, progress=False)
        new = values_of(frame.iloc[rows : rows + PREDICTED], given.kind, entry["target"])
        with tempfile.TemporaryDirectory() as folder:
            every.append(differences(model, new, Path(folder)))
        largest, one, many = every[-1]
        print(
            f"{entry['name']:<28} {largest:.1e}  {one:6.2f} ms a row  {many:7.1f} ms {len(new)} rows",
            flush=True,
        )
    worst, median = max(each[0] for each in every), np.median([each[1] for each in every])
    print(f"{len(every)} datasets: largest difference {worst:.1e}; median {median:.2f} ms a row")


if __name__ == "__main__":
    main()
