"""Weights as safetensors; facts as JSON may stand in the head of the same file. Nothing is executed."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from taskaware.files import atomic_write
from taskaware.saved import most_bytes, parse_json, sealed, unsealed

FACTS = "taskaware"
"""Name of the facts among the metadata of a file."""


def write_tensors(path: str | os.PathLike, facts: Mapping, arrays: Mapping, *, force: bool = False) -> Path:
    """Write plain data and weights by name into one file, atomically, with a digest of both.

    Args:
        path: of the file.
        facts: plain data.
        arrays: of float32 by name, NumPy's or JAX's.
        force: whether an existing file is replaced.

    Raises:
        UserError: the file exists and `force` is not given.
    """
    from safetensors.numpy import save

    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = save(plain, metadata={FACTS: sealed(facts, plain).tobytes().decode()})
    atomic_write(path, content, replace=force)
    return Path(path)


def read_tensors(path: str | os.PathLike) -> tuple[dict, dict[str, np.ndarray]]:
    """What `write_tensors` wrote: plain data, and weights by name.

    Raises:
        OSError: the file cannot be read.
        ValueError, LookupError: it is damaged, too large, or of another format.
    """
    with Path(path).open("rb") as file:
        refuse_large(os.fstat(file.fileno()).st_size)
        content = file.read()
    arrays = arrays_of(content)
    # The format: 8 bytes that are the length of the head, the head as JSON, and the numbers.
    head = parse_json(content[8 : 8 + int.from_bytes(content[:8], "little")])
    text = head["__metadata__"][FACTS] if "__metadata__" in head else "{}"
    return unsealed(np.frombuffer(text.encode(), np.uint8), arrays), arrays


def refuse_large(size: int) -> None:
    """Nothing, if weights may have so many bytes.

    Raises:
        ValueError: they may not.
    """
    if size > most_bytes():
        raise ValueError(f"its weights have {size:,} bytes; {most_bytes():,} are allowed")


def arrays_of(content: bytes) -> dict[str, np.ndarray]:
    """The weights in a file of safetensors, by name.

    Raises:
        ValueError: it is damaged, or holds something else than float32.
    """
    from safetensors import SafetensorError, deserialize

    try:
        found: list[tuple[str, dict[str, Any]]] = deserialize(content)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return {name: _array(tensor) for name, tensor in found}


def _array(tensor: Mapping[str, Any]) -> np.ndarray:
    shape = tuple(tensor["shape"])
    if tensor["dtype"] != "F32" or len(tensor["data"]) != 4 * math.prod(shape):
        raise ValueError("the weights are no float32 numbers")
    return np.frombuffer(tensor["data"], "<f4").reshape(shape)
