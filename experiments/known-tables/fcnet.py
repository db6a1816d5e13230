"""FCNet (HPOlib) (Klein & Hutter 2019): networks of two layers and their training, for regression."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
from package import table_file

NAMES = ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization")
OPTIONS = {
    "activation_1": ("relu", "tanh"),
    "activation_2": ("relu", "tanh"),
    "batch_size": (8, 16, 32, 64),
    "dropout_1": (0.0, 0.3, 0.6),
    "dropout_2": (0.0, 0.3, 0.6),
    "learning_rate": (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1),
    "schedule": ("cosine", "const"),
    "units_1": (16, 32, 64, 128, 256, 512),
    "units_2": (16, 32, 64, 128, 256, 512),
}
SCORE = "log_loss"


def known(folder: Path, name: str) -> pd.DataFrame:
    """A row for each network and seed: options, seed, and the logarithm of the validation loss, negated.

    Losses of one table differ by a factor of up to 10¹¹, so their logarithm is compared.
    """
    rows = []
    for numbers, scores in pickle.loads(table_file(folder, "hpolib", name).read_bytes()).items():
        found = -np.log10(np.asarray(scores["val_loss"], float))
        chosen = [values[int(number)] for number, values in zip(numbers, OPTIONS.values(), strict=True)]
        rows += [(*chosen, seed, value) for seed, value in enumerate(found)]
    return pd.DataFrame(rows, columns=[*OPTIONS, "seed", SCORE])
