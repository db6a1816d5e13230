"""A column of images in any form → `Pictures`, and what was assumed."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from taskaware.errors import UserError, quoted, warn
from taskaware.modalities.images.decode import DEEP, Opened, Unreadable, opened, own_limit
from taskaware.modalities.images.pictures import MISSING, Levels, Pictures, pixel_hash
from taskaware.modalities.single import Parsed

WHITES = (1, 16, 255, 1023, 4095, 16383, 65535)
"""Values that may be white: of shares, of 4, 8, 10, 12, 14 and 16 bits."""
THREADS = 8


class Read(NamedTuple):
    """One image that has been read.

    Attributes:
        pixels: as `Pictures` keeps them.
        size: height and width of the full image.
        hash: of the full image.
        frames: images in its file.
        first_channel: whether its channels were the first axis.
    """

    pixels: np.ndarray
    size: tuple[int, int]
    hash: int
    frames: int = 1
    first_channel: bool = False


NOTHING = Read(MISSING, (0, 0), pixel_hash(MISSING), 0)


def pictures_of(
    values: Sequence,
    *,
    column: str,
    folder: str | os.PathLike | None = None,
    white: int | None = None,
    deep_white: int | None = None,
    side: int = 64,
    first: int | None = None,
) -> Parsed:
    """The images of a column.

    Arrays of numbers share one scale: white is the smallest of `WHITES` that no value exceeds, at most 255
    for floats. Files with 16 bits a pixel share another. Files with 8 bits have white at 255. Arrays of
    another type than most may show their own scale, see `_own_whites`.

    Args:
        values: N of them: arrays, Pillow images, bytes, paths, records of bytes and path, None.
        column: its name, for messages.
        folder: that relative paths start from; by default the current one.
        white, deep_white: as the training rows had them; by default read from the values.
        side: pixels of the longer side that are kept.
        first: channels of arrays that have them first, as the training rows had them; by default read.

    Raises:
        UserError: a value cannot be read; names the row and says what to change.
    """
    found = _opened_rows(values, _Asked(column, folder, side))
    levels = Levels(
        _white(found, "array", white, column),
        _white(found, DEEP, deep_white, column),
        side,
        _first(found) if first is None else first,
    )
    own = {source: _own_whites(found, source, levels) for source in ("array", DEEP)}
    if white is not None:
        _warn_of_scale(own, column)
    done = [each if isinstance(each, Read) else _scaled(each, levels, own) for each in found]
    pictures = Pictures(
        tuple(each.pixels for each in done),
        np.array([each.size for each in done], np.int32).reshape(-1, 2),
        np.array([each.hash for each in done], np.uint64),
        levels,
    )
    return Parsed(pictures, tuple(_notes(done, levels, column)))


class _Asked(NamedTuple):
    column: str
    folder: str | os.PathLike | None
    side: int


def _opened_rows(values: Sequence, asked: _Asked) -> list[Read | Opened]:
    """Each row; an `Opened` where its scale depends on the others."""
    if isinstance(values, np.ndarray) and values.ndim > 1:
        return [_opened_row(row, value, asked) for row, value in enumerate(values)]
    threads = min(THREADS, os.cpu_count() or 1)
    with own_limit(), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda row: _opened_row(row, values[row], asked), range(len(values))))


def _opened_row(row: int, value: object, asked: _Asked) -> Read | Opened:
    try:
        found = opened(value, asked.folder)
    except Unreadable as error:
        raise UserError(
            f"Row {row} of '{asked.column}': {_shown(value)} {error.why}. {error.mend}, or drop the row."
        ) from error
    if found is None:
        return NOTHING
    return _finished(found, found.pixels, asked.side) if found.source == "file" else found


def _shown(value: object) -> str:
    """A value for a message: a path by its end, a record by its path, an array not at all."""
    if isinstance(value, dict):
        value = value.get("bytes") if value.get("bytes") is not None else value.get("path")
    if isinstance(value, str | os.PathLike):
        text = os.fspath(value)
        return quoted(text if len(text) <= 80 else f"…{text[-79:]}")
    if isinstance(value, bytes | bytearray | memoryview):
        return f"the value of {len(value):,} bytes"
    return f"the {type(value).__name__}"


def _white(found: Sequence[Read | Opened], source: str, given: int | None, column: str) -> int:
    """The value of white for the images of a source."""
    most, floats = 0.0, False
    limit = max(WHITES) if given is None else given
    for row, image in enumerate(found):
        if isinstance(image, Read) or image.source != source:
            continue
        numbers = image.pixels.dtype.kind == "f" and source != DEEP
        floats |= numbers
        high = _checked_most(image.pixels, column, row)
        top = min(limit, 255) if numbers and given is None else limit
        if given == 1 and image.pixels.dtype == np.uint8:
            top = 255
        if high > top and source != DEEP:
            raise UserError(_too_bright(row, column, high, top, given))
        most = max(most, min(high, top))
    if given is not None:
        return given
    default = max(WHITES) if source == DEEP else 255
    return next(white for white in WHITES if white >= most) if most > 0 else default


def _first(found: Sequence[Read | Opened]) -> int:
    """Channels of the arrays, where all have as many and have them first; 0 otherwise."""
    arrays = [image for image in found if isinstance(image, Opened) and image.source == "array"]
    counts = {image.pixels.shape[2] if image.first_channel else 0 for image in arrays}
    return counts.pop() if len(counts) == 1 else 0


def _own_whites(found: Sequence[Read | Opened], source: str, levels: Levels) -> dict[str, int]:
    """White of the types of numbers that have their own, by kind of type: "f" and "u1".

    Floats up to 1 with fractions among them are shares where white is above 1: most programs divide images
    by 255. Numbers of 8 bits have white at 255 where it is higher, or where it is 1 and one is above that.
    """
    white = levels.deep_white if source == DEEP else levels.white
    images = [image.pixels for image in found if isinstance(image, Opened) and image.source == source]
    shares = [pixels for pixels in images if pixels.dtype.kind == "f"]
    bytes_ = [pixels for pixels in images if pixels.dtype == np.uint8]
    own = {}
    up_to_one = white > 1 and max((pixels.max() for pixels in shares), default=2) <= 1
    if up_to_one and any((pixels != np.rint(pixels)).any() for pixels in shares):
        own["f"] = 1
    if bytes_ and (white > 255 or (white == 1 and max(pixels.max() for pixels in bytes_) > 1)):
        own["u1"] = 255
    return own


def _warn_of_scale(own: Mapping[str, Mapping[str, int]], column: str) -> None:
    for white in {white for whites in own.values() for white in whites.values()}:
        warn(
            f"Images of '{column}' are read as numbers from 0 to {white}, by their type; the training images "
            "have another scale.",
        )


def _checked_most(pixels: np.ndarray, column: str, row: int) -> float:
    """The largest value of an image.

    Raises:
        UserError: one is negative or no finite number.
    """
    low, high = float(pixels.min()), float(pixels.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        count = int(np.sum(~np.isfinite(pixels)))
        raise UserError(
            f"Row {row} of '{column}' has {count} pixel values that are not finite. Replace or drop it."
        )
    if low < 0:
        raise UserError(
            f"Row {row} of '{column}' has the pixel value {low:g}. Allowed: 0 to 1, or 0 to 255. Shift and "
            "scale the images before, for example (x - x.min()) / (x.max() - x.min()) over all of them."
        )
    return high


def _too_bright(row: int, column: str, high: float, top: float, given: int | None) -> str:
    what = f"Row {row} of '{column}' has the pixel value {high:g}."
    if given is not None:
        return f"{what} In the training images white is {top:g}. Scale the image to 0 to {top:g}."
    return f"{what} Allowed: floats from 0 to 1 or 0 to 255, whole numbers from 0 to 65535. Scale the images."


def _scaled(image: Opened, levels: Levels, own: Mapping[str, Mapping[str, int]]) -> Read:
    """An image in the user's numbers, scaled to 0 to 255."""
    pixels = image.pixels
    kind = "f" if pixels.dtype.kind == "f" else pixels.dtype.str[1:]
    white = own[image.source].get(kind, levels.deep_white if image.source == DEEP else levels.white)
    if not (pixels.dtype == np.uint8 and white == 255):
        shares = np.minimum(pixels.astype(np.float64) / white, 1)
        pixels = np.rint(shares * 255).astype(np.uint8)
    return _finished(image, pixels, levels.side)


