"""Sound files → samples: WAV through the standard library, what it cannot read through soundfile."""

import contextlib
import importlib
import io
import os
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from taskaware.errors import UserError
from taskaware.modalities.audio.limits import Limits

INSTALL = "pip install 'taskaware[audio]'"
ENDINGS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".caf")
"""Of the names of sound files, in lower case."""

_STARTS = (b"fLaC", b"OggS", b"ID3", b".snd", b"caff")


class Decoded(NamedTuple):
    """One sound, as it was given.

    Attributes:
        samples: (T, C) float32, in -1 to 1 where a file says so.
        rate: samples a second.
    """

    samples: np.ndarray
    rate: int


def is_sound(start: bytes) -> bool:
    """Whether a file that starts so (its first 12 bytes) is a sound, by its magic number.

    >>> is_sound(b"RIFF\\x24\\x00\\x00\\x00WAVE"), is_sound(b"\\x89PNG\\r\\n\\x1a\\n")
    (True, False)
    """
    if start[:4] in (b"RIFF", b"RF64", b"FORM"):
        return start[8:12] in (b"WAVE", b"AIFF", b"AIFC")
    mpeg = len(start) > 1 and start[0] == 0xFF and start[1] & 0xE6 == 0xE2  # the third layer, which is MP3
    return start.startswith(_STARTS) or mpeg


def has_soundfile() -> bool:
    """Whether the optional package is installed, with the library that it needs."""
    try:
        importlib.import_module("soundfile")
    except (ImportError, OSError):
        return False
    return True


def decode(source: bytes | str | os.PathLike, limits: Limits) -> Decoded:
    """The samples of a sound file.

    Args:
        source: the bytes of the file, or its path.
        limits: that are checked before anything is unpacked.

    Raises:
        UserError: it cannot be read; says why and what to change as the end of a sentence, without the row.
    """
    if not isinstance(source, bytes):
        _check_file(Path(source))
    try:
        return _decoded(source, limits)
    except OSError as error:
        raise UserError(f"{error.strerror or error}. Check the file") from error


def _decoded(source: bytes | str | os.PathLike, limits: Limits) -> Decoded:
    with _opened(source) as file:
        start = file.read(12)
        if start[:4] == b"RIFF" and start[8:] == b"WAVE":
            with contextlib.suppress(wave.Error, EOFError):
                return _by_wave(file, limits)
        file.seek(0)
        if has_soundfile():
            return _by_soundfile(file, limits)
    if is_sound(start):
        raise UserError(f"its format is read by soundfile, which is not installed. Run: {INSTALL}")
    raise UserError("it is no sound that can be read. Drop it, or save it anew as a WAV file")


def _check_file(path: Path) -> None:
    if not path.exists():
        raise UserError("there is no such file. Check the path, and the folder it starts from")
    if not path.is_file():
        raise UserError("it is no file. Give the path of a sound file")


@contextlib.contextmanager
def _opened(source: bytes | str | os.PathLike) -> Iterator[IO[bytes]]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    else:
        with Path(source).open("rb") as file:
            yield file


def _by_soundfile(opened: IO[bytes], limits: Limits) -> Decoded:
    import soundfile

    try:
        with soundfile.SoundFile(opened) as file:
            limits.check(max(file.frames, 0), file.channels, file.samplerate)
            samples, rate = file.read(dtype="float32", always_2d=True), file.samplerate
    except (soundfile.SoundFileError, TypeError) as error:
        reason = str(getattr(error, "error_string", "") or error).rstrip(".")
        raise UserError(f"it is no sound that can be read ({reason}). Drop it, or save it anew") from error
    if not np.isfinite(samples).all():  # files may hold floats
        raise UserError("it holds samples that are not finite. Drop it, or save it anew")
    return Decoded(samples, rate)


_BYTES = {1: "u1", 2: "<i2", 4: "<i4"}


def _by_wave(opened: IO[bytes], limits: Limits) -> Decoded:
    """PCM samples of 8, 16, 24 and 32 bits; wave.Error where there are others."""
    size = opened.seek(0, io.SEEK_END)
    opened.seek(0)
    with wave.open(opened, "rb") as file:
        width, channels = file.getsampwidth(), file.getnchannels()
        frames = min(file.getnframes(), size // (width * channels))  # the header of a stream says too much
        limits.check(frames, channels, file.getframerate())
        return Decoded(_pcm(file.readframes(frames), width, channels), file.getframerate())


def _pcm(read: bytes, width: int, channels: int) -> np.ndarray:
    read = read[: len(read) // (width * channels) * width * channels]
    if width == 3:  # as the upper three bytes of four
        wide = np.zeros((len(read) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(read, np.uint8).reshape(-1, 3)
        values = wide.view("<i4")[:, 0]
    elif width in _BYTES:
        values = np.frombuffer(read, _BYTES[width])
    else:
        raise wave.Error(f"{8 * width} bits a sample")
    return in_floats(values).reshape(-1, channels)


def in_floats(values: np.ndarray) -> np.ndarray:
    """Whole numbers as float32 in -1 to 1, by the range of their type; numbers of other types as float32.

    Whole numbers of 64 bits are taken as those of 16 where all are in that range, else as those of 32.
    """
    if values.dtype.kind not in "iu":
        return values.astype(np.float32)
    if values.dtype.itemsize == 8:
        small = not values.size or max(-int(values.min()), int(values.max())) <= 1 << 15
        return (values / (1 << (15 if small else 31))).astype(np.float32)
    half = 1 << (8 * values.dtype.itemsize - 1)
    offset = half if values.dtype.kind == "u" else 0
    return ((values.astype(np.float64) - offset) / half).astype(np.float32)
