"""Real tasks whose nature is known."""

import numpy as np
import pandas as pd
import pytest

from taskaware.modalities.tables.build import make_task
from taskaware.modalities.tables.metafeatures import CATALOGUE, NAMES, View, meta_features, vector


@pytest.fixture(name="task", scope="module")
def _task(real_data, index):
    def make(name: str, shuffle: bool = False):
        frame = pd.read_parquet(real_data(name))
        frame = frame.sample(frac=1, random_state=0) if shuffle else frame
        return make_task(frame.reset_index(drop=True), index[name]["target"], problem=index[name]["task"])

    return make


@pytest.mark.parametrize("name", ["zoo", "audiology", "sick", "servo", "abalone"])
def test_in_range_and_blind_to_row_order(task, name):
    view = View(task(name))
    outside = [f.name for f in CATALOGUE if not f.low - 1e-9 <= f.compute(view) <= f.high + 1e-9]
    assert outside == []
    assert len(view.class_counts) == len(view.task.classes)
    np.testing.assert_allclose(
        vector(view.task), vector(task(name, shuffle=True)), atol=1e-5, err_msg=str(NAMES)
    )


@pytest.mark.parametrize(
    ("name", "curved"), [("fried", True), ("mv", True), ("bank8FM", False), ("bodyfat", False)]
)
def test_gains_tell_curved_from_linear_tasks(task, name, curved):
    found = meta_features(task(name))
    assert found["landmark_linear"] > 0.5
    assert (found["interaction_gain"] > 0.08) == curved
