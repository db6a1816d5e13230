"""Tables of thousands of columns: fewer embeddings, and the same result in any number of steps."""

import numpy as np
import pytest

from taskaware.arrays import column_room
from taskaware.data.table import Column, Table
from taskaware.modalities.tables import encode
from taskaware.modalities.tables.encode import EMBEDDINGS, MOST_FULL, Encoder, block_of, widths_of
from taskaware.modalities.tables.modality import TABLES
from taskaware.spaces import preset
from taskaware.tasks.task import Task
from taskaware.training import prepare as room
from taskaware.training.prepare import columns_of, embeddings_of, prepare
from taskaware.training.recipe import TrainingRecipe


def table(columns, rows=30):
    values = np.random.default_rng(0).normal(size=(columns, rows))
    values[0, 3] = np.nan
    found = tuple(Column(f"x{place}", "numeric", each) for place, each in enumerate(values))
    category = Column("c", "category", np.arange(rows, dtype=np.int32) % 3, ("a", "b", "c"))
    return Table("made", (*found, category), rows)


def test_numbers_of_a_wide_table_have_the_first_three_embeddings():
    made = table(MOST_FULL)
    encoder = Encoder.fit(made, np.arange(30))
    assert encoder.narrow and encoder.numbers == MOST_FULL + 1
    numbers, one_hot = encoder.transform(made)
    assert numbers.shape == (30, 3 * encoder.numbers) and one_hot.shape == (30, 4)
    blocks = TABLES.fit_blocks(made, np.arange(30))
    found = blocks.transform(made)
    assert {name: block.shape[1] for name, block in found.items()} == dict(blocks.widths)
    assert blocks.widths["piecewise"] == blocks.active["periodic"] == 0
    assert dict(blocks.widths) == widths_of(encoder.numbers, 4)
    np.testing.assert_array_equal(encoder.block, block_of(encoder.numbers))
    again = TABLES.blocks_from(blocks.to_arrays())
    np.testing.assert_array_equal(again.transform(made)["robust"], found["robust"])


def test_just_below_there_are_all():
    encoder = Encoder.fit(table(MOST_FULL - 1), np.arange(30))
    assert not encoder.narrow and len(encoder.block) == 15 * MOST_FULL


def test_what_older_files_hold_stays_as_it_was(monkeypatch):
    """A wide table had all embeddings before: its encoder lacks the mark of the narrow ones."""
    made = table(20)
    encoder = Encoder.fit(made, np.arange(30))
    monkeypatch.setattr(encode, "MOST_FULL", 8)
    arrays = {name: array for name, array in encoder.to_arrays().items() if name != "narrow"}
    again = TABLES.blocks_from(arrays)
    np.testing.assert_array_equal(again.encoder.transform(made)[0], encoder.transform(made)[0])
    assert again.widths["periodic"] > 0


def test_columns_are_learned_apart(monkeypatch):
    made = table(50)
    whole = Encoder.fit(made, np.arange(30)).to_arrays()
    monkeypatch.setattr(encode, "COLUMNS_AT_ONCE", 7)
    for name, array in Encoder.fit(made, np.arange(30)).to_arrays().items():
        np.testing.assert_allclose(array, whole[name], rtol=1e-12, atol=1e-15)


def test_columns_are_embedded_some_at_a_time(monkeypatch):
    made = table(50)
    monkeypatch.setattr(encode, "MOST_FULL", 8)
    encoder = Encoder.fit(made, np.arange(30))
    whole = encoder.transform(made)
    monkeypatch.setattr(encode, "COLUMNS_AT_ONCE", 7)
    for some, every in zip(encoder.transform(made), whole, strict=True):
        np.testing.assert_array_equal(some, every)


def test_rows_are_prepared_some_at_a_time(monkeypatch):
    made = table(20, rows=200)
    task = Task("made", "classification", made, "y", np.arange(200) % 2, ("a", "b"), "accuracy")
    recipe, space = TrainingRecipe(steps=10), preset("compact")
    whole = prepare(task, 0, recipe, embeddings=embeddings_of(space))
    monkeypatch.setattr(room, "CELLS_AT_ONCE", 1)
    some = prepare(task, 0, recipe, embeddings=embeddings_of(space))
    for first, second in zip(whole.arrays.x, some.arrays.x, strict=True):
        np.testing.assert_array_equal(first, second)
    assert len(columns_of(whole.blocks, EMBEDDINGS).block) == whole.arrays.x.numbers.shape[1]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [(0, 0), (1, 64), (65, 128), (1 << 15, 1 << 15), ((1 << 15) + 1, 40_960), (300_000, 327_680)],
)
def test_padding_is_small_where_there_are_many_columns(columns, expected):
    assert column_room(columns) == expected
