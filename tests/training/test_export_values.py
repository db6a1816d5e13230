"""An exported model of vectors, series, pixels or texts answers as the model does, with NumPy alone."""

import ast
import dataclasses
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from taskaware.data.schema import Schema
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.images import patches
from taskaware.modalities.images.reading import shrunk_to
from taskaware.modalities.images.written import shrunk_by_box
from taskaware.modalities.mixed.blocks import Fitted, MixedBlocks
from taskaware.modalities.mixed.reader import MixedReader
from taskaware.modalities.modality import MODALITIES
from taskaware.modalities.reading import make_task
from taskaware.modalities.single import SingleReader
from taskaware.modalities.tables.encode import EMBEDDINGS
from taskaware.modalities.texts.words import hashes_of
from taskaware.modalities.texts.written import plain_hashes
from taskaware.spaces import preset
from taskaware.training.written.values import reason_against_values
from tests.training.made import model_of
from tests.training.test_export import ONLY_NUMPY, imported

SPACE = dataclasses.replace(preset("universal"), layers=1, sizes=(4, 8), width_odds=(0.5, 0.5), recipe=())


def exported(folder, task, **options):
    """A model with drawn weights that listens to every block, and the module of its export."""
    model = model_of(task, SPACE, np.linspace(-0.5, 0.5, SPACE.dimension).astype(np.float32))
    path = model.export(folder, **options)
    about = json.loads((path / "export.json").read_text())
    reads = set(about.get("reads", about)["blocks"]) | set(EMBEDDINGS)
    assert reads >= {name for name, width in model.blocks.widths.items() if width}
    code = ast.parse((path / "predict.py").read_text(encoding="utf-8"))
    runs = {"numpy": set(), "onnx": {"onnxruntime"}, "stablehlo": {"jax"}}[options.get("to", "numpy")]
    assert imports_of(code.body) == {"numpy"}
    # What decodes files is asked for when there is a file.
    assert imports_of(ast.walk(code)) - {"PIL", "soundfile"} == {"numpy"} | runs
    return model, imported(path)


def imports_of(nodes):
    """Libraries that are imported, without Python's own."""
    found = [each for each in nodes if isinstance(each, ast.Import | ast.ImportFrom)]
    return {name.partition(".")[0] for each in found for name in names_of(each)} - sys.stdlib_module_names


def names_of(node):
    return [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]


def same(model, plain, rows, given=None):
    """The same answers, and not the same for every row."""
    wanted = model.predict_proba(rows)
    np.testing.assert_allclose(plain.predict_proba(rows if given is None else given), wanted, atol=1e-5)
    assert wanted.std(0).min() > 1e-4


