"""A folder of folders of images."""

import numpy as np
import pytest

import taskaware as ta
from taskaware.modalities.images.folders import folder_of_images
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
    frame = folder_of_images(photos("dog/2.png", "cat/1.png", "dog/husky/3.JPG"))
    assert frame["label"].tolist() == ["cat", "dog", "dog"] and list(frame) == ["image", "label"]
    assert [path.rsplit("/", 1)[1] for path in frame["image"]] == ["1.png", "2.png", "3.JPG"]
    assert frame.attrs["notes"] == ()


def test_splits_above_the_classes(photos):
    folder = photos("train/cat/1.png", "Train/dog/2.png", "validation/dog/3.png", "test/cat/4.png")
    frame = folder_of_images(str(folder))
    assert sorted(zip(frame["split"], frame["label"], strict=True)) == [
        ("test", "cat"), ("train", "cat"), ("train", "dog"), ("val", "dog")
    ]  # fmt: skip


def test_classes_may_have_the_names_of_splits(photos):
    frame = folder_of_images(photos("test/1.png", "control/2.png"))
    assert list(frame["label"]) == ["control", "test"] and "split" not in frame


def test_files_of_systems_are_left_out_with_a_note(photos):
    folder = photos("cat/1.png", "dog/2.png")
    photos("cat/.DS_Store", "Thumbs.db", "__MACOSX/cat/._1.png", ".git/config", content=b"x")
    frame = folder_of_images(folder)
    assert len(frame) == 2
    assert frame.attrs["notes"] == (
        "2 hidden or system files of 'photos' are left out, such as .DS_Store, Thumbs.db.",
    )


@pytest.mark.parametrize(
    ("paths", "others", "words"),
    [
        (["cat/1.png"], [], "has one image, '1.png'; two or more are needed"),
        (["cat/1.png", "cat/2.png"], [], "are of the class 'cat'. Put the images of each class"),
        (["cat/1.png", "2.png"], [], "'2.png' in '.*photos' stands outside the classes"),
        (["train/cat/1.png", "train/2.png"], [], "'train/2.png' in .* stands outside"),
        (["train/cat/1.png", "dog/2.png"], [], "has the split 'train' and beside it 'dog'"),
        (["cat/1.png", "dog/2.png"], ["dog/notes.txt"], "'dog/notes.txt' in '.*photos' is no image"),
        (["cat/1.png", "dog/2.png"], ["dog/3.png"], "'dog/3.png' in '.*photos' is no image"),
    ],
)
def test_what_is_wrong_is_named(photos, paths, others, words):
    folder = photos(*paths)
    photos(*others, content=b"hello")
    with pytest.raises(ta.UserError, match=words):
        folder_of_images(folder)


def test_empty_files_and_folders(photos, tmp_path):
    folder = photos("cat/1.png", "dog/2.png")
    photos("dog/3.png", content=b"")
    with pytest.raises(ta.UserError, match="'dog/3.png' in '.*photos' is empty"):
        folder_of_images(folder)
    (tmp_path / "none").mkdir()
    with pytest.raises(ta.UserError, match="has no image"):
        folder_of_images(tmp_path / "none")
    with pytest.raises(ta.UserError, match="gone' is no folder"):
        folder_of_images(tmp_path / "gone")


def test_a_folder_becomes_a_task(photos):
    pixels, target = squares(30)
    for row, (image, label) in enumerate(zip(pixels, target, strict=True)):
        folder = photos(f"{label}/{row:02}.png", content=encoded(image))
    frame = folder_of_images(folder)
    task = ta.make_task(frame["image"], frame["label"])
    assert (task.modality, task.classes) == ("image", ("lies", "stands"))
    assert task.digest == ta.make_task(pixels, target).digest
    assert np.array_equal(np.sort(task.row_hashes), np.sort(ta.make_task(pixels, target).row_hashes))
