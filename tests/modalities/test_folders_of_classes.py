"""A folder of folders: one rule for every kind that files hold."""

import numpy as np
import pytest

import taskaware as ta
from taskaware.modalities.audio.modality import AUDIO
from taskaware.modalities.folders import folder_frame
from taskaware.modalities.images.modality import IMAGES
from tests.modalities.images.made import encoded, squares


@pytest.fixture
def photos(tmp_path):
    """A function: paths → a folder with an image at each of them."""
    data = encoded(squares(1)[0][0])

    def make(*paths, content=data):
        for path in paths:
            file = tmp_path / "photos" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return tmp_path / "photos"

    return make


def test_sub_folders_are_classes(photos):
    frame = folder_frame(photos("dog/2.png", "cat/1.png", "dog/husky/3.JPG"), IMAGES)
    assert frame["label"].tolist() == ["cat", "dog", "dog"] and list(frame) == ["image", "label"]
    assert [path.rsplit("/", 1)[1] for path in frame["image"]] == ["1.png", "2.png", "3.JPG"]
    assert frame.attrs["notes"] == ()


def test_splits_above_the_classes(photos):
    folder = photos("train/cat/1.png", "Train/dog/2.png", "validation/dog/3.png", "test/cat/4.png")
    frame = folder_frame(str(folder), IMAGES)
    assert sorted(zip(frame["split"], frame["label"], strict=True)) == [
        ("test", "cat"), ("train", "cat"), ("train", "dog"), ("val", "dog")
    ]  # fmt: skip


def test_classes_may_have_the_names_of_splits(photos):
    frame = folder_frame(photos("test/1.png", "control/2.png"), IMAGES)
    assert list(frame["label"]) == ["control", "test"] and "split" not in frame


def test_files_of_systems_are_left_out_with_a_note(photos):
    folder = photos("cat/1.png", "dog/2.png")
    photos("cat/.DS_Store", "Thumbs.db", "__MACOSX/cat/._1.png", ".git/config", content=b"x")
    frame = folder_frame(folder, IMAGES)
    assert len(frame) == 2
    assert frame.attrs["notes"] == (
        "2 hidden or system files of 'photos' are left out, such as .DS_Store, Thumbs.db.",
    )


@pytest.mark.parametrize(
    ("paths", "others", "words"),
    [
        (["cat/1.png"], [], "has one file, '1.png'; two or more are needed"),
        (["cat/1.png", "cat/2.png"], [], "are of the class 'cat'. Put the files of each class"),
        (["cat/1.png", "2.png"], [], "'2.png' in '.*photos' stands outside the classes"),
        (["train/cat/1.png", "train/2.png"], [], "'train/2.png' in .* stands outside"),
        (["train/cat/1.png", "dog/2.png"], [], "has the split 'train' and beside it 'dog'"),
        (["cat/1.png", "dog/2.png"], ["dog/notes.txt"], "'dog/notes.txt' in '.*photos' is no image file"),
        (["cat/1.png", "dog/2.png"], ["dog/3.png"], "'dog/3.png' in '.*photos' is no image file"),
    ],
)
def test_what_is_wrong_is_named(photos, paths, others, words):
    folder = photos(*paths)
    photos(*others, content=b"hello")
    with pytest.raises(ta.UserError, match=words):
        folder_frame(folder, IMAGES)


def test_empty_files_and_folders(photos, tmp_path):
    folder = photos("cat/1.png", "dog/2.png")
    photos("dog/3.png", content=b"")
    with pytest.raises(ta.UserError, match="'dog/3.png' in '.*photos' is empty"):
        folder_frame(folder, IMAGES)
    (tmp_path / "none").mkdir()
    with pytest.raises(ta.UserError, match="has no image file"):
        folder_frame(tmp_path / "none", IMAGES)
    with pytest.raises(ta.UserError, match="gone' is no folder"):
        folder_frame(tmp_path / "gone", IMAGES)


def test_a_folder_becomes_a_task(photos):
    pixels, target = squares(30)
    for row, (image, label) in enumerate(zip(pixels, target, strict=True)):
        folder = photos(f"{label}/{row:02}.png", content=encoded(image))
    frame = folder_frame(folder, IMAGES)
    task = ta.make_task(frame["image"], frame["label"])
    assert (task.modality, task.classes) == ("image", ("lies", "stands"))
    assert task.digest == ta.make_task(pixels, target).digest
    assert np.array_equal(np.sort(task.row_hashes), np.sort(ta.make_task(pixels, target).row_hashes))


def test_sounds_follow_the_same_rule(tmp_path):
    for name in ("dog/b.wav", "dog/deep/a.WAV", "cat/c.wav"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
    frame = folder_frame(tmp_path, AUDIO)
    assert list(frame) == ["audio", "label"] and frame["label"].tolist() == ["cat", "dog", "dog"]
    (tmp_path / "cat" / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ta.UserError, match="'cat/photo.png' in .* is no audio file"):
        folder_frame(tmp_path, AUDIO)