def run(folder, *words):
    command = [sys.executable, "-c", ONLY_NUMPY, str(folder / "predict.py"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def vectors():
    return np.random.default_rng(0).normal(size=(60, 48)).astype(np.float32)


def test_vectors(tmp_path):
    matrix = vectors()
    task = make_task(matrix, np.arange(60) % 3, modality="embedding")
    model, plain = exported(tmp_path / "plain", task)
    later = np.random.default_rng(1).normal(size=(7, 48))
    later[2] = np.nan
    same(model, plain, later)
    same(model, plain, later, [None if place == 2 else row.tolist() for place, row in enumerate(later)])
    same(model, plain, later, {"embedding": list(later)})
    np.save(tmp_path / "new.npy", later)
    assert run(tmp_path / "plain", tmp_path / "new.npy")[1:] == list(map(str, model.predict(later)))
    for wrong, words in ((later[:, :5], "5 numbers; the others have 48"), (["red"], "no vector")):
        with pytest.raises(ValueError, match=words):
            plain.predict(wrong)
    assert plain.predict(later[:0]).shape == (0,)


def test_vectors_in_the_columns_of_a_frame(tmp_path):
    frame = pd.DataFrame(vectors()[:, :8], columns=list("abcdefgh")).assign(kind=np.arange(60) % 2)
    task = make_task(frame, "kind", modality="embedding")
    model, plain = exported(tmp_path / "plain", task)
    same(model, plain, frame.iloc[::5])
    frame.iloc[:4].to_csv(tmp_path / "new.csv", index=False)
    assert run(tmp_path / "plain", tmp_path / "new.csv")[1:] == list(map(str, model.predict(frame.iloc[:4])))
    with pytest.raises(ValueError, match="Column 'h' is missing"):
        plain.predict(frame.drop(columns="h"))


@pytest.mark.parametrize("to", ["onnx", "stablehlo"])
def test_vectors_by_other_programs(to, tmp_path):
    if to == "onnx":
        pytest.importorskip("onnxruntime", reason="needs onnxruntime, which runs what was exported")
        pytest.importorskip("onnx", reason="needs onnx: pip install 'taskaware[export]'")
    task = make_task(vectors(), np.arange(60) % 3, modality="embedding")
    same(*exported(tmp_path / to, task, to=to), vectors()[:9])


@pytest.mark.parametrize("channels", [1, 3])
def test_series(channels, tmp_path):
    rng = np.random.default_rng(channels)
    lengths = rng.integers(16, 30, 20)
    rows = [np.cumsum(rng.normal(size=(channels, length)), 1) for length in lengths]
    rows = [row[0] if channels == 1 else row for row in rows]
    task = make_task(rows, np.arange(20) % 3)
    model, plain = exported(tmp_path / "plain", task)
    later = [*rows[:5], None]
    later[1] = np.where(rng.random(np.shape(later[1])) < 0.2, np.nan, later[1])
    later[2] = np.tile(rng.normal(size=90), (channels, 1)).squeeze()
    same(model, plain, later)
    wanted, reads = model.reader.read(later).values, plain.about()["reads"]
    lists = [None if row is None else np.asarray(row).tolist() for row in later]
    for given in (lists, pd.DataFrame({task.reader.column: later}), {task.reader.column: lists}):
        assert all(map(np.array_equal, plain.read_series(given, reads), wanted, [True] * len(later)))
    cube = np.stack([np.atleast_2d(row)[:, :16] for row in rows])
    assert all(map(np.array_equal, plain.read_series(cube, reads), cube))
    with pytest.raises(ValueError, match="no series"):
        plain.predict([3.0])


TEXTS = (
    "a fine film, truly",
    "not my thing at all",
    'well made and "long"',
    "I'd see it again!!",
    "東京 is a fine place",
    " ",
    "straße, naïve café",
    "the end of the film was not well made",
)


def test_texts(tmp_path):
    rng = np.random.default_rng(0)
    rows = [" ".join(rng.permutation(TEXTS[place % 8].split() + [f"word{place}"])) for place in range(60)]
    task = make_task(rows, np.arange(60) % 3, modality="text")
    model, plain = exported(tmp_path / "plain", task)
    later = [*TEXTS, "nothing of this is known", "", None, "x" * 300]
    same(model, plain, later)
    frame = pd.DataFrame({"number": range(len(later)), "text": later})
    same(model, plain, later, frame)
    same(model, plain, later, frame.to_dict("records"))
    frame.to_csv(tmp_path / "new.csv", index=False)
    assert run(tmp_path / "plain", tmp_path / "new.csv")[1:] == list(map(str, model.predict(later)))
    with pytest.raises(ValueError, match="Row 1 of 'text' is 3"):
        plain.predict(["a text of words", 3])


@pytest.mark.parametrize(("channels", "white"), [(1, 1.0), (3, 255)])
def test_images(channels, white, tmp_path, monkeypatch):
    monkeypatch.setattr(patches, "LEARNED_FROM", 1000)
    rng = np.random.default_rng(channels)
    images = rng.random((24, 20, 16, channels)) * white
    images = images.astype(np.uint8 if white == 255 else np.float64).squeeze()
    images = np.moveaxis(images, 3, 1) if channels == 3 else images
    task = make_task(images, np.arange(24) % 3)
    model, plain = exported(tmp_path / "plain", task)
    same(model, plain, images[:9])
    large = (rng.random((90, 141, 3)) * white).astype(images.dtype)
    later = [*images[:4], None, large]
    same(model, plain, later)
    assert plain.predict(later[4:5]) == model.predict(later[4:5])
    same(model, plain, later, pd.DataFrame({task.reader.column: later}))
    if channels == 3:
        same(model, plain, [large, *images[:2]], [large.tolist(), *images[:2]])
        for alone in (images[0], large):
            assert plain.predict(alone) == model.predict(alone)
    for wrong, words in (
        (["cat.png"], "is not there in"),
        ([np], "neither image"),
        ([np.full((9, 9), -1.0)], "pixel value -1"),
    ):
        with pytest.raises(ValueError, match=words):
            plain.predict(wrong)


def test_images_are_shrunk_as_pillow_does():
    pytest.importorskip("PIL", reason="needs Pillow: pip install 'taskaware[images]'")
    rng = np.random.default_rng(0)
    for height, width, channels in ((100, 64, 3), (65, 641, 1), (333, 97, 3), (1000, 3, 1)):
        pixels = rng.integers(0, 256, (height, width, channels), np.uint8)
        found, wanted = shrunk_by_box(pixels, 64).astype(int), shrunk_to(pixels, 64).astype(int)
        # Versions of Pillow differ in the order in which they shrink tall images.
        assert found.shape == wanted.shape and abs(found - wanted).max() <= (height > 2 * width)


def test_hashes_of_words_are_those_of_pandas():
    names = [*"".join(TEXTS).split(), "", "ü" * 40, *("x" * length for length in range(40))]
    np.testing.assert_array_equal(plain_hashes(names), hashes_of(names))


def test_a_frame_with_several_kinds_of_data(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=32),
            "seen": [f"{day:02}/03/2024" for day in rng.integers(1, 29, 32)],
            "colour": rng.choice(["red", "green"], 32),
            "first": [" ".join(rng.permutation(" ".join(TEXTS).split())[:9]) for _ in range(32)],
            "second": [" ".join(rng.permutation(" ".join(TEXTS).split())[:6]) for _ in range(32)],
            "vector": list(rng.normal(size=(32, 40))),
        }
    )
    kinds = {"first": "text", "second": "text", "vector": "embedding"}
    task = make_task(frame.assign(y=np.arange(32) % 3), "y", modalities=kinds)
    model, plain = exported(tmp_path / "plain", task)
    later = frame.iloc[:7].astype(object)
    later.loc[2, ["size", "colour", "first"]] = None
    same(model, plain, later)
    same(model, plain, later, later.to_dict("records"))
    # No file holds vectors beside texts, so none is promised.
    assert "predict.py new" not in plain.__doc__ and "from predict import" in plain.__doc__
    texts = frame[["first", "second"]].assign(y=np.arange(32) % 3)
    task = make_task(texts, "y", modalities={"first": "text", "second": "text"})
    model, plain = exported(tmp_path / "texts", task)
    texts.iloc[:5].to_csv(tmp_path / "new.csv", index=False)
    assert run(tmp_path / "texts", tmp_path / "new.csv")[1:] == list(map(str, model.predict(texts.iloc[:5])))
    assert plain.predict([]).shape == (0,)


