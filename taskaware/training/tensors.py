"""Weights as a file of safetensors, beside the other arrays of a saved model."""

import importlib.util
import os
from collections.abc import Collection, Mapping
from typing import IO

import numpy as np

from taskaware.saved import Arrays, Header
from taskaware.tensors import arrays_of, refuse_large

FILE = "weights.safetensors"
PREFIX = "param/"
"""Before the name of a weight among the other arrays; not in the file."""

INSTALL = "pip install 'taskaware[export]'"


def absence(package: str | None) -> str:
    """That a package is missing, with the line that installs it; empty if it is there, or none is needed."""
    if package is None or importlib.util.find_spec(package) is not None:
        return ""
    return f"This needs the package {package}. Install it: {INSTALL}"


def as_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The content of a file with the weights among these arrays, under their own names."""
    from safetensors.numpy import save

    return save(
        {
            name.removeprefix(PREFIX): np.ascontiguousarray(array)
            for name, array in arrays.items()
            if name.startswith(PREFIX)
        }
    )


class WithTensors(Arrays):
    """The arrays of an open `.npz` and the weights of a file of safetensors.

    Attributes:
        headers: of each array, by name.
    """

    def __init__(self, others: Arrays, file: IO[bytes]):
        """Read the weights.

        Args:
            others: the arrays beside them.
            file: open for reading.

        Raises:
            ValueError: the file is damaged, too large, or holds something else than float32.
        """
        self._others, self._weights = others, _weights(file)
        own = {name: Header(array.shape, array.dtype) for name, array in self._weights.items()}
        if twice := set(own) & set(others.headers):
            raise ValueError(f"'{min(twice)}' stands in two files")
        self.headers = {**others.headers, **own}

    def read(self, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
        """These arrays; all of them by default.

        Raises:
            ValueError: one is damaged.
        """
        names = self.headers if names is None else names
        found = self._others.read([name for name in names if name not in self._weights])
        return {name: self._weights[name] if name in self._weights else found[name] for name in names}


def _weights(file: IO[bytes]) -> dict[str, np.ndarray]:
    refuse_large(os.fstat(file.fileno()).st_size)
    return {f"{PREFIX}{name}": array for name, array in arrays_of(file.read()).items()}
