"""What users did: train on one form of the data, and predict from another."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.errors import UserError

LABELS = ["new", "old"] * 10
TEXTS = [f"{'a fresh start with paint' if label == 'new' else 'some dusty rust'}, {row}" for row, label in
         enumerate(LABELS)]  # fmt: skip
IMAGES = np.random.default_rng(0).integers(2, 255, (20, 9, 8, 3)).astype(np.uint8)
TABLE = pd.DataFrame(
    {"size": np.arange(20.0), "price": np.arange(20.0) * 100, "colour": ["red", "blue"] * 10}
)


class Row(NamedTuple):
    colour: str
    price: float
    size: float


@dataclasses.dataclass
class Record:
    colour: str
    size: float
    price: float


@pytest.fixture(scope="module")
def texts():
    return ta.make_task((TEXTS, LABELS))


@pytest.fixture(scope="module")
def images():
    return ta.make_task((IMAGES, LABELS))


@pytest.fixture(scope="module")
def table():
    return ta.make_task((TABLE, LABELS))


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param({"id": range(20), "text": TEXTS}, id="dict"),
        pytest.param([{"label": "new", "text": text} for text in TEXTS], id="records"),
        pytest.param("hub", id="hub"),
        pytest.param("arrow", id="arrow"),
        pytest.param("file", id="file"),
    ],
)
def test_texts_are_found_by_the_name_of_their_column(texts, rows, tmp_path):
    if rows == "hub":
        rows = pytest.importorskip("datasets").Dataset.from_dict({"label": [0] * 20, "text": TEXTS})
    elif rows == "arrow":
        rows = pytest.importorskip("pyarrow").table({"n": list(range(20)), "text": TEXTS})
    elif rows == "file":
        rows = tmp_path / "new.csv"
        pd.DataFrame({"n": 1, "text": TEXTS}).to_csv(rows, index=False)
    assert texts.reader.read(rows).digest == texts.data.digest


@pytest.mark.parametrize("make", [pd.DataFrame, dict, lambda columns: [{"review": "good"}]])
def test_a_column_of_another_name_is_refused_and_its_name_is_no_text(texts, make):
    with pytest.raises(UserError, match="lack column 'text' .*'review'"):
        texts.reader.read(make({"review": TEXTS}))


def test_one_value_is_one_row(texts, images):
    assert texts.reader.read("a fresh coat of paint").rows == 1
    assert images.reader.read(IMAGES[3]).digest == images.reader.read(IMAGES[3:4]).digest
    with pytest.raises(UserError, match="There is no file"):
        texts.reader.read("my new reviews.csv")


@pytest.mark.parametrize("rows", [{"a b c", "d e f"}, None, 5])
def test_what_has_no_rows_in_order_is_refused(texts, rows):
    with pytest.raises(UserError, match="holds no rows in order"):
        texts.reader.read(rows)


def test_records_of_images_are_not_read_as_missing_ones(images):
    data = images.reader.read([{"image": image, "label": "?"} for image in IMAGES])
    assert data.digest == images.data.digest and data.present.all()
    with pytest.raises(UserError, match="lack column 'image'"):
        images.reader.read([{"picture": image} for image in IMAGES])


@pytest.mark.parametrize("trained", [np.uint8, np.float64], ids=["bytes", "floats"])
def test_shares_and_bytes_are_one_image(trained):
    shares = IMAGES / 255
    task = ta.make_task((IMAGES if trained == np.uint8 else shares, LABELS))
    assert task.reader.read(IMAGES if trained == np.uint8 else shares).digest == task.data.digest
    with pytest.warns(UserWarning, match="are read as numbers from 0 to"):
        other = task.reader.read(shares if trained == np.uint8 else IMAGES)
    np.testing.assert_array_equal(other.row_hashes, task.data.row_hashes)


def test_bytes_and_shares_in_one_list():
    mixed = [image / 255 if row % 2 else image for row, image in enumerate(IMAGES)]
    assert ta.make_task((mixed, LABELS)).data.digest == ta.make_task((IMAGES, LABELS)).data.digest


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([Row("blue", 100.0, 1.0)], id="named tuples"),
        pytest.param([Record("blue", 1.0, 100.0)], id="dataclass"),
        pytest.param([TABLE[["price", "colour", "size"]].iloc[1]], id="rows of a frame"),
        pytest.param(TABLE[["price", "colour", "size"]].iloc[1], id="a row of a frame"),
        pytest.param(TABLE[["price", "colour", "size"]].iloc[[1]].to_records(index=False), id="structured"),
    ],
)
def test_names_of_rows_count_and_not_their_order(table, rows):
    assert table.reader.read(rows).digest == table.reader.read(TABLE.iloc[[1]]).digest


def test_class_labels_of_a_hub_dataset_are_categories_at_prediction_too():
    hub = pytest.importorskip("datasets")
    kinds = hub.Features({"x": hub.Value("float64"), "colour": hub.ClassLabel(names=["red", "blue"])})
    data = hub.Dataset.from_dict({"x": np.arange(20.0), "colour": [0, 1] * 10}, features=kinds)
    task = ta.make_task((data, LABELS))
    assert task.reader.read(data).digest == task.data.digest
    with pytest.raises(UserError, match="splits"):
        task.reader.read(hub.DatasetDict({"train": data, "test": data}))


def test_one_row_with_a_new_category_is_not_silent(table):
    with pytest.warns(UserWarning, match="1 of 1 values, such as 'Red', are no categories"):
        table.reader.read({"size": 1.0, "price": 100.0, "colour": "Red"})


def test_a_file_of_a_mixed_frame_is_read_under_its_schema(tmp_path):
    frame = pd.DataFrame({"code": ["001", "002", "A01", "003"] * 5, "what": TEXTS, "label": LABELS})
    task = ta.make_task(frame, "label")
    later = frame.drop(columns="label").iloc[[0, 1]].assign(what=["2020", "2021"])
    later.to_csv(tmp_path / "new.csv", index=False)
    assert task.reader.read(tmp_path / "new.csv").digest == task.reader.read(later).digest


def test_a_score_is_not_taken_of_answers_in_another_order_or_of_other_names(table):
    model = ta.recommend(table, seed=0).fit(table, members=1, seconds=1)
    truth = pd.Series(LABELS)
    assert model.score(TABLE, truth) == model.score(TABLE, LABELS)
    with pytest.raises(UserError, match="same row labels in another order"):
        model.score(TABLE, truth.iloc[::-1])
    with pytest.warns(UserWarning, match="None of the 20 answers, such as '0', is a class of the model"):
        assert model.score(TABLE, [0, 1] * 10) == 0


def test_options_of_a_wrong_type_are_refused_by_name(unchecked, table):
    for options, words in (
        ({"members": 2.5}, "members=2.5 is no whole number"),
        ({"members": 10**9}, "Give 100 or fewer"),
        ({"patience": "3"}, "patience='3' is no whole number"),
        ({"seconds": "3"}, "seconds='3' is no number"),
        ({"validation": "0.2"}, "validation='0.2' cannot be dealt"),
    ):
        with pytest.raises(UserError, match=words):
            ta.recommend(table, seed=0).fit(table, **options)
    for options, words in (
        ({"candidates": 2.5}, "candidates=2.5 is no whole number"),
        ({"evaluator": "mine.npz"}, "There is no evaluator 'mine.npz'. Give 'learned', or the path"),
        ({"kinds": "size"}, "kinds='size' is no dict"),
    ):
        with pytest.raises(UserError, match=words):
            ta.recommend((TABLE, LABELS), **options)


@pytest.mark.parametrize("dtype", [object, "str"])
def test_no_rows_of_any_type(table, dtype):
    assert table.reader.read(TABLE.astype(dtype).iloc[:0]).rows == 0