class OfWidths(Blocks):
    """Blocks of which only the widths are asked."""

    widths = None

    def __init__(self, **widths):
        self.widths = widths

    def transform(self, data, rows=None):
        raise AssertionError("not asked")

    def to_arrays(self):
        raise AssertionError("not asked")


def test_blocks_of_a_package_or_a_model_are_refused_by_name():
    reader = SingleReader(MODALITIES["text"], "text")
    assert reason_against_values("text", reader, OfWidths(word_ngrams=3, word_vectors=0)) == ""
    reason = reason_against_values("text", reader, OfWidths(word_ngrams=3, word_vectors=2))
    assert "the block 'word_vectors': its vectors" in reason
    assert "no data of the kind 'smells'" in reason_against_values("smells", reader, OfWidths())
    reason = reason_against_values("audio", reader, OfWidths(mel=2, audio_model=3))
    assert "the block 'audio_model': it needs the audio model itself" in reason
    assert "made by hand" in reason_against_values("text", None, OfWidths())
    parts = MixedBlocks((Fitted("tables", OfWidths()), Fitted("audio", OfWidths(mel=2, audio_model=3))))
    mixed = MixedReader(Schema(()), (SingleReader(MODALITIES["audio"], "sound"),))
    assert reason_against_values("mixed", mixed, parts) == reason
