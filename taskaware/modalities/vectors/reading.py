"""Values in any form that users have vectors in → a matrix."""

from collections.abc import Sequence

import numpy as np

from taskaware.errors import UserError, quoted
from taskaware.modalities.series.forms import is_missing, smoothness
from taskaware.modalities.vectors.data import VectorData

MOST_WIDTH = 4096
"""Numbers of a vector; wider ones are folded to as many."""
LARGEST = 1e18
"""Squares of larger numbers would overflow in 32 bits."""
LEAST_ACCEPTED = 64
LOOKED_AT = 1000


def parsed(values: Sequence, column: str, *, width: int | None = None) -> tuple[VectorData, list[str]]:
    """Vectors of one column, and notes.

    Args:
        values: N of them, or a matrix (N, D).
        column: for messages.
        width: of the training rows; None for these themselves.
    """
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind in "fiu":
        rows: Sequence = values
    else:
        rows = [
            None if is_missing(value) else _vector(value, f"Row {row} of '{column}'")
            for row, value in enumerate(values)
        ]
    width = width or _width(rows, column)
    matrix = np.full((len(rows), width), np.nan)
    for place, row in enumerate(rows):
        if row is not None:
            matrix[place] = _checked(row, width, f"Row {place} of '{column}'")
    missing = int(np.isnan(matrix[:, 0]).sum()) if width else 0
    notes = [f"'{column}': {missing} of {len(rows)} vectors are missing."] if missing else []
    if width > MOST_WIDTH:
        notes.append(
            f"'{column}': vectors of {width:,} numbers were folded to {MOST_WIDTH:,} by random signs."
        )
        matrix = folded(matrix)
    kept = matrix.astype(np.float32) + np.float32(0)
    kept.setflags(write=False)
    return VectorData(kept, width), notes


def folded(matrix: np.ndarray) -> np.ndarray:
    """Wider vectors on MOST_WIDTH numbers: each is added to one of them with a sign, both by a fixed seed.

    Angles and lengths are kept on the mean (Charikar, Chen and Farach-Colton 2002: count sketch).
    """
    rng = np.random.default_rng(0)
    places = rng.permutation(matrix.shape[1]) % MOST_WIDTH
    signed = matrix * rng.choice([-1.0, 1.0], matrix.shape[1])
    found = np.zeros((len(matrix), MOST_WIDTH))
    order = np.argsort(places, kind="stable")
    starts = np.searchsorted(places[order], np.arange(MOST_WIDTH))
    np.add.reduceat(signed[:, order], starts, axis=1, out=found)
    return found


def is_from_a_model(source: np.ndarray) -> bool:
    """Whether a matrix (N, D) can be no table: it is what a foundation model gives.

    All must hold: at least 64 columns and 2 rows of floats, all finite; columns of like scale (the standard
    deviation at the 95th percentile at most ten times that at the 5th), none of whole numbers, and nearly all
    with both signs; neighbouring columns no more alike than others; lengths of rows that spread by at most
    0.3 of their mean. And either all rows are of length 1, or the floats have 16 or 32 bits and the columns
    were not standardised, as those of a table are: a table of doubles, as frames and files give it, stays a
    table unless its rows have length 1.
    """
    if source.ndim != 2 or source.dtype.kind != "f" or source.shape[1] < LEAST_ACCEPTED or len(source) < 2:
        return False
    some = source[:LOOKED_AT].astype(np.float64)
    if not np.isfinite(some).all() or np.abs(some).max() > LARGEST:
        return False
    spread = np.quantile(some.std(0), [0.05, 0.95])
    if spread[0] <= 0 or spread[1] > 10 * spread[0] or _has_whole_or_one_sign(some):
        return False
    norms = np.linalg.norm(some, axis=1)
    if abs(smoothness(some)) >= 0.5 or norms.std() > 0.3 * norms.mean():
        return False
    return bool((np.abs(norms - 1) < 1e-3).all()) or (
        source.dtype.itemsize < 8 and not _is_standardised(source)
    )


def _is_standardised(source: np.ndarray) -> bool:
    """Whether each column has mean 0 and spread 1, to a thousandth."""
    mean, std = source.mean(0, dtype=np.float64), source.std(0, dtype=np.float64)
    return bool((np.abs(mean) < 1e-3).all() and (np.abs(std - 1) < 1e-3).all())


def _has_whole_or_one_sign(some: np.ndarray) -> bool:
    """Whether a column is of whole numbers alone, or more than one in 20 columns of one sign alone."""
    whole = (some == np.round(some)).all(0).any()
    one_sign = ((some >= 0).all(0) | (some <= 0).all(0)).mean()
    return bool(whole or (one_sign > 0.05 and len(some) >= 20))


def _vector(value: object, where: str) -> np.ndarray:
    try:
        found = None if isinstance(value, str | bytes | dict | set) else np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None or found.ndim != 1:
        raise UserError(
            f"{where} is {quoted(value)}, no vector. Give a list or an array of numbers, or None."
        )
    return found


def _width(rows: Sequence, column: str) -> int:
    """Numbers of most rows."""
    widths = [len(row) for row in rows if row is not None]
    width = int(np.bincount(widths).argmax()) if widths else 0
    if not width:
        raise UserError(f"'{column}' holds no vector. Give a list or an array of numbers in each row.")
    return width


def _checked(row: np.ndarray, width: int, where: str) -> np.ndarray:
    if len(row) != width:
        raise UserError(
            f"{where} has {len(row)} numbers; the others have {width}. Give vectors of one model."
        )
    missing = np.isnan(row)
    if missing.all():
        return row
    wrong = np.flatnonzero(missing | (np.abs(row) > LARGEST))
    if len(wrong):
        raise UserError(
            f"{where} holds {row[wrong[0]]:.6g} at place {wrong[0]}. Allowed are finite numbers up to "
            f"{LARGEST:.0e}; give None for a row that is missing."
        )
    return row
