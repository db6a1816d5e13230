"""Vectors of a foundation model: reading, what is no table, blocks, meta-features."""

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.modalities.reading import modality_of
from taskaware.modalities.vectors.features import FEATURES, effective_rank, hubness, mean_cosine
from taskaware.modalities.vectors.modality import VECTORS
from taskaware.modalities.vectors.reading import folded, is_from_a_model
from taskaware.testing.modality_contract import CHECKS


def vectors(rows=44, width=70, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(rows, 8)) @ rng.normal(size=(8, width)) + rng.normal(size=(rows, width))).astype(
        np.float32
    )


def data_of(values, **options):
    return VECTORS.parse(VECTORS.values_of(values), column="photo", **options).data


def task():
    return ta.make_task((vectors(), ["a", "b"] * 22), modality="embedding")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(task)


def test_one_content_in_several_forms_is_one_dataset():
    matrix = vectors()
    digest = data_of(matrix).digest
    for form in (
        matrix.astype(np.float64),
        matrix.tolist(),
        list(matrix),
        pd.Series(list(matrix)),
        pd.DataFrame(matrix),
    ):
        assert data_of(form).digest == digest
    assert VECTORS.holds(matrix.tolist()) and VECTORS.holds([None, *matrix])
    assert VECTORS.accepts(pd.Series(list(matrix)))


def test_what_a_model_gives_is_told_from_a_table():
    matrix = vectors()
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    for source in (matrix, matrix.astype(np.float16), unit, unit.astype(np.float64)):
        assert VECTORS.accepts(source)
    assert modality_of(ta.make_task((unit.astype(np.float64), ["a", "b"] * 22))).name == "embedding"
    whole, scaled, gaps = matrix.copy(), matrix.copy(), matrix.copy()
    whole[:, 3] = np.round(whole[:, 3])
    scaled[:, ::2] *= 1000
    gaps[5, 7] = np.nan
    smooth = np.random.default_rng(0).normal(size=(44, 70)).astype(np.float32).cumsum(1)
    tables = (
        matrix.astype(np.float64),
        whole,
        scaled,
        gaps,
        smooth,
        np.abs(matrix),
        matrix[:, :63],
        matrix[:1],
    )
    standardised = (matrix - matrix.mean(0)) / matrix.std(0)
    for table in (*tables, standardised, matrix[:, :63], pd.DataFrame(matrix), matrix.tolist(), "a", None):
        assert not VECTORS.accepts(table)


def test_columns_of_vectors_and_others():
    smooth = np.random.default_rng(0).normal(size=(20, 64)).cumsum(1)
    whole = np.random.default_rng(0).integers(0, 9, (20, 64))
    for other in (smooth, whole, vectors(width=31), [[1.0, 2], [3.0]], ["a"], [1.0], [None], []):
        assert not VECTORS.holds(list(other))


def test_wide_tables_of_numbers_stay_tables(index, real_data):
    wide = 0
    for path in (real_data(name) for name, row in index.items() if row["modality"] == "tabular"):
        numbers = pd.read_parquet(path).select_dtypes("number").dropna(axis=1)
        wide += numbers.shape[1] >= 20
        for kind in (np.float64, np.float32):
            matrix = numbers.to_numpy(kind)
            times = -(-64 // max(matrix.shape[1], 1))
            assert not is_from_a_model(matrix), path.name
            assert not matrix.shape[1] or not is_from_a_model(np.tile(matrix, times)), path.name
    assert wide >= 5


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[1.0, 2], [1.0, np.inf]], "Row 1 of 'photo' holds inf at place 1"),
        ([[1.0, 2], [np.nan, 2.0]], "Row 1 of 'photo' holds nan at place 0"),
        (np.array([[1.0, 2], [1e30, 2.0]]), "Row 1 of 'photo' holds 1e\\+30 at place 0"),
        ([[1.0, 2], [1.0, 2], [3.0]], "Row 2 of 'photo' has 1 numbers; the others have 2"),
        ([[1.0, 2], "ab"], "Row 1 of 'photo' is 'ab', no vector"),
        ([[1.0, 2], ["a", "b"]], "Row 1 of 'photo'"),
        ([[1.0, 2], [[1.0], [2.0]]], "Row 1 of 'photo'"),
        ([None, None], "'photo' holds no vector"),
    ],
)
def test_what_cannot_be_read_names_the_row(values, words):
    with pytest.raises(ta.UserError, match=words):
        data_of(values)


