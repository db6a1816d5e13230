"""What a space of choices may be made of: its options and its allowed points, checked."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from taskaware.errors import UserError, quoted

Option = str | int | float | bool | None

Allowed = Callable[[dict[str, Option]], bool] | np.ndarray | Sequence

LARGEST_GRID = 1_000_000
"""Combinations that a predicate of `choices` is tried on, at most."""

MANY = 65_535
"""Options of a decision, at most."""


def options_of(name: str, values: Sequence[Option]) -> tuple[Option, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray):
        raise UserError(f"The options of '{name}' are {quoted(values)}. Give a list of them.")
    found = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
    for value in found:
        if not isinstance(value, Option) or (isinstance(value, float) and not np.isfinite(value)):
            raise UserError(
                f"The decision '{name}' has the option {quoted(value)}. Allowed: text, finite numbers, "
                "True, False and None."
            )
    if not 1 <= len(found) <= MANY:
        raise UserError(f"The decision '{name}' has {len(found)} options. Give 1 to {MANY:,}.")
    labels = list(map(str, found))
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise UserError(f"The decision '{name}' has the option {quoted(twice)} twice. Leave one out.")
    return found


def allowed_points(options: tuple[tuple[str, tuple[Option, ...]], ...], allowed: Allowed) -> np.ndarray:
    """The allowed points, without repetitions, in lexicographic order."""
    counts = np.array([len(values) for _, values in options])
    rows = _where(options, counts, allowed) if callable(allowed) else np.asarray(allowed)
    if rows.ndim != 2 or rows.shape[1] != len(options) or rows.dtype.kind not in "iuf":
        raise UserError(
            f"allowed=... has the shape {rows.shape}. Give a row of {len(options)} option numbers for each "
            "point, or a function of a dict of options."
        )
    wrong = (rows != np.round(rows)) | (rows < 0) | (rows >= counts)
    if wrong.any():
        row, place = (int(number) for number in np.argwhere(wrong)[0])
        raise UserError(
            f"Row {row} of allowed=... has option {rows[row, place]} of '{options[place][0]}', which has 0 "
            f"to {counts[place] - 1}."
        )
    found = np.unique(rows.astype("<u2"), axis=0)
    if len(found) < 2:
        raise UserError(f"allowed=... leaves {len(found)} points. Two or more are needed to search.")
    found.flags.writeable = False
    return found


def _where(
    options: tuple[tuple[str, tuple[Option, ...]], ...],
    counts: np.ndarray,
    allowed: Callable[[dict[str, Option]], bool],
) -> np.ndarray:
    size = int(np.prod(counts, dtype=object))
    if size > LARGEST_GRID:
        raise UserError(
            f"A function as allowed=... is tried on {size:,} combinations; {LARGEST_GRID:,} at most. Give "
            "the allowed points as an array of option numbers."
        )
    names = [name for name, _ in options]
    grid = itertools.product(*(range(count) for count in counts))
    kept = [
        row
        for row in grid
        if allowed({name: values[n] for name, (_, values), n in zip(names, options, row, strict=True)})
    ]
    return np.array(kept, int).reshape(len(kept), len(options))


def has_rank(values: tuple[Option, ...]) -> bool:
    """Whether one number tells which option it is: options that are numbers, or at most two."""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return numbers or len(values) < 3
