"""The named spaces."""

import dataclasses
from pathlib import Path

from taskaware.embeddings import (
    AUDIO_EMBEDDINGS,
    IMAGE_EMBEDDINGS,
    SERIES_EMBEDDINGS,
    TABLE_EMBEDDINGS,
    TEXT_EMBEDDINGS,
    VECTOR_EMBEDDINGS,
)
from taskaware.errors import UserError, unknown
from taskaware.saved import parse_json, read_json
from taskaware.spaces.cells import cells
from taskaware.spaces.chain import chain
from taskaware.spaces.front import front
from taskaware.spaces.mixture import MixtureSpace
from taskaware.spaces.mixture_parts import TRAINING, RecipeCoordinate
from taskaware.spaces.recurrent_cells import recurrent_cells
from taskaware.spaces.registry import space_from
from taskaware.spaces.rules import RuleSpace
from taskaware.spaces.space import Space

COMPACT = MixtureSpace(
    name="compact",
    layers=3,
    sizes=(16, 32, 64, 128),
    activations=("relu", "tanh"),
    embeddings=TABLE_EMBEDDINGS,
    recipe=TRAINING,
    shared_weights=True,
    width_odds=(0.3, 0.3, 0.25, 0.15),
)

# 7 x 12 alpha, 7 x 2 beta (present, absent) and 7 gamma: the 105 numbers of the published space.
PUBLISHED = MixtureSpace(
    name="published",
    layers=7,
    sizes=(8, 16, 32, 64, 128, 256),
    activations=("relu", "tanh"),
    embeddings=TABLE_EMBEDDINGS,
    recipe=(),
    shared_weights=False,
    width_odds=(1 / 6,) * 6,
)

# The same networks for any kind of data: an embedding without columns in a dataset is masked.
UNIVERSAL = dataclasses.replace(
    COMPACT,
    name="universal",
    embeddings=(
        *TABLE_EMBEDDINGS,
        TEXT_EMBEDDINGS,
        IMAGE_EMBEDDINGS,
        AUDIO_EMBEDDINGS,
        SERIES_EMBEDDINGS,
        VECTOR_EMBEDDINGS,
    ),
)

# Beside the networks of `universal`, which are among its points: what makes the best small networks (ResNet,
# RealMLP, TabM). No evaluator of it is shipped.
EXTENDED = dataclasses.replace(
    UNIVERSAL,
    name="extended",
    layers=5,
    sizes=(16, 32, 64, 128, 256),
    activations=("relu", "tanh", "silu", "selu", "mish"),
    recipe=(
        *TRAINING,
        RecipeCoordinate("label_smoothing", 0.0, 0.2),
        RecipeCoordinate("beta2", 0.9, 0.999),
        RecipeCoordinate("coslog4", 0.0, 1.0),
        RecipeCoordinate("residual", 0.0, 1.0, gate=0.5),
        RecipeCoordinate("normalisation", 0.0, 1.0, gate=0.5),
        RecipeCoordinate("scaling", 0.0, 1.0, gate=0.5),
        RecipeCoordinate("ensemble", 0.0, 1.0, gate=0.2),
    ),
    width_odds=(0.2, 0.25, 0.25, 0.2, 0.1),
)

PRESETS: dict[str, Space] = {
    **{space.name: space for space in (COMPACT, PUBLISHED, UNIVERSAL, EXTENDED)},
    "cells": cells(),
    "chain": chain(),
    "front": front(),
    "recurrent-cells": recurrent_cells(),
    "update-rules": RuleSpace(),
}
"""Name → space, with the usual settings."""


def space_named(text: str) -> Space:
    """The space of a preset's name, or of what `to_dict` gives: as JSON, or in a file that ends with .json.

    Raises:
        UserError: there is none, or the file cannot be read.
    """
    written = text.lstrip().startswith("{")
    if not written and not text.endswith(".json"):
        return preset(text)
    try:
        return space_from(parse_json(text) if written else read_json(Path(text)))
    except (OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"The space '{text}' cannot be read: {error}.") from error


def preset(name: str) -> Space:
    """The space of that name.

    Raises:
        UserError: there is none; the nearest name is given.

    >>> preset("published").dimension
    105
    """
    if name not in PRESETS:
        raise unknown("space", name, PRESETS)
    return PRESETS[name]
