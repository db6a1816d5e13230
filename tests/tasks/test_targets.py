"""Targets of several outputs: what is read, what is said, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.errors import UserError
from taskaware.tasks.alone import alone
from taskaware.tasks.outputs import MOST_OUTPUTS, Outputs, label_lists, matrix_of
from taskaware.tasks.split import splits
from taskaware.tasks.targets import read_targets


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    numbers = {"height": x[:, 0] * 3, "width": [f"{value:.2f}" for value in x[:, 1]]}
    labels = {"red": x[:, 0] > 0, "round": (x[:, 1] > 0).astype(int)}
    tags = [[name for name in labels if labels[name][row]] for row in range(40)]
    return pd.DataFrame(x, columns=list("abc")).assign(**numbers, **labels, tags=tags, word=["x", "y"] * 20)


def made(frame, target, **options):
    targets = [target] if isinstance(target, str) else target
    return ta.make_task(frame[["a", "b", "c", *targets]], target, **options)


def test_columns_of_numbers_are_a_regression_of_several_outputs(frame):
    task = made(frame, ["height", "width"])
    assert (task.problem, task.metric, task.outputs, task.classes) == ("multioutput", "r2", 2, ())
    assert task.several == Outputs(("height", "width")) and task.target_name == "height, width"
    np.testing.assert_allclose(task.target, frame[["height", "width"]].astype(float))
    assert task.data.names == ("a", "b", "c") and any("mean over the outputs" in note for note in task.notes)


def test_columns_of_0_and_1_are_labels(frame):
    task = made(frame, ["red", "round"])
    assert (task.problem, task.metric, task.outputs) == ("multilabel", "accuracy", 2)
    np.testing.assert_array_equal(task.target, frame[["red", "round"]].astype(float))
    assert made(frame, ["red", "round"], problem="classification").digest == task.digest
    assert made(frame, ["red", "round"], problem="regression").problem == "multioutput"
    assert made(frame, ["red", "height"]).problem == "multioutput"


@pytest.mark.parametrize("cell", [list, tuple, set, np.array])
def test_a_column_of_lists_holds_labels(frame, cell):
    task = made(frame.assign(tags=[cell(tags) for tags in frame["tags"]]), "tags")
    assert (task.problem, task.several) == ("multilabel", Outputs(("red", "round"), listed=True))
    np.testing.assert_array_equal(task.target, frame[["red", "round"]].astype(float))
    assert [list(tags) for tags in label_lists(task.several, task.target)] == frame["tags"].tolist()


def test_x_and_y_apart(frame):
    X, Y = frame[["a", "b", "c"]].to_numpy(), frame[["red", "round"]].to_numpy()
    assert ta.make_task((X, Y)).several.names == ("y0", "y1")
    assert ta.make_task((X, frame[["red", "round"]])).several.names == ("red", "round")
    assert ta.make_task(frame[["a", "b", "c"]], Y).problem == "multilabel"
    assert ta.make_task((X, frame["tags"].tolist())).several.listed
    one = ta.make_task((X, Y[:, :1]))
    assert one.problem == "classification" and one.several is None
    words = [f"word number {row} of {'red' if row % 2 else 'blue'}" for row in range(40)]
    task = ta.make_task((words, Y), modality="text")
    assert (task.modality, task.problem, task.target.shape) == ("text", "multilabel", (40, 2))


def test_a_list_of_strings_is_names_or_values(frame):
    labels = [f"{number}.5" for number in range(40)]
    assert ta.make_task(frame[["a", "b"]], labels, problem="regression").several is None
    with pytest.raises(UserError, match="There is no column 'hight'.* Did you mean 'height'"):
        ta.make_task(frame, ["hight", "width"])


def test_class_labels_of_the_hub():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"a": datasets.Value("float32"), "tags": datasets.List(datasets.ClassLabel(names=["dull", "bright"]))}
    )
    rows = {"a": np.arange(20.0), "tags": [[row % 2] if row % 3 else [] for row in range(20)]}
    task = ta.make_task(datasets.Dataset.from_dict(rows, features=features))
    assert task.several == Outputs(("bright", "dull"), listed=True)
    assert task.target[:3].tolist() == [[0, 0], [1, 0], [0, 1]]


def test_rows_that_lack_a_target_are_left_out_and_counted(frame):
    frame.loc[3:4, "height"], frame.loc[4:6, "width"] = np.nan, None
    task = made(frame, ["height", "width"])
    assert task.rows == 36
    assert "4 rows that lack a target ('height' in 2, 'width' in 3) were left out." in task.notes[0]
    frame.loc[0, "tags"] = None
    assert made(frame, "tags").rows == 39


@pytest.mark.parametrize(
    ("targets", "options", "message"),
    [
        (
            ["height", "word"],
            {},
            "different kinds: 'height' numeric, 'word' category.*recommend for each",
        ),
        (["word", "when"], {}, "'word', 'when' are of kind category.*get_dummies"),
        (["height", "red"], {"problem": "classification"}, "'height' hold other values than 0 and 1"),
        (["height", "same"], {}, "without variation: 'same'"),
        ("tags", {"problem": "regression"}, "lists of labels, so it cannot be problem='regression'"),
        ("height", {"problem": "multilabel"}, "is for several outputs, and target 'height' is one column"),
        (["height", "odd"], {}, "Target 'odd' holds numbers, but 'n/k' in 1 rows"),
        (["height", "vast"], {}, "infinite"),
    ],
)
def test_what_cannot_be_learned_together_is_refused(frame, targets, options, message):
    frame = frame.assign(when=["p", "q"] * 20, same=3.0, vast=[np.inf, *range(39)])
    frame["odd"] = ["n/k", *map(str, range(39))]
    with pytest.raises(UserError, match=message):
        made(frame, targets, **options)


def test_a_label_that_never_varies_is_kept_and_said(frame):
    task = made(frame.assign(rare=0), ["red", "rare"])
    assert task.outputs == 2 and any("'rare'" in note and "tell nothing" in note for note in task.notes)
    assert [one.target_name for one in alone(task)] == ["red"]
    with pytest.raises(UserError, match="without variation"):
        made(frame.assign(rare=0, never=0), ["never", "rare"])


def test_too_many_outputs_are_refused():
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(12, MOST_OUTPUTS + 1)))
    with pytest.raises(UserError, match="1001 target columns, and at most 1000"):
        read_targets(wide)


def test_the_digest_is_of_the_columns_in_their_order(frame):
    task = made(frame, ["height", "width"])
    assert task.digest == made(frame.iloc[::-1], ["height", "width"]).digest
    assert task.digest != made(frame, ["width", "height"]).digest
    assert len(set(task.row_hashes.tolist())) == 40


def test_answers_that_are_no_answers_are_missing():
    outputs = Outputs(("red", "round"), listed=True)
    found = matrix_of(outputs, "multilabel", pd.Series([["red"], None, ["blue"], []]))
    np.testing.assert_array_equal(found, [[1, 0], [np.nan] * 2, [np.nan] * 2, [0, 0]])
    with pytest.raises(UserError, match="3 columns, and the task has 2 outputs"):
        matrix_of(outputs, "multilabel", np.zeros((4, 3)))


def test_meta_features_are_the_mean_over_the_outputs(frame):
    task = made(frame, ["red", "round"])
    each = [ta.meta_features(one) for one in alone(task)]
    found = ta.meta_features(task)
    assert [one.problem for one in alone(task)] == ["classification"] * 2
    assert found["class_share_max"] == np.mean([one["class_share_max"] for one in each])
    assert each[0]["class_share_max"] != each[1]["class_share_max"]
    assert found["is_classification"] == 1


def test_groups_and_times_split_several_outputs(frame):
    task, groups = made(frame, ["height", "width"]), np.repeat(np.arange(8), 5)
    for part in splits(task, 0, 3, groups=groups):
        assert not set(groups[part.train]) & set(groups[part.validation])
    [part] = splits(task, 0, 1, time=np.arange(40))
    assert part.validation.tolist() == list(range(32, 40))
