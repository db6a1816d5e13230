"""Images in every form that users have them in, and each bad input with its row named."""

import io
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import taskaware as ta
from taskaware.modalities.images import decode
from taskaware.modalities.images.modality import IMAGES
from tests.modalities.images.made import encoded, squares

GREY = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
COLOUR = squares(1, 12)[0][0]


def read(*values, **options):
    return IMAGES.parse(list(values), column="photo", **options)


def same(first, second):
    return np.array_equal(first.data.row_hashes, second.data.row_hashes)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "GIF", "PPM", "WEBP"])
def test_one_image_in_every_form_is_one_content(form, tmp_path):
    options = {"lossless": True} if form == "WEBP" else {}
    data = encoded(GREY, form, **options)
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(data)
    forms = (
        GREY, GREY[..., None], np.repeat(GREY[..., None], 3, 2), GREY.tolist(), Image.fromarray(GREY), data,
        bytearray(data), str(path), path, {"bytes": data, "path": None}, {"bytes": None, "path": str(path)},
    )  # fmt: skip
    found = read(*forms)
    assert len(set(found.data.row_hashes.tolist())) == 1 and found.data.pixels[0].shape == (8, 8, 1)
    assert IMAGES.holds(forms[:3]) and IMAGES.holds(forms[4:]) and not found.notes


def test_arrays_with_their_scales():
    grey, colour = GREY.astype(float), COLOUR.astype(float)
    wanted = read(GREY)
    for values in (GREY / 255, grey, GREY.astype(np.int64), GREY.astype(np.float32)):
        assert same(read(values), wanted)
    assert same(read(colour / 255), read(COLOUR))
    assert same(read(np.array([[True, False]] * 4)), read(np.array([[255, 0]] * 4, np.uint8)))
    digits = read(GREY // 16)
    assert digits.data.levels.white == 16 and digits.notes == ("Pixel values of 'photo' go from 0 to 16.",)
    assert read(GREY.astype(np.uint16) * 257).data.levels.white == 65535


def test_channels_may_come_first():
    pixels, target = squares(20)
    first = ta.make_task(pixels.transpose(0, 3, 1, 2), target)
    assert first.data.digest == ta.make_task(pixels, target).data.digest
    assert "channels first" in first.notes[0]


def test_alpha_is_laid_over_white():
    clear = np.concatenate([COLOUR, np.zeros((*COLOUR.shape[:2], 1), np.uint8)], axis=2)
    solid = clear + np.array([0, 0, 0, 255], np.uint8)
    white = np.full((12, 16), 255, np.uint8)
    assert same(read(clear, encoded(clear)), read(white, white))
    assert same(read(solid, encoded(solid)), read(COLOUR, COLOUR))
    half = Image.new("LA", (2, 2), (0, 128))
    assert read(half).data.pixels[0][0, 0] == 127


def test_palettes_black_and_white_and_cmyk():
    palette = Image.fromarray(COLOUR).quantize(4)
    assert read(palette).data.pixels[0].shape == (12, 16, 3)
    palette.info["transparency"] = 0
    assert read(palette).data.pixels[0].max() == 255
    assert sorted(np.unique(read(Image.fromarray(GREY).convert("1")).data.pixels[0])) == [0, 255]
    assert read(Image.fromarray(COLOUR).convert("CMYK")).data.pixels[0].shape[2] == 3


def test_sixteen_bits():
    deep = GREY.astype(np.uint16) * 257
    found = read(encoded(deep))
    assert same(found, read(GREY)) and not found.notes
    twelve = read(encoded(GREY.astype(np.uint16) * 16), GREY)
    assert twelve.data.levels[:2] == (255, 4095) and "from 0 to 4095" in twelve.notes[0]
    assert twelve.data.pixels[0].max() > 240


def test_a_photograph_stands_upright():
    image, exif = Image.fromarray(GREY[:4]), Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    image.save(file, "PNG", exif=exif)
    assert same(read(file.getvalue()), read(np.rot90(GREY[:4], -1)))


def test_large_images_are_kept_small_and_remember_their_size():
    rng = np.random.default_rng(0)
    large = rng.integers(0, 255, (300, 100)).astype(np.uint8)
    found = read(large).data
    assert found.pixels[0].shape == (64, 21, 1) and found.sizes.tolist() == [[300, 100]]
    assert found.pixels[0].mean() == pytest.approx(large.mean(), abs=2)
    assert read(large, side=16).data.digest == found.digest


def test_missing_rows_are_counted():
    found = read(GREY, None, float("nan"), pd.NA, "", {"bytes": None, "path": None})
    assert found.data.present.tolist() == [True] + 5 * [False]
    assert "5 of 6 images of 'photo' are missing" in found.notes[0]


def test_what_was_read_does_not_change_with_the_array():
    pixels = squares(4)[0]
    data = IMAGES.parse(pixels, column="photo").data
    before = data.pixels[0].copy()
    pixels[:] = 0
    np.testing.assert_array_equal(data.pixels[0], before)
    with pytest.raises(ValueError, match="read-only"):
        data.pixels[0][0, 0] = 1


def test_relative_paths_start_from_a_folder(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(encoded(GREY))
    assert same(read("a.png", folder=tmp_path), read(GREY))
    monkeypatch.chdir(tmp_path)
    assert same(read("a.png", Path("a.png")), read(GREY, GREY))


def bomb():
    """A PNG of a few bytes that says it has 60,000 x 60,000 pixels."""
    import struct
    import zlib

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    start, rows = b"\x89PNG\r\n\x1a\n", zlib.compress(bytes(1000))
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%touch /tmp/x) (w) file\n"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("gone.png", r"'gone.png' is not there in '.*\. Correct the path"),
        ("/gone/gone.png", r"'/gone/gone.png' is not there\."),
        (Path("gone.png"), "'gone.png' is not there"),
        ("x" * 300 + ".png", "cannot be opened|is not there"),
        ("a\0b.png", "cannot be opened"),
        (b"", "is no readable image"),
        (b"hello", "is no readable image .its format is not known.*PNG, JPEG"),
        (EPS, "is no readable image"),
        ({"bytes": b"hello", "path": "a.png"}, "is no readable image"),
        (encoded(COLOUR)[:80], "is damaged|is no readable"),
        (encoded(COLOUR, "JPEG")[:-60], "is damaged"),
        (bomb(), r"60,000 x 60,000 pixels; 64,000,000 are allowed.*TASKAWARE_MOST_PIXELS"),
        (GREY - 1.0, r"has the pixel value -1\. Allowed: 0 to 1"),
        (GREY * 9.0, r"pixel value 2268\. Allowed: floats from 0 to 1"),
        (GREY.astype(np.int64) * 999, "Allowed: .*whole numbers from 0 to 65535"),
        (np.where(GREY > 240, np.nan, GREY / 255), "has 3 pixel values that are not finite"),
        (np.where(GREY > 240, np.inf, GREY / 255), "not finite"),
        (np.zeros((4, 4, 2)), r"shape \(4, 4, 2\). An image is \(height, width\)"),
        (np.zeros(9), r"shape \(9,\)"),
        (np.zeros((0, 4)), r"shape \(0, 4\)"),
        (7, r"shape \(\)"),
        ([[1, 2], [3]], "rows that differ in length"),
        (object(), "neither image, path nor numbers"),
    ],
)
def test_a_bad_value_is_named_with_its_row(value, words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ta.UserError, match=words) as error:
            read(GREY, None, value)
    assert "Row 2 of 'photo'" in str(error.value) and len(str(error.value)) < 500


