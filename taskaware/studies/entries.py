"""Results in a journal, checked before a study reads them: a line may be damaged, or of another version."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from taskaware.errors import StoreError, quoted


def numbers(entry: Mapping[str, Any], names: tuple[str, ...], most: int) -> list[np.ndarray]:
    """Lists of numbers of an entry, of one length each, NaN for None.

    Args:
        entry: of a journal.
        names: of the lists.
        most: numbers that a list may have; it has at least one.

    Raises:
        StoreError: one is missing, no list of numbers, or of another length.

    >>> numbers({"scores": [0.5, None]}, ("scores",), 4)
    [array([0.5, nan])]
    """
    found = [entry.get(name) for name in names]
    for name, values in zip(names, found, strict=True):
        if not isinstance(values, list) or not all(value is None or _is_number(value) for value in values):
            raise _wrong(entry, f"'{name}' is no list of numbers")
    sizes = [len(values) for values in found if isinstance(values, list)]
    if len(set(sizes)) > 1 or not 1 <= sizes[0] <= most:
        listed = ", ".join(f"{size} of '{name}'" for name, size in zip(names, sizes, strict=True))
        raise _wrong(entry, f"it holds {listed}; 1 to {most} of each are allowed")
    return [np.array(values, float) for values in found]


def number(entry: Mapping[str, Any], name: str) -> float:
    """One number of an entry.

    Raises:
        StoreError: it is missing, or no finite number.
    """
    value = entry.get(name)
    if not isinstance(value, int | float) or not _is_number(value) or not np.isfinite(value):
        raise _wrong(entry, f"'{name}' is no number")
    return value


def rows(
    entry: Mapping[str, Any], name: str, places: Mapping[str, int], required: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The rows of an entry, numbers and words by name.

    Args:
        entry: of a journal.
        name: of the list of rows.
        places: whole numbers of a row, and the end of the range of each, which starts with 0.
        required: those of them that every row has.

    Raises:
        StoreError: it is no list of rows, or one is out of range.
    """
    found = entry.get(name)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise _wrong(entry, f"'{name}' is no list of rows")
    for row in found:
        for field, end in places.items():
            place = row.get(field)
            if place is None and field not in required:
                continue
            if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < end:
                raise _wrong(entry, f"'{field}' is {quoted(str(place), 40)}; 0 to {end - 1} is allowed")
        if odd := [field for field, value in row.items() if not (value is None or _is_plain(value))]:
            raise _wrong(entry, f"{quoted(odd[0], 40)} is neither a number nor a word")
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_plain(value: object) -> bool:
    return isinstance(value, str) or _is_number(value) or isinstance(value, bool)


def _wrong(entry: Mapping[str, Any], why: str) -> StoreError:
    job = quoted(str(entry.get("label") or entry.get("job")), 60)
    return StoreError(
        f"The journal's entry of {job} cannot be read: {why}. Delete its line in the journal, and run the "
        "same command again."
    )
