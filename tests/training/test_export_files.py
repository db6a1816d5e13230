"""An exported model of sounds or images reads their files, and answers as the model does."""

import os
import subprocess
import sys
import wave

import numpy as np
import pandas as pd
import pytest

from taskaware.modalities.audio.reading import resample
from taskaware.modalities.audio.written import plain_resample
from taskaware.modalities.images import patches
from taskaware.modalities.reading import make_task
from tests.training.test_export import ONLY_NUMPY, imported
from tests.training.test_export_values import exported, same

RATE = 8000
PCM = {1: ("u1", 127, 128), 2: ("<i2", 32767, 0), 3: ("<i4", 2**23 - 1, 0), 4: ("<i4", 2**31 - 256, 0)}
"""Bytes of a sample → type of the numbers, full scale, silence."""


def drawn(seconds, seed, rate=RATE):
    """A tone in noise."""
    rng = np.random.default_rng(seed)
    moments = np.arange(round(seconds * rate)) / rate
    tone = 0.4 * np.sin(2 * np.pi * rng.uniform(200, 1500) * moments)
    return (tone + 0.05 * rng.normal(size=len(moments))).astype(np.float32)


def write_wav(path, samples, rate=RATE, width=2):
    """A WAV file of (T,) or (T, C), with so many bytes a sample."""
    kind, scale, silence = PCM[width]
    numbers = (np.rint(samples * scale) + silence).astype(kind)
    content = numbers.astype("<i4").ravel().view("u1").reshape(-1, 4)[:, :3] if width == 3 else numbers
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(content.tobytes())
    return str(path)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """A model of sounds, and the module of its export."""
    clips = [(drawn(0.05 + 0.01 * place, place), RATE) for place in range(18)]
    task = make_task(clips, np.arange(18) % 3)
    assert task.modality == "audio"
    return exported(tmp_path_factory.mktemp("sounds") / "plain", task)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """WAV files of 8, 16, 24 and 32 bits, one of them with two channels and one of another rate."""
    path = tmp_path_factory.mktemp("files") / "new"
    (path / "below").mkdir(parents=True)
    (path / ".hidden").write_text("of the system")
    write_wav(path / "b.wav", drawn(0.2, 1), width=1)
    write_wav(path / "a.wav", np.stack([drawn(0.1, 2), drawn(0.1, 3)], axis=1), width=2)
    write_wav(path / "below" / "c.wav", drawn(0.1, 4, 11025), rate=11025, width=3)
    write_wav(path / "below" / "d.wav", drawn(0.1, 5), width=4)
    return path


def test_sounds_in_every_form(sounds, folder):
    model, plain = sounds
    path = str(folder / "a.wav")
    later = [
        path,
        (folder / "b.wav").read_bytes(),
        {"bytes": None, "path": str(folder / "below" / "d.wav")},
        {"array": drawn(0.1, 6, 16000), "sampling_rate": 16000},
        (drawn(3.0, 7), RATE),  # more frames than patches are cut from
        (np.zeros(500), RATE),
        (drawn(0.001, 8), RATE),
        None,
        (np.zeros(0), RATE),
    ]
    same(model, plain, later)
    reads, wanted = plain.about()["reads"], model.reader.read(later).clips
    for given in (later, pd.DataFrame({"audio": later}), {"audio": later}):
        for found, clip in zip(plain.read_clips(given, reads), wanted, strict=True):
            np.testing.assert_allclose(found, clip, atol=1e-6)
    same(model, plain, later[2:4])
    for one in (path, later[2], later[3], later[4]):
        np.testing.assert_allclose(plain.predict_proba(one), model.predict_proba(one), atol=1e-5)
    assert plain.predict([]).shape == (0,)
    wrongs = (
        (["gone.wav"], "no such file"),
        ([np.zeros(9)], "Give bytes or the path"),
        (str(folder), "no file"),
    )
    for wrong, words in wrongs:
        with pytest.raises(ValueError, match=f"Row 0 of 'audio'.*{words}"):
            plain.predict(wrong)


@pytest.mark.parametrize(("rate", "wanted"), [(8000, 16000), (44100, 16000), (11025, 8000), (7999, 8000)])
def test_sounds_are_resampled_as_scipy_does(rate, wanted):
    for samples in (1, 7, 2000):
        clip = np.random.default_rng(samples).normal(size=samples).astype(np.float32)
        np.testing.assert_allclose(
            plain_resample(clip, rate, wanted), resample(clip, rate, wanted), atol=3e-6
        )


