"""Names of the embeddings that spaces mix: each reads the feature block of the same name.

They stand in a room of their own because kinds of data give these blocks without JAX.
"""

import re

TABLE_EMBEDDINGS = (
    ("standardised", "robust", "quantile", "piecewise", "periodic"),
    ("one_hot", "learned"),
)

TEXT_EMBEDDINGS = (
    "word_ngrams",
    "character_ngrams",
    "token_bag",
    "word_vectors",
    "static_vectors",
    "sentence_vectors",
    "language_model",
)
IMAGE_EMBEDDINGS = (
    "pixels_8",
    "pixels_16",
    "gradients",
    "colours",
    "image_patches",
    "frequencies",
    "vision_model",
)
AUDIO_EMBEDDINGS = ("mel", "cepstrum", "sound_patches", "audio_model")
SERIES_EMBEDDINGS = ("summary", "spectrum", "convolutions", "resampled")
VECTOR_EMBEDDINGS = ("vectors", "normalised", "whitened")

RAW = {"pixels": "images", "samples": "series"}
"""Blocks that a space may read in place of all others → of what they are; a name adds size and channels."""

_RAW_NAME = re.compile(r"([a-z]+)_(\d{1,4})_(\d{1,3})")


def raw_form(kind: str, name: str) -> tuple[int, int] | None:
    """Size and channels of a raw block; None if it is no such block.

    Args:
        kind: in RAW.
        name: of the block.

    >>> raw_form("pixels", "pixels_16_3"), raw_form("samples", "samples_64_2"), raw_form("pixels", "pixels_8")
    ((16, 3), (64, 2), None)
    """
    found = _RAW_NAME.fullmatch(name)
    return (int(found[2]), int(found[3])) if found and found[1] == kind else None
