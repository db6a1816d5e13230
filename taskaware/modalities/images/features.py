"""Meta-features of images: size, colour, light, edges, texture, background, duplicates."""

import dataclasses
import functools
import zlib
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from taskaware.modalities.images.colours import hsv
from taskaware.modalities.images.pictures import Pictures
from taskaware.modalities.images.resize import grey, squares
from taskaware.modalities.tables.metafeatures.feature import MetaFeature

MOST_LOOKED_AT, SIDE = 500, 32
HASLER = "Hasler & Suesstrunk 2003"
FIELD = "Field 1987"
SMITH = "Smith 1978"
SOBEL = "Sobel & Feldman 1968"
EDGE, SAME = 0.1, 4 / 255


@dataclasses.dataclass(frozen=True, eq=False)
class ImageView:
    """What the meta-features are computed from.

    Attributes:
        data: all rows.
        sizes: of the rows that have an image, (n, 2).
        sample: up to 500 of these rows, those of the lowest hashes.
    """

    data: Pictures
    sizes: np.ndarray
    sample: Pictures

    @functools.cached_property
    def images(self) -> np.ndarray:
        """The sample in colour, (m, 3, 32, 32), 0 to 1."""
        return squares(self.sample.pixels, SIDE, 3)

    @functools.cached_property
    def grey(self) -> np.ndarray:
        return grey(self.images)

    @functools.cached_property
    def edges(self) -> np.ndarray:
        """Length of the gradient at the inner pixels, by central differences, (m, 30, 30)."""
        down = self.grey[:, 2:, 1:-1] - self.grey[:, :-2, 1:-1]
        right = self.grey[:, 1:-1, 2:] - self.grey[:, 1:-1, :-2]
        return np.hypot(down, right) / 2


def own_features(data: Pictures) -> dict[str, float]:
    """Value of each of `FEATURES`, finite on any dataset; without images, those of a black pixel."""
    order = np.argsort(data.row_hashes, kind="stable")
    sample = data.take(order[data.present[order]])
    if not sample.rows:
        sample = Pictures((np.zeros((1, 1, 1), np.uint8),), np.ones((1, 2), np.int32), np.zeros(1, np.uint64))
    view = cast(Any, ImageView(data, sample.sizes, sample.take(np.arange(min(sample.rows, MOST_LOOKED_AT)))))
    return {each.name: float(np.clip(each.compute(view), each.low, each.high)) for each in FEATURES}


def _feature(
    name: str, unit: str, high: float, compute: Callable[[ImageView], float], what: str,
    low: float = 0, source: str = "taskaware",
) -> MetaFeature:  # fmt: skip
    return MetaFeature(name, unit, low, high, source, cast(Any, compute), what)


def _colourfulness(view: ImageView) -> float:
    red, green, blue = view.images.reshape(len(view.images), 3, -1).swapaxes(0, 1)
    first, second = red - green, (red + green) / 2 - blue
    spread = np.hypot(first.std(axis=1), second.std(axis=1))
    return float(np.mean(spread + 0.3 * np.hypot(first.mean(axis=1), second.mean(axis=1))))


def _saturation(view: ImageView) -> float:
    return float(hsv(view.images)[1].mean())


def _slope(view: ImageView) -> float:
    """Slope of log power over log frequency; -2 to -3 in photographs of nature, 0 in noise."""
    power = np.mean(np.abs(np.fft.fft2(view.grey - view.grey.mean(axis=(1, 2), keepdims=True))) ** 2, axis=0)
    along = np.fft.fftfreq(SIDE) * SIDE
    radius = np.rint(np.hypot(along[:, None], along)).astype(int)
    rings = np.arange(1, SIDE // 2)
    means = np.array([power[radius == ring].mean() for ring in rings])
    return float(np.polyfit(np.log(rings), np.log(means + 1e-9), 1)[0])


def _background(view: ImageView) -> float:
    """Share of pixels whose grey is the median of the border's, within 4 of 255."""
    grey_ = view.grey
    border = np.concatenate([grey_[:, 0], grey_[:, -1], grey_[:, :, 0], grey_[:, :, -1]], axis=1)
    return float(np.mean(np.abs(grey_ - np.median(border, axis=1)[:, None, None]) <= SAME))


def _compressibility(view: ImageView) -> float:
    """Bytes after zlib over bytes before, of the sample at 32 x 32."""
    data = np.rint(view.images * 255).astype(np.uint8).tobytes()
    return len(zlib.compress(data, 6)) / len(data)


def _duplicates(view: ImageView) -> float:
    hashes = view.data.row_hashes[view.data.present]
    return 1 - len(np.unique(hashes)) / len(hashes) if len(hashes) else 0.0


FEATURES = (
    _feature(
        "image_log_height", "log2 pixels", 20, lambda v: np.log2(np.median(v.sizes[:, 0])),
        "median height",
    ),
    _feature(
        "image_log_width", "log2 pixels", 20, lambda v: np.log2(np.median(v.sizes[:, 1])),
        "median width",
    ),
    _feature("image_colour_share", "share", 1, lambda v: v.sample.coloured.mean(), "images with colour"),
    _feature(
        "image_aspect", "log2", 10, lambda v: np.mean(np.log2(v.sizes[:, 0] / v.sizes[:, 1])),
        "mean of height over width", low=-10,
    ),
    _feature(
        "image_aspect_spread", "log2", 10, lambda v: np.std(np.log2(v.sizes[:, 0] / v.sizes[:, 1])),
        "spread of height over width",
    ),
    _feature(
        "image_size_spread", "log2", 20, lambda v: float(np.std(np.log2(v.sizes.prod(axis=1)))),
        "spread of the number of pixels",
    ),
    _feature("image_brightness", "share of white", 1, lambda v: v.grey.mean(), "mean grey"),
    _feature(
        "image_brightness_spread", "share of white", 0.5, lambda v: v.grey.mean(axis=(1, 2)).std(),
        "spread of the mean grey from image to image",
    ),
    _feature(
        "image_contrast", "share of white", 0.5, lambda v: v.grey.std(axis=(1, 2)).mean(),
        "spread of grey in an image",
    ),
    _feature("image_colourfulness", "share of white", 2, _colourfulness, "strength", source=HASLER),
    _feature("image_saturation", "share", 1, _saturation, "mean saturation", source=SMITH),
    _feature(
        "image_edge_density", "share", 1, lambda v: float(np.mean(v.edges > EDGE)),
        "pixels with a gradient over a tenth of white", source=SOBEL,
    ),
    _feature(
        "image_spectral_slope", "log power over log frequency", 3, _slope, "texture", low=-10, source=FIELD,
    ),
    _feature("image_background", "share", 1, _background, "pixels that equal the border"),
    _feature("image_compressibility", "share", 2, _compressibility, "size after zlib over size before"),
    _feature(
        "image_variety", "share of white", 0.5, lambda v: float(v.grey.std(axis=0).mean()),
        "spread of a pixel from image to image",
    ),
    _feature("image_duplicates", "share", 1, _duplicates, "images that occur before"),
    _feature("image_missing", "share", 1, lambda v: float(1 - v.data.present.mean()), "rows without one"),
)  # fmt: skip
"""The meta-features of images; sizes are those of the files, the rest is read at 32 x 32."""
