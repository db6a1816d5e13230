"""Blocks of images: their parts against other implementations, fitting, missing rows, files."""

import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.modalities.cache import forget
from taskaware.modalities.images import blocks as blocks_module
from taskaware.modalities.images import vision
from taskaware.modalities.images.colours import hsv
from taskaware.modalities.images.frequencies import cosines
from taskaware.modalities.images.gradients import hog
from taskaware.modalities.images.modality import IMAGES
from taskaware.modalities.images.patches import CENTRES, learned
from taskaware.modalities.images.resize import area_weights, shrunk
from taskaware.modalities.images.resize import squares as made_square
from taskaware.modalities.images.scaling import WIDEST, fit_scaling
from taskaware.modalities.pretrained import forget_models
from tests.modalities.images.made import squares


@pytest.fixture(scope="module")
def data():
    return IMAGES.parse(squares()[0], column="image").data


@pytest.fixture(scope="module")
def blocks(data):
    return IMAGES.fit_blocks(data, np.arange(40))


def test_gradients_equal_those_of_scikit_image():
    feature = pytest.importorskip("skimage.feature")
    rng = np.random.default_rng(0)
    for channels, side, cell in ((3, 32, 8), (1, 48, 6), (3, 33, 4)):
        images = rng.random((3, channels, side, side)).astype(np.float32)
        sizes = {"pixels_per_cell": (cell, cell), "cells_per_block": (2, 2), "block_norm": "L2-Hys"}
        wanted = [
            feature.hog(image.transpose(1, 2, 0).astype(float), channel_axis=2, **sizes) for image in images
        ]
        np.testing.assert_allclose(hog(images, cell), wanted, atol=2e-5)


def test_colours_equal_those_of_scikit_image():
    colour = pytest.importorskip("skimage.color")
    images = np.random.default_rng(0).integers(0, 4, (5, 3, 8, 8)).astype(np.float32) / 3
    wanted = colour.rgb2hsv(images.transpose(0, 2, 3, 1))
    np.testing.assert_allclose(hsv(images).transpose(1, 2, 3, 0), wanted, atol=1e-6)


def test_cosines_equal_those_of_scipy():
    fft = pytest.importorskip("scipy.fft")
    np.testing.assert_allclose(cosines(8), fft.dct(np.eye(8), axis=0, norm="ortho"), atol=1e-6)


@pytest.mark.parametrize("side", [5, 7, 16, 20, 31])
def test_areas_keep_the_mean(side):
    weights = area_weights(20, side)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(weights.sum(axis=0), side / 20, atol=1e-5)
    image = np.random.default_rng(0).random((1, 1, 20, 20)).astype(np.float32)
    assert shrunk(image, side).mean() == pytest.approx(image.mean(), abs=1e-5)


def test_squares_of_mixed_sizes_and_colours():
    pixels = [np.full((4, 9, 1), 51, np.uint8), np.full((40, 2, 3), 102, np.uint8)]
    assert np.allclose(made_square(pixels, 8, 3)[0], 0.2) and np.allclose(made_square(pixels, 8, 1)[1], 0.4)


def test_patches_find_what_repeats_and_learn_the_same_twice():
    images = made_square(list(squares()[0]), 32, 3)
    first, second = learned(images), learned(images)
    np.testing.assert_array_equal(first.centres, second.centres)
    assert first.centres.shape[0] == CENTRES and not np.array_equal(learned(images, 1).centres, first.centres)
    features = first.features(images)
    assert features.shape == (60, 4 * CENTRES) and (features >= 0).all() and (features.mean(axis=0) > 0).any()
    np.testing.assert_array_equal(first.features(images[7:8])[0], features[7])


