"""What is a series at a glance, and what is an embedding or a table of numbers."""

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
import pandas as pd

from taskaware.errors import UserError, quoted

LOOKED_AT = 20
"""Values of a column, from its start, that are looked at."""
LEAST_SAMPLES = 9
"""Numbers of a list in a column of equally long lists from which they are series."""
LEAST_WIDTH = 32
"""Numbers of a list from which it may be an embedding."""
SMOOTH = 0.2
"""Mean correlation of neighbouring numbers beyond which (either way) lists are series."""
MOST_CHANNELS = 1000
"""Of a frame of series."""


def is_missing(value: object) -> bool:
    """Whether a value stands for none: None, NaN, NaT."""
    return value is None or value is pd.NaT or (isinstance(value, float) and value != value)


def numbers(value: object) -> np.ndarray | None:
    """A value as an array of one axis or two, where it is one of numbers; None otherwise."""
    if isinstance(value, str | bytes | dict | set) or not isinstance(value, Iterable):
        return None
    if (
        isinstance(value, np.ndarray)
        and value.dtype == object
        and len(value)
        and numbers(value[0]) is not None
    ):
        value = value.tolist()
    try:
        found = np.asarray(value, np.float64) if _is_numeric(value) else None
    except (TypeError, ValueError):
        found = _first_channel(value)
    return found if found is not None and found.ndim in (1, 2) else None


def first_values(values: Sequence) -> list[np.ndarray | None]:
    """The first values of a column that are not missing, as `numbers` has them."""
    found = []
    for value in values:
        if not is_missing(value):
            found.append(numbers(value))
        if len(found) == LOOKED_AT:
            break
    return found


def are_series(values: Sequence) -> bool:
    """Whether the values of a column are series.

    They are lists or arrays of more than one number that differ in length, or that have channels, or that are
    equally long with at least 9 numbers and are no embeddings (see `are_vectors`).
    """
    found = first_values(values)
    arrays = [each for each in found if each is not None]
    if not arrays or len(arrays) < len(found) or max(each.shape[-1] for each in arrays) < 2:
        return False
    shapes = {each.shape for each in arrays}
    if len(shapes) > 1 or arrays[0].ndim == 2:
        return all(each.size for each in arrays)
    return arrays[0].shape[0] >= LEAST_SAMPLES and not are_vectors(values)


def are_vectors(values: Sequence) -> bool:
    """Whether the values of a column are embeddings: at least 32 numbers, equally many, in no order.

    The rule: the correlation of each number with the next one in its list is near 0 on the mean of the lists,
    at most 0.2 either way, where in series neighbours are alike. So white noise in time is taken for an
    embedding, and an embedding that was sorted for a series: say which, with modality= or modalities=. Whole
    numbers alone are no embedding.
    """
    found = first_values(values)
    arrays = [each for each in found if each is not None and each.ndim == 1]
    if not arrays or len(arrays) < len(found) or len({len(each) for each in arrays}) > 1:
        return False
    matrix = np.stack(arrays)
    if matrix.shape[1] < LEAST_WIDTH or not np.isfinite(matrix).all() or (matrix == np.round(matrix)).all():
        return False
    return abs(smoothness(matrix)) <= SMOOTH


def smoothness(rows: np.ndarray) -> float:
    """Mean over rows (N, D) of the correlation of each number with the next; from -1 to 1, 0 in no order.

    >>> smoothness(np.sin(np.arange(100) / 10)[None]) > 0.9
    True
    """
    with np.errstate(all="ignore"):
        centred = rows - rows.mean(1, keepdims=True)
        energy = (centred**2).sum(1)
        share = (centred[:, 1:] * centred[:, :-1]).sum(1) / np.where(energy > 0, energy, np.inf)
    return float(np.nan_to_num(share).mean()) if len(rows) else 0.0


def is_cube(source: np.ndarray) -> bool:
    """Whether an array of three axes is one of series (N, C, T), and not of images (N, H, W).

    Bytes and truth values are images. So are numbers that are never negative or missing on a raster of at
    least 8 by 8 whose sides differ by less than four times.
    """
    if source.ndim != 3 or source.dtype.kind not in "fi" or not source.size:
        return False
    short, long = sorted(source.shape[1:])
    if long < 2:
        return False
    return short < 8 or long >= 4 * short or not bool((source[:LOOKED_AT] >= 0).all())


def is_nested(frame: pd.DataFrame) -> bool:
    """Whether each cell of a frame is a series: channels in columns, as sktime has them."""
    columns = [frame.iloc[:, place] for place in range(min(frame.shape[1], MOST_CHANNELS))]
    return 0 < frame.shape[1] == len(columns) and all(
        column.dtype == object and are_series(column.tolist()) for column in columns
    )


def numbers_of(frame: pd.DataFrame) -> np.ndarray:
    """The rows of a frame of numbers, (N, columns).

    Raises:
        UserError: a column holds no numbers; names it.
    """
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise UserError(
                f"Column {quoted(str(name))} holds no numbers. Leave it out, or give the target apart."
            )
    return frame.to_numpy(np.float64, na_value=np.nan)


def _is_numeric(value: object) -> bool:
    """Whether it is quickly seen to hold numbers; text that could be read as a number is none."""
    first = value
    while isinstance(first, list | tuple) and len(first):
        first = next((each for each in first if each is not None), None)
    if isinstance(first, np.ndarray | pd.Series) and first.dtype == object:
        return len(first) > 0 and _is_numeric(first.tolist())
    if isinstance(first, np.ndarray | pd.Series):
        return first.dtype.kind in "fiub"
    return isinstance(first, int | float | np.number) or hasattr(first, "__array__")


def _first_channel(value: object) -> np.ndarray | None:
    """Channels of several lengths, as an array of the right number of channels."""
    try:
        rows = [np.asarray(row, np.float64) for row in cast(Iterable, value)]
    except (TypeError, ValueError):
        return None
    if not rows or any(row.ndim != 1 for row in rows):
        return None
    longest = max(len(row) for row in rows)
    return np.full((len(rows), longest), np.nan)
