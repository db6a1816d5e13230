"""Numbers in the lines of a search's journal, written quickly, and read back."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from taskaware.arrays import as_jax
from taskaware.strategies.objective import DIVERGED, Outcomes

encoded = json.JSONEncoder(separators=(",", ":")).encode
"""JSON of plain data; made once, because that takes as long as a line."""


def numbers(column: Any) -> str:
    """Numbers as JSON, null for one that is not finite; many thousand of these a second.

    >>> numbers(np.array([0.5, np.inf]))
    '[0.5,null]'
    """
    if type(column) is np.ndarray and column.shape == (1,):
        value = float(column.item())
        return f"[{value!r}]" if math.isfinite(value) else "[null]"
    found = column if type(column) is np.ndarray and column.dtype.kind == "f" else np.asarray(column, float)
    text = str(found.tolist())
    # Python writes finite numbers as JSON does; nan and inf have an n.
    return encoded(plain_numbers(found)) if "n" in text else text


def plain_numbers(column: Any) -> list:
    """Numbers for JSON, row by row; None for one that is not finite."""
    found = np.asarray(column, float)
    if found.ndim > 1:
        return [plain_numbers(row) for row in found]
    return [value if math.isfinite(value) else None for value in found.tolist()]


def outcomes_in(line: Mapping[str, Any], count: int) -> Outcomes:
    """The results of a `tell` line for so many points.

    Raises:
        ValueError, KeyError, TypeError: it holds none.
    """

    def column(values: Any) -> np.ndarray:
        found = np.array([math.nan if value is None else value for value in values], float)
        if found.shape != (count,):
            raise ValueError(found.shape)
        return found

    score = column(line["score"])
    errors = tuple(map(str, line["errors"])) if "errors" in line else None
    return Outcomes(
        np.where(np.isnan(score), DIVERGED, score),
        column(line["test"]) if "test" in line else None,
        column(line["seconds"]) if "seconds" in line else None,
        as_jax(line["gradient"], np.float32) if "gradient" in line else None,
        errors if errors is None or len(errors) == count else None,
        {name: column(values) for name, values in line["more"].items()} if "more" in line else None,
    )