def test_every_block_is_standardised(data, blocks):
    found = blocks.transform(data, np.arange(40))
    assert list(found) == [
        "pixels_8", "pixels_16", "gradients", "colours", "image_patches", "frequencies"
    ]  # fmt: skip
    for name, matrix in found.items():
        assert 0 < matrix.shape[1] <= WIDEST, name
        assert np.abs(matrix.mean(axis=0)).max() < 0.2, name
        assert 0.5 < np.sqrt(np.mean(matrix**2)) < 1.5, name


def test_order_and_company_make_no_difference(data, blocks):
    turned = np.random.default_rng(0).permutation(40)
    again = IMAGES.fit_blocks(data.take(turned), np.arange(40))
    assert again.digest == blocks.digest
    forget()
    assert IMAGES.fit_blocks(data, turned).digest == blocks.digest


def test_grey_images_have_narrower_blocks():
    grey = IMAGES.parse(squares()[0][..., 0], column="image").data
    found = IMAGES.fit_blocks(grey, np.arange(60)).widths
    assert found["pixels_8"] <= 64 and found["colours"] < 30


def test_missing_images_are_all_zero():
    pixels, _ = squares(20)
    holed = IMAGES.parse([*pixels, None], column="image").data
    fitted = IMAGES.fit_blocks(holed, np.arange(21))
    assert all((matrix[-1] == 0).all() for matrix in fitted.transform(holed).values())
    assert fitted.digest == IMAGES.fit_blocks(holed, np.arange(20)).digest
    none = IMAGES.fit_blocks(holed, np.array([20]))
    assert set(none.widths.values()) == {0} and none.transform(holed)["pixels_8"].shape == (21, 0)
    assert IMAGES.blocks_from(none.to_arrays()).digest == none.digest


def test_one_row_and_equal_rows_are_enough():
    pixels, _ = squares(2)
    for values in (pixels[:1], np.repeat(pixels[:1], 5, axis=0), np.zeros((3, 1, 1), np.uint8)):
        one = IMAGES.parse(values, column="image").data
        found = IMAGES.fit_blocks(one, np.arange(one.rows)).transform(one)
        assert all(np.isfinite(matrix).all() for matrix in found.values())


def test_wide_features_are_reduced():
    raw = np.random.default_rng(0).normal(size=(80, 400)) * np.linspace(0.1, 9, 400)
    scaling = fit_scaling(raw)
    found = scaling.transform(raw)
    assert scaling.width == 79 and np.mean(found**2) == pytest.approx(1, abs=0.05)
    rare = np.zeros((100, 3))
    rare[0, 0], rare[:, 1] = 1, np.arange(100) / 10
    assert fit_scaling(rare).columns.tolist() == [0, 1]
    assert np.abs(fit_scaling(rare).transform(rare)).max() <= 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.pop("colours.mean"), "arrays of other names|blocks of images"),
        (lambda a: a.pop("colours.scale"), "lack 'colours.scale'"),
        (lambda a: a.update({"more": np.zeros(2)}), "other names"),
        (lambda a: a["gradients.mean"].__setitem__(0, np.nan), "no finite number"),
        (lambda a: a.update({"gradients.scale": np.ones(3)}), "do not fit together"),
        (lambda a: a.update({"pixels_8.columns": np.array([0, 999])}), "are no columns"),
        (lambda a: a.update({"working": np.array([1000, 3])}), "cannot be made alike"),
        (lambda a: a.update({"working": np.array([32, 1])}), "patches of another size"),
        (lambda a: a.update({"dictionary.centres": np.zeros((3, 2))}), "other shapes"),
        (lambda a: a.update({"dictionary.mean": np.full(108, np.inf)}), "no finite number"),
        (lambda a: a.update({"dictionary.centres": a["dictionary.centres"][1:]}), "columns, not"),
    ],
)
def test_damaged_arrays_are_refused(blocks, change, words):
    arrays = {name: array.copy() for name, array in blocks.to_arrays().items()}
    assert IMAGES.blocks_from(arrays).digest == blocks.digest
    change(arrays)
    with pytest.raises(ValueError, match=words):
        IMAGES.blocks_from(arrays)


