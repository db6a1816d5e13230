"""Tasks of several outputs: their problems, the names of their outputs, and their answers as a matrix."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from taskaware.data import columns
from taskaware.data.description import describe
from taskaware.data.loaded import holds_lists, target_columns
from taskaware.errors import UserError

SEVERAL = {"multilabel": "classification", "multioutput": "regression"}
"""Problems of several outputs, each with the problem of one output alone."""

LINKS = {"classification": "classes", "multilabel": "labels", "regression": "values", "multioutput": "values"}
"""What the outputs of a network are, by problem: values, or logits of classes or of labels."""


def single_problem(problem: str) -> str:
    """The problem of one output of a task.

    >>> single_problem("multilabel"), single_problem("regression")
    ('classification', 'regression')
    """
    return SEVERAL.get(problem, problem)


@dataclasses.dataclass(frozen=True)
class Outputs:
    """The K outputs of a task of several.

    Attributes:
        names: of the target columns, or the labels, as the user wrote them.
        listed: whether one column lists the labels of each row; else each output has a column.
    """

    names: tuple[Any, ...]
    listed: bool = False

    @property
    def places(self) -> dict[str, int]:
        """Place of each output by its name as text."""
        return {columns.label(name): place for place, name in enumerate(self.names)}

    def columns(self, target_name: str) -> tuple[str, ...]:
        """Names of the target columns of a frame, for a task whose target has this name."""
        return (target_name,) if self.listed else self.names

    def to_dict(self) -> dict:
        """The outputs as plain JSON."""
        return {"names": list(self.names), "listed": self.listed}

    @classmethod
    def from_dict(cls, plain: object) -> "Outputs | None":
        """What `to_dict` wrote; None stays None.

        Raises:
            ValueError: it is something else.
        """
        if plain is None:
            return None
        names, listed = (plain.get(key) for key in ("names", "listed")) if isinstance(plain, dict) else (0, 0)
        if not isinstance(names, list) or not isinstance(listed, bool) or not 0 < len(names) <= MOST_OUTPUTS:
            raise ValueError(f"'several' is {str(plain)[:80]!r}")
        allowed = str | int | float | bool if listed else str
        if not all(isinstance(name, allowed) for name in names) or len(set(map(str, names))) < len(names):
            raise ValueError("'several' has names that are none, or twice there")
        return cls(tuple(names), listed)


MOST_OUTPUTS = 1000
"""Largest number of outputs of a task."""


def matrix_of(outputs: Outputs, problem: str, values: object) -> np.ndarray:
    """Answers of rows as a matrix, (N, K) float64; a row that lacks an answer has NaN.

    Args:
        outputs: K of them.
        problem: "multilabel" or "multioutput".
        values: a frame of the target columns, an (N, K) array, or N collections of labels. A label that is
            none of the outputs makes its row NaN, and so does another value than 0 and 1.

    Raises:
        UserError: there are not K columns, or a value is no number.
    """
    if isinstance(values, pd.DataFrame) and values.shape[1] == 1:
        values = values.iloc[:, 0]
    frame = target_columns(values)
    if outputs.listed and frame.shape[1] == 1:
        return label_matrix(frame.iloc[:, 0], outputs)
    if frame.shape[1] != len(outputs.names):
        raise UserError(
            f"The answers have {frame.shape[1]} columns, and the task has {len(outputs.names)} outputs. Give "
            "one column for each."
        )
    each = (frame.iloc[:, place] for place in range(frame.shape[1]))
    found = np.stack([columns.numbers(series, describe(series).form) for series in each], axis=1)
    if problem == "multilabel":
        found = np.where((found == 0) | (found == 1), found, np.nan)
    return found


def whole_matrix(outputs: Outputs, problem: str, values: object) -> np.ndarray:
    """`matrix_of` answers to be scored by.

    Args:
        outputs, problem, values: as there.

    Raises:
        UserError: as there; or there is no row, or a row lacks an answer.
    """
    found = matrix_of(outputs, problem, values)
    if not len(found):
        raise UserError("score needs at least one row with its answers; there is none.")
    wrong = np.flatnonzero(np.isnan(found).any(1))
    if len(wrong):
        raise UserError(
            f"{len(wrong)} of {len(found)} rows lack an answer, or hold a label that the model does not know "
            f"(first in row {wrong[0]}). Drop them."
        )
    return found


def label_matrix(series: pd.Series, outputs: Outputs) -> np.ndarray:
    """Indicators of the labels in each cell, (N, K) float64; NaN for a missing cell or another label."""
    places = outputs.places
    found = np.zeros((len(series), len(outputs.names)))
    for row, cell in enumerate(series):
        if not holds_lists([cell]):
            found[row] = np.nan
            continue
        at = [places.get(columns.label(label), -1) for label in cell]
        found[row, at] = 1.0
        if -1 in at:
            found[row] = np.nan
    return found


def label_lists(outputs: Outputs, matrix: np.ndarray) -> np.ndarray:
    """The labels of each row as a tuple, (N,) objects: the inverse of `label_matrix`.

    >>> label_lists(Outputs(("red", "round"), listed=True), np.array([[1, 0], [1, 1]])).tolist()
    [('red',), ('red', 'round')]
    """
    found = np.empty(len(matrix), object)
    for row, chosen in enumerate(matrix.astype(bool)):
        found[row] = tuple(outputs.names[place] for place in np.flatnonzero(chosen))
    return found
