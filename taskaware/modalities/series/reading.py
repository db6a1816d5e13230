"""Values in any form that users have series in → arrays (C, T)."""

import os
from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np

from taskaware.errors import UserError, quoted
from taskaware.modalities.series.data import SeriesData
from taskaware.modalities.series.forms import is_missing

MOST_SAMPLES = "TASKAWARE_MOST_SAMPLES"
"""Environment variable: numbers of one series, of all its channels, beyond which it is refused."""
DEFAULT_MOST_SAMPLES = 10_000_000
LARGEST = 1e100
TIME_FIRST = 4
"""Times that the first axis is longer than the last one where rows are taken as (T, C)."""
FEW = 8


def parsed(
    values: Sequence, column: str, *, channels: int | None = None, time_first: bool | None = None
) -> tuple[SeriesData, list[str]]:
    """Series of one column, and notes.

    Args:
        values: N of them.
        column: for messages.
        channels: of the training rows; None for these themselves.
        time_first: whether rows are (T, C); None where these rows are to decide.
    """
    arrays = [
        None if is_missing(value) else _array(value, f"Row {row} of '{column}'")
        for row, value in enumerate(values)
    ]
    found = [array for array in arrays if array is not None]
    notes = []
    if time_first is None:
        time_first = _is_time_first(found)
        if time_first:
            notes.append(f"'{column}': rows were read as (time, channels), because time is the longer axis.")
    if time_first:
        arrays = [None if array is None else _turned(array) for array in arrays]
    channels = channels or _channels(arrays)
    rows = tuple(_row(array, channels, f"Row {row} of '{column}'") for row, array in enumerate(arrays))
    data = SeriesData(rows, channels, time_first)
    return data, [*notes, *_notes(data, column)]


def _array(value: object, where: str) -> np.ndarray:
    """(T,) or (C, T) as given, in float64."""
    if isinstance(value, str | bytes | dict | set) or not isinstance(value, Iterable):
        raise UserError(
            f"{where} is {quoted(value)}, no series. Give a list or an array of numbers, or None."
        )
    try:
        found = _numeric(value)
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None or found.ndim not in (1, 2):
        shape = "" if found is None else f" of {found.ndim} axes"
        raise UserError(
            f"{where} is {quoted(value)}{shape}, no series of numbers. Give a list of numbers, or one list "
            "for each channel; None or NaN where a sample is missing."
        )
    return _checked(found, where)


def _checked(found: np.ndarray, where: str) -> np.ndarray:
    text = os.environ.get(MOST_SAMPLES, "")
    most = int(text) if text.isdecimal() else DEFAULT_MOST_SAMPLES
    if found.size > most:
        raise UserError(
            f"{where} has {found.size:,} samples; at most {most:,} are read. Shorten it, or set the "
            f"environment variable {MOST_SAMPLES}."
        )
    wrong = np.argwhere(np.isinf(found) | (np.abs(found) > LARGEST))
    if len(wrong):
        place = tuple(wrong[0])
        raise UserError(
            f"{where} holds {found[place]:.6g} at sample {place[-1]}. Allowed are finite numbers up to "
            f"{LARGEST:.0e}; give NaN where a sample is missing."
        )
    return found


def _numeric(value: object) -> np.ndarray | None:
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.astype(np.float64) if value.dtype.kind in "fiub" else None
    if hasattr(value, "__array__") and not isinstance(value, np.ndarray):
        return _numeric(np.asarray(value))
    rows = list(cast(Iterable, value))
    if any(isinstance(row, str | bytes) for row in rows):
        return None
    if any(isinstance(row, Iterable) for row in rows):
        return _stacked([None if is_missing(row) else _numeric(row) for row in rows])
    # pandas writes NA for what is missing; its type tells, because pandas may not be here.
    there = [np.nan if is_missing(row) or type(row).__name__ == "NAType" else row for row in rows]
    return np.array(there, np.float64)


def _stacked(channels: list[np.ndarray | None]) -> np.ndarray | None:
    """Channels one above the other; a shorter one ends in missing samples, a missing one has no others."""
    if any(channel is not None and channel.ndim != 1 for channel in channels):
        return None
    longest = max((len(channel) for channel in channels if channel is not None), default=0)
    found = np.full((len(channels), longest), np.nan)
    for row, channel in zip(found, channels, strict=True):
        if channel is not None:
            row[: len(channel)] = channel
    return found


def _is_time_first(arrays: list[np.ndarray]) -> bool:
    """Whether rows are (T, C): their first axis is the longer one, and differs or is so by far."""
    shapes = {array.shape for array in arrays}
    if any(len(shape) != 2 for shape in shapes):
        return False
    first, second = {shape[0] for shape in shapes}, {shape[1] for shape in shapes}
    if len(second) != 1:
        return False
    if len(first) > 1:
        return min(first) >= max(second)
    return max(second) <= FEW and min(first) >= TIME_FIRST * max(second)


def _turned(array: np.ndarray) -> np.ndarray:
    return array.T if array.ndim == 2 else array


def _channels(arrays: Sequence[np.ndarray | None]) -> int:
    """Channels of most rows."""
    counts = [
        1 if array.ndim == 1 else array.shape[0] for array in arrays if array is not None and array.size
    ]
    return int(np.bincount(counts).argmax()) if counts else 1


def _row(array: np.ndarray | None, channels: int, where: str) -> np.ndarray:
    """(C, T), without the missing samples at its end."""
    if array is None or not array.size:
        found = np.zeros((channels, 0))
    else:
        found = np.atleast_2d(array)
        if len(found) != channels:
            raise UserError(
                f"{where} has {_counted(len(found))}; the others have {channels}. Give each channel in its "
                "place: None, or a list of NaN, for one that is missing."
            )
    there = np.flatnonzero(~np.isnan(found).all(0))
    last = there[-1] + 1 if len(there) else 0
    kept = np.ascontiguousarray(found[:, :last]) + 0.0
    kept[np.isnan(kept)] = np.nan
    kept.setflags(write=False)
    return kept


def _counted(channels: int) -> str:
    return f"{channels} channel" + ("s" if channels != 1 else "")


def _notes(data: SeriesData, column: str) -> list[str]:
    empty = int((data.lengths == 0).sum())
    lengths = data.lengths[data.lengths > 0]
    notes = []
    if empty:
        notes.append(f"'{column}': {empty} of {data.rows} series are missing or without a sample.")
    if len(lengths) and lengths.min() < lengths.max():
        notes.append(f"'{column}': series have {lengths.min()} to {lengths.max()} samples.")
    gaps = sum(int(np.isnan(value).sum()) for value in data.values)
    if gaps:
        notes.append(f"'{column}': {gaps} missing samples are filled by straight lines.")
    return notes
