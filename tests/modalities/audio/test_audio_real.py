"""Real sounds: read, described, and told apart by a linear model."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeClassifier

import taskaware as ta
from taskaware.modalities.audio.modality import AUDIO


@pytest.mark.parametrize(("name", "least"), [("drums", 0.85), ("speech-music-silence", 0.85)])
def test_a_linear_model_on_the_blocks(real_data, name, least):
    frame = pd.read_parquet(real_data(name))
    assert AUDIO.holds(frame["audio"]) and not AUDIO.holds(frame["label"])
    task = ta.make_task(frame["audio"].tolist(), frame["label"], modality="audio")
    train = np.flatnonzero(frame["split"] != "test")
    test = np.flatnonzero(frame["split"] == "test")
    for block, matrix in AUDIO.fit_blocks(task.data, train).transform(task.data).items():
        model = RidgeClassifier(300).fit(matrix[train], task.target[train])
        assert model.score(matrix[test], task.target[test]) >= least, block


def test_meta_features_differ_between_datasets(real_data):
    found = {}
    for name in ("drums", "speech-music-silence"):
        values = pd.read_parquet(real_data(name))["audio"].tolist()[:60]
        found[name] = AUDIO.own_features(AUDIO.parse(values, column="audio").data)
    drums, mixed = found.values()
    assert drums["audio_sampling_rate"] > mixed["audio_sampling_rate"]
    assert drums["audio_duration"] < mixed["audio_duration"] == 0
