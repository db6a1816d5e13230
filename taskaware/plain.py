"""Checks of plain data that a file holds, before anything is made of it."""

import math
import numbers
import operator
import re
from collections.abc import Collection, Mapping, Sequence
from typing import SupportsIndex, TypeGuard, cast

from taskaware.errors import UserError, quoted

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
NAME = 1000
"""Characters of a name for people, at most."""
LARGEST_SEED = 2**32 - 1
MANY = 10_000_000
"""A count that no file of ours reaches."""


def table(what: str, value: object) -> Mapping:
    """The value, if it is a mapping with names.

    >>> table("the space", {"layers": 3})
    {'layers': 3}
    """
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise _refused(what, value, "an object with names")
    return value


def row(what: str, value: object, *, least: int = 0, most: int = MANY) -> Sequence:
    """The value, if it is a list of so many entries.

    Args:
        what: stands there, for the message.
        value: that was read.
        least, most: entries.

    Raises:
        UserError: it is none.
    """
    if not isinstance(value, list | tuple) or not least <= len(value) <= most:
        raise _refused(what, value, f"a list of {least:,} to {most:,} entries")
    return value


def name(what: str, value: object, *, longest: int = NAME) -> str:
    """The value, if it is text of at most so many characters.

    Args:
        what: stands there, for the message.
        value: that was read.
        longest: number of characters.

    Raises:
        UserError: it is none.
    """
    if not isinstance(value, str) or len(value) > longest:
        raise _refused(what, value, f"text of at most {longest:,} characters")
    return value


def word(what: str, value: object) -> str:
    """The value, if it is a word that may stand in code: letters of ASCII, digits, "_" and "-".

    >>> word("embedding", "one_hot")
    'one_hot'
    """
    if not isinstance(value, str) or not WORD.fullmatch(value):
        raise _refused(what, value, "a word of letters, digits, '_' and '-'")
    return value


def one_of(what: str, value: object, allowed: Collection[str]) -> str:
    """The value, if it is one of a closed list.

    Args:
        what: stands there, for the message.
        value: that was read.
        allowed: the list.

    Raises:
        UserError: it is none.
    """
    if not isinstance(value, str) or value not in allowed:
        raise _refused(what, value, f"one of {', '.join(allowed)}")
    return value


def whole(what: str, value: object, *, low: int = 0, high: int = MANY) -> int:
    """The value, if it is a whole number of the range.

    Args:
        what: stands there, for the message.
        value: that was read.
        low, high: both allowed.

    Raises:
        UserError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _refused(what, value, f"a whole number from {low:,} to {high:,}")
    return value


def refuse_no_whole(option: str, value: object) -> None:
    """Nothing, if an option's value is a whole number, of Python or NumPy.

    Raises:
        UserError: it is none; a bool counts as none, because it is seldom meant.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise UserError(f"{option}={quoted(value)} is no whole number. Give one from 1 on.")


def seed(value: object) -> int:
    """The value as a Python number, if it is a seed: JAX and scikit-learn read 32 bits of it.

    Raises:
        UserError: it is none.

    >>> seed(7)
    7
    """
    try:
        found = operator.index(cast(SupportsIndex, value))
    except TypeError:
        found = -1
    if isinstance(value, bool) or not 0 <= found <= LARGEST_SEED:
        raise UserError(f"seed={quoted(value)} is no seed. Give a whole number from 0 to {LARGEST_SEED}.")
    return found


def number(what: str, value: object, *, low: float = -math.inf, high: float = math.inf) -> float:
    """The value, if it is a finite number of the range.

    Args:
        what: stands there, for the message.
        value: that was read.
        low, high: both allowed.

    Raises:
        UserError: it is none.
    """
    if not is_number(value) or not low <= value <= high:
        inside = "" if math.isinf(low) and math.isinf(high) else f" from {low:g} to {high:g}"
        raise _refused(what, value, f"a finite number{inside}")
    return value


def is_number(value: object) -> TypeGuard[float]:
    """Whether the value is a finite number that a float holds; True and 10**400 are none.

    >>> is_number(0.5), is_number(10**400), is_number(float("nan")), is_number(True)
    (True, False, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _refused(what: str, value: object, allowed: str) -> UserError:
    return UserError(f"{what[:1].upper()}{what[1:]} is {quoted(value)}. Allowed: {allowed}.")
