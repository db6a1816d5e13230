import datetime
import decimal
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaware.data.schema import Field, Schema
from taskaware.errors import CheckpointError, UserError

DAY = datetime.date(2024, 2, 29)


def kind(values, dtype=None) -> str:
    return Schema.infer(pd.DataFrame({"c": pd.Series(values, dtype=dtype)})).fields[0].kind


def column(values, dtype=None):
    frame = pd.DataFrame({"c": pd.Series(values, dtype=dtype)})
    return Schema.infer(frame).apply(frame).columns[0]


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, 2, 1], "int8", "numeric"),
        ([1.5, None], "float32", "numeric"),
        ([1, None], "Int64", "numeric"),
        ([1.5, None], "Float64", "numeric"),
        ([decimal.Decimal("1.5"), None], object, "numeric"),
        (["1", "", "NA", "?", "nan", "None", "2.5e3"], None, "numeric"),
        ([None, None], object, "numeric"),
        ([np.nan, np.nan], "float64", "numeric"),
        ([pd.Timedelta("1h"), None], None, "numeric"),
        ([True, False], "bool", "boolean"),
        ([True, None], "boolean", "boolean"),
        ([True, None, False], object, "boolean"),
        (["a", "b", "a"], "category", "category"),
        ([1, 2], "category", "category"),
        (["a", None], "string", "category"),
        ([1, "a", 2.5, None], object, "category"),
        (["1", "2", "many"], None, "category"),
        ([f"row number {i}" for i in range(20)], None, "text"),
        (["word" * 10 + str(i) for i in range(20)], None, "text"),
        ([f"id{i}" for i in range(20)], None, "category"),
        ([f"two words {i}" for i in range(15)] * 2, None, "category"),
        ([f"two words {i}" for i in range(20)] + ["twice"] * 8, None, "text"),
        ([pd.Timestamp("2024-01-01"), pd.NaT], None, "date"),
        ([pd.Timestamp("2024-01-01", tz="Asia/Tokyo")], None, "date"),
        ([DAY, None], object, "date"),
        (["2024-01-01", None, "2024-01-02T10:30:00Z"], None, "date"),
        (pd.period_range("2024-01", periods=3, freq="M"), None, "date"),
        (["2024-01-01", "soon", "2024-01-03"], None, "category"),
    ],
)
def test_kinds(values, dtype, expected):
    assert kind(values, dtype) == expected


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        (pa.decimal128(5, 2), [decimal.Decimal("1.5"), None], "numeric"),
        (pa.bool_(), [True, None], "boolean"),
        (pa.date32(), [DAY, None], "date"),
        (pa.timestamp("us"), [datetime.datetime(2024, 1, 1), None], "date"),
        (pa.string(), ["a", None], "category"),
        (pa.dictionary(pa.int8(), pa.string()), ["a", None], "category"),
    ],
)
def test_arrow_kinds(dtype, values, expected):
    found = column(values, pd.ArrowDtype(dtype))
    assert found.kind == expected
    assert found.missing.tolist() == [False, True]


def test_values_of_every_kind():
    frame = pd.DataFrame(
        {
            "number": ["1.5", "?", " 2 "],
            "truth": pd.Series([True, None, False], dtype=object),
            "label": [" b", "a", None],
            "when": ["1970-01-02", None, "1970-02-01T12:00:00"],
        }
    )
    table = Schema.infer(frame).apply(frame, "mine")
    assert table.name == "mine"
    assert table.names == ("number", "truth", "label", "when.days", "when.month", "when.weekday", "when.hour")
    expected = [[1.5, 1, 1, 1, 4, 0], [np.nan] * 6, [2, 0, 31.5, 2, 6, 12]]
    np.testing.assert_array_equal(table.numeric, expected)
    assert table.codes.tolist() == [[1], [0], [-1]]
    assert table.columns[2].categories == ("a", "b")
    assert [c.kind for c in table.columns] == ["numeric", "boolean", "category", "date"] + ["numeric"] * 3
    assert not any(c.values.flags.writeable for c in table.columns)


def test_zones_are_told_apart():
    frame = pd.DataFrame({"when": pd.to_datetime(["1970-01-01 09:00+09:00", "1970-01-01 10:00+09:00"])})
    table = Schema.infer(frame).apply(frame)
    np.testing.assert_allclose(table.numeric, [[0, 9], [1 / 24, 10]])
    assert table.names == ("when.days", "when.hour")


def test_other_dtypes_are_turned_into_the_kind():
    schema = Schema.infer(
        pd.DataFrame(
            {"n": [1, 2], "b": [True, False], "c": pd.Categorical([1, 2]), "d": ["2024-01-01", "2024-02-02"]}
        )
    )
    later = pd.DataFrame(
        {"d": [DAY, None], "c": [2.0, np.nan], "b": ["True", "0"], "n": pd.Series([" 7", None], dtype=object)}
    )
    table = schema.apply(later)
    assert table.names[:3] == ("n", "b", "c")
    np.testing.assert_array_equal(table.numeric[:, :2], [[7, 1], [np.nan, 0]])
    assert table.codes.tolist() == [[1], [-1]]
    assert table.columns[3].missing.tolist() == [False, True]


def test_unseen_category_is_missing_and_text_is_not():
    frame = pd.DataFrame({"c": ["a", "b"] * 10, "t": [f"some text {i}" for i in range(20)]})
    schema = Schema.infer(frame)
    table = schema.apply(pd.DataFrame({"c": ["z", "b"], "t": ["words never seen", None]}))
    assert table.codes.tolist() == [[-1, 0], [1, -1]]
    assert table.columns[1].categories == ("words never seen",)


