"""The columns of a frame: those of plain numbers many at a time, the others one by one.

A pandas series costs more than a hundred numbers do, so a table of ten thousand columns is read in blocks.
"""

import collections
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from taskaware.data.frames import valid_text
from taskaware.errors import UserError, some

_CELLS_AT_ONCE = 1 << 23
"""64 MB: a block of more than 32 MB goes back to the system when it is freed."""


def names_of(frame: pd.DataFrame) -> list[str]:
    """The names of a frame's columns as strings.

    Raises:
        UserError: it is no frame, or two columns have one name.
    """
    if not isinstance(frame, pd.DataFrame):
        raise UserError(f"A pandas DataFrame is needed here, not a {type(frame).__name__}.")
    names = [valid_text(str(name)) for name in frame.columns]
    twice = sorted(name for name, count in collections.Counter(names).items() if count > 1)
    if twice:
        raise UserError(f"Several columns have the same name: {some(twice)}. Rename all but one.")
    return names


def of_numbers(frame: pd.DataFrame) -> list[bool]:
    """Which columns have a dtype of NumPy's for numbers."""
    return [isinstance(dtype, np.dtype) and dtype.kind in "iuf" for dtype in frame.dtypes]


def finite_numbers(frame: pd.DataFrame, places: Sequence[int]) -> dict[int, np.ndarray]:
    """Columns of numbers as float64, (N,) each, by place; those with an infinite value are left out.

    Args:
        frame: N rows.
        places: of columns that `of_numbers` names.
    """
    found: dict[int, np.ndarray] = {}
    size = max(1, _CELLS_AT_ONCE // max(len(frame), 1))
    for first in range(0, len(places), size):
        group = list(places[first : first + size])
        # A copy, in which each column lies in one piece.
        block = np.array(frame.iloc[:, group].to_numpy(np.float64).T, order="C")
        finite = ~np.isinf(block).any(1)
        found |= {place: block[row] for row, place in enumerate(group) if finite[row]}
    return found


def series_of(frame: pd.DataFrame, names: Sequence[str], places: Iterable[int]) -> dict[int, pd.Series]:
    """Columns as series, by place.

    Args:
        frame: N rows.
        names: of all its columns.
        places: of the columns.
    """
    places = list(places)
    part = frame if places == list(range(len(names))) else frame.iloc[:, places]
    pairs = zip(places, part.items(), strict=True)
    # A copy under another name is slow where there are thousands of columns.
    return {
        place: series if _is_named(series, names[place]) else series.rename(names[place])
        for place, (_, series) in pairs
    }


def _is_named(series: pd.Series, name: str) -> bool:
    return isinstance(series.name, str) and series.name == name
