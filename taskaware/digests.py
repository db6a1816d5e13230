"""Names for content: 16 hex digits that are equal exactly when the content is."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from taskaware.errors import UserError

LENGTH = 16


def digest(value: object) -> str:
    """16 hex digits that name plain data, independent of the order of its keys.

    Args:
        value: None, booleans, finite numbers, strings, and arrays, lists, tuples, dataclasses and
            mappings of them. An array or a tuple counts as a list, a NumPy number as a Python one;
            1 and 1.0 differ.

    Returns:
        The start of the SHA-256 of the canonical JSON.

    Raises:
        UserError: something in `value` is none of these, or a key is no string.

    >>> digest({"steps": 300, "rate": 0.01}) == digest({"rate": 0.01, "steps": 300})
    True
    >>> digest({"steps": 300})
    '18bb1e60c3a4eb13'
    """
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:LENGTH]


def canonical(value: object) -> str:
    """The one JSON text of plain data: keys sorted, no spaces, ASCII; see `digest` for what is plain.

    >>> canonical({"b": (1, 2.5), "a": None})
    '{"a":null,"b":[1,2.5]}'
    """
    return json.dumps(_plain(value, "value"), sort_keys=True, separators=(",", ":"), allow_nan=False)


def architecture_digests(space: str, u: np.ndarray | Sequence[ArrayLike]) -> np.ndarray:
    """The digests of architectures: of the space's digest and the float32 bytes of each point.

    Args:
        space: digest of the space that the architectures are points of.
        u: (n, D), or a list of n points of any lengths; finite; taken as float32, and -0 as 0.

    Returns:
        (n,) strings of 16 hex digits.

    Raises:
        UserError: `u` is neither, or holds a number that is not finite.

    >>> found = architecture_digests("00000000000000aa", np.array([[0.0, 1.0], [-0.0, 1.0]]))
    >>> len(set(found.tolist()))
    1
    """
    start = hashlib.sha256(space.encode())
    found = []
    for row in points(u):
        hasher = start.copy()
        hasher.update(row.tobytes())
        found.append(hasher.hexdigest()[:LENGTH])
    return np.array(found, f"U{LENGTH}")


def points(u: np.ndarray | Sequence[ArrayLike]) -> np.ndarray | tuple[np.ndarray, ...]:
    """Architectures as they are stored: little-endian float32 without -0.

    Args:
        u: an array (n, D); or a list or tuple of n points, which may differ in length.

    Returns:
        An array (n, D); for a list or tuple, a tuple of n arrays (D_i,).

    Raises:
        UserError: `u` is neither, or holds a number that is not finite.

    >>> [len(point) for point in points([[0.0, 1.0], [0.5]])]
    [2, 1]
    """
    with np.errstate(over="ignore"):
        if isinstance(u, list | tuple):
            return _points_of_list([np.ascontiguousarray(row, "<f4") for row in u])
        rows = np.ascontiguousarray(u, "<f4")
    if rows.ndim != 2:
        raise UserError(
            f"Architectures are an array (n, D) or a list of points, but u has the shape {rows.shape}."
        )
    _refuse_infinite(np.all(np.isfinite(rows), axis=1))
    return rows + np.float32(0)


def _points_of_list(rows: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    shape = next((row.shape for row in rows if row.ndim != 1), None)
    if shape is not None:
        raise UserError(f"A point is a vector (D,), but one of the list u has the shape {shape}.")
    _refuse_infinite(np.array([np.isfinite(row).all() for row in rows], bool))
    return tuple(row + np.float32(0) for row in rows)


def _refuse_infinite(finite: np.ndarray) -> None:
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        raise UserError(f"Architecture {row} has a number that is not finite. Leave it out.")


def check_digest(what: str, value: object) -> str:
    """The value itself where it is a digest.

    Raises:
        UserError: it is not 16 lower-case hex digits.

    >>> check_digest("task", "00000000000000aa")
    '00000000000000aa'
    """
    text = str(value)
    if len(text) == LENGTH and set(text) <= set("0123456789abcdef"):
        return text
    raise UserError(f"The {what} {text!r} is not a digest. A digest is {LENGTH} hex digits (0-9, a-f).")


def _plain(value: object, where: str) -> object:
    """The value in JSON's own types; `where` leads to what is not plain."""
    if isinstance(value, np.generic | np.ndarray):
        quick = value.dtype.kind in "biuf" and bool(np.isfinite(value).all())
        value = value.tolist()
        if quick:
            return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    raise UserError(
        f"{where} is {value!r}, which is not plain data. Allowed: None, booleans, finite numbers, strings, "
        "and arrays, lists, tuples, dataclasses and mappings (with strings as keys) of them."
    )
