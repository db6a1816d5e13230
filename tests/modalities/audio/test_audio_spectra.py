"""Spectra, cepstra and statistics of ragged frames beside plain computations of one clip or frame."""

import numpy as np
import pytest
from scipy.fft import dct

from taskaware.modalities.audio.analysis import CLIP, analyse
from taskaware.modalities.audio.ragged import Ragged
from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.audio.spectra import BANDS, FLOOR, Grid, cepstra, frames_of, mel_filters


@pytest.fixture
def ragged():
    counts = np.array([1, 7, 3, 300, 2])
    return Ragged(np.random.default_rng(0).normal(size=(counts.sum(), 4)), counts)


def each(ragged):
    return np.split(ragged.values, ragged.starts[1:])


def test_statistics_of_each_clip(ragged):
    np.testing.assert_allclose(ragged.mean, [clip.mean(0) for clip in each(ragged)])
    np.testing.assert_allclose(ragged.std, [clip.std(0) for clip in each(ragged)], atol=1e-12)
    np.testing.assert_array_equal(ragged.largest, [clip.max(0) for clip in each(ragged)])
    levels = (0.1, 0.5, 0.9)
    expected = [np.quantile(clip, levels, axis=0) for clip in each(ragged)]
    np.testing.assert_allclose(ragged.quantiles(levels), expected, atol=1e-12)


def test_parts_of_time_are_means_over_repeated_frames(ragged):
    expected = [np.repeat(clip, 3, axis=0).reshape(3, len(clip), 4).mean(1) for clip in each(ragged)]
    np.testing.assert_allclose(ragged.parts(3), expected, atol=1e-12)


def test_slopes_are_those_of_a_line_over_five_frames(ragged):
    for clip, slopes in zip(each(ragged), each(ragged.delta), strict=True):
        padded = np.pad(clip, ((2, 2), (0, 0)), mode="edge")
        expected = [np.polyfit(np.arange(-2, 3), padded[at : at + 5], 1)[0] for at in range(len(clip))]
        np.testing.assert_allclose(slopes, expected, atol=1e-12)


def test_long_clips_are_averaged(ragged):
    short = ragged.at_most(50)
    assert short.counts.tolist() == [1, 7, 3, 50, 2]
    np.testing.assert_allclose(each(short)[3], each(ragged)[3].reshape(50, 6, 4).mean(1), atol=1e-12)
    np.testing.assert_array_equal(each(short)[4], each(ragged)[4])
    assert ragged.at_most(300) is ragged


@pytest.mark.parametrize("rate", [8000, 44100])
def test_a_frame_is_a_windowed_spectrum_in_mel_bands(tone, rate):
    clips, grid = [tone(0.05, rate=rate), tone(0.1, seed=1, rate=rate)], Grid(rate)
    found = frames_of(clips, grid)
    assert found.log_mel.counts.tolist() == [5, 10]
    window = np.hanning(grid.window + 2)[1:-1]
    padded = np.pad(clips[1].astype(float), grid.window)
    at = grid.window - grid.window // 2 + 4 * grid.hop
    power = np.abs(np.fft.rfft(padded[at : at + grid.window] * window, grid.points)) ** 2 / (window @ window)
    expected = np.log(power @ mel_filters(grid) + FLOOR)
    np.testing.assert_allclose(found.log_mel.values[5 + 4], expected, rtol=1e-3, atol=1e-3)
    share = np.linspace(0, 1, len(power))
    np.testing.assert_allclose(found.shape.values[9, 1], power @ share / power.sum(), rtol=1e-4)


def test_bands_cover_the_spectrum_and_a_tone_falls_into_its_own(tone):
    for rate in (100, 8000, 16000, 48000, 384000):
        filters = mel_filters(Grid(rate))
        assert filters.shape[1] == BANDS and (filters.max(0) > 0).all() and filters.max() <= 1
    grid = Grid(8000)
    louder = frames_of([tone(0.3, 1000)], grid).log_mel.mean[0].argmax()
    assert mel_filters(grid)[round(1000 / 8000 * grid.points), louder] > 0.4


def test_cepstra_are_the_cosine_transform(tone):
    log_mel = frames_of([tone()], Grid(8000)).log_mel
    expected = dct(log_mel.values, type=2, norm="ortho", axis=1)[:, :20]
    np.testing.assert_allclose(cepstra(log_mel).values, expected)


def test_a_clip_does_not_depend_on_its_company(clips):
    sounds = Sounds.of(clips[0], 8000, [False] * 60)
    together = analyse(sounds)
    for row in (0, 31, 59):
        alone = analyse(sounds.take(np.array([row])))
        for name in ("mel", "cepstrum", "clip"):
            np.testing.assert_allclose(
                getattr(alone, name)[0], getattr(together, name)[row], rtol=1e-6, atol=1e-6
            )
        np.testing.assert_allclose(
            alone.frames.values, together.take(np.array([row])).frames.values, rtol=1e-6, atol=1e-6
        )


def test_descriptions_of_a_clip(tone):
    rate = 8000
    noise = np.random.default_rng(0).normal(size=rate).astype(np.float32) * 0.1
    half = np.concatenate([tone(0.5), np.zeros(4000, np.float32)])
    found = analyse(Sounds.of([tone(1.0, 1000), noise, half, np.zeros(0, np.float32)], rate, [False] * 4))
    tonal, noisy, halved, empty = (dict(zip(CLIP, row, strict=True)) for row in found.clip)
    assert tonal["seconds"] == 1 and empty["seconds"] == 0
    assert abs(tonal["centroid"] - 0.25) < 0.02 and abs(noisy["centroid"] - 0.5) < 0.02
    assert tonal["bandwidth"] < 0.1 < noisy["bandwidth"]
    assert abs(tonal["zero_crossings"] - 0.25) < 0.02 and abs(noisy["zero_crossings"] - 0.5) < 0.02
    assert tonal["flatness"] < 0.1 and noisy["flatness"] > 0.3
    assert tonal["silence"] == 0 and 0.4 < halved["silence"] < 0.6
    assert abs(noisy["loudness"] + 20) < 1 and abs(tonal["loudness"] - 10 * np.log10(0.3**2 / 2)) < 1
    assert halved["dynamic_range"] > 30 > tonal["dynamic_range"]
    assert abs(halved["middle"] - 0.25) < 0.03 and abs(tonal["middle"] - 0.5) < 0.03
    assert np.isfinite(found.mel).all() and np.isfinite(found.clip).all()
