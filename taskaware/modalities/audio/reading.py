"""Values of a column → sounds of one sampling rate, one channel each."""

import collections
import fractions
import functools
from collections.abc import Sequence

import numpy as np

from taskaware.errors import UserError, quoted
from taskaware.modalities.audio.decode import Decoded
from taskaware.modalities.audio.forms import read_one
from taskaware.modalities.audio.limits import RATES, Limits, limits
from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.single import Parsed

USUAL_RATE = 16_000
"""Of a column in which all is missing."""


def read_sounds(values: Sequence, column: str, sampling_rate: int | None = None) -> Parsed:
    """The sounds of a column.

    Several channels are mixed down to their mean. Clips of another sampling rate are resampled.

    Args:
        values: N sounds in any form that `forms.read_one` reads; None where one is missing.
        column: its name, for messages.
        sampling_rate: to read with; by default the commonest one, of several the highest.

    Raises:
        UserError: a value cannot be read; names the row and says what to change.
    """
    decoded, shown = _all(values, column), quoted(column)
    given = sampling_rate
    if given is not None and not (isinstance(given, int) and RATES[0] <= given <= RATES[1]):
        raise UserError(f"A sampling rate of {quoted(given)} is not possible. Give a whole number of Hz.")
    rates = collections.Counter(sound.rate for sound in decoded if sound is not None and len(sound.samples))
    chosen = given or max(rates, key=lambda each: (rates[each], each), default=USUAL_RATE)
    clips = _resampled(decoded, chosen, column)
    stereo = [sound is not None and sound.samples.shape[1] > 1 for sound in decoded]
    data = Sounds.of(clips, chosen, stereo)
    return Parsed(data, tuple(_notes(data, rates, shown)))


def _all(values: Sequence, column: str) -> list[Decoded | None]:
    found: list[Decoded | None] = []
    allowed = limits()
    for row, value in enumerate(values):
        try:
            sound = read_one(value, allowed)
        except UserError as error:
            raise UserError(_says(row, value, column, error)) from error
        if sound is not None:
            allowed = Limits(allowed.seconds, allowed.samples - sound.samples.size)
        found.append(sound)
    return found


def _says(row: int, value: object, column: str, error: UserError) -> str:
    if isinstance(value, dict) and isinstance(path := value.get("path"), str):
        value = path
    shown = f", {quoted(value)}," if isinstance(value, str | bytes) or hasattr(value, "__fspath__") else ""
    return f"Row {row} of {quoted(column)}{shown} cannot be read as a sound: {error}."


def _resampled(decoded: Sequence[Decoded | None], rate: int, column: str) -> list[np.ndarray]:
    most = limits()
    left, clips = most.samples, []
    for row, sound in enumerate(decoded):
        if sound is None or not len(sound.samples):
            clips.append(np.zeros(0, np.float32))
            continue
        left -= -(-len(sound.samples) * rate // sound.rate)
        if left < 0:
            raise UserError(
                f"Row {row} of {quoted(column)}: resampled to {rate:,} Hz, there are more than "
                f"{most.samples:,} samples. Give fewer clips, or set TASKAWARE_MOST_SAMPLES."
            )
        mono = sound.samples[:, 0] if sound.samples.shape[1] == 1 else sound.samples.mean(1)
        clips.append(resample(np.ascontiguousarray(mono, np.float32), sound.rate, rate))
    return clips


def resample(clip: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """A clip at another sampling rate, through a polyphase filter; float32.

    Args:
        clip: one channel.
        rate: of it.
        wanted: rate of the answer; the ratio of the two is met to one part in ten million.
    """
    if rate == wanted:
        return clip
    from scipy.signal import resample_poly

    up, down, taps = _filter(rate, wanted)
    return resample_poly(clip, up, down, window=taps).astype(np.float32)


@functools.lru_cache(maxsize=64)
def _filter(rate: int, wanted: int) -> tuple[int, int, np.ndarray]:
    from scipy.signal import firwin

    up, down = factors(rate, wanted)
    largest = max(up, down)
    return up, down, firwin(20 * largest + 1, 1 / largest, window=("kaiser", 5.0)).astype(np.float32)


def factors(rate: int, wanted: int) -> tuple[int, int]:
    """Whole numbers by which a clip's samples are multiplied, and then thinned out."""
    ratio = fractions.Fraction(wanted, rate).limit_denominator(10_000)
    return ratio.numerator, ratio.denominator


def _notes(data: Sounds, rates: collections.Counter, column: str) -> list[str]:
    notes = []
    if (stereo := int(data.stereo.sum())) > 0:
        notes.append(f"Sounds of {column} with several channels, mixed down to their mean: {stereo}.")
    others = sorted((rate, count) for rate, count in rates.items() if rate != data.rate)
    if others:
        listed = ", ".join(f"{rate} Hz: {count}" for rate, count in others[:5])
        listed += ", and others" if len(others) > 5 else ""
        count = sum(count for _, count in others)
        notes.append(f"Sounds of {column} resampled to {data.rate} Hz: {count} ({listed}).")
    if (empty := int((data.samples == 0).sum())) > 0:
        notes.append(f"Sounds of {column} that are missing or empty: {empty}; each is a row without a sound.")
    return notes
