"""Task → named vector z: an explicit catalogue of pure functions, each with unit, range and source."""

from taskaware.metafeatures.catalogue import CATALOGUE, NAMES, catalogue_digest, describe
from taskaware.metafeatures.compute import meta_features, vector
from taskaware.metafeatures.feature import MetaFeature
from taskaware.metafeatures.view import View

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
