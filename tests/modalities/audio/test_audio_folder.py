"""A folder of sounds as a frame."""

import pytest

import taskaware as ta
from taskaware.modalities.audio.folder import folder_of_sounds
from taskaware.modalities.audio.modality import AUDIO


def make(top, *names, content=b""):
    for name in names:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_sub_folders_are_classes(tmp_path, wav, tone):
    make(tmp_path, "dog/b.wav", "dog/a.WAV", "cat/c.wav", content=wav(tone()))
    make(tmp_path, "cat/notes.txt", "cat/.hidden.wav", ".cache/x/d.wav", "__MACOSX/dog/e.wav")
    frame = folder_of_sounds(tmp_path)
    assert list(frame.columns) == ["audio", "label"]
    assert frame["label"].tolist() == ["cat", "dog", "dog"]
    assert [path.rpartition("/")[2] for path in frame["audio"]] == ["c.wav", "a.WAV", "b.wav"]
    assert AUDIO.holds(frame["audio"]) and AUDIO.parse(frame["audio"].tolist(), column="audio").data.rows == 3


def test_parts_are_the_split(tmp_path):
    make(tmp_path, "train/dog/a.wav", "Validation/cat/b.flac", "test/dog/c.mp3", "test/cat/d.ogg")
    frame = folder_of_sounds(str(tmp_path)).set_index("audio")
    found = {
        path.rpartition("/")[2][0]: tuple(row) for path, row in zip(frame.index, frame.values, strict=True)
    }
    assert found == {"a": ("dog", "train"), "b": ("cat", "val"), "c": ("dog", "test"), "d": ("cat", "test")}


def test_a_class_may_be_named_test(tmp_path):
    make(tmp_path, "test/a.wav", "dog/b.wav")
    assert set(folder_of_sounds(tmp_path)["label"]) == {"test", "dog"}


def test_nested_folders_name_the_class_by_the_last(tmp_path):
    make(tmp_path, "animals/dog/a.wav", "things/car/b.wav")
    assert folder_of_sounds(tmp_path)["label"].tolist() == ["dog", "car"]


def test_what_is_refused(tmp_path):
    with pytest.raises(ta.UserError, match="There is no folder"):
        folder_of_sounds(tmp_path / "gone")
    make(tmp_path, "dog/photo.png")
    with pytest.raises(ta.UserError, match="has no sounds"):
        folder_of_sounds(tmp_path)
    make(tmp_path, "dog/a.wav", "b.wav")
    with pytest.raises(ta.UserError, match="'b.wav' lies in no class"):
        folder_of_sounds(tmp_path)
    make(tmp_path / "split", "train/a.wav", "test/b.wav")
    with pytest.raises(ta.UserError, match="lies in no class"):
        folder_of_sounds(tmp_path / "split")
