import numpy as np
import pandas as pd
import pytest

from taskaware.data.files import read_file
from taskaware.errors import UserError

WHOLE = r"""% a comment
@RELATION 'two words'
@attribute "sepal length" NUMERIC
@Attribute 'it\'s' {a, 'b c', "d"}
@attribute note string
@attribute day date "yyyy-MM-dd HH:mm"
@attribute code {1, 2}

@DATA
1.5, a, 'hello, world', "2020-01-31 10:30", 1
% between
?, 'b c', "it's", ?, ?
-2e1,d,?,"2020-02-01 00:00",2
?,?,?,?,?
"""


def written(tmp_path, text):
    path = tmp_path / "a.arff"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_a_dense_file_may_hold(tmp_path):
    frame = read_file(written(tmp_path, WHOLE))
    assert frame.columns.tolist() == ["sepal length", "it's", "note", "day", "code"]
    np.testing.assert_array_equal(frame["sepal length"], [1.5, np.nan, -20, np.nan])
    assert frame["it's"].tolist()[:3] == ["a", "b c", "d"]
    assert frame["it's"].cat.categories.tolist() == ["a", "b c", "d"]
    assert frame["note"].tolist()[:2] == ["hello, world", "it's"]
    assert frame["note"].isna().tolist() == [False, False, True, True]
    assert frame.iloc[3].isna().all()
    assert frame["day"].iloc[0] == pd.Timestamp("2020-01-31 10:30")
    assert frame["code"].astype(object).tolist()[:3:2] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@relation x\n@attribute a numeric\n", "no line '@data'"),
        ("@attribute a numeric\n@data\n1\nx\n", "line 4: 'x' is no value of 'a'"),
        ("@attribute a {u, v}\n@data\nw\n", "line 3: 'w' is no value of 'a'"),
        ("@attribute a numeric\n@data\n1,2\n", "line 3: 2 values for 1 attributes"),
        ("@attribute a numeric\n@data\n{0 1}\n", "line 3: sparse"),
        ("@attribute a relational\n@data\n1\n", "'a' is 'relational'. Allowed: numeric"),
        ("@attribute a numeric\n@attribute a numeric\n@data\n", "line 2"),
        ("@attribute a\n@data\n", "line 1"),
    ],
)
def test_refuses_and_names_the_line(tmp_path, text, words):
    with pytest.raises(UserError, match=words):
        read_file(written(tmp_path, text))


def test_a_header_alone_has_no_rows(tmp_path):
    frame = read_file(written(tmp_path, "@attribute a numeric\n@attribute b {x}\n@data\n"))
    assert frame.shape == (0, 2)
