"""The common form of every source: a frame, its name, and its target."""

import dataclasses

import numpy as np
import pandas as pd

from taskaware.data.frames import feature_frame, valid_text, whole_characters
from taskaware.errors import UserError


@dataclasses.dataclass(frozen=True, eq=False)
class Loaded:
    """A dataset as a frame.

    Attributes:
        frame: N rows, the target among the columns where it is known; the columns' names are strings.
        name: for people ("frame", "iris", "adult").
        target: name of the target column; None if the source names none.
        test: the source's own test rows, with the same columns; None if it has none.
        problem: "classification" or "regression", if the source says so.
        notes: assumptions, one sentence each.
        decimal: the decimal sign of strings that can be read with a point or a comma.
    """

    frame: pd.DataFrame
    name: str
    target: str | None = None
    test: pd.DataFrame | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()
    decimal: str = "."


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """The same columns under string names and rows numbered from 0; the given frame stays as it is."""
    copy = frame.copy(deep=False)
    copy.columns = [valid_text(str(name)) for name in frame.columns]
    copy.index = pd.RangeIndex(len(frame))
    return copy


def of_frame(frame: pd.DataFrame, target=None) -> Loaded:
    """A frame with its target among the columns, or as a named level of its index."""
    target = None if target is None else str(target)
    names = [str(name) for name in frame.index.names if name is not None]
    if target in names and target not in map(str, frame.columns):
        frame, names = frame.reset_index(target), [name for name in names if name != target]
    return Loaded(tidy(frame), "frame", target, notes=_about_index(names))


def _about_index(names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    listed = ", ".join(f"'{name}'" for name in names[:5])
    return (f"The index ({listed}) is no feature; frame.reset_index() makes it one.",)


def of_arrays(features, target, name: str | None = None) -> Loaded:
    """Features and target apart: scikit-learn's X and y.

    Args:
        features: (N, F) array, list of rows, sparse matrix or table; columns of an array are called "x0",
            "x1", ...
        target: N values; an (N, 1) array or frame counts as N values.
        name: of the target; by default the name of the series, or "target".

    Raises:
        UserError: wrong shapes, or lengths that differ.

    >>> of_arrays([[1, 2], [3, 4]], ["a", "b"]).frame.columns.tolist()
    ['x0', 'x1', 'target']
    """
    frame = tidy(feature_frame(features))
    column = _target_series(target)
    if len(column) != len(frame):
        raise UserError(f"X has {len(frame)} rows and y has {len(column)}. Give one target for each row.")
    name = str(name or column.name or "target")
    if name in frame.columns:
        raise UserError(f"X has a column '{name}', too, the name of the target. Rename one of them.")
    return Loaded(pd.concat([frame, column.rename(name)], axis=1), "frame", name)


def _target_series(target) -> pd.Series:
    if isinstance(target, pd.DataFrame):
        target = target.iloc[:, 0] if target.shape[1] == 1 else target.to_numpy()
    if not isinstance(target, pd.Series):
        target = np.asarray(target)
        if target.ndim == 2 and target.shape[1] == 1:
            target = target[:, 0]
        if target.ndim != 1:
            raise UserError(f"y has shape {target.shape}; one target for each row is needed: y[:, 0].")
        target = pd.Series(whole_characters(target))
    return target.set_axis(pd.RangeIndex(len(target)))
