"""Every form in which users have series, and what cannot be read."""

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.modalities.series.modality import SERIES
from taskaware.modalities.series.reading import MOST_SAMPLES


def read(values, **options):
    return SERIES.parse(SERIES.values_of(values), column="wave", **options)


def waves(rows=12, channels=2, samples=30):
    return np.random.default_rng(0).normal(size=(rows, channels, samples)).cumsum(2)


def test_one_content_in_several_forms_is_one_dataset():
    cube = waves()
    forms = [
        cube,
        list(cube),
        cube.tolist(),
        pd.Series(cube.tolist()),
        pd.DataFrame({"x": list(cube[:, 0]), "y": list(cube[:, 1])}),
        pd.DataFrame(
            {"x": [pd.Series(row) for row in cube[:, 0]], "y": [pd.Series(row) for row in cube[:, 1]]}
        ),
        [np.array(row, object) for row in cube.tolist()],
    ]
    for form in forms:
        assert SERIES.accepts(form), type(form)
        data = read(form).data
        assert data.digest == read(cube).data.digest
        np.testing.assert_array_equal(data.values[3], cube[3])


def test_lengths_that_differ():
    rows = [np.arange(5.0), [1, 2, 3], (4.0, 5.0)]
    longer = [np.tile(row, 4) for row in rows]
    assert SERIES.accepts(longer) and not SERIES.accepts(rows)  # rather a broken table
    data, notes = read(rows)
    assert data.lengths.tolist() == [5, 3, 2] and data.channels == 1
    assert notes == ("'wave': series have 2 to 5 samples.",)


def test_a_table_stays_a_table():
    table = waves()[:, 0]
    for source in (
        table,
        table.tolist(),
        pd.DataFrame(table),
        list("abc"),
        ["a b", "c"],
        [],
        [[1, "a"], [2]],
    ):
        assert not SERIES.accepts(source)
    assert read(table).data.values[0].shape == (1, 30)
    assert read(pd.DataFrame(table)).data.digest == read(table).data.digest


def test_images_are_no_series():
    rng = np.random.default_rng(0)
    for images in (rng.random((20, 28, 28)), rng.integers(0, 255, (20, 8, 100)).astype(np.uint8)):
        assert not SERIES.accepts(images) and not SERIES.accepts(list(images))
    assert SERIES.accepts(rng.normal(size=(20, 28, 28))) and SERIES.accepts(rng.random((20, 3, 8)))


def test_time_first_is_turned_and_so_are_later_rows():
    cube = waves(channels=3)
    data, notes = read(cube.transpose(0, 2, 1))
    assert data.digest == read(cube).data.digest and "(time, channels)" in notes[0]
    options = SERIES.options(data)
    later = SERIES.parse([np.ones((3, 3))], column="wave", **options).data
    assert later.time_first and later.values[0].shape == (3, 3)
    ragged = [np.ones((5, 3)), np.ones((7, 3))]
    assert [value.shape for value in read(ragged).data.values] == [(3, 5), (3, 7)]


def test_missing_samples_channels_and_rows():
    nan = float("nan")
    data, notes = read([[[1, None, 3], [4, 5, 6]], [[1, 2, nan], None], None, [[nan, nan], [nan, nan]]])
    assert data.lengths.tolist() == [3, 2, 0, 0]
    assert np.isnan(data.values[0][0, 1]) and np.isnan(data.values[1][1]).all()
    assert notes[0] == "'wave': 2 of 4 series are missing or without a sample."
    assert notes[-1] == "'wave': 3 missing samples are filled by straight lines."
    padded = np.array([[1.0, 2, 3, 4], [5, 6, np.nan, np.nan]])
    assert read(padded).data.lengths.tolist() == [4, 2]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[1, 2], "1, 2"], "Row 1 of 'wave' is '1, 2', no series"),
        ([[1, 2], 7], "Row 1 of 'wave' is 7"),
        ([[1, 2], ["a", "b"]], "Row 1 of 'wave'"),
        ([[1, 2], {"a": 1}], "Row 1 of 'wave'"),
        ([[1, 2, 3], [1, np.inf, 2]], "Row 1 of 'wave' holds inf at sample 1"),
        ([[1, 2, 3], [1, 1e200]], "Row 1 of 'wave' holds 1e\\+200 at sample 1"),
        ([[[1, 2, 3], [3, 4, 5]]] * 3 + [[[1, 2, 3]]], "Row 3 of 'wave' has 1 channel; the others have 2"),
        ([np.zeros((2, 2, 2))], "Row 0 of 'wave'.*3 axes"),
        ([np.array([1 + 2j, 3])], "Row 0 of 'wave'"),
    ],
)
def test_what_cannot_be_read_names_the_row(values, words):
    with pytest.raises(ta.UserError, match=words):
        read(values)


def test_a_limit_on_samples(monkeypatch):
    monkeypatch.setenv(MOST_SAMPLES, "100")
    with pytest.raises(ta.UserError, match=f"Row 1 of 'wave' has 101 samples; at most 100.*{MOST_SAMPLES}"):
        read([np.zeros(100), np.zeros(101)])


def test_later_rows_of_other_channels_are_refused():
    reader = SERIES.reader(read(waves()).data, "wave")
    again = SERIES.reader_from(reader.to_dict())
    assert again.read(waves()[:2]).rows == 2
    with pytest.raises(ta.UserError, match="Row 0 of 'wave' has 3 channels; the others have 2"):
        again.read(waves(channels=3))


def test_a_frame_with_words_is_refused():
    with pytest.raises(ta.UserError, match="Column 'label' holds no numbers"):
        SERIES.values_of(pd.DataFrame({"0": [1.0, 2], "label": ["a", "b"]}))


def test_columns_of_series_and_others():
    rng = np.random.default_rng(0)
    smooth = rng.normal(size=(20, 64)).cumsum(1)
    holds = SERIES.holds
    assert holds(smooth.tolist()) and holds([None, *smooth]) and holds([[1.0, 2], [3.0, 4, 5]])
    assert holds(rng.normal(size=(20, 12)).tolist())
    for other in (rng.normal(size=(20, 64)).tolist(), [[1.0, 2], [3.0, 4]], [1.0, 2], ["a b"], [None], [[5]]):
        assert not holds(other)


def test_values_are_immutable():
    with pytest.raises(ValueError, match="read-only"):
        read(waves()).data.values[0][0, 0] = 1.0
