"""Hugging Face Datasets of images and sounds: their features say what a column is."""

import io

import numpy as np
import pytest

import taskaware as ta

datasets = pytest.importorskip("datasets")


@pytest.fixture(scope="module")
def pictures():
    from PIL import Image

    rng = np.random.default_rng(0)
    images = [Image.fromarray((rng.random((12, 12, 3)) * 255).astype(np.uint8)) for _ in range(40)]
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}
    )
    return datasets.Dataset.from_dict({"image": images, "label": [0, 1] * 20}, features=features)


def test_images_and_their_class_labels(pictures):
    task = ta.make_task(pictures)
    assert (task.modality, task.classes, task.rows, task.target_name) == (
        "image",
        ("cat", "dog"),
        40,
        "label",
    )
    both = ta.make_task(datasets.DatasetDict(train=pictures, test=pictures.select(range(10))))
    assert both.digest == task.digest and both.test.rows == 10 and both.test.modality == "image"
    raw = ta.make_task(pictures.cast_column("image", datasets.Image(decode=False)))
    assert raw.digest == task.digest


def test_sounds_beside_a_name():
    soundfile = pytest.importorskip("soundfile")
    rng, sounds = np.random.default_rng(0), []
    for _ in range(30):
        file = io.BytesIO()
        soundfile.write(file, rng.normal(0, 0.1, 800), 8000, format="WAV")
        sounds.append({"bytes": file.getvalue(), "path": None})
    columns = {"audio": sounds, "speaker": ["ann", "bob", "cy"] * 10, "label": ["yes", "no"] * 15}
    frame = datasets.Dataset.from_dict(columns).cast_column("audio", datasets.Audio(sampling_rate=8000))
    task = ta.make_task(frame, "label")
    assert task.modality == "mixed" and [part.modality for part in task.data.parts] == ["tables", "audio"]
    assert ta.make_task(frame.remove_columns("speaker"), "label").modality == "audio"


def test_a_dataset_on_the_hub(pictures, monkeypatch):
    monkeypatch.setattr(datasets, "load_dataset", lambda name, config: datasets.DatasetDict(train=pictures))
    task = ta.make_task("hf:owner/pets")
    assert (task.name, task.modality, task.target_name) == ("owner/pets", "image", "label")
