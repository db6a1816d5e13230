"""Frames whose columns are of several kinds, from reading to a saved model."""

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.errors import CheckpointError, UserError
from taskaware.modalities.mixed.modality import MIXED, kind_of
from taskaware.modalities.reading import vector
from taskaware.spaces import preset
from taskaware.testing.modality_contract import check_modality
from tests.toys.toy_words import LETTERS, WORDS


@pytest.fixture(scope="module", autouse=True)
def words():
    ta.MODALITIES.add("words", WORDS)
    yield
    ta.MODALITIES.remove("words")


def frame_of(rows=160, seed=0):
    """A note and a number decide; a colour does not."""
    rng = np.random.default_rng(seed)
    notes = [" ".join(rng.choice(LETTERS, 6)) for _ in range(rows)]
    size = rng.normal(size=rows)
    wide = np.array([note.count("a") for note in notes]) + size > 0.9
    frame = pd.DataFrame({"size": size, "note": notes, "colour": rng.choice(["red", "blue"], rows)})
    return frame.assign(y=np.where(wide, "wide", "narrow"))


def test_the_whole_way(tmp_path, short):
    frame, later = frame_of(), frame_of(seed=1)
    rec = ta.recommend(frame, "y")
    assert (rec.task.modality, rec.space.name, rec.task.features) == ("mixed", "universal", 3)
    assert "word_ngrams" in rec.task.inputs and "standardised" in rec.task.inputs
    assert any("Column 'note' is read as modality 'words'" in note for note in rec.notes)
    assert not any("No known task has" in note for note in rec.notes)
    model = rec.fit(frame, members=1, progress=False)
    assert model.score(later) > 0.85
    proba = model.predict_proba(later.drop(columns="y")[["note", "colour", "size"]])
    loaded = ta.load_model(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.predict_proba(later), proba)
    rec.to_json(tmp_path / "rec.json")
    assert ta.load_recommendation(tmp_path / "rec.json").task == rec.task
    with pytest.raises(UserError, match="Column 'note' is missing"):
        loaded.predict(later[["size", "colour"]])
    with pytest.raises(UserError, match="Row 1 of 'note' is no string"):
        loaded.predict(later.assign(note=["a b", 3, *later["note"][2:]]))


def test_contract():
    check_modality(lambda: ta.make_task(frame_of(), "y"))


def test_a_frame_with_one_column_of_a_kind_is_of_that_kind():
    task = ta.make_task(frame_of()[["note", "y"]], "y")
    alone = ta.make_task(frame_of()["note"].tolist(), frame_of()["y"].tolist())
    assert (task.modality, task.digest, task.reader.names) == ("words", alone.digest, ("note",))
    assert alone.reader.names == ("words",)


def test_a_frame_without_other_kinds_is_a_table():
    frame = frame_of().drop(columns="note")
    table = ta.make_task(frame, "y")
    assert table.modality == "tables"
    assert table.digest == ta.make_task(frame, "y", modality="tables").digest
    assert ta.make_task("iris").modality == "tables"


def test_the_user_says_what_a_column_is():
    frame = frame_of()
    assert ta.make_task(frame, "y", modalities={"note": "tables"}).modality == "tables"
    assert ta.make_task(frame, "y", kinds={"note": "category"}).modality == "tables"
    chosen = ta.make_task(frame, "y", modalities={"note": "words", "colour": "words"})
    assert [part.column for part in chosen.data.parts] == ["", "note", "colour"]
    with pytest.raises(UserError, match="Did you mean 'note'"):
        ta.make_task(frame, "y", modalities={"notes": "words"})
    with pytest.raises(UserError, match="Did you mean 'words'"):
        ta.make_task(frame, "y", modalities={"note": "word"})
    with pytest.raises(UserError, match="is of whole frames"):
        ta.make_task(frame, "y", modalities={"note": "mixed"})


def test_rows_without_a_target_are_left_out_of_every_part():
    frame = frame_of()
    frame.loc[3, "y"] = None
    task = ta.make_task(frame, "y")
    assert task.rows == 159 and {part.data.rows for part in task.data.parts} == {159}
    assert task.digest == ta.make_task(frame.drop(index=3), "y").digest


def test_blocks_of_one_name_stand_side_by_side():
    frame = frame_of().assign(more=frame_of(seed=2)["note"])
    task = ta.make_task(frame, "y")
    blocks = MIXED.fit_blocks(task.data, np.arange(task.rows))
    assert blocks.widths["word_ngrams"] == 2 * len(LETTERS)
    found = blocks.transform(task.data, np.array([5]))["word_ngrams"]
    alone = [WORDS.fit_blocks(part.data, np.arange(160)) for part in task.data.parts[1:]]
    parts = [
        own.transform(part.data, np.array([5]))["word_ngrams"]
        for own, part in zip(alone, task.data.parts[1:], strict=True)
    ]
    np.testing.assert_array_equal(found, np.concatenate(parts, axis=1))
    again = MIXED.blocks_from(blocks.to_arrays())
    np.testing.assert_array_equal(again.transform(task.data)["word_ngrams"][5], found[0])


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("1.words.mean"),
        lambda arrays: arrays.update({"1.words.mean": np.zeros(3)}),
        lambda arrays: arrays.update({"1.tables.more": np.zeros(3)}),
        lambda arrays: arrays.update({"7.words.mean": np.zeros(8)}),
    ],
)
def test_damaged_blocks_are_refused(change):
    task = ta.make_task(frame_of(), "y")
    blocks = MIXED.fit_blocks(task.data, np.arange(task.rows))
    arrays = dict(blocks.to_arrays())
    change(arrays)
    with pytest.raises((ValueError, KeyError, UserError)):
        MIXED.check_saved(task.reader, MIXED.blocks_from(arrays))


def test_readers_are_written_and_read():
    task = ta.make_task(frame_of(), "y")
    plain = task.reader.to_dict()
    assert MIXED.reader_from(plain).names == ("size", "colour", "note")
    with pytest.raises(CheckpointError):
        MIXED.reader_from({"table": None, "columns": "note"})
    with pytest.raises((CheckpointError, UserError)):
        MIXED.reader_from(plain | {"columns": [{"reads": "tables"}]})


def test_columns_of_numbers_and_dates_are_not_looked_at():
    assert kind_of(pd.Series([1.0, 2.0])) is None
    assert kind_of(pd.Series(["a b", None], dtype=object)) is WORDS
    assert kind_of(pd.Series([None, None], dtype=object)) is None


def test_a_test_split_is_read_by_the_reader():
    import datasets

    frames = {"train": frame_of(), "test": frame_of(40, seed=3)}
    both = datasets.DatasetDict(
        {name: datasets.Dataset.from_pandas(each, preserve_index=False) for name, each in frames.items()}
    )
    task = ta.make_task(both, "y")
    assert task.modality == "mixed" and task.test is not None and task.test.rows == 40


def test_z_does_not_depend_on_the_space():
    z = vector(ta.make_task(frame_of(), "y"))
    assert np.isfinite(z).all()
    assert set(preset("compact").embedding_names) < set(preset("universal").embedding_names)
