"""Shapes of the numeric columns and of a regression's target."""

import dataclasses
import functools
import math

import numpy as np

from taskaware.modalities.tables.metafeatures.feature import SEED, STATLOG, VANSCHOREN, MetaFeature
from taskaware.modalities.tables.metafeatures.summary import (
    largest,
    mean,
    median,
    signed_log10,
    smallest,
    spread,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Numbers:
    """Summary of F numeric columns of n rows, each worked out once and only when asked for.

    Everything but `lowest`, `highest` and `mean` is free of scale: columns are mapped onto [0, 1]
    first, so values up to the largest double neither overflow nor lose their shape.

    Attributes:
        values: (F, n) float64, NaN where missing, otherwise finite.

    >>> Numbers(np.array([[1.0, 2.0, 2.0, 7.0]])).distinct_share.tolist()
    [0.75]
    """

    values: np.ndarray

    @functools.cached_property
    def observed(self) -> np.ndarray:
        """(F, n) mask of what is not missing."""
        return ~np.isnan(self.values)

    @functools.cached_property
    def count(self) -> np.ndarray:
        """(F,) observed values."""
        return self.observed.sum(axis=1)

    @functools.cached_property
    def ordered(self) -> np.ndarray:
        """(F, n) every column ascending, NaN last."""
        return np.sort(self.values, axis=1)

    def at(self, position: np.ndarray) -> np.ndarray:
        """(F,) the ordered value at each column's own position; 0 where a column is all missing."""
        found = np.take_along_axis(self.ordered, np.maximum(position, 0)[:, None], axis=1)[:, 0]
        return np.where(self.count > 0, found, 0.0)

    @functools.cached_property
    def lowest(self) -> np.ndarray:
        """(F,) minimum."""
        return self.at(np.zeros_like(self.count))

    @functools.cached_property
    def highest(self) -> np.ndarray:
        """(F,) maximum."""
        return self.at(self.count - 1)

    @functools.cached_property
    def half_range(self) -> np.ndarray:
        """(F,) half of maximum − minimum: the whole may overflow."""
        return self.highest / 2 - self.lowest / 2

    @functools.cached_property
    def varies(self) -> np.ndarray:
        """(F,) mask of the columns with at least two distinct values."""
        return self.half_range > 0

    @functools.cached_property
    def unit(self) -> np.ndarray:
        """(F, n) every column mapped onto [0, 1]; 0 where missing or constant."""
        width = np.where(self.varies, self.half_range, 1.0)
        scaled = (self.values / 2 - self.lowest[:, None] / 2) / width[:, None]
        return np.where(self.observed & self.varies[:, None], scaled, 0.0)

    @functools.cached_property
    def unit_mean(self) -> np.ndarray:
        """(F,) mean of `unit` over the observed values, in [0, 1]."""
        return self.unit.sum(axis=1) / np.maximum(self.count, 1)

    @functools.cached_property
    def mean(self) -> np.ndarray:
        """(F,) arithmetic mean."""
        return self.lowest * (1 - self.unit_mean) + self.highest * self.unit_mean

    @functools.cached_property
    def unit_deviation(self) -> np.ndarray:
        """(F,) standard deviation of `unit` over the observed values, in [0, 0.5]."""
        centred = np.where(self.observed, self.unit - self.unit_mean[:, None], 0.0)
        return np.sqrt((centred**2).sum(axis=1) / np.maximum(self.count, 1))

    @functools.cached_property
    def standard(self) -> np.ndarray:
        """(F, n) mean 0 and deviation 1 over the observed values; 0 where missing or constant."""
        deviation = np.where(self.varies, self.unit_deviation, 1.0)
        scaled = (self.unit - self.unit_mean[:, None]) / deviation[:, None]
        return np.where(self.observed & self.varies[:, None], scaled, 0.0)

    @functools.cached_property
    def skewness(self) -> np.ndarray:
        """(V,) third standardised moment of the columns that vary (Fisher; biased, as for a population)."""
        rows = self.standard[self.varies]
        return (rows * rows * rows).sum(axis=1) / self.count[self.varies]

    @functools.cached_property
    def kurtosis(self) -> np.ndarray:
        """(V,) fourth standardised moment − 3 of the columns that vary."""
        squares = self.standard[self.varies] ** 2
        return (squares * squares).sum(axis=1) / self.count[self.varies] - 3

    @functools.cached_property
    def distinct(self) -> np.ndarray:
        """(F,) number of distinct observed values."""
        steps = self.ordered[:, 1:] != self.ordered[:, :-1]
        inside = np.arange(1, self.values.shape[1]) < self.count[:, None]
        return (steps & inside).sum(axis=1) + (self.count > 0)

    @functools.cached_property
    def distinct_share(self) -> np.ndarray:
        """(F,) distinct over observed values, in [0, 1]."""
        return self.distinct / np.maximum(self.count, 1)

    @functools.cached_property
    def zero_share(self) -> np.ndarray:
        """(F,) share of zeros among the observed values, in [0, 1]."""
        return (self.values == 0).sum(axis=1) / np.maximum(self.count, 1)

    def quantile(self, share: float) -> np.ndarray:
        """(F,) observed value below which this share lies (the lower of two neighbours)."""
        return self.at(np.floor(share * (self.count - 1)).astype(np.int64))

    @functools.cached_property
    def outlier_share(self) -> np.ndarray:
        """(V,) share beyond Tukey's fences, 1.5 interquartile ranges outside the quartiles, in [0, 1]."""
        low, high = self.quantile(0.25)[self.varies], self.quantile(0.75)[self.varies]
        with np.errstate(over="ignore"):
            reach = 1.5 * (high - low)
            low, high = low - reach, high + reach
        rows = self.values[self.varies]
        return ((rows < low[:, None]) | (rows > high[:, None])).sum(axis=1) / self.count[self.varies]

    @functools.cached_property
    def log_spread(self) -> np.ndarray:
        """(V,) log10 of range over standard deviation: how far the tails reach; at least log10 2."""
        return -np.log10(self.unit_deviation[self.varies])


PER_COLUMN = (
    *("count", "lowest", "highest", "half_range", "varies", "unit_mean", "mean", "unit_deviation"),
    *("skewness", "kurtosis", "distinct", "distinct_share", "zero_share", "outlier_share", "log_spread"),
)


class WideNumbers(Numbers):
    """`Numbers` of very many columns: summed up in parts, so that no intermediate result of all is kept.

    >>> wide = WideNumbers(np.arange(8.0).reshape(4, 2), columns_at_once=3)
    >>> wide.mean.tolist(), wide.quantile(0.5).tolist()
    ([0.5, 2.5, 4.5, 6.5], [0.0, 2.0, 4.0, 6.0])
    """

    def __init__(self, values: np.ndarray, *, columns_at_once: int = 1024):
        super().__init__(values)
        sums: dict[str, list[np.ndarray]] = {name: [] for name in PER_COLUMN}
        medians, standard = [], np.empty_like(values)
        for first in range(0, len(values), columns_at_once):
            part = Numbers(values[first : first + columns_at_once])
            for name, found in sums.items():
                found.append(getattr(part, name))
            medians.append(part.quantile(0.5))
            standard[first : first + columns_at_once] = part.standard
        # Cached properties of the parent look here first.
        self.__dict__.update({name: np.concatenate(found) for name, found in sums.items()})
        self.__dict__.update(standard=standard, medians=np.concatenate(medians))

    def quantile(self, share: float) -> np.ndarray:
        """(F,) as for `Numbers`; the median is at hand."""
        return self.__dict__["medians"] if share == 0.5 else super().quantile(share)


def normal_distance(standard: np.ndarray) -> float:
    """Largest gap between the distribution of values and the standard normal one.

    Args:
        standard: (n,) values of mean 0 and deviation 1; n ≥ 1.

    Returns:
        A number in (0, 1].

    Source: Kolmogorov 1933.

    >>> normal_distance(np.zeros(4))
    0.5
    """
    ordered = np.sort(standard)
    normal = np.array([0.5 + 0.5 * math.erf(value / math.sqrt(2)) for value in ordered.tolist()])
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max(np.max(steps[1:] - normal), np.max(normal - steps[:-1])))


