"""Entropies, and what each feature tells about the target, in bits."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from taskaware.modalities.tables.metafeatures.distribution import Numbers
from taskaware.modalities.tables.metafeatures.feature import SEED, STATLOG, MetaFeature
from taskaware.modalities.tables.metafeatures.summary import largest, mean, median, spread

if TYPE_CHECKING:
    from taskaware.modalities.tables.metafeatures.view import View

MAX_BINS = 16
KEPT_CATEGORIES = 30
KEPT_CLASSES = 63
FEATURES_AT_ONCE = 64
MILLER = f"{SEED}; Miller 1955"


def entropy(counts: np.ndarray) -> float:
    """Shannon entropy of frequencies.

    Args:
        counts: how often each value occurs, any shape, each at least 0.

    Returns:
        Bits, in [0, log2 of the number of values]; 0 where nothing occurs.

    Source: Shannon 1948.

    >>> entropy(np.array([5, 5])), entropy(np.array([3, 0])), entropy(np.array([]))
    (1.0, 0.0, 0.0)
    """
    positive = counts[counts > 0].astype(np.float64)
    if len(positive) < 2:
        return 0.0
    total = positive.sum()
    return float(np.log2(total) - (positive * np.log2(positive)).sum() / total)


def mutual_information(table: np.ndarray) -> tuple[float, float]:
    """What two discrete variables tell about each other.

    Args:
        table: (A, B) contingency table, rows counted; not all 0.

    Returns:
        The plug-in estimate, and the one without its bias of first order (Miller 1955), both in bits
        and in [0, the smaller of the two entropies].

    >>> plain, corrected = mutual_information(np.array([[30, 20], [20, 30]]))
    >>> round(plain, 4), round(corrected, 4)
    (0.029, 0.0218)
    """
    plain, corrected = _mutual(table[None])
    return float(plain[0]), float(corrected[0])


def _entropies(counts: np.ndarray) -> np.ndarray:
    """`entropy` of each of F arrays of frequencies, (F, ...), none of them all 0."""
    counts = counts.reshape(len(counts), -1).astype(np.float64)
    total = counts.sum(axis=1)
    terms = counts * np.log2(np.where(counts > 0, counts, 1.0))
    found = np.log2(total) - terms.sum(axis=1) / total
    return np.where(np.count_nonzero(counts, axis=1) < 2, 0.0, found)


def _mutual(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`mutual_information` of each of F contingency tables, (F, A, B)."""
    first, second = tables.sum(axis=2), tables.sum(axis=1)
    one, other = _entropies(first), _entropies(second)
    most, plain = np.minimum(one, other), one + other - _entropies(tables)
    filled = [np.count_nonzero(counts.reshape(len(counts), -1), axis=1) for counts in (tables, first, second)]
    cells = filled[0] - filled[1] - filled[2] + 1
    corrected = plain - cells / (2 * np.log(2) * first.sum(axis=1))
    return np.clip(plain, 0, most), np.clip(corrected, 0, most)


def bins_for(rows: int) -> int:
    """Number of bins for so many rows: their cube root, within [2, 16].

    >>> bins_for(8), bins_for(1000), bins_for(10**6)
    (2, 10, 16)
    """
    return int(np.clip(round(rows ** (1 / 3)), 2, MAX_BINS))


def bin_edges(numbers: Numbers, bins: int) -> np.ndarray:
    """Lower edges of all bins but the first, (F, bins − 1) ascending; +inf where one is not needed.

    A column of at most `bins` distinct values gets a bin for each. Otherwise bins hold equally many
    rows, and a value that fills a whole bin is separated from what lies above it.

    >>> bin_edges(Numbers(np.array([[0.0, 0.0, 0.0, 1.0]])), 3).tolist()
    [[1.0, inf]]
    """
    ordered, count = numbers.ordered, numbers.count
    place = np.arange(1, bins) * count[:, None] // bins
    edges = np.take_along_axis(ordered, np.minimum(place, ordered.shape[1] - 1), axis=1)
    repeated = np.c_[edges[:, :1] == numbers.lowest[:, None], edges[:, 1:] == edges[:, :-1]]
    edges = np.where(repeated, np.nextafter(edges, np.inf), edges)
    for column in np.flatnonzero(numbers.distinct <= bins):
        levels = np.unique(ordered[column, : count[column]])[1:]
        edges[column] = np.inf
        edges[column, : len(levels)] = levels
    return edges


