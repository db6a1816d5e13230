"""Small made-up images for the tests."""

import io

import numpy as np
from PIL import Image


def squares(rows=60, side=20, seed=0):
    """Noise with a bright bar that lies (class 0) or stands (class 1); (rows, side, side + 4, 3) uint8."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 120, (rows, side, side + 4, 3)).astype(np.uint8)
    target = np.arange(rows) % 2
    for row, places in enumerate(rng.integers(2, side - 4, rows)):
        bar = slice(places, places + 3)
        pixels[row][(slice(None), bar) if target[row] else bar] = (250, 200, 90)
    return pixels, np.array(["lies", "stands"])[target]


def encoded(pixels, form="PNG", mode=None, **options):
    """The bytes of a file."""
    image = Image.fromarray(pixels)
    file = io.BytesIO()
    (image.convert(mode) if mode else image).save(file, form, **options)
    return file.getvalue()
