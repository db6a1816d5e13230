"""The common form of every source: a frame, its name, and its target."""

import dataclasses

import numpy as np
import pandas as pd

from taskaware.errors import UserError


@dataclasses.dataclass(frozen=True, eq=False)
class Loaded:
    """A data set as a frame.

    Attributes:
        frame: N rows, the target among the columns where it is known; the columns' names are strings.
        name: for people ("frame", "iris", "adult").
        target: name of the target column; None if the source names none.
        test: the source's own test rows, with the same columns; None if it has none.
        problem: "classification" or "regression", if the source says so.
        notes: assumptions, one sentence each.
    """

    frame: pd.DataFrame
    name: str
    target: str | None = None
    test: pd.DataFrame | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """The same columns under string names and rows numbered from 0; the given frame stays as it is."""
    copy = frame.copy(deep=False)
    copy.columns = [str(name) for name in frame.columns]
    copy.index = pd.RangeIndex(len(frame))
    return copy


def of_frame(frame: pd.DataFrame, target=None) -> Loaded:
    """A frame with its target among the columns."""
    return Loaded(tidy(frame), "frame", None if target is None else str(target))


def of_arrays(features, target, name: str | None = None) -> Loaded:
    """Features and target apart: scikit-learn's X and y.

    Args:
        features: (N, F) array, list of rows, sparse matrix or frame; columns of an array are called "x0",
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


def feature_frame(features) -> pd.DataFrame:
    """A frame of (N, F) features in any of the forms of `of_arrays`.

    Raises:
        UserError: not two axes, or a sparse matrix of more than 100 million cells.
    """
    if isinstance(features, pd.DataFrame):
        return features
    if hasattr(features, "toarray"):
        features = _dense(features)
    features = np.asarray(features)
    if features.ndim != 2:
        mend = " For a single feature: X.reshape(-1, 1)." if features.ndim == 1 else ""
        raise UserError(f"X has shape {features.shape}; it needs two axes, rows and columns.{mend}")
    frame = pd.DataFrame(features, columns=[f"x{place}" for place in range(features.shape[1])])
    return frame.infer_objects()


_DENSE_CELLS = 100_000_000


def _dense(matrix) -> np.ndarray:
    if np.prod(matrix.shape, dtype=float) > _DENSE_CELLS:
        raise UserError(
            f"X is sparse with {' x '.join(map(str, matrix.shape))} cells, too many to write out. "
            "Reduce its columns first, for instance by sklearn.decomposition.TruncatedSVD."
        )
    return matrix.toarray()


def _target_series(target) -> pd.Series:
    if isinstance(target, pd.DataFrame):
        target = target.iloc[:, 0] if target.shape[1] == 1 else target.to_numpy()
    if not isinstance(target, pd.Series):
        target = np.asarray(target)
        if target.ndim == 2 and target.shape[1] == 1:
            target = target[:, 0]
        if target.ndim != 1:
            raise UserError(f"y has shape {target.shape}; one target for each row is needed: y[:, 0].")
        target = pd.Series(target)
    return target.set_axis(pd.RangeIndex(len(target)))
