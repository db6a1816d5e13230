import datetime

import numpy as np
import pandas as pd
import pytest

from taskaware.errors import UserError
from taskaware.modalities.tables.build import make_task


def frame(target, rows=40, **more):
    cells = (list(target) * rows)[:rows]
    return pd.DataFrame({"x": np.arange(rows) % 7 * 0.5, **more, "y": cells})


@pytest.mark.parametrize(
    ("target", "problem", "classes"),
    [
        (["b", "a"], "classification", ("a", "b")),
        ([True, False], "classification", (False, True)),
        ([3, 1, 2], "classification", (1, 2, 3)),
        ([3.0, 1.0], "classification", (1, 3)),
        ([0.5, 1.5], "classification", (0.5, 1.5)),
        (["10", "9", "1"], "classification", ("1", "9", "10")),
        (pd.Categorical([2, 1]), "classification", (1, 2)),
        ([" <=50K", " >50K"], "classification", (" <=50K", " >50K")),
        ([1, "a"], "classification", (1, "a")),
        (range(40), "regression", ()),
        ([0.1, 0.2, 0.3], "regression", ()),
        (["1.5", "2.5", "4"], "regression", ()),
        (range(11), "regression", ()),
        (range(10), "classification", tuple(range(10))),
    ],
)
def test_kind_and_classes(target, problem, classes):
    task = make_task(frame(target), "y")
    assert (task.problem, task.classes) == (problem, classes)
    assert task.metric == {"classification": "accuracy", "regression": "r2"}[problem]
    assert [type(label) for label in task.classes] == [type(label) for label in classes]
    if classes:
        assert task.target.dtype == np.int32
        assert [task.classes[place] for place in task.target[:2]] == list(target)[:2]
    else:
        np.testing.assert_array_equal(task.target[:2], np.asarray(list(target)[:2], np.float64))


def test_what_was_assumed_is_said():
    assert "problem='regression' reads it as numbers" in make_task(frame([1, 2]), "y").notes[0]
    assert "problem='classification' reads it as classes" in make_task(frame(range(40)), "y").notes[0]
    assert make_task(frame("ab"), "y").notes == ()
    asked = make_task(frame([1, 2]), "y", problem="regression")
    assert asked.notes == ("Target 'y' has only 2 values and is read as numbers, as asked.",)
    assert asked.target.dtype == np.float64


