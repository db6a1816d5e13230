"""Intermediate results of one task that meta-features share, each computed once, on demand."""

import dataclasses
import functools

import numpy as np

from taskaware.data.table import Table
from taskaware.modalities.tables.metafeatures.correlation import (
    RANKED_ROWS,
    Correlation,
    correlation,
    evenly_spaced,
    explained_by_class,
    ranks,
)
from taskaware.modalities.tables.metafeatures.distribution import Numbers, WideNumbers
from taskaware.modalities.tables.metafeatures.information import (
    KEPT_CLASSES,
    Information,
    bin_codes,
    bin_edges,
    bins_for,
    pool,
)
from taskaware.modalities.tables.metafeatures.landmarks import Landmarks
from taskaware.modalities.tables.metafeatures.sampling import canonical_labels, sample_rows
from taskaware.modalities.tables.table import table_of
from taskaware.tasks.task import Task

SAMPLE_ROWS = 8192
SAMPLE_VALUES = 2**22
FEWEST_ROWS = 1024
WIDE = 8192
"""Columns beyond which they are looked at in parts of PART, to save memory."""

PART = 1024

LANDMARK_ROWS = 512
LANDMARK_COLUMNS = 1024
LANDMARK_CATEGORIES = 15
LANDMARK_CLIP = 8.0
TARGET_GROUPS = 5


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """A task as the meta-features read it.

    Whole-number facts (missing cells, categories, classes) count all N rows. The rest looks at a sample
    of n rows, min(N, 8192), fewer where there are over 512 columns (never under 1024); landmarks look at
    the first 512 of them. The sample and its order are fixed by the rows' content, so the order of the
    task's rows changes nothing: the same numbers are added in the same order.

    Attributes:
        task: what is looked at.
    """

    task: Task

    @property
    def table(self) -> Table:
        """The columns of the task, which is one of tables."""
        return table_of(self.task)

    @property
    def is_classification(self) -> bool:
        return self.task.problem == "classification"

    @property
    def rows(self) -> int:
        """N."""
        return self.task.rows

    @functools.cached_property
    def _labels_and_counts(self) -> tuple[np.ndarray, np.ndarray]:
        return canonical_labels(self.task.target, self.task.data.row_hashes)

    @functools.cached_property
    def class_counts(self) -> np.ndarray:
        """Rows of every class that occurs, descending; empty in regression."""
        return self._labels_and_counts[1] if self.is_classification else np.empty(0, np.int64)

    @functools.cached_property
    def sample(self) -> np.ndarray:
        """(n,) the rows looked at."""
        target = self._labels_and_counts[0] if self.is_classification else self.task.target
        width = max(len(self.table.columns), 1)
        limit = int(np.clip(SAMPLE_VALUES // width, FEWEST_ROWS, SAMPLE_ROWS))
        return sample_rows(self.task.data.row_hashes, target, limit)

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """(n,) classes numbered by size, those after the 63rd together; classification only."""
        return np.minimum(self._labels_and_counts[0][self.sample], KEPT_CLASSES)

    @functools.cached_property
    def numbers(self) -> Numbers:
        """The numeric columns of the sample; an infinite value reads as missing."""
        found = [column.values for column in self.table.columns if column.is_numeric]
        values = np.empty((len(found), len(self.sample)))
        for place, each in enumerate(found):
            values[place] = each[self.sample]
            values[place, ~np.isfinite(values[place])] = np.nan
        return WideNumbers(values) if len(values) > WIDE else Numbers(values)

    @functools.cached_property
    def target_numbers(self) -> Numbers:
        """A regression's target in the sample, (1, n); (0, n) in classification."""
        values = np.asarray(self.task.target, np.float64)[self.sample][None, :]
        return Numbers(values[:0] if self.is_classification else values)

    @functools.cached_property
    def categories(self) -> tuple[np.ndarray, ...]:
        """A (n,) array of codes for each categorical column of the sample, −1 where missing."""
        return tuple(c.values[self.sample] for c in self.table.columns if not c.is_numeric)

    @functools.cached_property
    def category_counts(self) -> tuple[np.ndarray, ...]:
        """Rows of every category that occurs, for each categorical column."""
        counts = (np.bincount(c.values + 1)[1:] for c in self.table.columns if not c.is_numeric)
        return tuple(count[count > 0] for count in counts)

    @functools.cached_property
    def cardinalities(self) -> np.ndarray:
        """Number of categories that occur, for each categorical column."""
        return np.array([len(counts) for counts in self.category_counts], np.int64)

    @functools.cached_property
    def distinct_values(self) -> np.ndarray:
        """Distinct values of every column, numeric ones in the sample first, then categorical ones."""
        return np.concatenate([self.numbers.distinct, self.cardinalities])

    @functools.cached_property
    def missing_shares(self) -> np.ndarray:
        """Share of missing cells of every column, in [0, 1]."""
        return np.array([np.mean(column.missing) for column in self.table.columns])

    @functools.cached_property
    def information(self) -> Information:
        """What the binned columns and the target tell about each other."""
        bins = bins_for(len(self.sample))
        values = self.numbers.values
        parts = _parts(values)
        whole = [self.numbers] if len(parts) == 1 else map(Numbers, parts)
        features = [codes for part in whole for codes in bin_codes(part.values, bin_edges(part, bins))]
        target = self.labels if self.is_classification else self._target_bins(bins)
        return Information((*features, *map(pool, self.categories)), target)

    def _target_bins(self, bins: int) -> np.ndarray:
        edges = bin_edges(self.target_numbers, bins)
        return bin_codes(self.target_numbers.values, edges)[0].astype(np.int64)

    @functools.cached_property
    def varying(self) -> np.ndarray:
        """(V, n) the numeric columns that are not constant, standardised, 0 where missing."""
        varies = self.numbers.varies
        return self.numbers.standard if varies.all() else self.numbers.standard[varies]

    @functools.cached_property
    def correlation(self) -> Correlation:
        """How the numeric columns hang together."""
        return Correlation(self.varying)

    @functools.cached_property
    def pearson(self) -> np.ndarray:
        """Absolute r of each varying numeric column with the target; empty in classification."""
        return np.abs(correlation(self.varying, self.target_numbers.standard)).ravel()

    @functools.cached_property
    def spearman(self) -> np.ndarray:
        """The same for ranks, of at most 2048 rows."""
        target = ranks(self.target_numbers.values[:, :RANKED_ROWS])
        columns = self.numbers.values[self.numbers.varies, :RANKED_ROWS] if len(target) else target
        parts = _parts(columns)
        return np.concatenate([np.abs(correlation(ranks(part), target)).ravel() for part in parts])

    @functools.cached_property
    def class_variance(self) -> np.ndarray:
        """Share of each varying numeric column's variance between the classes; empty in regression."""
        return explained_by_class(self.varying, self.labels) if self.is_classification else np.empty(0)

    @functools.cached_property
    def landmarks(self) -> Landmarks:
        """The cheap models, ready to be asked for their scores."""
        if self.is_classification:
            groups = self.labels[:LANDMARK_ROWS]
            return Landmarks(self._design, np.eye(groups.max() + 1)[groups], groups, True)
        outcome = self.target_numbers.standard[0, :LANDMARK_ROWS, None]
        return Landmarks(self._design, outcome, self._target_bins(TARGET_GROUPS)[:LANDMARK_ROWS], False)

    @functools.cached_property
    def _design(self) -> np.ndarray:
        numbers, cut = self.varying[:, :LANDMARK_ROWS], (-LANDMARK_CLIP, LANDMARK_CLIP)
        one_hot = [
            np.eye(LANDMARK_CATEGORIES + 2)[:, pool(codes[:LANDMARK_ROWS], LANDMARK_CATEGORIES)]
            for codes in self.categories
        ]
        categories = np.concatenate([np.empty((0, numbers.shape[1])), *one_hot])
        kept = np.flatnonzero(numbers.min(axis=1).clip(*cut) < numbers.max(axis=1).clip(*cut))
        categories = categories[categories.min(axis=1) < categories.max(axis=1)]
        # Chosen before they are copied: there may be very many.
        chosen = evenly_spaced(len(kept) + len(categories), LANDMARK_COLUMNS)
        of_numbers = kept[chosen[chosen < len(kept)]]
        design = np.concatenate(
            [numbers[of_numbers].clip(*cut), categories[chosen[len(of_numbers) :] - len(kept)]]
        ).T
        return np.ascontiguousarray(design - design.mean(axis=0))


def _parts(columns: np.ndarray) -> list[np.ndarray]:
    """The columns, (F, n), in parts where there are over WIDE."""
    if len(columns) <= WIDE:
        return [columns]
    return [columns[first : first + PART] for first in range(0, len(columns), PART)]
