"""Rows of any kind of data, what is to be predicted from them, and how that is scored."""

import dataclasses
import functools

import numpy as np

from taskaware.deprecation import renamed_fields
from taskaware.errors import some
from taskaware.tasks.data import Data, Reader, content_digest
from taskaware.tasks.outputs import SEVERAL, Outputs

PROBLEMS = ("classification", "regression")
"""Problems of one output."""

ALL_PROBLEMS = (*PROBLEMS, *SEVERAL)


@renamed_fields(kind="problem", origin="group", table="data", schema="reader")
@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Task:
    """One learning problem.

    Attributes:
        name: for people.
        problem: one of ALL_PROBLEMS; "multilabel" and "multioutput" (regression) have several outputs.
        data: the features, N rows, as their modality reads them; the target is not among them.
        target_name: name of the target; of several outputs, for people.
        target: (N,) int32 class indices, or (N,) float64 values; never missing. Of K outputs (N, K) float64:
            values, or 0 and 1.
        classes: the labels in the order of the indices, as the user wrote them; else empty.
        metric: name of the score, one of `metrics.METRICS`; larger is better.
        notes: what was assumed on the way here, one sentence each, to be shown to the user.
        group: name of the real task this one is a variant of (its own name otherwise); what is
            held out is held out by group.
        reader: how rows for prediction are read into data like this; None for tasks made by hand.
        test: the source's own test rows as a task of the same classes; None where it has none.
        modality: name of the kind of data, one of `modalities.MODALITIES`.
        target_form: how the numbers of a regression target are written, see `data.description.Description`.
        several: the outputs, where there are several.
    """

    name: str
    problem: str
    data: Data
    target_name: str
    target: np.ndarray
    classes: tuple
    metric: str
    notes: tuple[str, ...] = ()
    group: str = ""
    reader: Reader | None = None
    test: "Task | None" = None
    modality: str = "tables"
    target_form: tuple[str, ...] = ()
    several: Outputs | None = None

    def __repr__(self) -> str:
        answers = some(self.several.names) if self.several else f"'{self.target_name}'"
        kinds = f", {len(self.classes)} classes ({some(self.classes)})" if self.classes else ""
        names = self.reader.names if self.reader is not None else ()
        features = f", {len(names)} features ({some(names)})" if names else ""
        head = f"Task '{self.name}' of {self.modality}: {self.problem} of {answers}{kinds}"
        lines = [f"{head}; {self.rows:,} rows{features}; scored by {self.metric}.", *self.notes]
        return "\n".join(lines)

    @property
    def rows(self) -> int:
        return self.data.rows

    @property
    def outputs(self) -> int:
        """Numbers a network has to give for a row: classes, or 1, or all of several outputs."""
        if self.several:
            return len(self.several.names)
        return len(self.classes) if self.problem == "classification" else 1

    @functools.cached_property
    def row_hashes(self) -> np.ndarray:
        """A 64-bit hash of every row with its target or targets, (N,) uint64."""
        target = np.ascontiguousarray(self.target, np.float64).view(np.uint64)
        found = self.data.row_hashes
        for place, column in enumerate(np.atleast_2d(target.T)):
            # Outputs that change places give another task.
            found = (found * np.uint64(0xD1B54A32D192ED03) if place else found) ^ (
                column * np.uint64(0x9E3779B97F4A7C15)
            )
        return found

    @functools.cached_property
    def digest(self) -> str:
        """16 hex digits that name the content of features and target, in any order of the rows."""
        return content_digest(f"{self.problem}|{self.data.digest}", self.row_hashes)
