"""Made-up sounds for the tests of the modality audio."""

import io
import wave

import numpy as np
import pytest

from taskaware.modalities.cache import forget

RATE = 8000


@pytest.fixture(autouse=True)
def nothing_cached():
    forget()


@pytest.fixture(scope="session")
def tone():
    """A function that makes a tone in noise: seconds, pitch, seed, sampling rate → float32 samples."""

    def make(seconds=0.3, pitch=440.0, seed=0, rate=RATE):
        moments = np.arange(round(seconds * rate)) / rate
        noise = np.random.default_rng(seed).normal(size=len(moments))
        return (0.3 * np.sin(2 * np.pi * pitch * moments) + 0.01 * noise).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def wav():
    """A function that makes the bytes of a WAV file of 16 bits: samples (T,) or (T, C), sampling rate."""

    def make(samples, rate=RATE):
        samples = np.asarray(samples)
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
            writer.setsampwidth(2)
            writer.setframerate(rate)
            writer.writeframes((32767 * samples).astype("<i2").tobytes())
        return file.getvalue()

    return make


@pytest.fixture(scope="session")
def clips(tone):
    """Sixty tones that differ in length and pitch; the higher ones are class 1."""
    rng = np.random.default_rng(1)
    label = np.arange(60) % 2
    pitches = np.where(label, 900, 300) * rng.uniform(0.8, 1.2, 60)
    return [
        tone(seconds, pitch, seed)
        for seed, (seconds, pitch) in enumerate(zip(rng.uniform(0.05, 0.4, 60), pitches, strict=True))
    ], label