@pytest.mark.parametrize(
    ("target", "problem", "words"),
    [
        ([None], None, "missing in all 40 rows"),
        ([1] + [None] * 9, None, "Only 4 of 40 rows have a target 'y'; at least 10"),
        (["a"], None, "'a' in every row"),
        ([7], None, "7 in every row"),
        ([7], "regression", "7 in every row"),
        ([1.0, np.inf, 2.0], None, "13 infinite values"),
        ([f"id{i}" for i in range(40)], None, "different class in each of the 40 rows"),
        (range(40), "classification", "different class in each"),
        (np.arange(40) // 1.5, "classification", "27 different numbers in 40 rows.*problem='regression'"),
        (np.arange(40) % 21 * 0.5, "classification", "21 different numbers"),
        (["a", "b"], "regression", "not numeric .for instance 'a'.*problem='classification'"),
        ([True, False], "regression", "not numeric .for instance True"),
        ([datetime.date(2024, 1, day) for day in (1, 2, 3)], None, "is a date"),
        ([{"a": 1}, {"a": 2}], None, "'y' holds a dict"),
        (["a", "b"], "ranking", "Unknown problem 'ranking'"),
    ],
)
def test_targets_refused(target, problem, words):
    with pytest.raises(UserError, match=words):
        make_task(frame(target), "y", problem=problem)


def test_fractions_are_no_classes():
    data = frame(np.arange(21) * 0.5, 200)
    with pytest.raises(UserError, match="21 different numbers in 200 rows"):
        make_task(data, "y", problem="classification")
    assert make_task(data.assign(y=data["y"] * 2), "y", problem="classification").outputs == 21


def test_names_and_metrics_refused():
    with pytest.raises(UserError, match="Did you mean 'label'"):
        make_task(frame("ab").rename(columns={"y": "label"}), "lable")
    with pytest.raises(UserError, match="not named. Give target=..., one of 'x', 'y'"):
        make_task(frame("ab"))
    with pytest.raises(UserError, match="Unknown metric of a classification 'r2'"):
        make_task(frame("ab"), "y", metric="r2")
    with pytest.raises(UserError, match="no feature beside the target 'y'"):
        make_task(frame("ab")[["y"]], "y")
    with pytest.raises(UserError, match="same in all 40 rows .'x'"):
        make_task(frame("ab").assign(x=1), "y")
    assert make_task(frame("ab"), "y", metric="balanced_accuracy").metric == "balanced_accuracy"


def test_rows_without_a_target_are_left_out():
    data = frame(["a", None, "b", "?"])
    task = make_task(data, "y")
    assert task.rows == 20
    np.testing.assert_array_equal(task.data.numeric[:, 0], data["x"][::2])
    assert task.classes == ("a", "b")
    assert task.notes == (
        "20 rows without a target 'y' were left out. In 10 of them stands '?', which counts as missing. If "
        "it is a class, give it another name.",
    )


def test_constant_columns_stay_acceptable():
    data = frame("ab", same="s", empty=None, half=[1.0, None] * 20)
    task = make_task(data, "y")
    assert task.data.names == ("x", "half")
    assert task.notes == ("Left out, because every row has the same value: 'same', 'empty'.",)
    again = task.reader.apply(data.drop(columns="y"))
    assert again.digest == task.data.digest
    assert task.reader.apply(data[["x", "half"]]).digest == task.data.digest


def test_columns_that_become_constant_without_the_dropped_rows():
    data = frame(["a", None, "b", None], c=["u", "v", "u", "v"] * 10, when=["2024-01-01", "2024-02-01"] * 20)
    task = make_task(data, "y")
    assert task.data.names == ("x",)
    assert task.reader.apply(data.drop(columns="y")[::2]).digest == task.data.digest


def test_dates_become_numbers():
    when = pd.date_range("2024-01-01 12:00", periods=40, freq="D")
    task = make_task(frame("ab", when=when), "y")
    assert task.data.names == ("x", "when.days", "when.month", "when.weekday")
    np.testing.assert_array_equal(task.data.numeric[:2, 1:], [[19723.5, 1, 0], [19724.5, 1, 1]])


@pytest.mark.parametrize(
    ("column", "found"),
    [
        ({"k": [f"u{i}" for i in range(40)]}, True),
        ({"row": np.arange(40) + 100}, True),
        ({"user_id": np.arange(40) * 7 % 41}, True),
        ({"k": np.arange(40) * 7 % 41}, False),
        ({"width": np.linspace(0, 1, 40)}, False),
        ({"valid": np.arange(40) * 7 % 41}, False),
    ],
)
def test_identifiers_are_pointed_out(column, found):
    task = make_task(frame("ab", **column), "y")
    assert len(task.data.columns) == 2
    assert any("identifier" in note for note in task.notes) == found


def test_single_rows_of_a_class_and_many_classes():
    task = make_task(frame("ab").assign(y=["a"] * 20 + ["b"] * 19 + ["c"]), "y")
    assert task.notes == ("1 classes have a single row, which is used for training only.",)
    many = make_task(frame([f"c{i}" for i in range(2000)], 6000), "y")
    assert many.outputs == 2000


def test_a_test_split_of_the_source():
    import datasets

    train = datasets.Dataset.from_pandas(frame("ab"))
    test = datasets.Dataset.from_pandas(pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": ["b", "new", None]}))
    task = make_task(datasets.DatasetDict(train=train, test=test), "y")
    assert (task.rows, task.test.rows) == (40, 1)
    assert task.test.target.tolist() == [1]
    assert task.test.classes == task.classes
    assert task.notes == ("2 test rows without a known target were left out.",)
    numbers = datasets.Dataset.from_pandas(pd.DataFrame({"x": [1.0, 2.0], "y": [0.5, None]}))
    floats = datasets.Dataset.from_pandas(frame(np.arange(40) * 0.1))
    assert make_task(datasets.DatasetDict(train=floats, test=numbers), "y").test.target.tolist() == [0.5]
    hidden = datasets.Dataset.from_pandas(pd.DataFrame({"x": [1.0]}))
    assert make_task(datasets.DatasetDict(train=train, test=hidden), "y").test is None


def test_arrays_and_names():
    x = np.random.default_rng(0).normal(size=(30, 2))
    task = make_task((x, np.arange(30) % 3), name="mine")
    assert (task.name, task.group, task.data.name, task.target_name) == ("mine", "mine", "mine", "target")
    assert make_task(x, np.arange(30) % 3).digest == task.digest
    assert not task.target.flags.writeable


def test_content_names_the_task_not_its_form(tmp_path):
    data = frame("ab", c=["u", "v", "w", None] * 10)
    data.to_csv(tmp_path / "a.csv", index=False)
    digest = make_task(data, "y").digest
    assert make_task(tmp_path / "a.csv", "y").digest == digest
    assert make_task(data.sample(frac=1, random_state=0), "y").digest == digest
    assert make_task(data.assign(x=data["x"] + 1), "y").digest != digest
