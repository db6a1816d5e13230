"""The errors of taskaware, a tree by audience: the user, the store, the engine; and its warnings."""

import difflib
import os
import reprlib
import sys
import warnings
from collections.abc import Iterable, Sequence

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep

LONGEST = 80
"""Characters of a user's value that a message shows."""


class TaskawareError(Exception):
    """Anything taskaware raises on purpose."""


class UserError(TaskawareError, ValueError):
    """The input is not usable as it is; the message names the value and says what to change."""


class StoreError(TaskawareError):
    """The experience store cannot be opened, read or written."""


class CheckpointError(TaskawareError):
    """A saved evaluator, model or recommendation is corrupt, foreign or newer than this version."""


class EngineError(TaskawareError):
    """A training or a worker failed for a reason that is not the user's input."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, and name the user's own line that led here, not one of taskaware.

    Args:
        message: that names the value and the mend.
        category: of the warning.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def unknown(what: str, value: object, allowed: Iterable[str]) -> UserError:
    """The error for a name that is not in a list; it suggests the nearest allowed one.

    Args:
        what: kind of thing that the name is for, such as "metric".
        value: the name.
        allowed: every valid name.

    >>> str(unknown("option", "sead", ["seed", "space"]))
    "Unknown option 'sead'. Did you mean 'seed'? Allowed: seed, space."
    """
    names = [str(name) for name in allowed]
    word = str(value)[:LONGEST]
    near = difflib.get_close_matches(word, names, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return UserError(f"Unknown {what} {quoted(str(value))}.{hint} Allowed: {', '.join(names)}.")


def quoted(value: object, longest: int = LONGEST) -> str:
    """A value of the user's for a message: in quotes, on one line, its end cut off where it is long.

    Control characters, and marks that turn a line around, are shown by their numbers.

    Args:
        value: of any type; a number stands without quotes.
        longest: characters that are shown.

    >>> print(quoted("iris"), quoted("a\\nb"), quoted(3), quoted("x" * 200_000, 5))
    'iris' 'a\\nb' 3 'xxxxx…' (200,000 characters)
    """
    if isinstance(value, bytes | bytearray):
        value = f"{len(value):,} bytes"
    if not isinstance(value, str):
        text = _in_short(value)
        return text if len(text) <= 2 * longest else f"{text[: 2 * longest]}…"
    shown = "".join(map(_visible, value[:longest]))
    return f"'{shown}'" if len(value) <= longest else f"'{shown}…' ({len(value):,} characters)"


def some(values: Sequence[object], most: int = 3) -> str:
    """Some values as a message shows them, and how many more there are.

    Args:
        values: of any type.
        most: number of values that are shown.

    >>> some(["a", "b"]), some([1, 2, 3, 4, 5])
    ("'a', 'b'", "'1', '2', '3' and 2 more")
    """
    shown = ", ".join(quoted(str(value), LONGEST // 2) for value in values[:most])
    return shown + (f" and {len(values) - most} more" if len(values) > most else "")


def visible(text: str) -> str:
    """The text without characters that steer a terminal; each of them is shown by its number.

    >>> visible("red\\x1b[31m")
    'red\\\\x1b[31m'
    """
    return "".join(map(_visible, text))


def _visible(mark: str) -> str:
    if mark.isprintable():
        return mark
    return mark.encode("unicode_escape").decode()


def _in_short(value: object) -> str:
    """The repr, without writing out what is long."""
    try:
        return visible(reprlib.repr(value))
    except ValueError:
        # Python refuses to write a whole number of many thousand digits.
        return f"a {type(value).__name__} of thousands of digits"