def test_the_limit_on_pixels_can_be_set(monkeypatch):
    monkeypatch.setenv(decode.SETTING, "100")
    assert read(GREY).data.rows == 1
    with pytest.raises(ta.UserError, match="16 x 12 pixels; 100 are allowed"):
        read(encoded(COLOUR))
    with pytest.raises(ta.UserError, match="Row 0 .* 100 are allowed"):
        read(COLOUR)
    assert Image.MAX_IMAGE_PIXELS is not None


def test_moving_images_are_read_by_their_first_frame():
    file = io.BytesIO()
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    found = read(file.getvalue())
    assert same(found, read(GREY)) and "1 images of 'photo' have several frames" in found.notes[0]


PIXELS, RNG = squares(20)[0], np.random.default_rng(0)
ACCEPTED = [
    PIXELS, PIXELS[..., :1], PIXELS[..., 0], PIXELS / 255, PIXELS[..., 0] / 255, PIXELS[..., 0].astype(float),
    list(PIXELS), [GREY, COLOUR, None], [Image.fromarray(GREY)] * 3, [encoded(GREY)] * 3, ["a.png", "b.JPG"],
    [Path("a.jpeg")], pd.Series(["a.png", None, "c.webp"]), [{"bytes": encoded(GREY), "path": None}],
    np.array(["a.png", "b.png"]), RNG.integers(0, 256, (9, 28, 28)), RNG.random((9, 8, 8)) > 0.5,
    RNG.integers(0, 17, (9, 8, 8)).astype(float), PIXELS.transpose(0, 3, 1, 2),
]  # fmt: skip
REFUSED = [
    RNG.normal(size=(9, 12, 29)), RNG.random((9, 3, 100)), RNG.normal(size=(9, 28, 28)), RNG.random((9, 5)),
    RNG.integers(0, 9, (9, 3, 100)), RNG.integers(-5, 9, (9, 30, 30)), RNG.random((9, 12, 29)),
    ["a cat sat.", "a dog ran."], ["a.png", "a text"], [b"RIFF....WAVE"], [None, None], [], [1, 2, 3],
    pd.Series([1.0, 2.0]), pd.DataFrame({"a": ["a.png"]}), "photos", {"bytes": b"", "path": "a.wav"},
    [{"bytes": b"RIFF....WAVE", "path": "a.wav"}], [{"array": [1.0], "sampling_rate": 8000}],
    np.zeros((9, 2, 3), np.uint8), [[0.1, 0.2], [0.3, 0.4]], np.array(["a", "b"]), ["a.wav", "b.wav"],
]  # fmt: skip


@pytest.mark.parametrize("source", ACCEPTED, ids=range(len(ACCEPTED)))
def test_images_are_accepted(source):
    assert IMAGES.accepts(source) and ta.MODALITIES["image"] is IMAGES


@pytest.mark.parametrize("source", REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_image_is_left_to_others(source):
    assert not IMAGES.accepts(source)


@pytest.mark.parametrize("name", ["sign-digits", "tile-defects", "omniglot-hebrew"])
def test_real_images_are_read(name, real_data):
    frame = pd.read_parquet(real_data(name)).head(40)
    assert IMAGES.holds(frame["image"].tolist())
    data = IMAGES.parse(frame["image"].tolist(), column="image").data
    found = IMAGES.fit_blocks(data, np.arange(30)).transform(data)
    assert data.rows == 40 and all(np.isfinite(matrix).all() and matrix.any() for matrix in found.values())
