"""One value of any form → its pixels, by Pillow where it is a file; nothing in a file is executed."""

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from taskaware.errors import UserError, quoted
from taskaware.modalities.images.forms import CHANNELS, is_missing, is_pil

INSTALL = "pip install 'taskaware[images]'"
SETTING = "TASKAWARE_MOST_PIXELS"
MOST_PIXELS = 64_000_000
"""Pixels that one image may have; the environment's $TASKAWARE_MOST_PIXELS replaces it."""

FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF")
"""Formats of Pillow that are read. EPS is not among them: Pillow starts Ghostscript for it."""

DEEP = "deep"
ORIENTATION = 0x0112


class Unreadable(Exception):
    """Why a value is not an image, as the end of a sentence, and what to change."""

    def __init__(self, why: str, mend: str):
        super().__init__(why)
        self.why, self.mend = why, mend


class Opened(NamedTuple):
    """Pixels as they are stored.

    Attributes:
        pixels: (height, width, 1, 3 or 4), numbers of any type.
        source: "file" (0 to 255), "deep" (a file with up to 65535) or "array" (of any scale).
        first_channel: whether the channels were the first axis of an array.
        frames: images in the file, of which the first is read.
    """

    pixels: np.ndarray
    source: str
    first_channel: bool = False
    frames: int = 1


def most_pixels() -> int:
    """The largest number of pixels that one image may have."""
    text = os.environ.get(SETTING, "")
    return int(text) if text.isdecimal() else MOST_PIXELS


def opened(value: Any, folder: str | os.PathLike | None = None) -> Opened | None:
    """The pixels of a value; None where it is missing.

    Args:
        value: array, nested list, Pillow image, bytes, path, or {"bytes": , "path": }.
        folder: that relative paths start from; by default the current one.

    Raises:
        Unreadable: it is no image.
    """
    if is_missing(value):
        return None
    if isinstance(value, dict):
        data = value.get("bytes")
        return opened(value.get("path") if data is None else data, folder)
    if is_pil(value):
        return _of_pillow(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _of_file(io.BytesIO(value))
    if isinstance(value, str | os.PathLike):
        return _of_path(value, folder)
    return of_array(value)


@contextlib.contextmanager
def own_limit() -> Iterator[None]:
    """Inside, `most_pixels` takes the place of Pillow's own limit and of its warnings.

    Without Pillow nothing is done: arrays need none.
    """
    image = None
    with contextlib.suppress(UserError):
        image = _pillow()
    if image is None:
        yield
        return
    before, image.MAX_IMAGE_PIXELS = image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="PIL")
            yield
    finally:
        image.MAX_IMAGE_PIXELS = before


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise UserError(f"Image files need Pillow. Install it: {INSTALL}") from error
    return Image


def _of_path(value: str | os.PathLike, folder: str | os.PathLike | None) -> Opened:
    path = Path(folder or "", value)
    _pillow()  # its absence is no fault of the file
    try:
        with path.open("rb") as file:
            return _of_file(file)
    except (FileNotFoundError, NotADirectoryError):
        where = "" if path.is_absolute() else f" in {quoted(str(Path(folder or '').absolute()))}"
        raise Unreadable(f"is not there{where}", "Correct the path, or name its folder") from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"cannot be opened ({_why(error)})", "Check the file") from error


def _of_file(file: Any) -> Opened:
    image = _pillow()
    image.init()
    try:
        found = image.open(file, formats=[name for name in FORMATS if name in image.OPEN])
    except Exception as error:  # Pillow's decoders raise a dozen kinds
        known = ", ".join(name for name in FORMATS if name not in ("MPO", "DIB"))
        mend = f"Replace it by a file that is read ({known})"
        raise Unreadable(f"is no readable image ({_why(error)})", mend) from error
    with found:
        return _of_pillow(found)


def _of_pillow(image: Any) -> Opened:
    _check_size(*image.size)
    try:
        frames = int(getattr(image, "n_frames", 1))
        pixels, deep = _stored(_upright(image))
    except Exception as error:  # a dozen kinds
        raise Unreadable(f"is damaged ({_why(error)})", "Replace it") from error
    return Opened(pixels if pixels.ndim == 3 else pixels[..., None], DEEP if deep else "file", frames=frames)


def _upright(image: Any) -> Any:
    """Turned as its EXIF orientation says."""
    if image.getexif().get(ORIENTATION, 1) == 1:
        return image
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _stored(image: Any) -> tuple[np.ndarray, bool]:
    """Pixels of a Pillow image, and whether they go up to 65535."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image)
        if not np.isfinite(values).all():
            raise ValueError("a pixel is not finite")
        return np.clip(values, 0, 65535), True
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return np.asarray(image), False
    if image.has_transparency_data:
        return np.asarray(image.convert("RGBA")), False
    grey = image.mode in ("1", "L", "LA", "La")
    return np.asarray(image.convert("L" if grey else "RGB")), False


def of_array(value: Any) -> Opened:
    """The pixels of an array or of nested lists.

    Raises:
        Unreadable: it is no image.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise Unreadable("is a list of rows that differ in length", _SHAPES) from error
    if array.dtype.kind not in "biuf":
        raise Unreadable(
            "is neither image, path nor numbers", "Give a path, bytes, a Pillow image or an array"
        )
    first = _channels_first(array)
    array = np.moveaxis(array, 0, 2) if first else array
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[2] not in CHANNELS or not array.size:
        raise Unreadable(f"is an array of shape {np.shape(value)}", _SHAPES)
    _check_size(array.shape[1], array.shape[0])
    return Opened(array, "array", first)


_SHAPES = "An image is (height, width), or (height, width, channels) with 1, 3 or 4 channels"


def _channels_first(array: np.ndarray) -> bool:
    return array.ndim == 3 and array.shape[0] in CHANNELS and min(array.shape[1:]) > max(CHANNELS)


def _check_size(width: int, height: int) -> None:
    if width * height > most_pixels():
        raise Unreadable(
            f"has {width:,} x {height:,} pixels; {most_pixels():,} are allowed",
            f"Shrink it, or set {SETTING} in the environment to more",
        )


def _why(error: Exception) -> str:
    if type(error).__name__ == "UnidentifiedImageError":
        return "its format is not known"
    return (str(error) or type(error).__name__).rstrip(".")[:120]
