"""What `predict.py` does in place of parts of `alone`, where a row is one value, as a vector or an image.

`READ` and `BLOCKS` are written into the copy: the functions of the kind of data.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from taskaware.training.written.alone import about, named

READ: Callable[[Any, Mapping], Sequence]
BLOCKS: Callable[[Sequence, Mapping, Sequence[str]], Mapping[str, np.ndarray]]

FILE = "CSV, TSV or text file with a line of names; or an array, .npy"
AT_ONCE = 512
"""Rows whose blocks are computed at one time."""


def encode(rows: Any) -> dict[str, np.ndarray]:
    """What the network is called with: "numbers" (N, D) and "categories" (N, 0), float32."""
    parts = list(encoded_chunks(rows))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def encoded_chunks(rows: Any) -> Iterator[dict[str, np.ndarray]]:
    """The same, some rows at a time."""
    values, names = READ(rows, about()["reads"]), about()["reads"]["blocks"]
    for start in range(0, max(len(values), 1), AT_ONCE):
        found = BLOCKS(values[start : start + AT_ONCE], named("encoder"), names)
        numbers = np.concatenate([found[name] for name in names], axis=1, dtype=np.float32)
        yield {"numbers": numbers, "categories": np.zeros((len(numbers), 0), np.float32)}
