"""Meta-features of vectors alone. They are computed from at most 512 rows, chosen by content."""

from collections.abc import Callable
from typing import Any

import numpy as np

from taskaware.modalities.tables.metafeatures.feature import MetaFeature
from taskaware.modalities.vectors.blocks import unit_length
from taskaware.modalities.vectors.data import VectorData

MOST_ROWS = 512
NEIGHBOURS = 5
TINY = 1e-30
OWN = "taskaware"


def _sample(data: VectorData) -> np.ndarray:
    rows = np.argsort(data.row_hashes, kind="stable")
    found = data.matrix[rows[~data.missing[rows]][:MOST_ROWS]].astype(np.float64)
    return found / max(float(np.abs(found).max(initial=0.0)), TINY)


def _of_sample(compute: Callable[[np.ndarray], float]) -> Callable[[VectorData], float]:
    """A feature of the rows that are there; 0 where there are fewer than two."""

    def feature(data: VectorData) -> float:
        sample = _sample(data)
        return float(compute(sample)) if len(sample) > 1 else 0.0

    return feature


def _variances(sample: np.ndarray) -> np.ndarray:
    """Shares of the variance along the principal components."""
    values = np.linalg.svd(sample - sample.mean(0), compute_uv=False) ** 2
    return values / max(values.sum(), TINY)


def effective_rank(sample: np.ndarray) -> float:
    """The exponential of the entropy of the shares of variance, from 0 to D."""
    share = _variances(sample)
    if share.sum() < 0.5:
        return 0.0
    return float(np.exp(-(share * np.log(np.maximum(share, TINY))).sum()))


def mean_cosine(sample: np.ndarray) -> float:
    """Mean cosine of two different rows, from -1 to 1."""
    unit = unit_length(sample)
    rows = len(unit)
    whole = (unit.sum(0) ** 2).sum() - (unit**2).sum()
    return float(np.clip(whole / (rows * (rows - 1)), -1, 1))


def norm_spread(sample: np.ndarray) -> float:
    """Standard deviation of the rows' lengths, in shares of their mean."""
    norms = np.linalg.norm(sample, axis=1)
    return float(norms.std() / max(norms.mean(), TINY))


def hubness(sample: np.ndarray) -> float:
    """Skewness of how often a row is among the 5 nearest of another one, by cosine."""
    unit = unit_length(sample)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -np.inf)
    near = min(NEIGHBOURS, len(sample) - 1)
    nearest = np.argpartition(-cosine, near - 1, axis=1)[:, :near]
    counts = np.bincount(nearest.ravel(), minlength=len(sample)) - near
    return float((counts**3).mean() / max((counts**2).mean() ** 1.5, TINY)) if counts.any() else 0.0


def _feature(*facts: Any) -> MetaFeature:
    """A meta-feature whose `compute` takes the data of vectors."""
    return MetaFeature(*facts)


FEATURES = (
    _feature("vector_width", "log10 numbers", 0, 9, OWN, lambda data: np.log10(data.width), "width as given"),
    _feature(
        "vector_rank",
        "dimensions",
        0,
        4096,
        "Roy and Vetterli 2007",
        _of_sample(effective_rank),
        "effective rank",
    ),
    _feature(
        "vector_cosine",
        "cosine",
        -1,
        1,
        "Ethayarajh 2019",
        _of_sample(mean_cosine),
        "mean cosine of two rows",
    ),
    _feature(
        "vector_norms", "share of the mean", 0, 30, OWN, _of_sample(norm_spread), "spread of the lengths"
    ),
    _feature(
        "vector_anisotropy",
        "share",
        0,
        1,
        "Ethayarajh 2019",
        _of_sample(lambda sample: _variances(sample).max(initial=0.0)),
        "variance along the first principal component",
    ),
    _feature(
        "vector_hubness",
        "skewness",
        -30,
        30,
        "Radovanović, Nanopoulos, Ivanović 2010",
        _of_sample(hubness),
        "skewness of how often a row is a near neighbour",
    ),
)
"""Name, unit, range and source of each."""