@pytest.mark.parametrize(
    ("later", "words"),
    [
        ({"size": [1, "big"]}, ["'size'", "row 1", "'big'"]),
        ({"size": [1, np.inf]}, ["'size'", "1 infinite value (row 1)"]),
        ({"size": [np.inf, -np.inf, 1, np.inf]}, ["3 infinite values (rows 0, 1, 3)"]),
        ({"size": [np.inf] * 4}, ["4 infinite values (rows 0, 1, 2, ...)"]),
        ({"siz": [1]}, ["'size'", "'siz'", "missing"]),
        ({"size": [[1], [2]]}, ["'size'", "list", "row 0"]),
    ],
)
def test_apply_refuses(later, words):
    schema = Schema.infer(pd.DataFrame({"size": [1.0, 2.0]}))
    with pytest.raises(UserError) as caught:
        schema.apply(pd.DataFrame(later))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_columns_beyond_the_schema_are_ignored_with_a_warning():
    schema = Schema.infer(pd.DataFrame({"size": [1.0, 2.0]}))
    with pytest.warns(UserWarning, match="Column 'sise' is not among the columns of the training data"):
        table = schema.apply(pd.DataFrame({"sise": [2], "size": [1]}))
    assert table.numeric.tolist() == [[1.0]]


def test_no_rows_in_no_rows_out():
    schema = Schema.infer(pd.DataFrame({"size": [1.0, 2.0], "colour": ["red", "blue"]}))
    table = schema.apply(pd.DataFrame({"size": [], "colour": []}))
    assert (table.rows, table.numeric.shape, table.codes.shape) == (0, (0, 1), (0, 1))


def test_a_few_odd_values_are_missing_with_a_warning():
    schema = Schema.infer(pd.DataFrame({"size": [1.0, 2.0]}))
    with pytest.warns(UserWarning, match="'big' in 1 of 3 rows is read as missing"):
        table = schema.apply(pd.DataFrame({"size": [1, "big", "3"]}))
    np.testing.assert_array_equal(table.numeric[:, 0], [1, np.nan, 3])


def test_apply_refuses_what_is_no_truth_and_no_date():
    schema = Schema.infer(pd.DataFrame({"b": [True, False], "d": ["2024-01-01", "2024-02-02"]}))
    with pytest.raises(UserError, match="'b' is boolean, but row 1 holds '2'"):
        schema.apply(pd.DataFrame({"b": [1, 2], "d": [None, None]}))
    with pytest.raises(UserError, match="'d' holds dates, but row 0 holds '31.12.2024'"):
        schema.apply(pd.DataFrame({"b": [1], "d": ["31.12.2024"]}))


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "same name: 'a'"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "same name: '1'"),
        (pd.DataFrame(), "empty"),
        (pd.DataFrame({"a": []}), "empty"),
        (pd.DataFrame({"a": [{"x": 1}]}), "'a' holds a dict in row 0"),
        (pd.DataFrame({"a": [None, b"x"]}), "'a' holds the bytes b'x' in row 1. Decode"),
        (pd.DataFrame({"a": [1 + 2j]}), "'a' holds a complex in row 0"),
        ([[1, 2]], "DataFrame is needed"),
    ],
)
def test_infer_refuses(unchecked, frame, words):
    with pytest.raises(UserError, match=words):
        Schema.infer(frame)


def test_plain_json_and_back(unchecked):
    frame = pd.DataFrame({"n": [1, 2], "c": ["a", "b"], "d": ["2024-01-01", "2024-02-02"]})
    schema = Schema.infer(frame).ignoring(("n",))
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema
    assert schema.fields[0] == Field("n", "numeric", used=False)
    for wrong in ({}, {"fields": [{"name": "a"}]}, {"fields": [{"name": "a", "kind": "colour"}]}, []):
        with pytest.raises(CheckpointError):
            Schema.from_dict(wrong)


def test_ignored_column_may_be_there_or_not():
    schema = Schema.infer(pd.DataFrame({"a": [1, 2], "b": [1, 1]})).ignoring(("b",))
    assert schema.apply(pd.DataFrame({"a": [1], "b": ["odd"]})).names == ("a",)
    assert schema.apply(pd.DataFrame({"a": [1]})).names == ("a",)
    assert schema.ignoring(("a",)).apply(pd.DataFrame({"b": [1]})).names == ()


def test_frame_is_left_as_it_was():
    frame = pd.DataFrame({1: [" a", "b"], "x": [1.0, 2.0]}, index=[7, 7])
    before = frame.copy(deep=True)
    Schema.infer(frame).apply(frame)
    pd.testing.assert_frame_equal(frame, before)


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-99, 99),
    st.floats(-1e9, 1e9),
    st.text("ab1 .-?", max_size=4),
    st.dates(),
)


@given(st.lists(values, min_size=1, max_size=30))
def test_any_column_reads_and_reads_again_alike(cells):
    frame = pd.DataFrame({"c": pd.Series(cells, dtype=object)})
    schema = Schema.infer(frame)
    table = schema.apply(frame)
    assert table.rows == len(cells)
    again = Schema.from_dict(schema.to_dict()).apply(frame[["c"]])
    assert again.digest == table.digest
    for found in table.columns:
        assert found.is_numeric or (found.values < len(found.categories)).all()
        assert list(found.categories) == sorted(set(found.categories))


def test_a_stray_word_among_dates_is_missing():
    days = [f"2024-01-{day:02}" for day in range(1, 31)] * 2
    table_column = column([*days, "(unknown)"])
    assert table_column.kind == "date"
    assert table_column.missing.tolist() == [False] * 60 + [True]


def test_blanks_around_labels_do_not_count():
    assert column([1, " a", "a ", None], object).categories == ("1", "a")
    assert column([" a", "a ", "b"]).categories == ("a", "b")
