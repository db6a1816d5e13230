"""Images as a modality."""

import os
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from taskaware.embeddings import IMAGE_EMBEDDINGS, raw_form
from taskaware.errors import quoted, unknown
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.images.blocks import ImageBlocks, fit_image_blocks
from taskaware.modalities.images.forms import (
    ENDINGS,
    accepted,
    hold_images,
    is_image,
    is_one_array,
    starts_as_image,
)
from taskaware.modalities.images.pictures import Levels, Pictures
from taskaware.modalities.images.pixels import PixelBlocks, fit_pixels, pixels_from
from taskaware.modalities.images.reading import WHITES, pictures_of
from taskaware.modalities.images.saved import image_blocks_from
from taskaware.modalities.images.vision import MODELS, SIDE
from taskaware.modalities.single import Parsed, Single, SingleReader
from taskaware.tasks.data import Data, Reader


class Images(Single):
    """Photographs and drawings, of any sizes, grey or in colour."""

    name = "image"
    embeddings = IMAGE_EMBEDDINGS
    endings = ENDINGS

    def begins(self, start: bytes) -> bool:
        return starts_as_image(start)

    def accepts(self, source: object) -> bool:
        """Whether a source is an array of images, or a list or column of single ones.

        Of arrays, `forms.are_images` tells those of images from those of series.
        """
        return accepted(source)

    def holds(self, values: Sequence) -> bool:
        """Whether the values of a column are images: arrays by their shape, paths by their ending, bytes by
        their first characters; looks at up to 50 of them."""
        return hold_images(values)

    def is_one(self, source: object, *, first: int = 0, **options) -> bool:
        """Whether a source is one image.

        Args:
            source: later rows.
            first: see `is_one_array`.
            options: that do not count.
        """
        del options
        return is_image(source) if not isinstance(source, np.ndarray) else is_one_array(source, first)

    def parse(
        self,
        values: Sequence,
        *,
        column: str,
        folder: str | os.PathLike | None = None,
        white: int | None = None,
        deep_white: int | None = None,
        side: int | None = None,
        first: int | None = None,
        **options,
    ) -> Parsed[Pictures]:
        """The images of a column; see `Single.parse`.

        Args:
            values: arrays (height, width), (height, width, 1, 3 or 4) or (1, 3 or 4, height, width), of
                numbers from 0 to 1, to 255, or (whole ones) to 65535; nested lists; Pillow images; the bytes
                of a PNG, JPEG, GIF, BMP, TIFF, WebP, PPM, JPEG 2000 or AVIF file; paths of such files;
                records {"bytes": , "path": } as Hugging Face keeps them; None.
            column: its name, for messages.
            folder: that relative paths start from; by default the current one.
            white, deep_white, side, first: see `pictures_of`; side is 224 where a vision model is set.
            options: none but these.
        """
        if options:
            raise unknown("option of images", next(iter(options)), ("folder", *Levels._fields))
        side = (SIDE if MODELS.chosen() else Levels().side) if side is None else side
        return pictures_of(
            values, column=column, folder=folder, white=white, deep_white=deep_white, side=side, first=first
        )

    def options(self, data: Data) -> Mapping[str, object]:
        return cast(Pictures, data).levels._asdict()

    def fit_blocks(self, data: Pictures, rows: np.ndarray) -> ImageBlocks:
        return fit_image_blocks(data, rows)

    def raw_blocks(self, data: Pictures, rows: np.ndarray, name: str) -> Blocks | None:
        """The pixels of images as squares.

        Args:
            data: images.
            rows: of the training part.
            name: of the block, such as "pixels_16_3".
        """
        return fit_pixels(data, rows, name) if raw_form("pixels", name) else None

    def check_saved(self, reader: Reader, blocks: Blocks) -> None:
        """Nothing, if later images can be read as the reader says; see `Modality.check_saved`."""
        given = dict(cast(SingleReader, reader).options)
        least = {"first": 0}  # models of earlier versions have none
        usable = [
            isinstance(value, int) and least.get(name, 1) <= value <= max(WHITES)
            for name, value in given.items()
        ]
        if set(least | given) != set(Levels._fields) or not all(usable):
            raise ValueError(f"images cannot be read with {quoted(given)}")

    def blocks_from(self, arrays: Mapping[str, np.ndarray]) -> ImageBlocks | PixelBlocks:
        return pixels_from(arrays) if "spread" in arrays else image_blocks_from(arrays)


IMAGES = Images()
