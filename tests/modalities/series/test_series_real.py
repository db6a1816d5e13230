"""Series of the UCR and UEA archives."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from taskaware.modalities.series.modality import SERIES


@pytest.mark.parametrize(
    ("name", "wanted"), [("gunpoint", 0.95), ("basicmotions", 0.95), ("japanesevowels", 0.94)]
)
def test_convolutions_tell_classes_apart(name, wanted, real_data):
    frame = pd.read_parquet(real_data(name))
    assert SERIES.holds(frame["series"].tolist())
    data = SERIES.parse(frame["series"].tolist(), column="series").data
    train = np.flatnonzero(frame["split"] == "train")
    matrix = SERIES.fit_blocks(data, train).transform(data)["convolutions"]
    model = LogisticRegression(max_iter=300).fit(matrix[train], frame["label"].iloc[train])
    test = np.flatnonzero(frame["split"] == "test")
    assert model.score(matrix[test], frame["label"].iloc[test]) >= wanted