def test_later_rows_of_another_width_are_refused():
    reader = VECTORS.reader_from(VECTORS.reader(data_of(vectors()), "photo").to_dict())
    assert reader.read(vectors()[:3]).rows == 3
    with pytest.raises(ta.UserError, match="Row 0 of 'photo' has 60 numbers; the others have 70"):
        reader.read(vectors(width=60))


def test_a_missing_row_is_0_in_each_block_and_counted():
    data, notes = VECTORS.parse([None, *vectors()], column="photo")
    assert notes == ("'photo': 1 of 45 vectors are missing.",)
    blocks = VECTORS.fit_blocks(data, np.arange(45))
    for name, matrix in blocks.transform(data).items():
        assert not matrix[0].any() and np.isfinite(matrix).all(), name


def test_blocks_are_what_they_are_called():
    data = data_of(vectors(rows=300))
    found = VECTORS.fit_blocks(data, np.arange(300)).transform(data)
    np.testing.assert_allclose(found["vectors"].std(0), 1, atol=0.05)
    np.testing.assert_allclose(np.cov(found["whitened"].T), np.eye(70), atol=0.05)
    twice = data_of(2 * vectors(rows=300))
    again = VECTORS.fit_blocks(data, np.arange(300)).transform(twice)["normalised"]
    np.testing.assert_allclose(again, found["normalised"], atol=1e-4)


def test_wide_vectors_are_folded_and_angles_kept():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(20, 1)) + rng.normal(size=(20, 9000))
    data, notes = VECTORS.parse(matrix, column="photo")
    assert data.matrix.shape == (20, 4096) and data.width == 9000 and "folded to 4,096" in notes[0]
    before, after = matrix @ matrix.T, folded(matrix) @ folded(matrix).T
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.95
    blocks = VECTORS.fit_blocks(data, np.arange(20))
    assert max(blocks.widths.values()) <= 256


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_few_or_equal_rows(rows):
    for matrix in (vectors(rows=rows), np.zeros((rows, 70)), np.ones((rows, 70)) * 1e18, vectors(rows, 1)):
        data = data_of(matrix)
        for block in VECTORS.fit_blocks(data, np.arange(rows)).transform(data).values():
            assert np.isfinite(block).all() and block.shape[1]
        found = VECTORS.own_features(data)
        for feature in FEATURES:
            assert feature.low <= found[feature.name] <= feature.high, feature.name


def test_meta_features_are_right_where_the_answer_is_known():
    rng = np.random.default_rng(0)
    assert effective_rank(np.vstack([np.eye(6), -np.eye(6)])) == pytest.approx(6)
    assert effective_rank(rng.normal(size=(50, 1)) * np.ones(9)) == pytest.approx(1)
    assert mean_cosine(np.ones((5, 3))) == pytest.approx(1)
    assert mean_cosine(np.vstack([np.eye(3), -np.eye(3)])) == pytest.approx(-1 / 5)
    spokes = np.vstack([np.full((1, 50), 0.3), np.eye(50)])
    assert hubness(spokes) > 2 > abs(hubness(rng.normal(size=(300, 3))))


def test_damaged_arrays_are_refused():
    arrays = VECTORS.fit_blocks(data_of(vectors()), np.arange(44)).to_arrays()
    damaged = {
        "vectors.mean": arrays["vectors.mean"][1:],
        "normalised.unit": np.zeros_like(arrays["normalised.unit"]),
        "whitened.spread": -arrays["whitened.spread"],
        "whitened.components": arrays["whitened.components"].astype(np.float64),
    }
    for name, array in damaged.items():
        for changed in ({**arrays, name: array}, {key: each for key, each in arrays.items() if key != name}):
            with pytest.raises(ValueError, match=r"\w"):
                VECTORS.blocks_from(changed)


def test_a_reader_of_another_width_does_not_fit_the_blocks():
    data, other = data_of(vectors()), data_of(vectors(width=60))
    blocks = VECTORS.fit_blocks(data, np.arange(44))
    VECTORS.check_saved(VECTORS.reader(data, "photo"), blocks)
    with pytest.raises(ValueError, match="another width"):
        VECTORS.check_saved(VECTORS.reader(other, "photo"), blocks)
