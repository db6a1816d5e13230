"""What `predict.py` does in place of parts of `alone`, where a row has columns of several kinds.

`READS` and `BLOCKS` are written into the copy: the functions of each kind of data, by its name.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from taskaware.training.written.alone import about, encoded, named, read
from taskaware.training.written.alone_values import AT_ONCE

READS: Mapping[str, Callable]
BLOCKS: Mapping[str, Callable]


def encode(rows: Any) -> dict[str, np.ndarray]:
    """What the network is called with: "numbers" (N, D) and "categories" (N, T), float32."""
    parts = list(encoded_chunks(rows))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def encoded_chunks(rows: Any) -> Iterator[dict[str, np.ndarray]]:
    """The same, some rows at a time: the table first, then the blocks of the other columns by name."""
    parts = about()["parts"]
    values = [READS[part["kind"]](rows, part) for part in parts]
    table = (
        read(rows)
        if about()["columns"]
        else (np.zeros((len(values[0]), 0)), np.zeros((len(values[0]), 0), int))
    )
    for start in range(0, max(len(table[0]), 1), AT_ONCE):
        chunk = slice(start, start + AT_ONCE)
        inputs = encoded(table[0][chunk], table[1][chunk])
        found = [
            BLOCKS[part["kind"]](each[chunk], named(f"encoder/part{place}"), part["blocks"])
            for place, (part, each) in enumerate(zip(parts, values, strict=True))
        ]
        more = [one[name] for name in about()["blocks"] for one in found if name in one]
        numbers = np.concatenate([inputs["numbers"], *more], axis=1, dtype=np.float32)
        yield {"numbers": numbers, "categories": inputs["categories"]}