def test_a_folder_of_sounds_where_there_is_numpy_alone(sounds, folder, tmp_path):
    model, plain = sounds
    command = [sys.executable, "-c", ONLY_NUMPY, plain.__file__]
    done = subprocess.run([*command, str(folder), "--proba"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (tmp_path / "answers.csv").write_text(done.stdout)
    found, wanted = (
        pd.read_csv(tmp_path / "answers.csv", index_col="file"),
        model.predict_frame(folder, proba=True),
    )
    assert list(found.index) == list(wanted.index) == ["a.wav", "b.wav", "below/c.wav", "below/d.wav"]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert list(found) == list(wanted) and wanted.iloc[:, 1:].std().min() > 1e-4
    (tmp_path / "new.flac").write_bytes(b"fLaC" + bytes(40))
    refused = subprocess.run([*command, str(tmp_path / "new.flac")], capture_output=True, text=True)
    assert refused.returncode == 1 and "error: Row 0 of 'audio'" in refused.stderr
    assert "soundfile, which is not installed. Run: pip install soundfile." in refused.stderr


def test_answers_whose_reader_has_enough_end_without_a_word(sounds, folder):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, sounds[1].__file__, str(folder / "a.wav")]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_sounds_by_onnx(sounds, folder):
    pytest.importorskip("onnxruntime", reason="needs onnxruntime, which runs what was exported")
    pytest.importorskip("onnx", reason="needs onnx: pip install 'taskaware[export]'")
    model, _ = sounds
    plain = imported(model.export(folder.parent / "onnx", to="onnx"))
    same(model, plain, sorted(map(str, folder.rglob("*.wav"))))


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A model of images, and the module of its export; PNG files beside it."""
    image = pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'taskaware[images]'")
    rng = np.random.default_rng(0)
    home = tmp_path_factory.mktemp("images")
    (home / "new" / "below").mkdir(parents=True)
    pixels = rng.integers(0, 256, (18, 20, 16, 3), np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "LEARNED_FROM", 500)
        model, plain = exported(home / "plain", make_task(pixels, np.arange(18) % 3))
    for name, each in (("b.png", pixels[0]), ("a.jpg", pixels[1]), ("below/c.png", pixels[2, :, :, 0])):
        image.fromarray(each).save(home / "new" / name)
    image.fromarray(rng.integers(0, 256, (90, 141, 4), np.uint8)).save(home / "new" / "below" / "d.png")
    return model, plain, home


def test_image_files_on_the_command_line(images, monkeypatch, capsys):
    model, plain, home = images

    def answers(*words):
        monkeypatch.setattr(sys, "argv", ["predict.py", *map(str, words)])
        plain.main()
        return [line.split(",") for line in capsys.readouterr().out.splitlines()]

    found, wanted = answers(home / "new", "--proba"), model.predict_frame(home / "new", proba=True)
    assert [row[0] for row in found] == ["file", "a.jpg", "b.png", "below/c.png", "below/d.png"]
    assert found[0][1:] == list(wanted)
    np.testing.assert_allclose(np.array(found[1:])[:, 1:].astype(float), wanted, atol=1e-5)
    assert wanted.iloc[:, 1:].std().min() > 1e-4
    assert answers(home / "new" / "b.png")[1:] == [[str(wanted.iloc[1, 0])]]
    pd.DataFrame({"image": sorted(map(str, (home / "new").rglob("*.*g")))}).to_csv(home / "new.csv")
    assert answers(home / "new.csv", "--proba") == [row[1:] for row in found]
    (home / "empty").mkdir()
    for path, words in (
        (home / "plain", "'arrays.npz' in .* is no image"),
        (home / "empty", "no image file"),
    ):
        with pytest.raises(SystemExit, match=f"error: .*{words}"):
            answers(path)


def test_image_files_in_every_form(images):
    from PIL import Image

    model, plain, home = images
    path = home / "new" / "b.png"
    forms = [
        str(path),
        path,
        path.read_bytes(),
        {"bytes": path.read_bytes(), "path": None},
        Image.open(path),
        None,
    ]
    wanted = model.predict_proba(forms)
    np.testing.assert_allclose(plain.predict_proba(forms), wanted, atol=1e-5)
    assert abs(wanted[0] - wanted[-1]).max() > 1e-4
    for one in forms[:5]:
        np.testing.assert_allclose(plain.predict_proba(one), wanted[:1], atol=1e-5)


def test_image_files_without_pillow(images):
    command = [sys.executable, "-c", ONLY_NUMPY, images[1].__file__, str(images[2] / "new")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "error: Image files need Pillow. Install it: pip install pillow\n"


def test_a_frame_with_paths_of_sounds_and_images(images, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(patches, "LEARNED_FROM", 500)
    rng = np.random.default_rng(0)
    seen, heard = (sorted(map(str, home.rglob("*.*"))) for home in (images[2] / "new", folder))
    frame = pd.DataFrame({"size": rng.normal(size=16), "seen": seen * 4, "heard": np.repeat(heard[-4:], 4)})
    task = make_task(frame.assign(y=np.arange(16) % 3), "y", modalities={"seen": "image", "heard": "audio"})
    model, plain = exported(tmp_path / "plain", task)
    later = frame.iloc[::5].astype(object)
    later.loc[5, ["size", "seen"]] = None
    later.loc[10, "heard"] = None
    same(model, plain, later)
    later.to_csv(tmp_path / "new.csv", index=False)
    same(model, plain, str(tmp_path / "new.csv"), plain.read_values_file(str(tmp_path / "new.csv")))
    assert "predict.py new.csv" in plain.__doc__
