"""The contract on images, and the way from `make_task` to a saved reader."""

import numpy as np
import pytest

import taskaware as ta
from taskaware.modalities.images.features import FEATURES, own_features
from taskaware.modalities.images.modality import IMAGES
from taskaware.testing.modality_contract import CHECKS
from tests.modalities.images.made import squares


def bars():
    return ta.make_task(*squares())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(bars)


def test_a_reader_reads_as_the_training_rows_were_read():
    pixels, target = squares()
    task = ta.make_task(pixels / 255, target)
    assert (task.modality, task.reader.names) == ("image", ("image",))
    assert dict(task.reader.options) == {"white": 1, "deep_white": 65535, "side": 64, "first": 0}
    dark = task.reader.read([np.full((8, 8), 0.5)])
    assert (dark.pixels[0] == 128).all()
    with pytest.raises(ta.UserError, match=r"Row 0 of 'image' has the pixel value 2\. .*white is 1"):
        task.reader.read([np.full((8, 8), 2.0)])


def test_one_colour_image_with_its_channels_first_is_one_where_training_images_had_them_so():
    pixels, target = squares()
    first = np.moveaxis(pixels, 3, 1)
    task = ta.make_task(first, target)
    assert dict(task.reader.options)["first"] == 3
    alone = task.reader.read(first[0])
    assert alone.rows == 1 and (alone.pixels[0] == task.data.pixels[0]).all()
    assert task.reader.read(first).rows == len(first)
    assert ta.make_task(pixels, target).reader.read(first[0]).rows == 3


def test_models_saved_without_channels_first_are_read():
    task = bars()
    plain = task.reader.to_dict()
    del plain["options"]["first"]
    IMAGES.check_saved(IMAGES.reader_from(plain), IMAGES.fit_blocks(task.data, np.arange(10)))


def test_own_features_are_finite_and_in_range():
    pixels, _ = squares()
    for values in (pixels, pixels[:1], [None, None], [np.zeros((1, 1), np.uint8)], [pixels[0]] * 4):
        found = own_features(IMAGES.parse(values, column="image").data)
        assert list(found) == [each.name for each in FEATURES]
        for each in FEATURES:
            assert each.low <= found[each.name] <= each.high, each.name
    assert found["image_duplicates"] == 0.75 and found["image_variety"] == 0


def test_own_features_say_what_they_name():
    pixels, _ = squares()
    found = own_features(IMAGES.parse([*pixels, None, None], column="image").data)
    assert found["image_log_height"] == np.log2(20) and found["image_missing"] == pytest.approx(2 / 62)
    assert found["image_colour_share"] == 1 and found["image_background"] < 0.2
    white = np.full((9, 40, 40), 255, np.uint8)
    white[:, 18:22] = np.arange(9, dtype=np.uint8)[:, None, None]
    plain = own_features(IMAGES.parse(white, column="image").data)
    assert plain["image_background"] > 0.8 and plain["image_colourfulness"] == pytest.approx(0, abs=1e-6)
    assert plain["image_compressibility"] < 0.1 < found["image_compressibility"]
    assert plain["image_spectral_slope"] < found["image_spectral_slope"]


def test_own_features_do_not_depend_on_the_order():
    pixels, _ = squares()
    data = IMAGES.parse(pixels, column="image").data
    assert own_features(data) == own_features(data.take(np.arange(data.rows)[::-1]))


@pytest.mark.parametrize(
    "change", [{"white": 0}, {"side": "x"}, {"more": 3}, {"deep_white": 1 << 40}, {"first": -1}]
)
def test_a_reader_of_other_options_is_refused(change):
    task = bars()
    blocks = IMAGES.fit_blocks(task.data, np.arange(10))
    IMAGES.check_saved(task.reader, blocks)
    plain = task.reader.to_dict()
    odd = IMAGES.reader_from({**plain, "options": {**plain["options"], **change}})
    with pytest.raises(ValueError, match="images cannot be read with"):
        IMAGES.check_saved(odd, blocks)
