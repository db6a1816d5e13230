"""The common form of every source: a frame, its name, and its target."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from taskaware.data.frames import feature_frame, unmasked, valid_text, whole_characters
from taskaware.errors import UserError, quoted


@dataclasses.dataclass(frozen=True, eq=False)
class Loaded:
    """A dataset as a frame.

    Attributes:
        frame: N rows, the target among the columns where it is known; the columns' names are strings.
        name: for people ("frame", "iris", "adult").
        target: name of the target column, or of several; None if the source names none.
        test: the source's own test rows, with the same columns; None if it has none.
        problem: "classification" or "regression", if the source says so.
        notes: assumptions, one sentence each.
        decimal: the decimal sign of strings that can be read with a point or a comma.
    """

    frame: pd.DataFrame
    name: str
    target: str | tuple[str, ...] | None = None
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


def of_arrays(features, target, name: str | Sequence[str] | None = None) -> Loaded:
    """Features and target apart: scikit-learn's X and y.

    Args:
        features: (N, F) array, list of rows, sparse matrix or table; columns of an array are called "x0",
            "x1", ...
        target: N values, or K for each row, (N, K); an (N, 1) array or frame counts as N values. See
            `target_columns`.
        name: of the target, or one for each column of it; by default the name of the series, or "target", and
            the names of the columns, or "y0", "y1", ...

    Raises:
        UserError: wrong shapes, or lengths that differ.

    >>> of_arrays([[1, 2], [3, 4]], ["a", "b"]).frame.columns.tolist()
    ['x0', 'x1', 'target']
    """
    frame = tidy(feature_frame(features))
    found = target_columns(target)
    if len(found) != len(frame):
        raise UserError(f"X has {len(frame)} rows and y has {len(found)}. Give one target for each row.")
    if name is None:
        names = [str(each or "target") for each in found.columns]
    else:
        names = [name] if isinstance(name, str) else list(name)
    if len(names) != found.shape[1]:
        raise UserError(f"y has {found.shape[1]} columns and {len(names)} names: {names}. Give one for each.")
    for each in names:
        if each in frame.columns:
            raise UserError(f"X has a column '{each}', too, the name of the target. Rename one of them.")
    whole = pd.concat([frame, found.set_axis(names, axis=1)], axis=1)
    return Loaded(whole, "frame", names[0] if len(names) == 1 else tuple(names))


def target_columns(target: object) -> pd.DataFrame:
    """Targets in any form as a frame of one column or of several, rows numbered from 0.

    Args:
        target: N values, numbers in an (N, K) array, in N lists or in a frame, or N collections of labels
            (sets, or lists of strings or of different lengths), which are one column.

    Raises:
        UserError: an array of other shape, or a table without columns.

    >>> list(target_columns([[1.5, 2.0], [0.5, 3.0]]).columns), list(target_columns([["a"], []]).columns)
    (['y0', 'y1'], ['target'])
    """
    if isinstance(target, pd.DataFrame):
        if not target.shape[1]:
            raise UserError("y has no columns. Give one target for each row.")
        return target.set_axis(pd.RangeIndex(len(target)))
    if isinstance(target, pd.Series):
        series = target
    elif isinstance(target, list | tuple) and holds_lists(target) and not _is_matrix(target):
        series = pd.Series(list(target), dtype=object)
    else:
        array = _target_array(target)
        if array.ndim == 2 and array.shape[1] > 1:
            names = [f"y{place}" for place in range(array.shape[1])]
            return pd.DataFrame(whole_characters(array), columns=names)
        array = array[:, 0] if array.ndim == 2 and array.shape[1] else array
        if array.ndim == 0:
            raise UserError(
                f"y is {quoted(target)}, a {type(target).__name__}. Give a list or an array with one target "
                "for each row, in their order."
            )
        if array.ndim != 1:
            raise UserError(f"y has shape {array.shape}; one target for each row is needed: y[:, 0].")
        series = pd.Series(whole_characters(array))
    return series.set_axis(pd.RangeIndex(len(series))).to_frame(str(series.name or "target"))


def _target_array(target: object) -> np.ndarray:
    """Targets as an array; a list keeps its types, of which NumPy would make strings: 1 and "a"."""
    if not isinstance(target, list | tuple):
        return unmasked(target)
    kinds = set(map(type, target))
    if kinds == {str} or not any(issubclass(kind, str) for kind in kinds):
        return unmasked(target)
    own = [str.__str__(cell) if isinstance(cell, str) else cell for cell in target]
    return pd.Series(own, dtype=object).to_numpy()


def holds_lists(cells: Iterable[object]) -> bool:
    """Whether the cells of a column are collections of labels; missing ones do not tell.

    >>> holds_lists([None, {"a"}]), holds_lists(["ab"])
    (True, False)
    """
    found = False
    for cell in cells:
        if isinstance(cell, list | tuple | set | frozenset) or (
            isinstance(cell, np.ndarray) and cell.ndim == 1
        ):
            found = True
        elif cell is not None and cell is not pd.NA and cell == cell:
            return False
    return found


def _is_matrix(rows: list | tuple) -> bool:
    """Whether lists hold numbers, as many in each, or one value each."""
    flat = all(isinstance(row, list | tuple | np.ndarray) and len(row) == len(rows[0]) for row in rows)
    words = (isinstance(cell, str) for row in rows for cell in row)
    return flat and (len(rows[0]) == 1 or (len(rows[0]) > 1 and not any(words)))