def _finished(image: Opened, pixels: np.ndarray, side: int) -> Read:
    pixels = _plain(pixels)
    kept = np.ascontiguousarray(shrunk_to(pixels, side))
    kept = kept.copy() if np.shares_memory(kept, image.pixels) else kept
    kept.setflags(write=False)
    return Read(kept, pixels.shape[:2], pixel_hash(pixels), image.frames, image.first_channel)


def _plain(pixels: np.ndarray) -> np.ndarray:
    """Without alpha (over white), and with one channel where all are equal."""
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:].astype(np.float32) / 255
        pixels = np.rint(pixels[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    if pixels.shape[2] == 3:
        red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
        if np.array_equal(red, green) and np.array_equal(red, blue):
            return pixels[..., :1]
    return pixels


def shrunk_to(pixels: np.ndarray, side: int) -> np.ndarray:
    """At most `side` high and wide, the proportions kept; a new pixel is the mean of its area."""
    height, width = pixels.shape[:2]
    if max(height, width) <= side:
        return pixels
    from PIL import Image

    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))
    return np.asarray(image.resize(size, Image.Resampling.BOX)).reshape(size[1], size[0], -1)


def _notes(done: Sequence[Read], levels: Levels, column: str) -> Iterator[str]:
    missing = sum(each.size == (0, 0) for each in done)
    if missing:
        yield f"{missing} of {len(done)} images of '{column}' are missing; their features are 0, the mean."
    moving = sum(each.frames > 1 for each in done)
    if moving:
        yield f"{moving} images of '{column}' have several frames; the first is read."
    if any(each.first_channel for each in done):
        yield f"Arrays of '{column}' have their channels first; they are read as (channels, height, width)."
    if levels.white not in (1, 255):
        yield f"Pixel values of '{column}' go from 0 to {levels.white}."
    if levels.deep_white != max(WHITES):
        yield f"Files of '{column}' with 16 bits a pixel go from 0 to {levels.deep_white}."
