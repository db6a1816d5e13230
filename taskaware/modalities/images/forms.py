"""Which values are images, told at a glance: by type, shape, ending or first bytes; no image is decoded."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

ENDINGS = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".ppm",
    ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif",
)  # fmt: skip
"""Endings of the files that are read."""

STARTS = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*",
    b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51",
)  # fmt: skip
LEAST_PIXELS, WIDEST, WIDEST_FLOAT, LEAST_FLOAT = 16, 4, 2, 8
LEAST_SIDE = 4
LOOKED_AT = 50
CHANNELS = (1, 3, 4)


def is_missing(value: Any) -> bool:
    """Whether a row has no image: None, NaN, an empty path, or a record of neither bytes nor path."""
    if value is None:
        return True
    if isinstance(value, dict):
        return value.get("bytes") is None and not value.get("path")
    if isinstance(value, str):
        return not value.strip()
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def starts_as_image(head: bytes) -> bool:
    """Whether the first 32 bytes of a file are those of an image.

    >>> starts_as_image(b"GIF89a..."), starts_as_image(b"RIFF....WAVE")
    (True, False)
    """
    if head[:4] == b"RIFF":
        return head[8:12] == b"WEBP"
    if head[4:8] == b"ftyp":
        return head[8:12] in (b"avif", b"avis")
    if head[:1] == b"P" and head[1:2] in b"123456" and len(head) > 2:
        return head[2:3].isspace()
    return any(head.startswith(start) for start in STARTS)


def is_image_path(value: object) -> bool:
    """Whether a text or path ends as an image file does; the file need not be there."""
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    return isinstance(text, str) and "\n" not in text and text.lower().endswith(ENDINGS)


def is_pil(value: object) -> bool:
    """Whether a value is an image of Pillow, which is not imported."""
    return any(kind.__module__ == "PIL.Image" and kind.__name__ == "Image" for kind in type(value).__mro__)


def is_image_array(array: np.ndarray) -> bool:
    """Whether one array looks like one image; see `are_images` for the rule."""
    return array.ndim in (2, 3) and _numbers(array) and are_images(array[None])


def is_one_array(array: np.ndarray, first: int = 0) -> bool:
    """Whether an array is one image, and no rows of grey ones.

    Args:
        array: with channels last; with channels first it is one image only of a kind known to have them so.
        first: channels of the training images that had them first; 0 if they had them last.

    >>> is_one_array(np.zeros((9, 8, 3))), is_one_array(np.zeros((3, 9, 8)))
    (True, False)
    >>> is_one_array(np.zeros((3, 9, 8)), first=3)
    True
    """
    if array.ndim != 3:
        return False
    if first and array.shape[0] == first and min(array.shape[1:]) > max(CHANNELS):
        return True
    return array.shape[2] in CHANNELS and min(array.shape[:2]) >= LEAST_SIDE


def are_images(array: np.ndarray) -> bool:
    """Whether an array looks like N images rather than N rows of series.

    With four axes: images where the last axis (or the second: channels first) has 1, 3 or 4 channels. With
    three axes (N, H, W) and whole numbers by type: images if they have at least 16 pixels, no value below 0
    or above 65535 and, unless they are uint8, sides of at least 4 of which none is over 4 times the other.
    With three axes and floats: images if all values are pixels (0 to 1, or whole numbers from 0 to 255) and
    the sides are at least 8, and none over twice the other; otherwise (N, C, T) is a series.
    """
    if not _numbers(array) or array.ndim not in (3, 4) or not array.size:
        return False
    if array.ndim == 4:
        return array.shape[3] in CHANNELS or array.shape[1] in CHANNELS
    short, long = sorted(array.shape[1:])
    if array.dtype in (np.uint8, np.bool_):
        return short * long >= LEAST_PIXELS
    if array.dtype.kind in "iu":
        return short >= LEAST_SIDE and long <= WIDEST * short and _within(array, 65535)
    return short >= LEAST_FLOAT and long <= WIDEST_FLOAT * short and _are_pixels(array)


def is_image(value: object) -> bool:
    """Whether one value of a column looks like an image, in any form that is read."""
    return is_image_array(value) if isinstance(value, np.ndarray) else is_image_file(value)


def is_image_file(value: object) -> bool:
    """Whether one value looks like an image file: its record, bytes or path; or like an image of Pillow."""
    if isinstance(value, dict):
        return set(value) <= {"bytes", "path"} and _is_image_record(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return starts_as_image(bytes(value[:32]))
    return is_pil(value) or is_image_path(value)


def hold_images(values: Iterable[object]) -> bool:
    """Whether a column holds images: all of some present values, spread over the column, look like one."""
    present = [value for value in values if not is_missing(value)]
    step = max(1, len(present) // LOOKED_AT)
    looked_at = present[::step][:LOOKED_AT]
    return bool(looked_at) and all(map(is_image, looked_at))


def accepted(source: object) -> bool:
    """Whether a source is images: an array of them, or a sequence or column of single ones."""
    if isinstance(source, np.ndarray) and source.ndim > 1:
        return are_images(source)
    is_column = type(source).__name__ == "Series" or isinstance(source, list | tuple)
    if isinstance(source, np.ndarray) or is_column:
        return hold_images(_some(source))
    return False


def _some(source: Any) -> Sequence:
    """The values themselves; a column of numbers is not turned into objects."""
    if getattr(source, "dtype", None) is not None and source.dtype.kind in "biufcmM":
        return ()
    return list(source)


def _is_image_record(value: dict) -> bool:
    data = value.get("bytes")
    return is_image_file(data) if data is not None else is_image_path(value.get("path"))


def _numbers(array: np.ndarray) -> bool:
    return array.dtype.kind in "biuf"


def _within(array: np.ndarray, most: float) -> bool:
    return bool(array.min() >= 0 and array.max() <= most)


def _are_pixels(array: np.ndarray) -> bool:
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 255):  # also where one is no number
        return False
    return bool(high <= 1 or (array == np.rint(array)).all())
