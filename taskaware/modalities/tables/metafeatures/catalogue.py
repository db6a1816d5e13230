"""The list of meta-features, in the order of the vector z."""

import hashlib
from typing import TYPE_CHECKING

from taskaware.modalities.tables.metafeatures import correlation, distribution, information, landmarks, simple
from taskaware.modalities.tables.metafeatures.feature import MetaFeature

if TYPE_CHECKING:
    import pandas

VERSION = 1  # raised when a number changes under an unchanged name

CATALOGUE: tuple[MetaFeature, ...] = (
    *simple.FEATURES,
    *distribution.FEATURES,
    *information.FEATURES,
    *correlation.FEATURES,
    *landmarks.FEATURES,
)

NAMES: tuple[str, ...] = tuple(feature.name for feature in CATALOGUE)


def catalogue_digest() -> str:
    """16 hex digits that name the catalogue: what a saved evaluator was trained on.

    >>> len(catalogue_digest())
    16
    """
    lines = [f"{f.name}|{f.unit}|{f.low}|{f.high}|{f.source}|{f.what}" for f in CATALOGUE]
    return hashlib.sha256("\n".join((str(VERSION), *lines)).encode()).hexdigest()[:16]


def describe() -> "pandas.DataFrame":
    """The catalogue as a table for people: name, unit, low, high, source, what; a row for each.

    >>> describe().set_index("name").loc["label_entropy", "unit"]
    'bits'
    """
    import pandas

    fields = ("name", "unit", "low", "high", "source", "what")
    return pandas.DataFrame([[getattr(f, field) for field in fields] for f in CATALOGUE], columns=fields)
