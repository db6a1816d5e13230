"""Task → named vector z: an explicit catalogue of pure functions, each with unit, range and source."""

from taskaware.modalities.tables.metafeatures.catalogue import CATALOGUE, NAMES, catalogue_digest, describe
from taskaware.modalities.tables.metafeatures.compute import meta_features, vector
from taskaware.modalities.tables.metafeatures.feature import MetaFeature
from taskaware.modalities.tables.metafeatures.view import View

__all__ = [
    "CATALOGUE",
    "NAMES",
    "MetaFeature",
    "View",
    "catalogue_digest",
    "describe",
    "meta_features",
    "vector",
]
