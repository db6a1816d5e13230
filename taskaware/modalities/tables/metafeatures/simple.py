"""Sizes, missing values, cardinalities and classes."""

from typing import TYPE_CHECKING

import numpy as np

from taskaware.modalities.tables.metafeatures.feature import SEED, SHANNON, STATLOG, VANSCHOREN, MetaFeature
from taskaware.modalities.tables.metafeatures.information import entropy
from taskaware.modalities.tables.metafeatures.summary import largest, mean, median, smallest, spread

if TYPE_CHECKING:
    from taskaware.modalities.tables.metafeatures.view import View

MISSING = "Engels, Theusinger 1998"


def _rows_per_class(v: "View") -> float:
    """log10 of rows over classes; 0 in regression."""
    return np.log10(v.rows / len(v.class_counts)) if len(v.class_counts) else 0.0


def _label_balance(v: "View") -> float:
    """Label entropy over its largest possible value; 0 for one class and in regression."""
    return entropy(v.class_counts) / np.log2(len(v.class_counts)) if len(v.class_counts) > 1 else 0.0


def _imbalance(v: "View") -> float:
    """log10 of the largest over the smallest class; 0 in regression."""
    return np.log10(v.class_counts[0] / v.class_counts[-1]) if len(v.class_counts) else 0.0


FEATURES = (
    MetaFeature(
        "is_classification", "0 or 1", 0, 1, SEED,
        lambda v: float(v.is_classification),
        "1 for classification, 0 for regression",
    ),
    MetaFeature(
        "log_rows", "log10 rows", 0, 9, SEED,
        lambda v: np.log10(v.rows),
        "number of rows",
    ),
    MetaFeature(
        "log_columns", "log10 (1 + columns)", 0, 6, SEED,
        lambda v: np.log10(1 + len(v.table.columns)),
        "number of features",
    ),
    MetaFeature(
        "log_numeric_columns", "log10 (1 + columns)", 0, 6, STATLOG,
        lambda v: np.log10(1 + len(v.numbers.values)),
        "number of numeric, boolean and date features",
    ),
    MetaFeature(
        "log_categorical_columns", "log10 (1 + columns)", 0, 6, STATLOG,
        lambda v: np.log10(1 + len(v.category_counts)),
        "number of categorical and text features",
    ),
    MetaFeature(
        "log_encoded_width", "log10 (1 + columns)", 0, 7, "taskaware",
        lambda v: np.log10(1 + len(v.numbers.values) + v.cardinalities.sum()),
        "number of columns once every category has its own",
    ),
    MetaFeature(
        "log_rows_per_column", "log10 (rows / columns)", -6, 9, VANSCHOREN,
        lambda v: np.log10(v.rows / max(len(v.table.columns), 1)),
        "rows for each feature",
    ),
    MetaFeature(
        "binary_share", "share", 0, 1, STATLOG,
        lambda v: mean(v.distinct_values == 2),
        "share of features with exactly two values",
    ),
    MetaFeature(
        "constant_share", "share", 0, 1, VANSCHOREN,
        lambda v: mean(v.distinct_values < 2),
        "share of features that never change",
    ),
    MetaFeature(
        "missing_share", "share", 0, 1, MISSING,
        lambda v: mean(v.missing_shares),
        "share of cells that are missing",
    ),
    MetaFeature(
        "missing_share_max", "share", 0, 1, MISSING,
        lambda v: largest(v.missing_shares),
        "share of missing cells in the feature with most",
    ),
    MetaFeature(
        "missing_columns_share", "share", 0, 1, MISSING,
        lambda v: mean(v.missing_shares > 0),
        "share of features with a missing cell",
    ),
    MetaFeature(
        "cardinality_mean", "log10 (1 + categories)", 0, 7, VANSCHOREN,
        lambda v: mean(np.log10(1 + v.cardinalities)),
        "mean number of categories of the categorical features",
    ),
    MetaFeature(
        "cardinality_max", "log10 (1 + categories)", 0, 7, VANSCHOREN,
        lambda v: largest(np.log10(1 + v.cardinalities)),
        "largest number of categories of a feature",
    ),
    MetaFeature(
        "category_entropy_mean", "bits", 0, 25, STATLOG,
        lambda v: mean(np.array([entropy(counts) for counts in v.category_counts])),
        "mean entropy of the categorical features",
    ),
    MetaFeature(
        "log_classes", "log10 (1 + classes)", 0, 6, SEED,
        lambda v: np.log10(1 + len(v.class_counts)),
        "number of classes",
    ),
    MetaFeature(
        "log_rows_per_class", "log10 (rows / classes)", 0, 9, VANSCHOREN,
        _rows_per_class,
        "rows for each class",
    ),
    MetaFeature(
        "class_share_min", "share", 0, 1, SEED,
        lambda v: smallest(v.class_counts / v.rows),
        "probability of the rarest class",
    ),
    MetaFeature(
        "class_share_max", "share", 0, 1, SEED,
        lambda v: largest(v.class_counts / v.rows),
        "probability of the most frequent class",
    ),
    MetaFeature(
        "class_share_mean", "share", 0, 1, SEED,
        lambda v: mean(v.class_counts / v.rows),
        "mean probability of the classes",
    ),
    MetaFeature(
        "class_share_median", "share", 0, 1, SEED,
        lambda v: median(v.class_counts / v.rows),
        "median probability of the classes",
    ),
    MetaFeature(
        "class_share_sd", "share", 0, 0.5, SEED,
        lambda v: spread(v.class_counts / v.rows),
        "standard deviation of the classes' probabilities",
    ),
    MetaFeature(
        "label_entropy", "bits", 0, 20, SHANNON,
        lambda v: entropy(v.class_counts),
        "entropy of the class frequencies",
    ),
    MetaFeature(
        "label_balance", "share", 0, 1, SHANNON,
        _label_balance,
        "entropy of the class frequencies over log2 of their number",
    ),
    MetaFeature(
        "class_imbalance", "log10 (largest / smallest)", 0, 9, VANSCHOREN,
        _imbalance,
        "most frequent over rarest class",
    ),
)  # fmt: skip
