"""Every form in which users have sounds, and every way in which one cannot be read."""

import io
import types

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.modalities.audio import decode
from taskaware.modalities.audio.modality import AUDIO
from taskaware.modalities.audio.reading import resample

soundfile = pytest.importorskip("soundfile")

RATE = 8000


def parse(values, **options):
    return AUDIO.parse(values, column="sound", **options)


def written(samples, ending, rate=RATE, subtype=None):
    """The bytes of a sound file of this format."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=ending, subtype=subtype)
    return file.getvalue()


def test_all_forms_give_the_same_clip(tone, wav, tmp_path):
    samples = tone()
    content = wav(samples)
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    decoder = types.SimpleNamespace(
        get_all_samples=lambda: types.SimpleNamespace(data=samples[None], sample_rate=RATE)
    )
    forms = [
        content,
        bytearray(content),
        str(path),
        path,
        {"bytes": content, "path": "elsewhere/a.wav"},
        {"bytes": None, "path": str(path)},
        {"array": samples, "sampling_rate": RATE},
        {"array": samples.tolist(), "sampling_rate": RATE, "path": None},
        {"path": "elsewhere/a.wav", "array": samples, "sampling_rate": RATE},
        (samples, RATE),
        ((32767 * samples).astype(np.int16), RATE),
        ((32767 * samples).astype(np.int16).tolist(), np.int64(RATE)),
        decoder,
    ]
    for form in forms:
        data = parse([form]).data
        assert data.rate == RATE
        np.testing.assert_allclose(data.clips[0], samples, atol=1e-4)


@pytest.mark.parametrize("ending", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_formats(tone, ending):
    samples = tone(0.5)
    data = parse([written(samples, ending)]).data
    assert AUDIO.holds([written(samples, ending)])
    assert abs(len(data.clips[0]) - len(samples)) < 2000 and data.rate == RATE
    assert 0.15 < data.clips[0].std() < 0.25


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_wav_is_read_as_soundfile_reads_it(tone, subtype):
    content = written(np.stack([tone(), tone(seed=1)], axis=1), "WAV", subtype=subtype)
    expected, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    data = parse([content]).data
    assert rate == data.rate and data.stereo.all()
    np.testing.assert_allclose(data.clips[0], expected.mean(1), atol=1e-7)


def test_wav_needs_no_soundfile_and_flac_says_what_to_install(tone, wav, monkeypatch):
    monkeypatch.setattr(decode, "has_soundfile", lambda: False)
    assert len(parse([wav(tone())]).data.clips[0]) == 2400
    with pytest.raises(ta.UserError, match=r"Row 1 .* pip install 'taskaware\[audio\]'"):
        parse([wav(tone()), written(tone(), "FLAC")])
    with pytest.raises(ta.UserError, match="pip install"):
        parse([written(tone(), "WAV", subtype="FLOAT")])
    with pytest.raises(ta.UserError, match="no sound that can be read"):
        parse([b"hello, this is no sound"])


def test_a_stream_whose_header_says_too_much(tone, wav):
    content = bytearray(wav(tone()))
    content[40:44] = b"\xff\xff\xff\xff"
    assert len(parse([bytes(content)]).data.clips[0]) == 2400


def test_stereo_is_mixed_down_in_both_layouts_and_reported(tone):
    left, right = tone(seed=1), tone(seed=2, pitch=700)
    pair = np.stack([left, right])
    found = parse([(pair, RATE), (pair.T, RATE), (left, RATE)])
    np.testing.assert_allclose(found.data.clips[0], (left + right) / 2, atol=1e-7)
    np.testing.assert_array_equal(found.data.clips[0], found.data.clips[1])
    assert found.data.stereo.tolist() == [True, True, False]
    assert found.notes == ("Sounds of 'sound' with several channels, mixed down to their mean: 2.",)


def test_the_commonest_rate_wins_and_others_are_resampled(tone):
    fine = (tone(rate=16000), 16000)
    found = parse([(tone(), RATE), fine, (tone(), RATE)])
    assert found.data.rate == RATE and {len(clip) for clip in found.data.clips} == {2400}
    assert found.notes == ("Sounds of 'sound' resampled to 8000 Hz: 1 (16000 Hz: 1).",)
    assert parse([(tone(), RATE), fine]).data.rate == 16000
    later = parse([fine], sampling_rate=RATE).data
    assert later.rate == RATE
    np.testing.assert_array_equal(later.clips[0], found.data.clips[1])


def test_resampling_is_scipys_and_meets_odd_ratios(tone):
    from scipy.signal import resample_poly

    samples = tone(rate=44100)
    np.testing.assert_allclose(resample(samples, 44100, 8000), resample_poly(samples, 80, 441), atol=1e-5)
    odd = resample(tone(1, 440, rate=44101), 44101, 8000)
    moments = np.arange(len(odd)) / 8000
    assert abs(len(odd) - 8000) <= 1 and np.corrcoef(odd, np.sin(2 * np.pi * 440 * moments))[0, 1] > 0.98


def test_missing_and_empty_sounds_are_rows_and_are_counted(tone, wav):
    values = [None, float("nan"), pd.NA, {"bytes": None, "path": None}, wav(np.zeros(0)), wav(tone())]
    found = parse(values)
    assert found.data.samples.tolist() == [0, 0, 0, 0, 0, 2400]
    assert found.notes == ("Sounds of 'sound' that are missing or empty: 5; each is a row without a sound.",)
    assert parse([None]).data.rate == 16000


def test_equal_content_equal_hash(tone):
    data = parse([(tone(), RATE), (tone(), RATE), (tone(seed=1), RATE)]).data
    assert data.row_hashes[0] == data.row_hashes[1] != data.row_hashes[2]
    assert data.take(np.array([2, 0])).digest == data.take(np.array([0, 2])).digest != data.digest
    with pytest.raises(ValueError, match="read-only"):
        data.clips[0][0] = 1


BAD = {
    "a number": (3.5, "is no sound. Give bytes or the path"),
    "no such file": ("gone/a.wav", "there is no such file. Check the path"),
    "a folder": (".", "it is no file"),
    "text as bytes": (b"hello, this is no sound at all", "no sound that can be read"),
    "cut off": (b"RIFF\x24\x00\x00\x00WAVEfmt ", "no sound that can be read"),
    "NaN": ((np.array([0, np.nan]), RATE), "sample 1 is"),
    "infinite": ({"array": [0.0, -np.inf], "sampling_rate": RATE}, "Give finite numbers"),
    "words": ((["a", "b"], RATE), "Give numbers of the shape"),
    "ragged": (([[1, 2], [3]], RATE), "Give numbers of the shape"),
    "three axes": ((np.zeros((2, 2, 2)), RATE), "Give numbers of the shape"),
    "many channels": ((np.zeros((40, 50)), RATE), "channels; at most 32"),
    "no rate": ({"array": [0.0, 1.0], "sampling_rate": None}, "its sampling rate is None"),
    "rate of nan": ((np.zeros(9), float("nan")), "its sampling rate is nan"),
    "rate of 0": ((np.zeros(9), 0), "allowed are 100 to"),
    "empty dict": ({}, "is no sound"),
    "bytes that are none": ({"bytes": "RIFF", "path": None}, "Give the bytes of a sound file"),
    "a path with zero": ({"bytes": None, "path": "a\0.wav"}, "it is no path"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_unreadable_sound_is_named(tone, name):
    value, message = BAD[name]
    with pytest.raises(ta.UserError, match=r"^Row 1 of 'sound'.* cannot be read as a sound: .*\.$") as error:
        parse([(tone(), RATE), value])
    assert message in str(error.value)


def test_floats_of_a_file_that_are_not_finite(tone):
    samples = tone()
    samples[5] = np.inf
    with pytest.raises(ta.UserError, match="Row 0 .*not finite"):
        parse([written(samples, "WAV", subtype="FLOAT")])


@pytest.mark.parametrize("ending", ["WAV", "FLAC"])
def test_limits_hold_before_anything_is_unpacked(tone, monkeypatch, ending):
    content = written(np.zeros(RATE * 5, np.float32), ending)
    monkeypatch.setenv("TASKAWARE_MOST_SECONDS", "4")
    with pytest.raises(ta.UserError, match="Row 0 .*lasts 5 s; 4 s are allowed.*TASKAWARE_MOST_SECONDS"):
        parse([content])
    monkeypatch.setenv("TASKAWARE_MOST_SECONDS", "5")
    monkeypatch.setenv("TASKAWARE_MOST_SAMPLES", "60000")
    with pytest.raises(ta.UserError, match="Row 1 .*more than 60,000 samples.*TASKAWARE_MOST_SAMPLES"):
        parse([content, content])
    with pytest.raises(ta.UserError, match="Row 0 .*resampled to 16,000 Hz"):
        parse([content], sampling_rate=16000)


def test_what_it_accepts_alone(tone, wav, tmp_path):
    samples = tone()
    for values in (
        [wav(samples)],
        ["a.wav", "b.MP3"],
        [None, (samples, RATE)],
        pd.Series([{"array": samples, "sampling_rate": RATE}]),
        np.array([wav(samples), None], object),
        [{"bytes": wav(samples), "path": None}],
        [wav(samples), wav(samples), b"damaged"],
    ):
        assert AUDIO.accepts(values)
    for values in (
        samples,
        [samples],
        [samples.tolist()],
        ["words", "more words"],
        "a.wav",
        [],
        [None],
        [b"\x89PNG\r\n\x1a\n"],
        [{"bytes": b"\xff\xd8\xff\xe0", "path": None}],
        [(0.5, 1.5)],
        [{"path": "a.wav", "label": "dog"}],
        pd.DataFrame({"a": ["a.wav"]}),
        5,
    ):
        assert not AUDIO.accepts(values)


def test_a_column_of_names_holds_sounds_only_if_files_are_there(wav, tone, tmp_path):
    path = tmp_path / "a.wav"
    assert not AUDIO.holds([str(path), str(path)])
    path.write_bytes(wav(tone()))
    assert AUDIO.holds([None, str(path), "gone.wav"])
    assert AUDIO.holds([{"bytes": None, "path": str(path)}])
    assert not AUDIO.holds(["a sentence that ends in .wav\nand goes on", "red"])
    assert not AUDIO.holds([None, None])


def test_the_reader_of_a_model_keeps_the_rate(tone):
    reader = AUDIO.reader(parse([(tone(), RATE)]).data, "sound")
    again = AUDIO.reader_from(reader.to_dict())
    frame = pd.DataFrame({"sound": [(tone(rate=16000), 16000)], "other": [1]})
    assert again.read(frame).rate == RATE and again.names == ("sound",)
    for options in ({}, {"sampling_rate": "8000"}, {"sampling_rate": 0}, {"sampling_rate": 8000, "x": 1}):
        with pytest.raises(ta.errors.CheckpointError, match="sampling rate"):
            AUDIO.reader_from({**reader.to_dict(), "options": options})
    with pytest.raises(ta.UserError, match="not possible"):
        parse([(tone(), RATE)], sampling_rate=-1)
