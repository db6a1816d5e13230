"""HPOBench (Eggensperger et al. 2021): networks and their training, for classification."""

import pickle
from pathlib import Path

import pandas as pd
from package import table_file

NAMES = ("australian", "blood_transfusion", "car", "credit_g", "kc1", "phoneme", "segment", "vehicle")
OPTIONS = {
    "alpha": (1e-8, 7.7e-8, 6e-7, 4.6e-6, 3.6e-5, 2.8e-4, 2.2e-3, 1.7e-2, 0.13, 1.0),
    "batch_size": (4, 6, 10, 16, 25, 40, 64, 101, 161, 256),
    "depth": (1, 2, 3),
    "learning_rate": (1e-5, 3.6e-5, 1.3e-4, 4.6e-4, 1.7e-3, 6e-3, 2.2e-2, 7.7e-2, 0.28, 1.0),
    "width": (16, 25, 40, 64, 101, 161, 256, 406, 645, 1024),
}
SCORE = "valid"


def known(folder: Path, name: str) -> pd.DataFrame:
    """A row for each network and seed: options, seed, and validation accuracy."""
    rows = []
    for numbers, scores in pickle.loads(table_file(folder, "hpobench", name).read_bytes()).items():
        chosen = [values[int(number)] for number, values in zip(numbers, OPTIONS.values(), strict=True)]
        rows += [(*chosen, seed, value) for seed, value in enumerate(scores["val_acc"])]
    return pd.DataFrame(rows, columns=[*OPTIONS, "seed", SCORE])
