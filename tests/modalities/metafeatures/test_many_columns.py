"""Very many columns are looked at in parts; the meta-features are the same."""

import dataclasses

import numpy as np
import pytest

from taskaware.data.table import Column, Table
from taskaware.modalities.tables.metafeatures import meta_features, view
from taskaware.tasks.task import Task


def task(problem):
    rng = np.random.default_rng(0)
    values = np.where(rng.random((30, 80)) < 0.1, np.nan, rng.normal(size=(30, 80)).round(1))
    values[3] = 2.0
    columns = [Column(f"x{place}", "numeric", each) for place, each in enumerate(values)]
    codes = rng.integers(-1, 5, 80).astype(np.int32)
    columns.append(Column("c", "category", codes, tuple("abcde")))
    table = Table("made", tuple(columns), 80)
    if problem == "regression":
        return Task("made", problem, table, "y", rng.normal(size=80), (), "r2")
    return Task("made", problem, table, "y", rng.integers(0, 3, 80), ("u", "v", "w"), "accuracy")


@pytest.mark.parametrize("problem", ["classification", "regression"])
@pytest.mark.parametrize("none", [False, True])
def test_parts_give_the_same(problem, none, monkeypatch):
    made = task(problem)
    if none:
        columns = tuple(column for column in made.data.columns if not column.is_numeric)
        made = dataclasses.replace(made, data=dataclasses.replace(made.data, columns=columns))
    whole = meta_features(made)
    monkeypatch.setattr(view, "WIDE", 7)
    monkeypatch.setattr(view, "PART", 5)
    parts = meta_features(made)
    assert whole.keys() == parts.keys()
    np.testing.assert_allclose(list(parts.values()), list(whole.values()), rtol=1e-12, atol=1e-12)
