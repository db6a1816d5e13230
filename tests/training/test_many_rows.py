"""Predictions of many rows: in chunks, several at a time, the same as one by one."""

import jax
import numpy as np
import pandas as pd
import pytest

from taskaware.modalities.tables.build import make_task
from taskaware.training import forward, prepare
from taskaware.training.fit import fit
from taskaware.training.recipe import TrainingRecipe


def frame(rows, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    return pd.DataFrame(x, columns=list("abc")).assign(
        s=rng.choice(["u", "v"], rows), y=np.where(x[:, 0] > 0, "yes", "no")
    )


@pytest.fixture(scope="module")
def model(small, plain):
    point = plain(small, [(8, "relu"), None])
    recipe = TrainingRecipe(steps=60, batch_size=32)
    return fit(make_task(frame(200), "y"), small, point, recipe=recipe, members=2, progress=False)


def test_chunks_give_what_single_rows_give(model, monkeypatch):
    rows = frame(1000, 1)
    whole = model.predict_proba(rows)
    assert whole.shape == (1000, 2)
    monkeypatch.setattr(forward, "ROWS_AT_ONCE", 64)
    np.testing.assert_allclose(model.predict_proba(rows), whole, rtol=1e-5)
    np.testing.assert_allclose(model.predict_proba(rows[998:]), whole[998:], rtol=1e-5)


def test_no_rows_give_no_predictions(model):
    none = model.reader.read(frame(5).drop(columns="y")).take(np.arange(0))
    assert model._networks(none).shape == (0, 2)


def test_every_chunk_uses_one_program(model, monkeypatch):
    monkeypatch.setattr(forward, "ROWS_AT_ONCE", 128)
    model.predict(frame(300))
    before = forward._forward._cache_size()
    model.predict(frame(128 * 5 + 7))
    assert forward._forward._cache_size() == before


def test_wide_rows_come_in_smaller_chunks(model, monkeypatch):
    sizes = []
    transform = type(model.blocks).transform
    monkeypatch.setattr(prepare, "CELLS_AT_ONCE", 100 * sum(model.blocks.widths.values()))
    monkeypatch.setattr(
        type(model.blocks),
        "transform",
        lambda self, data, rows=None: sizes.append(len(rows)) or transform(self, data, rows),
    )
    model.predict(frame(500))
    assert max(sizes) == 64 and sum(sizes) == 500


def test_what_is_no_number_is_never_given(model):
    import dataclasses

    spoilt = {name: jax.numpy.full_like(value, jax.numpy.nan) for name, value in model.params.items()}
    with pytest.raises(Exception, match="no finite number for 5 of 5 rows"):
        dataclasses.replace(model, params=spoilt).predict(frame(5))
