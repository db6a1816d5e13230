"""Series of the UCR and UEA archives."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from taskaware.modalities.series.modality import SERIES

FOLDER = Path(os.environ.get("TASKAWARE_DATA", "")) / "series"
pytestmark = pytest.mark.skipif(
    not os.environ.get("TASKAWARE_DATA") or not FOLDER.is_dir(), reason="needs the series of TASKAWARE_DATA"
)


@pytest.mark.parametrize(
    ("name", "wanted"), [("gunpoint", 0.95), ("basicmotions", 0.95), ("japanesevowels", 0.94)]
)
def test_convolutions_tell_classes_apart(name, wanted):
    frame = pd.read_parquet(FOLDER / f"{name}.parquet")
    assert SERIES.holds(frame["series"].tolist())
    data = SERIES.parse(frame["series"].tolist(), column="series").data
    train = np.flatnonzero(frame["split"] == "train")
    matrix = SERIES.fit_blocks(data, train).transform(data)["convolutions"]
    model = LogisticRegression(max_iter=300).fit(matrix[train], frame["label"].iloc[train])
    test = np.flatnonzero(frame["split"] == "test")
    assert model.score(matrix[test], frame["label"].iloc[test]) >= wanted