FEATURES = (
    MetaFeature(
        "value_min", "signed log10", -12, 12, SEED,
        lambda v: smallest(signed_log10(v.numbers.lowest)),
        "smallest value of any numeric column",
    ),
    MetaFeature(
        "value_max", "signed log10", -12, 12, SEED,
        lambda v: largest(signed_log10(v.numbers.highest)),
        "largest value of any numeric column",
    ),
    MetaFeature(
        "value_mean", "signed log10", -12, 12, SEED,
        lambda v: mean(signed_log10(v.numbers.mean)),
        "mean over the numeric columns of their means",
    ),
    MetaFeature(
        "value_median", "signed log10", -12, 12, SEED,
        lambda v: median(signed_log10(v.numbers.quantile(0.5))),
        "median over the numeric columns of their medians",
    ),
    MetaFeature(
        "skewness_mean", "signed log10", -3, 3, STATLOG,
        lambda v: mean(signed_log10(v.numbers.skewness)),
        "mean skewness of the numeric columns",
    ),
    MetaFeature(
        "skewness_abs_max", "signed log10", 0, 3, VANSCHOREN,
        lambda v: largest(signed_log10(np.abs(v.numbers.skewness))),
        "largest absolute skewness of a numeric column",
    ),
    MetaFeature(
        "skewness_sd", "signed log10", 0, 3, VANSCHOREN,
        lambda v: spread(signed_log10(v.numbers.skewness)),
        "how much the skewness differs between numeric columns",
    ),
    MetaFeature(
        "kurtosis_mean", "signed log10", -1, 5, STATLOG,
        lambda v: mean(signed_log10(v.numbers.kurtosis)),
        "mean excess kurtosis of the numeric columns",
    ),
    MetaFeature(
        "kurtosis_max", "signed log10", -1, 5, VANSCHOREN,
        lambda v: largest(signed_log10(v.numbers.kurtosis)),
        "largest excess kurtosis of a numeric column",
    ),
    MetaFeature(
        "outlier_share_mean", "share", 0, 1, "Tukey 1977",
        lambda v: mean(v.numbers.outlier_share),
        "mean share of values beyond 1.5 interquartile ranges",
    ),
    MetaFeature(
        "outlier_share_max", "share", 0, 1, "Tukey 1977",
        lambda v: largest(v.numbers.outlier_share),
        "largest share of values beyond 1.5 interquartile ranges",
    ),
    MetaFeature(
        "log_spread_mean", "log10 (range / deviation)", 0, 3, "taskaware",
        lambda v: mean(v.numbers.log_spread),
        "mean reach of the tails of the numeric columns",
    ),
    MetaFeature(
        "zero_share_mean", "share", 0, 1, VANSCHOREN,
        lambda v: mean(v.numbers.zero_share),
        "mean share of zeros of the numeric columns",
    ),
    MetaFeature(
        "distinct_share_mean", "share", 0, 1, VANSCHOREN,
        lambda v: mean(v.numbers.distinct_share),
        "mean share of distinct values of the numeric columns",
    ),
    MetaFeature(
        "distinct_share_min", "share", 0, 1, VANSCHOREN,
        lambda v: smallest(v.numbers.distinct_share),
        "smallest share of distinct values of a numeric column",
    ),
    MetaFeature(
        "target_skewness", "signed log10", -3, 3, VANSCHOREN,
        lambda v: mean(signed_log10(v.target_numbers.skewness)),
        "skewness of a regression's target",
    ),
    MetaFeature(
        "target_kurtosis", "signed log10", -1, 5, VANSCHOREN,
        lambda v: mean(signed_log10(v.target_numbers.kurtosis)),
        "excess kurtosis of a regression's target",
    ),
    MetaFeature(
        "target_distinct_share", "share", 0, 1, VANSCHOREN,
        lambda v: mean(v.target_numbers.distinct_share),
        "share of distinct values of a regression's target",
    ),
    MetaFeature(
        "target_outlier_share", "share", 0, 1, "Tukey 1977",
        lambda v: mean(v.target_numbers.outlier_share),
        "share of a regression's target beyond 1.5 interquartile ranges",
    ),
    MetaFeature(
        "target_log_spread", "log10 (range / deviation)", 0, 3, "taskaware",
        lambda v: mean(v.target_numbers.log_spread),
        "reach of the tails of a regression's target",
    ),
    MetaFeature(
        "target_normal_distance", "probability", 0, 1, "Kolmogorov 1933",
        lambda v: mean(np.array([normal_distance(row) for row in v.target_numbers.standard])),
        "gap between a regression's target and a normal distribution",
    ),
)  # fmt: skip
