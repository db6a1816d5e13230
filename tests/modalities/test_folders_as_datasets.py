"""A folder of folders is a dataset of images or of sounds."""

import wave

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.cli import main
from taskaware.errors import UserError

Image = pytest.importorskip("PIL.Image", reason="needs pillow: pip install 'taskaware[images]'")


def picture(path, shade):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(str(path))).integers(0, 60, (12, 12, 3)) + shade
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def sound(path, pitch):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(8000)
        file.writeframes((9000 * np.sin(np.arange(800) * pitch)).astype("<i2").tobytes())


def test_images(tmp_path):
    for number in range(14):
        picture(tmp_path / "photos" / "dark" / f"{number}.png", number)
        picture(tmp_path / "photos" / "light" / f"{number}.png", 150 + number)
    task = ta.make_task(tmp_path / "photos")
    assert (task.modality, task.name, task.rows, task.classes) == ("image", "photos", 28, ("dark", "light"))
    assert task.digest == ta.make_task(str(tmp_path / "photos")).digest


def test_new_images_in_a_folder(tmp_path, short):
    for number in range(10):
        picture(tmp_path / "photos" / "dark" / f"{number}.png", number)
        picture(tmp_path / "photos" / "light" / f"{number}.png", 150 + number)
    photos, new = tmp_path / "photos", tmp_path / "new"
    picture(new / "b.png", 150)
    picture(new / "deep" / "a.png", 10)
    (new / ".hidden").write_bytes(b"x")
    model = ta.recommend(photos).fit(photos, members=1, seconds=60)
    answers = model.predict_frame(str(new))
    assert answers.index.tolist() == ["b.png", "deep/a.png"] and answers["label"].tolist() == [
        "light",
        "dark",
    ]
    np.testing.assert_array_equal(model.predict(new), answers["label"])
    assert model.score(photos) == 1  # the sub-folders are the answers
    (new / "note.txt").write_bytes(b"words")
    with pytest.raises(UserError, match="'note.txt' in .* is no image file"):
        model.predict(new)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no image file"):
        model.predict(tmp_path / "empty")
    model.save(tmp_path / "model")
    (new / "note.txt").unlink()
    assert main(["predict", str(tmp_path / "model"), str(new), "--out", str(tmp_path / "p.csv")]) == 0
    assert pd.read_csv(tmp_path / "p.csv")["file"].tolist() == ["b.png", "deep/a.png"]
    one = ["predict", str(tmp_path / "model"), str(new / "b.png"), "--out", str(tmp_path / "one.csv")]
    assert main(one) == 0
    assert pd.read_csv(tmp_path / "one.csv").to_numpy().tolist() == [["b.png", "light"]]


def test_sounds_with_a_split(tmp_path):
    for part, count in (("train", 8), ("val", 3), ("test", 2)):
        for number in range(count):
            sound(tmp_path / part / "low" / f"{number}.wav", 0.05 + 0.001 * number)
            sound(tmp_path / part / "high" / f"{number}.wav", 0.5 + 0.01 * number)
    task = ta.make_task(tmp_path)
    assert (task.modality, task.rows, task.test.rows) == ("audio", 22, 4)


def test_both_or_neither_is_refused(tmp_path):
    picture(tmp_path / "both" / "a" / "1.png", 10)
    sound(tmp_path / "both" / "b" / "1.wav", 0.1)
    with pytest.raises(UserError, match="Keep them in two folders"):
        ta.make_task(tmp_path / "both")
    (tmp_path / "neither" / "a").mkdir(parents=True)
    (tmp_path / "neither" / "a" / "notes.txt").write_text("hello")
    with pytest.raises(UserError, match="holds no files of audio and image"):
        ta.make_task(tmp_path / "neither")
    (tmp_path / "flat").mkdir()
    with pytest.raises(UserError, match="is a directory"):
        ta.make_task(tmp_path / "flat")
