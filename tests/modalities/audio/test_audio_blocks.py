"""The blocks of sounds: learned from training rows alone, saved, damaged, and of odd datasets."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import taskaware as ta
from taskaware.embeddings import AUDIO_EMBEDDINGS
from taskaware.modalities.audio.blocks import WIDTHS
from taskaware.modalities.audio.modality import AUDIO
from taskaware.modalities.cache import forget
from taskaware.testing.modality_contract import check_modality

RATE = 8000


def data_of(clips, rate=RATE):
    return AUDIO.parse([None if clip is None else (clip, rate) for clip in clips], column="sound").data


@pytest.fixture(scope="module")
def data(clips):
    return data_of(clips[0])


@pytest.fixture(scope="module")
def blocks(data):
    return AUDIO.fit_blocks(data, np.arange(40))


def test_contract(clips):
    values = [(clip, RATE) for clip in clips[0]]
    check_modality(lambda: ta.make_task(values, clips[1], modality="audio"))


def test_sounds_are_recognised_without_being_named(clips):
    task = ta.make_task([(clip, RATE) for clip in clips[0]], clips[1])
    assert task.modality == "audio" and task.rows == 60


def test_blocks_are_embeddings_and_scaled_on_training_rows(data, blocks):
    found = blocks.transform(data, np.arange(40))
    assert list(found) == list(AUDIO_EMBEDDINGS[:3]) and all(width <= 256 for width in blocks.widths.values())
    assert {name: blocks.widths[name] for name in WIDTHS} == WIDTHS
    for matrix in found.values():
        np.testing.assert_allclose(matrix.mean(0), 0, atol=1e-4)
        spread = matrix.std(0)
        assert ((np.abs(spread - 1) < 0.05) | (spread == 0)).all() and (spread > 0).mean() > 0.9


def test_other_rows_and_their_order_change_nothing(data, blocks):
    turned = np.random.default_rng(0).permutation(40)
    for other, rows in (
        (data.take(np.arange(40)), np.arange(40)),
        (data.take(np.append(turned, 50)), np.arange(40)),
    ):
        forget()
        again = AUDIO.fit_blocks(other, rows).to_arrays()
        for name, array in blocks.to_arrays().items():
            np.testing.assert_allclose(again[name], array, rtol=1e-6, atol=1e-6, err_msg=name)
    forget()
    fewer = AUDIO.fit_blocks(data, np.arange(30)).to_arrays()
    assert not np.array_equal(fewer["mel.mean"], blocks.to_arrays()["mel.mean"])


def test_a_row_alone_is_the_row_in_company(data, blocks):
    together = blocks.transform(data)
    for row in (0, 41, 59):
        forget()
        alone = blocks.transform(data, np.array([row]))
        for name, matrix in together.items():
            np.testing.assert_allclose(alone[name][0], matrix[row], rtol=1e-5, atol=2e-6, err_msg=name)
    assert {
        name: matrix.shape[0] for name, matrix in blocks.transform(data, np.arange(0)).items()
    } == dict.fromkeys(together, 0)


def test_blocks_tell_the_classes_apart(data, blocks, clips):
    for name, matrix in blocks.transform(data).items():
        model = LogisticRegression(max_iter=300).fit(matrix[:40], clips[1][:40])
        assert model.score(matrix[40:], clips[1][40:]) == 1, name


def test_missing_rows_are_the_mean_and_one_column_says_so(clips):
    data = data_of([*clips[0][:30], None, None])
    blocks = AUDIO.fit_blocks(data, np.arange(32))
    found = blocks.transform(data)
    for matrix in found.values():
        assert (matrix[30:, :-1] == 0).all() and np.isfinite(matrix).all()
    assert found["mel"][30, -1] > 1 > 0 > found["mel"][0, -1]
    without = AUDIO.fit_blocks(data, np.arange(30)).transform(data)
    assert (without["mel"][:, -1] == 0).all()


@pytest.mark.parametrize(
    "odd",
    [
        [None, None],
        [np.zeros(0), np.zeros(1), np.zeros((2, 0))],
        [np.zeros(4000)] * 3,
        [np.ones(3), np.zeros(2), np.full(1, 1e6)],
        [np.full(900, 1e-30)],
        [np.full(40000, 1e6), np.zeros(40000)],
    ],
    ids=["missing", "one sample", "silence", "a few samples", "faint", "loud"],
)
def test_odd_datasets_give_finite_numbers(odd):
    data = data_of(odd)
    blocks = AUDIO.fit_blocks(data, np.arange(data.rows))
    for matrix in blocks.transform(data).values():
        assert np.isfinite(matrix).all()
    assert all(np.isfinite(value) for value in AUDIO.own_features(data).values())
    AUDIO.blocks_from(blocks.to_arrays())


@pytest.mark.parametrize("rate", [100, 44100, 384000])
def test_any_sampling_rate(tone, rate):
    data = data_of([tone(0.5, rate / 10 * (1 + seed / 10), seed, rate=rate) for seed in range(6)], rate)
    for matrix in AUDIO.fit_blocks(data, np.arange(6)).transform(data).values():
        assert np.isfinite(matrix).all() and matrix.std() > 0.5


def test_saved_and_read_again(data, blocks):
    again = AUDIO.blocks_from(blocks.to_arrays())
    forget()
    found, expected = again.transform(data), blocks.transform(data)
    for name, matrix in expected.items():
        np.testing.assert_array_equal(found[name], matrix)


def test_damaged_arrays_are_refused(blocks):
    arrays = blocks.to_arrays()
    with pytest.raises(ValueError):
        AUDIO.blocks_from({})
    for name, array in arrays.items():
        with pytest.raises(ValueError):
            AUDIO.blocks_from({key: value for key, value in arrays.items() if key != name})
        for damaged in (
            array.astype(str),
            array[..., None],
            np.full_like(array, -1, dtype=array.dtype)[:0] if array.ndim else np.array(-1),
            np.full(array.shape, np.nan),
        ):
            with pytest.raises(ValueError):
                AUDIO.blocks_from({**arrays, name: damaged})
    with pytest.raises(ValueError, match="negative"):
        AUDIO.blocks_from({**arrays, "mel.scale": -arrays["mel.scale"]})


def test_reader_and_blocks_have_one_rate(data, blocks, tone):
    other = data_of([tone(rate=16000)], 16000)
    AUDIO.check_saved(AUDIO.reader(data, "sound"), blocks)
    with pytest.raises(ValueError, match="two sampling rates"):
        AUDIO.check_saved(AUDIO.reader(other, "sound"), blocks)
    with pytest.raises(ValueError, match="16000 Hz; the blocks read 8000"):
        blocks.transform(other)


def test_rows_are_computed_once(data, monkeypatch):
    from taskaware.modalities.audio import analysis

    calls = []
    monkeypatch.setattr(
        analysis, "analyse", lambda data, real=analysis.analyse: calls.append(data.rows) or real(data)
    )
    blocks = AUDIO.fit_blocks(data, np.arange(40))
    blocks.transform(data)
    blocks.transform(data, np.array([3, 3, 59]))
    assert calls == [60] and AUDIO.fit_blocks(data, np.arange(40)) is blocks
