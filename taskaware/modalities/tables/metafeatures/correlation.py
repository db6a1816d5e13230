"""Linear and monotone relations between numeric columns, and with the target."""

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

from taskaware.modalities.tables.metafeatures.feature import STATLOG, MetaFeature
from taskaware.modalities.tables.metafeatures.summary import largest, mean

if TYPE_CHECKING:
    from taskaware.modalities.tables.metafeatures.view import View

COLUMNS = 256
RANKED_ROWS = 2048
PEARSON = "Pearson 1895"
SPEARMAN = "Spearman 1904"
FISHER = "Fisher 1925; Kelley 1935"


def evenly_spaced(total: int, limit: int) -> np.ndarray:
    """At most `limit` of the indices 0 … total − 1, evenly spaced.

    >>> evenly_spaced(3, 5).tolist(), evenly_spaced(10, 5).tolist()
    ([0, 1, 2], [0, 2, 4, 6, 8])
    """
    return np.arange(min(total, limit)) * max(total, 1) // max(min(total, limit), 1)


def correlation(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Pearson's r between rows of two matrices whose rows have mean 0; 0 for a row of zeros.

    >>> correlation(np.array([[-1.0, 0.0, 1.0]]), np.array([[1.0, 0.0, -1.0]])).round(6).tolist()
    [[-1.0]]
    """
    first = np.sqrt(np.einsum("fn,fn->f", rows, rows))
    second = np.sqrt(np.einsum("fn,fn->f", others, others))
    scale = first[:, None] * second[None, :]
    return np.where(scale > 0, rows @ others.T / np.where(scale > 0, scale, 1.0), 0.0).clip(-1, 1)


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks within each row, from 0, ties sharing their mean, shifted to mean 0; NaN becomes 0.

    >>> ranks(np.array([[5.0, 1.0, 5.0, np.nan]])).tolist()
    [[0.5, -1.0, 0.5, 0.0]]
    """
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    place = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    fresh = np.ones(values.shape, bool)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    last = np.ones(values.shape, bool)
    last[:, :-1] = fresh[:, 1:]
    start = np.maximum.accumulate(np.where(fresh, place, 0), axis=1)
    ends = np.where(last, place, values.shape[1])[:, ::-1]
    stop = np.minimum.accumulate(ends, axis=1)[:, ::-1]
    middle = (np.count_nonzero(~np.isnan(values), axis=1) - 1) / 2
    result = np.empty(values.shape)
    np.put_along_axis(result, order, (start + stop) / 2 - middle[:, None], axis=1)
    return np.where(np.isnan(values), 0.0, result)


def explained_by_class(standard: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Share of each column's variance that lies between the classes, without its bias (ε²).

    Args:
        standard: (F, n) columns of mean 0, not all zeros.
        labels: (n,) class indices.

    Returns:
        (F,) in [0, 1]; all 0 where there are as many classes as rows, or one class.

    Source: Fisher 1925; Kelley 1935.

    >>> explained_by_class(np.array([[-1.0, -1.0, 1.0, 1.0]]), np.array([0, 0, 1, 1])).tolist()
    [1.0]
    """
    counts = np.bincount(labels)
    classes, rows = np.count_nonzero(counts), len(labels)
    if classes < 2 or classes >= rows:
        return np.zeros(len(standard))
    sums = standard @ np.eye(len(counts))[labels]
    between = (sums**2 / np.maximum(counts, 1)).sum(axis=1)
    share = between / np.einsum("fn,fn->f", standard, standard)
    return np.clip(1 - (1 - share) * (rows - 1) / (rows - classes), 0, 1)


@dataclasses.dataclass(frozen=True, eq=False)
class Correlation:
    """Relations between columns; of more than 256 columns, 256 evenly spaced ones are compared.

    Attributes:
        standard: (V, n) columns of mean 0 and deviation 1, none constant.
    """

    standard: np.ndarray

    @functools.cached_property
    def matrix(self) -> np.ndarray:
        """(C, C) Pearson's r between columns, ones on the diagonal; C ≤ 256."""
        chosen = self.standard[evenly_spaced(len(self.standard), COLUMNS)]
        return correlation(chosen, chosen)

    @functools.cached_property
    def pairs(self) -> np.ndarray:
        """Absolute r of every pair of columns, (C (C − 1) / 2,)."""
        return np.abs(self.matrix[np.triu_indices(len(self.matrix), 1)])

    @functools.cached_property
    def spectrum(self) -> np.ndarray:
        """(C,) shares of variance along the principal components, descending, sum 1."""
        values = np.linalg.eigvalsh(self.matrix)[::-1].clip(0)
        return values / max(values.sum(), 1.0)


def _effective_rank(v: "View") -> float:
    """Participation ratio of the spectrum, as a share of the columns."""
    spectrum = v.correlation.spectrum
    return 1 / (np.sum(spectrum**2) * len(spectrum)) if len(spectrum) else 0.0


def _components(v: "View") -> float:
    """Share of the principal components that carry 95 % of the variance."""
    spectrum = v.correlation.spectrum
    needed = np.count_nonzero(np.cumsum(spectrum) < 0.95 - 1e-9) + 1
    return needed / len(spectrum) if len(spectrum) else 0.0


FEATURES = (
    MetaFeature(
        "correlation_mean", "absolute r", 0, 1, STATLOG,
        lambda v: mean(v.correlation.pairs),
        "mean absolute correlation between numeric features",
    ),
    MetaFeature(
        "correlation_max", "absolute r", 0, 1, STATLOG,
        lambda v: largest(v.correlation.pairs),
        "largest absolute correlation between numeric features",
    ),
    MetaFeature(
        "correlation_high_share", "share", 0, 1, "taskaware",
        lambda v: mean(v.correlation.pairs > 0.9),
        "share of pairs of numeric features with an absolute correlation above .9",
    ),
    MetaFeature(
        "effective_rank", "share", 0, 1, "Kramer, MacKinnon 1993",
        _effective_rank,
        "participation ratio of the correlation spectrum over the numeric features",
    ),
    MetaFeature(
        "first_component_share", "share", 0, 1, STATLOG,
        lambda v: largest(v.correlation.spectrum),
        "share of variance along the first principal component",
    ),
    MetaFeature(
        "components_95", "share", 0, 1, "Jolliffe 2002",
        _components,
        "share of the principal components needed for 95 % of the variance",
    ),
    MetaFeature(
        "pearson_mean", "absolute r", 0, 1, PEARSON,
        lambda v: mean(v.pearson),
        "regression: mean absolute linear correlation of a feature with the target",
    ),
    MetaFeature(
        "pearson_max", "absolute r", 0, 1, PEARSON,
        lambda v: largest(v.pearson),
        "regression: largest absolute linear correlation of a feature with the target",
    ),
    MetaFeature(
        "spearman_mean", "absolute rank r", 0, 1, SPEARMAN,
        lambda v: mean(v.spearman),
        "regression: mean absolute rank correlation of a feature with the target",
    ),
    MetaFeature(
        "spearman_max", "absolute rank r", 0, 1, SPEARMAN,
        lambda v: largest(v.spearman),
        "regression: largest absolute rank correlation of a feature with the target",
    ),
    MetaFeature(
        "class_variance_mean", "share", 0, 1, FISHER,
        lambda v: mean(v.class_variance),
        "classification: mean share of a feature's variance between the classes",
    ),
    MetaFeature(
        "class_variance_max", "share", 0, 1, FISHER,
        lambda v: largest(v.class_variance),
        "classification: largest share of a feature's variance between the classes",
    ),
)  # fmt: skip
