"""Checks of the arrays of saved blocks: what no fit gives is refused."""

import dataclasses
from collections.abc import Mapping

import numpy as np

WIDEST = 1024
LONGEST_NAME = 1000
_ENTRIES = {"keys": "u", "source": "U"}
"""Kinds of the arrays that are not floats."""


def checked(arrays: Mapping[str, np.ndarray], kinds: Mapping[str, type]) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of each block, by the names of its fields.

    Args:
        arrays: as `TextBlocks.to_arrays` gives them.
        kinds: class of each block, a dataclass of arrays.

    Raises:
        ValueError: an array is missing, of another shape, or holds what no fit gives.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, values in arrays.items():
        block, _, field = name.partition(".")
        if block not in kinds:
            raise ValueError(f"there is no block '{block[:80]}' of texts")
        found.setdefault(block, {})[field] = values
    if not found:
        raise ValueError("there are no blocks of texts")
    for block, fields in found.items():
        if set(fields) != {field.name for field in dataclasses.fields(kinds[block])}:
            raise ValueError(f"the arrays of block '{block}' are {sorted(fields)}")
        _check(block, fields)
    return {block: found[block] for block in kinds if block in found}


def _check(block: str, fields: Mapping[str, np.ndarray]) -> None:
    for name, values in fields.items():
        kind = _ENTRIES.get(name, "f")
        if values.dtype.kind != kind or (kind == "f" and not np.isfinite(values).all()):
            raise ValueError(f"'{name}' of block '{block}' holds what no fit gives")
    shapes = {name: values.shape for name, values in fields.items()}
    if not _fit(shapes):
        raise ValueError(f"the arrays of block '{block}' have shapes {shapes}, which do not fit together")
    if "keys" in fields and (np.diff(fields["keys"].astype(np.float64)) < 0).any():
        raise ValueError(f"the keys of block '{block}' are not in order")
    if "std" in fields and (fields["std"] <= 0).any():
        raise ValueError(f"a spread of block '{block}' is not positive")
    if "words" in fields and not fields["words"] >= 1:
        raise ValueError(f"block '{block}' has texts of less than one word")
    if "source" in fields and len(str(fields["source"])) > LONGEST_NAME:
        raise ValueError(f"the source of block '{block}' has a name of too many characters")


def _fit(shapes: Mapping[str, tuple]) -> bool:
    """Whether shapes belong to one block: V keys, D columns before and d after the components."""
    keys = shapes.get("keys", shapes.get("centre"))
    columns = shapes.get("mean", keys)
    if keys is None or columns is None or len(keys) != 1 or len(columns) != 1 or columns[0] > WIDEST:
        return False
    wanted = {
        "keys": keys,
        "centre": keys,
        "idf": keys,
        "weight": keys,
        "components": (*keys, *columns),
        "mean": columns,
        "std": columns,
    }
    return all(shape == wanted.get(name, ()) for name, shape in shapes.items())