class FakeModel:
    """What `vision_model` gives: means of the halves of an image."""

    def __call__(self, images):
        return np.array([[each.mean(), each[: len(each) // 2].mean()] for each in images], np.float32)


def test_a_vision_model_is_one_more_block(data, monkeypatch):
    monkeypatch.setenv(vision.MODELS.setting, "some/model")
    monkeypatch.setattr(blocks_module, "vision_model", lambda name: FakeModel())
    fitted = IMAGES.fit_blocks(data, np.arange(40))
    assert fitted.widths["vision_model"] == 2 and list(fitted.widths)[-1] == "vision_model"
    found = fitted.transform(data)["vision_model"]
    np.testing.assert_allclose(found[:40].mean(axis=0), 0, atol=1e-4)
    monkeypatch.delenv(vision.MODELS.setting)
    again = IMAGES.blocks_from(fitted.to_arrays())
    np.testing.assert_array_equal(again.transform(data)["vision_model"], found)
    assert "vision_model" not in IMAGES.fit_blocks(data, np.arange(40)).widths


def test_a_vision_model_without_its_packages_is_left_out(data, monkeypatch):
    monkeypatch.setenv(vision.MODELS.setting, "some/model")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    forget_models()
    with pytest.warns(UserWarning, match=r"pip install transformers torch\..* Its block is left out"):
        fitted = IMAGES.fit_blocks(data, np.arange(30))
    assert "vision_model" not in fitted.widths
    with pytest.raises(UserError, match="needs transformers and torch"):
        vision.vision_model("some/model")


def test_the_loading_code_of_a_vision_model(monkeypatch):
    import contextlib
    import importlib.util
    import sys
    import types

    class Answer:
        pooler_output = None

        def __init__(self, pixels):
            self.last_hidden_state = pixels.reshape(1, -1, 3).astype(float)

    class Model:
        def float(self):
            return self

        eval = float

        def __call__(self, pixel_values):
            return Answer(pixel_values)

    class Auto:
        @staticmethod
        def from_pretrained(name, trust_remote_code, use_safetensors=True):
            assert not trust_remote_code and use_safetensors
            if name == "gone":
                raise OSError("offline")
            return Model()

    class Processor(Auto):
        @staticmethod
        def from_pretrained(name, trust_remote_code):
            return lambda images, return_tensors: {"pixel_values": images}

    logging = types.SimpleNamespace(disable_progress_bar=list)
    stand_ins = {
        "torch": {"no_grad": contextlib.nullcontext},
        "transformers": {
            "AutoImageProcessor": Processor,
            "AutoModel": Auto,
            "utils": types.SimpleNamespace(logging=logging),
        },
    }
    for name, content in stand_ins.items():
        module = types.SimpleNamespace(__spec__=importlib.util.spec_from_loader(name, None), **content)
        monkeypatch.setitem(sys.modules, name, module)
    forget_models()
    grey, colour = np.full((4, 4, 1), 7, np.uint8), np.full((4, 4, 3), (1, 2, 3), np.uint8)
    assert vision.vision_model("there")([grey, colour]).tolist() == [[7, 7, 7], [1, 2, 3]]
    with pytest.raises(UserError, match="'gone' cannot be loaded: 'offline'. Check its name"):
        vision.vision_model("gone")
    forget_models()


def test_what_was_kept_at_another_size_is_not_taken_for_it():
    pixels = np.random.default_rng(0).integers(0, 255, (70, 90, 90)).astype(np.uint8)
    small, large = (IMAGES.parse(pixels, column="image", side=side).data for side in (16, 64))
    fitted = IMAGES.fit_blocks(large, np.arange(70))
    assert small.digest == large.digest
    first = fitted.transform(large)["pixels_16"]
    assert not np.array_equal(fitted.transform(small)["pixels_16"], first)
    np.testing.assert_array_equal(fitted.transform(large)["pixels_16"], first)