def bin_codes(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bin of every value, (F, n) uint8; a missing value gets the number after the last bin.

    >>> bin_codes(np.array([[0.0, 5.0, np.nan]]), np.array([[1.0, 7.0]])).tolist()
    [[0, 1, 3]]
    """
    codes = np.zeros(values.shape, np.uint8)
    for edge in edges.T:
        codes += values >= edge[:, None]
    codes[np.isnan(values)] = edges.shape[1] + 1
    return codes


def pool(codes: np.ndarray, keep: int = KEPT_CATEGORIES) -> np.ndarray:
    """Categories renumbered by frequency, rare ones together: too many cells make any estimate blind.

    A category counts as rare below 5 rows, or below 2 % of the rows where that is less.

    Args:
        codes: (n,) categories, −1 where missing.
        keep: categories that may keep their own number.

    Returns:
        (n,) int64: 0 missing, 1 rare, 2 … keep + 1 by frequency.

    >>> pool(np.array([3, 3, 3, 1, 1, 0, -1])).tolist()
    [2, 2, 2, 3, 3, 1, 0]
    """
    counts = np.bincount(codes + 1)
    counts[0] = 0
    place = np.ones(len(counts), np.int64)
    frequent = np.argsort(-counts, kind="stable")[:keep]
    frequent = frequent[counts[frequent] >= np.clip(len(codes) // 50, 2, 5)]
    place[frequent] = np.arange(len(frequent)) + 2
    place[0] = 0
    return place[codes + 1]


@dataclasses.dataclass(frozen=True, eq=False)
class Information:
    """What each feature and the target tell about each other.

    Attributes:
        features: a (n,) array of small integers for every feature.
        target: (n,) classes or bins of the target, small integers.
    """

    features: tuple[np.ndarray, ...]
    target: np.ndarray

    @property
    def tables(self) -> Iterator[np.ndarray]:
        """Contingency tables (values, targets) of the features, of some together, (F, A, B)."""
        width = int(self.target.max()) + 1
        for first in range(0, len(self.features), FEATURES_AT_ONCE):
            codes = np.stack(self.features[first : first + FEATURES_AT_ONCE]).astype(np.int64)
            count, values = len(codes), int(codes.max()) + 1
            places = (np.arange(count)[:, None] * values + codes) * width + self.target
            cells = np.bincount(places.ravel(), minlength=count * values * width)
            yield cells.reshape(count, values, width)

    @functools.cached_property
    def _entropies_and_mutual(self) -> tuple[np.ndarray, np.ndarray]:
        found = [(_entropies(tables.sum(axis=2)), _mutual(tables)[1]) for tables in self.tables]
        if not found:
            return np.zeros(0), np.zeros(0)
        entropies, mutual = map(np.concatenate, zip(*found, strict=True))
        return entropies, mutual

    @functools.cached_property
    def target_entropy(self) -> float:
        """Entropy of the target's classes or bins, bits."""
        return entropy(np.bincount(self.target))

    @property
    def entropies(self) -> np.ndarray:
        """(features,) entropy of each, bits."""
        return self._entropies_and_mutual[0]

    @property
    def mutual(self) -> np.ndarray:
        """(features,) mutual information of each with the target, bits, bias corrected."""
        return self._entropies_and_mutual[1]

    @functools.cached_property
    def normalised(self) -> np.ndarray:
        """(features,) share of the target's entropy each explains, in [0, 1]."""
        return self.mutual / self.target_entropy if self.target_entropy > 0 else np.zeros_like(self.mutual)


def _equivalent_features(v: "View") -> float:
    """log10(1 + H(target) / mean I): features needed if no two told the same."""
    share = mean(v.information.normalised)
    return np.log10(1 + 1 / max(share, 1e-4)) if v.information.target_entropy > 0 else 0.0


def _noise_to_signal(v: "View") -> float:
    """log10(1 + (mean H − mean I) / mean I): bits of the features that are not about the target."""
    signal, total = mean(v.information.mutual), mean(v.information.entropies)
    return np.log10(1 + max(total - signal, 0.0) / max(signal, 1e-4))


def _concentration(v: "View") -> float:
    """Share of the sum of the mutual informations that the best feature has; 0 where all are 0."""
    total = float(np.sum(v.information.mutual))
    return largest(v.information.mutual) / total if total > 0 else 0.0


FEATURES = (
    MetaFeature(
        "target_entropy", "bits", 0, 6, SEED,
        lambda v: v.information.target_entropy,
        "entropy of the classes (63 most frequent) or of the target's bins",
    ),
    MetaFeature(
        "feature_entropy_mean", "bits", 0, 5, STATLOG,
        lambda v: mean(v.information.entropies),
        "mean entropy of the binned features",
    ),
    MetaFeature(
        "mutual_information_mean", "bits", 0, 5, MILLER,
        lambda v: mean(v.information.mutual),
        "mean mutual information between a feature and the target",
    ),
    MetaFeature(
        "mutual_information_median", "bits", 0, 5, MILLER,
        lambda v: median(v.information.mutual),
        "median mutual information between a feature and the target",
    ),
    MetaFeature(
        "mutual_information_max", "bits", 0, 5, MILLER,
        lambda v: largest(v.information.mutual),
        "largest mutual information between a feature and the target",
    ),
    MetaFeature(
        "mutual_information_sd", "bits", 0, 5, MILLER,
        lambda v: spread(v.information.mutual),
        "how much the mutual information differs between features",
    ),
    MetaFeature(
        "information_share_mean", "share", 0, 1, MILLER,
        lambda v: mean(v.information.normalised),
        "mean share of the target's entropy that a feature explains",
    ),
    MetaFeature(
        "information_share_max", "share", 0, 1, MILLER,
        lambda v: largest(v.information.normalised),
        "share of the target's entropy that the best feature explains",
    ),
    MetaFeature(
        "informative_share", "share", 0, 1, "taskaware",
        lambda v: mean(v.information.normalised > 0.05),
        "share of features that explain over 5 % of the target's entropy",
    ),
    MetaFeature(
        "information_concentration", "share", 0, 1, "taskaware",
        _concentration,
        "the best feature's part of the sum of all mutual informations",
    ),
    MetaFeature(
        "equivalent_features", "log10 (1 + features)", 0, 4.1, STATLOG,
        _equivalent_features,
        "target entropy over mean mutual information",
    ),
    MetaFeature(
        "noise_to_signal", "log10 (1 + ratio)", 0, 5, STATLOG,
        _noise_to_signal,
        "bits of the features that say nothing on the target, over those that do",
    ),
)  # fmt: skip
