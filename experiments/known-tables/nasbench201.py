"""NAS-Bench-201 (Dong & Yang 2020): one of five operations on each of the six edges of a cell."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
from package import table_file

NAMES = ("cifar10", "cifar100", "imagenet")
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
OPTIONS = {f"edge{number}": OPERATIONS for number in range(6)}
SCORE = "valid"


def known(folder: Path, name: str) -> pd.DataFrame:
    """A row for each architecture and seed: operations, validation accuracy, and its mean over seeds."""
    rows = []
    for numbers, scores in pickle.loads(table_file(folder, "nasbench201", name).read_bytes()).items():
        found = np.asarray(scores["val_acc"], float) / 100
        chosen = [OPERATIONS[int(number)] for number in numbers]
        rows += [(*chosen, seed, value, found.mean()) for seed, value in enumerate(found)]
    return pd.DataFrame(rows, columns=[*OPTIONS, "seed", SCORE, "mean"])
