"""The blocks of series: the contract, hard cases, damaged files."""

import numpy as np
import pytest

import taskaware as ta
from taskaware.modalities.cache import forget
from taskaware.modalities.series.blocks import RAW, SeriesBlocks, raw_features
from taskaware.modalities.series.data import Batch, batches
from taskaware.modalities.series.features import FEATURES
from taskaware.modalities.series.modality import SERIES
from taskaware.modalities.series.resampling import resampled
from taskaware.modalities.series.spectrum import spectrum
from taskaware.testing.modality_contract import CHECKS


def ragged(rows=44, channels=2, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(channels, n)).cumsum(1) for n in rng.integers(5, 90, rows)]


def data_of(values):
    return SERIES.parse(values, column="wave").data


def task():
    return ta.make_task((ragged(channels=1), ["a", "b"] * 22))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(task)


HARD = {
    "one row": [[1.0, 2, 3]],
    "one sample": [[1.0], [2.0], [3.0]],
    "nothing": [None, None],
    "constant": [np.ones(20), np.ones(20), np.full(20, 7.0)],
    "large": [np.arange(9) * 1e99, np.ones(9), -np.ones(12) * 1e99],
    "small": [np.arange(9) * 1e-99, np.ones(9) * 1e-300, np.zeros(12)],
    "missing": [[[1, None, 2], [None] * 3], [[None, 5, 6, 7], [1, 2]], None],
    "many channels": list(np.random.default_rng(0).normal(size=(4, 70, 6))),
}


@pytest.mark.parametrize("values", HARD.values(), ids=HARD)
def test_hard_rows_have_finite_blocks_and_features(values):
    data = data_of(values)
    for fitted in (np.arange(data.rows), np.array([data.rows - 1])):
        blocks = SERIES.fit_blocks(data, fitted)
        for name, matrix in blocks.transform(data).items():
            assert matrix.shape == (data.rows, blocks.widths[name]) and matrix.dtype == np.float32
            assert np.isfinite(matrix).all() and 0 < matrix.shape[1] <= 256, name
    found = SERIES.own_features(data)
    for feature in FEATURES:
        assert feature.low <= found[feature.name] <= feature.high, feature.name


def test_a_missing_row_is_the_mean_and_a_missing_channel_moves_no_other():
    values = [*ragged(), None]
    data = data_of(values)
    blocks = SERIES.fit_blocks(data, np.arange(44))
    assert all(not matrix[-1].any() for matrix in blocks.transform(data).values())
    both, one = (
        data_of([values[0]]),
        data_of([np.vstack([values[0][0], np.full(values[0].shape[1], np.nan)])]),
    )
    first, second = (raw_features(each, "spectrum", np.arange(1))[0] for each in (both, one))
    assert np.isnan(second[36:]).all()
    np.testing.assert_array_equal(first[:36], second[:36])


def test_columns_have_mean_0_and_spread_1_on_training_rows():
    data = data_of(ragged(rows=120, channels=1))
    for name, matrix in SERIES.fit_blocks(data, np.arange(120)).transform(data).items():
        assert abs(matrix.mean()) < 0.1, name
        assert 0.8 < np.sqrt((matrix**2).mean()) < 1.1, name


def test_order_of_training_rows_and_memory_change_nothing():
    data = data_of(ragged())
    first = SERIES.fit_blocks(data, np.arange(44))
    kept = first.transform(data)
    forget()
    second = SERIES.fit_blocks(data, np.random.default_rng(1).permutation(44))
    for name, array in first.to_arrays().items():
        np.testing.assert_array_equal(second.to_arrays()[name], array)
    for name, matrix in second.transform(data).items():
        np.testing.assert_allclose(matrix, kept[name], rtol=1e-5, atol=1e-6)


def test_padding_changes_no_feature():
    short = data_of([ragged()[0]])
    (batch,) = batches(short, np.arange(1))
    longer = batch._replace(values=np.pad(batch.values, [(0, 0), (0, 0), (0, 9)]))
    for name in ("summary", "resampled"):
        alone = raw_features(short, name, np.arange(1))
        np.testing.assert_allclose(RAW[name](longer), alone, rtol=1e-9, atol=1e-12)


def test_damaged_arrays_are_refused():
    arrays = SERIES.fit_blocks(data_of(ragged()), np.arange(44)).to_arrays()
    damaged = {
        "channels": np.array(3),
        "summary.mean": arrays["summary.mean"][:-1],
        "spectrum.std": -arrays["spectrum.std"],
        "resampled.unit": np.full_like(arrays["resampled.unit"], np.nan),
        "convolutions.biases": np.full_like(arrays["convolutions.biases"], np.inf),
        "convolutions.length": np.array(10**9),
        "convolutions.chosen": np.zeros_like(arrays["convolutions.chosen"]),
        "convolutions.components": arrays["convolutions.components"][:-1],
        "convolutions.channel_std": np.zeros(2),
    }
    for name, array in damaged.items():
        for changed in ({**arrays, name: array}, {key: each for key, each in arrays.items() if key != name}):
            with pytest.raises(ValueError, match=r"\w"):
                SeriesBlocks.from_arrays(changed)


def test_a_wave_has_its_frequency():
    time = np.arange(100) / 100
    batch = Batch(
        np.arange(1), np.sin(2 * np.pi * 7 * time)[None, None], np.array([100]), np.zeros((1, 1), bool)
    )
    bands = spectrum(batch)[0][:12]
    assert bands.argmax() == 6 and bands[6] > -0.01
    np.testing.assert_allclose(resampled(batch, 100), batch.values)


def test_a_reader_of_other_channels_does_not_fit_the_blocks():
    data, other = data_of(ragged()), data_of(ragged(channels=1))
    blocks = SERIES.fit_blocks(data, np.arange(44))
    SERIES.check_saved(SERIES.reader(data, "wave"), blocks)
    with pytest.raises(ValueError, match="other channels"):
        SERIES.check_saved(SERIES.reader(other, "wave"), blocks)
