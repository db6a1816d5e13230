"""What users did: masked cells, labels of several types, targets in another order, odd weights."""

import enum
import warnings

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.errors import UserError
from taskaware.modalities.folders import folder_frame
from taskaware.modalities.images.modality import IMAGES
from taskaware.tasks.rows import groups_of, weights_of
from tests.modalities.images.made import encoded, squares

N = 20
X = pd.DataFrame({"a": np.random.default_rng(0).normal(size=N), "b": np.arange(N) % 3})
LABELS = ["p", "q"] * (N // 2)


Colour = enum.Enum("Colour", {"RED": "red", "BLUE": "blue"}, type=str)


def test_masked_cells_are_missing():
    hidden = np.arange(N) % 4 == 0
    values = np.ma.masked_array(
        np.column_stack([np.arange(N), np.arange(N) ** 2]), np.column_stack([hidden] * 2)
    )
    task = ta.make_task((values, LABELS))
    np.testing.assert_array_equal(np.isnan(task.data.columns[0].values), hidden)
    assert ta.make_task((X, np.ma.masked_array(np.arange(N) % 2, hidden))).rows == N - hidden.sum()


@pytest.mark.parametrize(
    ("labels", "classes"),
    [([1, "a"], (1, "a")), ([True, "x"], (True, "x")), ([Colour.RED, Colour.BLUE], ("blue", "red"))],
)
def test_labels_in_a_list_keep_their_types(labels, classes):
    task = ta.make_task((X, labels * (N // 2)))
    assert sorted(map(repr, task.classes)) == sorted(map(repr, classes))


def test_nan_among_labels_is_no_label_nan():
    task = ta.make_task((X, [float("nan"), "a", "b", "b"] * (N // 4)))
    assert task.classes == ("a", "b") and not any("stands" in note for note in task.notes)


@pytest.mark.parametrize("y", [set(range(N)), (row for row in range(N)), 3.0])
def test_targets_that_are_no_sequence_are_named(y):
    with pytest.raises(UserError, match="Give a list or an array with one target"):
        ta.make_task((X, y))


def test_a_target_in_another_order_of_the_rows_is_refused():
    y = pd.Series(np.arange(N) * 1.5).sample(frac=1, random_state=0)
    with pytest.raises(UserError, match="same row labels in another order"):
        ta.make_task((X, y))
    ordered = ta.make_task((X, y.loc[X.index]))
    assert ordered.digest != ta.make_task((X, y.to_numpy())).digest
    assert ta.make_task((X.sample(frac=1, random_state=0), y)).rows == N  # both are shuffled alike


def test_weights_and_groups_in_another_order_of_the_rows_are_refused():
    rec = ta.recommend((X, LABELS))
    turned = pd.Series(np.arange(N), X.index[::-1])
    for option in ("sample_weight", "groups", "time"):
        with pytest.raises(UserError, match=f"X and {option} have the same row labels in another order"):
            rec.fit((X, LABELS), **{option: turned})


def test_classes_written_as_columns_are_told_of():
    one_each = np.eye(2, dtype=int)[np.arange(N) % 2]
    several = one_each.copy()
    several[0] = 1
    told = [
        any("exactly one label" in note for note in ta.make_task((X, y)).notes) for y in (one_each, several)
    ]
    assert told == [True, False]


def test_durations_of_nanoseconds_are_not_nothing():
    task = ta.make_task((pd.DataFrame({"d": pd.to_timedelta(np.arange(N) * 7, unit="ns")}), LABELS))
    np.testing.assert_allclose(task.data.columns[0].values * 86_400e9, np.arange(N) * 7)


@pytest.mark.parametrize("shape", [(N // 2, 2), (2, N // 2)])
def test_weights_and_groups_of_another_shape(shape):
    task, values = ta.make_task((X, LABELS)), np.ones(shape)
    with pytest.raises(UserError, match=r"sample_weight has the shape .* Give 20 values"):
        weights_of(task, None, values)
    with pytest.raises(UserError, match="groups has the shape"):
        groups_of(task, pd.DataFrame(values))
    np.testing.assert_array_equal(weights_of(task, None, np.ones((N, 1))), np.ones(N))


@pytest.mark.parametrize(
    ("class_weight", "sample_weight", "words"),
    [
        (pd.Series({"p": 2.0}), None, "neither 'balanced' nor weights by label"),
        (np.array([1.0, 2.0]), None, "neither 'balanced' nor weights by label"),
        (None, np.full(N, 1e308), "Divide all by it"),
        (None, np.ma.masked_array(np.ones(N), np.arange(N) == 3), "nan in row 3"),
    ],
)
def test_weights_that_cannot_be_used(class_weight, sample_weight, words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserError, match=words):
            weights_of(ta.make_task((X, LABELS)), class_weight, sample_weight)


def test_columns_of_a_mixed_frame_are_named_as_those_of_a_table():
    words = [f"some words here, number {row} of all" for row in range(N)]
    task = ta.make_task((X.assign(text=words), LABELS))
    assert task.modality == "mixed"
    np.testing.assert_array_equal(weights_of(task, None, "b"), X["b"])
    np.testing.assert_array_equal(groups_of(task, "b"), X["b"])
    with pytest.raises(UserError, match="none of numbers, categories or dates"):
        groups_of(ta.make_task((words, LABELS)), "b")


def test_links_to_folders_of_classes_are_said(tmp_path):
    data = encoded(squares(1)[0][0])
    for place in ("cat/1.png", "dog/1.png"):
        (tmp_path / "photos" / place).parent.mkdir(parents=True)
        (tmp_path / "photos" / place).write_bytes(data)
    (tmp_path / "photos" / "bird").symlink_to(tmp_path / "photos" / "cat")
    (note,) = folder_frame(tmp_path / "photos", IMAGES).attrs["notes"]
    assert note.startswith("Links to folders in 'photos' are not followed: 'bird'.")


@pytest.mark.parametrize("y", [pd.date_range("2024", periods=N), pd.to_timedelta(np.arange(N), unit="h")])
def test_a_regressor_takes_no_dates_for_nanoseconds(y):
    with pytest.raises(UserError, match="Give numbers, of a unit that you choose"):
        ta.TaskAwareRegressor().fit(X, pd.Series(y))


@pytest.mark.usefixtures("unchecked")
def test_a_metric_and_a_callback_of_another_type_are_named():
    with pytest.raises(UserError, match=r"metric=.*accuracy.* is no name"):
        ta.make_task((X, LABELS), metric=["accuracy"])
    task = ta.make_task((X, LABELS))
    with pytest.raises(UserError, match="on_progress=5 cannot be called"):
        ta.recommend(task).fit(task, on_progress=5)


@pytest.mark.parametrize("value", ["abc", b"xx", None, {"a": 1}, 3.0], ids=repr)
def test_an_array_of_one_value_is_no_rows(value):
    alone = np.array(value, dtype=object if value is None or isinstance(value, dict) else None)
    targets = np.arange(40) % 2
    texts = [f"a text about number {number} and more" for number in range(40)]
    images = np.arange(40 * 64, dtype=np.uint8).reshape(40, 8, 8)
    with pytest.raises(ta.UserError, match=r"an array of one value, .* Give a frame, an array of two axes"):
        ta.recommend((alone, targets))
    for rows in (texts, images):
        reader = ta.make_task(rows, targets).reader
        with pytest.raises(ta.UserError, match="an array of one value"):
            reader.read(alone)
