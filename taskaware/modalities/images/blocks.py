"""The blocks of images: fitted to training rows, found again by the hash of a row."""

import dataclasses
import functools
import importlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float
from threadpoolctl import threadpool_limits

from taskaware.embeddings import IMAGE_EMBEDDINGS
from taskaware.errors import UserError, warn
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.cache import CACHE, FITS
from taskaware.modalities.images import raw
from taskaware.modalities.images.patches import Dictionary, learned
from taskaware.modalities.images.pictures import Pictures
from taskaware.modalities.images.raw import Matrices, Working, raw_features
from taskaware.modalities.images.resize import squares
from taskaware.modalities.images.scaling import Scaling, fit_scaling
from taskaware.modalities.images.vision import MODELS, vision_model
from taskaware.saved import content_digest

PATCHES, MODEL = "image_patches", "vision_model"
LEARNED_FROM, DICTIONARY_FROM, AT_ONCE = 3000, 2000, 2048
"""Training images that scalings and patches are learned from, those of the lowest hashes (as good as drawn at
random); rows that are transformed at once."""


@dataclasses.dataclass(frozen=True, eq=False)
class ImageBlocks(Blocks):
    """The embeddings of images.

    Attributes:
        working: what images are made alike to.
        dictionary: of patches; None where no training row has an image.
        scalings: of each block, by name.
        model: name of the vision model; "" for none.
    """

    working: Working
    dictionary: Dictionary | None
    scalings: Mapping[str, Scaling]
    model: str = ""

    @property
    def widths(self) -> Mapping[str, int]:
        return {name: self.scalings[name].width for name in IMAGE_EMBEDDINGS if name in self.scalings}

    def transform(
        self, data: Pictures, rows: np.ndarray | None = None
    ) -> Mapping[str, Float[np.ndarray, "n width"]]:
        taken = data if rows is None else data.take(rows)
        with threadpool_limits(1, "blas"):
            key = ("image", "blocks", self.digest, taken.levels.side)
            return CACHE.rows(key, taken.row_hashes, lambda some: self._computed(taken, some))

    def to_arrays(self) -> dict[str, np.ndarray]:
        arrays = {"working": np.array(self.working, np.int64), "model": np.array(self.model)}
        for name, scaling in self.scalings.items():
            arrays |= scaling.to_arrays(name)
        if self.dictionary is not None:
            arrays |= {f"dictionary.{name}": each for name, each in vars(self.dictionary).items()}
        return arrays

    @functools.cached_property
    def digest(self) -> str:
        """64 hex digits that name what was learned."""
        return content_digest("image blocks", self.to_arrays())

    def _computed(self, data: Pictures, rows: np.ndarray) -> Matrices:
        result: Matrices = {
            name: np.zeros((len(rows), width), np.float32) for name, width in self.widths.items()
        }
        for start in range(0, len(rows), AT_ONCE):
            chunk = rows[start : start + AT_ONCE]
            chunk_data = data.take(chunk)
            there = chunk_data.present
            for name, matrix in self._raw(chunk_data).items():
                result[name][start : start + len(chunk)][there] = self.scalings[name].transform(matrix[there])
        return result

    def _raw(self, data: Pictures) -> Matrices:
        found = dict(raw_features(data, self.working))
        if self.dictionary is not None:
            found[PATCHES] = pooled(self.dictionary, data, self.working)
        if self.model:
            found[MODEL] = embedded(self.model, data)
        return found


def fit_image_blocks(data: Pictures, rows: np.ndarray) -> ImageBlocks:
    """Learn the blocks from some rows alone; the same for the same content in any order."""
    order = np.argsort(data.row_hashes[rows], kind="stable")
    ordered = np.arange(data.rows)[rows][order]
    key = ("image", data.row_hashes[ordered].tobytes(), data.levels.side, MODELS.chosen())
    return FITS.get(key, lambda: _fitted(data.take(ordered)))


def pooled(dictionary: Dictionary, data: Pictures, working: Working) -> np.ndarray:
    """The patch features of each row; zeros where an image is missing.

    Args:
        dictionary: of patches.
        data: any rows.
        working: what images are made alike to.
    """
    digest = content_digest("patches", vars(dictionary))

    def compute(rows: np.ndarray) -> Matrices:
        taken = data.take(rows)
        return raw.by_chunks(taken, working, lambda images, _: {PATCHES: dictionary.features(images)})

    what = "image", PATCHES, digest, working, data.levels.side
    return CACHE.rows(what, data.row_hashes, compute)[PATCHES]


def embedded(model: str, data: Pictures) -> np.ndarray:
    """The vectors of a vision model for each row; zeros where an image is missing."""

    def compute(rows: np.ndarray) -> Matrices:
        taken = data.take(rows)
        there = np.flatnonzero(taken.present)
        vectors = vision_model(model)([taken.pixels[row] for row in there] or [np.zeros((8, 8, 1), np.uint8)])
        result = np.zeros((len(rows), vectors.shape[1]), np.float32)
        result[there] = vectors[: len(there)]
        return {MODEL: result}

    return CACHE.rows(("image", MODEL, model, data.levels.side), data.row_hashes, compute)[MODEL]


def _fitted(train: Pictures) -> ImageBlocks:
    working, model = raw.working_of(train), _usable_model()
    present = train.take(np.flatnonzero(train.present)[:LEARNED_FROM])
    # Its products come from a library of their own, which the limit only sees when it is loaded.
    importlib.import_module("sklearn.utils.extmath")
    with threadpool_limits(1, "blas"):
        blocks = ImageBlocks(working, _dictionary(present, working), {}, model)
        found = blocks._raw(present)
        with ThreadPoolExecutor(raw.threads()) as pool:
            scalings = dict(zip(found, pool.map(fit_scaling, found.values()), strict=True))
    return dataclasses.replace(blocks, scalings=scalings)


def _dictionary(present: Pictures, working: Working) -> Dictionary | None:
    if not present.rows:
        return None
    return learned(squares(present.pixels[:DICTIONARY_FROM], *working))


def _usable_model() -> str:
    """The model that is set, if it can be loaded; a warning says why not."""
    name = MODELS.chosen() or ""
    try:
        if name:
            vision_model(name)
        return name
    except UserError as error:
        warn(f"{error} Its block is left out.")
        return ""
