"""The forms in which users have sounds: files, their bytes, and arrays with a sampling rate."""

import numbers
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from taskaware.errors import UserError, quoted
from taskaware.modalities.audio.decode import ENDINGS, Decoded, decode, in_floats, is_sound
from taskaware.modalities.audio.limits import Limits

LOOKED_AT = 64
"""Values of a column that decide whether it holds sounds."""
LONGEST_PATH = 4096
KEYS = {"bytes", "path", "array", "sampling_rate"}
"""Of a dict that is a sound; one with others is a row of a table."""
LOUDEST = 1e6
"""Largest sample of an array."""


def missing(value: object) -> bool:
    """Whether a value says that there is no sound: None, NaN, or a Hugging Face dict without content."""
    if isinstance(value, Mapping):
        content = [value.get(name) for name in ("bytes", "path", "array")]
        return bool(value) and all(part is None for part in content) and _is_form(value)
    # What pandas writes for a missing value is known by its type, so that pandas need not be here.
    return value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and value != value)


def looks_like_sound(value: object, *, on_disk: bool) -> bool:
    """Whether a value is a sound, at a glance.

    Args:
        value: that is not missing.
        on_disk: whether a path counts only if the file is there.
    """
    if isinstance(value, bytes):
        return is_sound(value[:12])
    if isinstance(value, str | os.PathLike):
        return _is_path(value) and (not on_disk or Path(value).is_file())
    if isinstance(value, Mapping):
        return _is_form(value) and _looks(value, on_disk=on_disk)
    return _is_pair(value) or hasattr(value, "get_all_samples")


def are_sounds(values: Sequence, *, on_disk: bool) -> bool:
    """Whether most of the first values are sounds; damaged ones among them are for `read_one` to name.

    Args:
        values: of a column; missing ones do not count.
        on_disk: whether paths count only if at least one of the files is there.
    """
    found = []
    for value in values:
        if not missing(value):
            found.append(value)
        if len(found) == LOOKED_AT:
            break
    alike = [value for value in found if looks_like_sound(value, on_disk=False)]
    if 2 * len(alike) <= len(found):
        return False
    return not on_disk or any(looks_like_sound(value, on_disk=True) for value in alike)


def read_one(value: Any, limits: Limits) -> Decoded | None:
    """The samples of a value; None where it is missing.

    Raises:
        UserError: it cannot be read; says why and what to change as the end of a sentence, without the row.
    """
    if missing(value):
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        return decode(bytes(value), limits)
    if isinstance(value, str | os.PathLike):
        return decode(_path(value), limits)
    if isinstance(value, Mapping) and _is_form(value):
        return _from_dict(value, limits)
    if hasattr(value, "get_all_samples"):  # as Hugging Face's datasets decodes sounds since version 4
        decoded = value.get_all_samples()
        return _from_array(np.asarray(decoded.data), decoded.sample_rate, limits)
    if _is_pair(value):
        return _from_array(value[0], value[1], limits)
    raise UserError(
        "it is no sound. Give bytes or the path of a sound file, (array, rate), or a dict with 'bytes' and "
        "'path', or with 'array' and 'sampling_rate'"
    )


def _is_form(value: Mapping) -> bool:
    keys = set(value)
    return keys <= KEYS and ("bytes" in keys or "path" in keys or "array" in keys)


def _looks(value: Mapping, *, on_disk: bool) -> bool:
    if value.get("array") is not None:
        return "sampling_rate" in value
    if isinstance(content := value.get("bytes"), bytes):
        return is_sound(content[:12]) or _is_path(value.get("path"))
    return _is_path(path := value.get("path")) and (not on_disk or Path(str(path)).is_file())


def _from_dict(value: Mapping, limits: Limits) -> Decoded:
    if value.get("array") is not None:
        return _from_array(value["array"], value.get("sampling_rate"), limits)
    content = value.get("bytes")
    if content is None:
        return decode(_path(value.get("path")), limits)
    if not isinstance(content, bytes | bytearray | memoryview):
        raise UserError(f"its 'bytes' are {quoted(content)}. Give the bytes of a sound file")
    return decode(bytes(content), limits)


def _from_array(array: Any, rate: Any, limits: Limits) -> Decoded:
    if not isinstance(rate, numbers.Real) or isinstance(rate, bool) or not np.isfinite(float(rate)):
        raise UserError(f"its sampling rate is {quoted(rate)}. Give the samples in a second as a number")
    try:
        samples = np.asarray(array)
    except ValueError:
        samples = np.array(None)
    if samples.dtype.kind not in "fiu" or samples.ndim not in (1, 2):
        raise UserError(
            f"its array has the shape {samples.shape} and the type {samples.dtype}. Give numbers of the "
            f"shape (samples,) or (channels, samples)"
        )
    if samples.ndim == 1:
        samples = samples[:, None]
    elif samples.shape[0] <= samples.shape[1]:  # there are fewer channels than samples
        samples = samples.T
    if not samples.size:
        samples = np.zeros((0, 1), np.float32)
    limits.check(samples.shape[0], samples.shape[1], round(float(rate)))
    return Decoded(_checked(samples), round(float(rate)))


def _checked(samples: np.ndarray) -> np.ndarray:
    floats = in_floats(samples)
    odd = np.flatnonzero(~(np.abs(floats).max(axis=1, initial=0) <= LOUDEST))
    if len(odd):
        raise UserError(
            f"sample {odd[0]} is {quoted(samples[odd[0]].tolist())}. Give finite numbers, -1 to 1 by custom"
        )
    return floats


def _is_path(value: object) -> bool:
    if not isinstance(value, str | os.PathLike):
        return False
    text = os.fspath(value)
    short = isinstance(text, str) and len(text) <= LONGEST_PATH and "\n" not in text and "\0" not in text
    return short and text.lower().endswith(ENDINGS)


def _path(value: object) -> str:
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str) or not text or len(text) > LONGEST_PATH or "\0" in text:
        raise UserError("it is no path. Give the path of a sound file")
    return text


def _is_pair(value: object) -> bool:
    """Whether a value is (array, rate): numbers in a row or two, and one number."""
    if not isinstance(value, tuple) or len(value) != 2:
        return False
    array, rate = value
    real = isinstance(rate, numbers.Real) and not isinstance(rate, bool)
    return real and isinstance(array, list | np.ndarray)
