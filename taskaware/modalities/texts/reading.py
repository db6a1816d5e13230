"""Values of a column → texts; and which columns hold free text."""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from taskaware.data.frames import valid_text
from taskaware.errors import UserError, quoted
from taskaware.modalities.texts.words import UNSPACED_SIGN

SETTING = "TASKAWARE_MOST_CHARACTERS"
MOST_CHARACTERS = 1_000_000
"""Characters of one text; the environment's $TASKAWARE_MOST_CHARACTERS replaces it."""

LOOKED_AT = 1000
LONGEST_LOOK = 1000
DISTINCT = 0.5
"""Share of values that are no repetition, from which short ones may be free text."""

WORDS = 3.0
"""Words of a free text, on average."""

SENTENCE = 5
SENTENCES = 0.1
"""Share of values of SENTENCE words that makes the short ones among them phrases rather than names."""

LONG = 8.0
"""Words on average from which values are free text although many are repeated."""

FEWEST_DISTINCT = 2


class Strings(NamedTuple):
    """What the values of a column look like.

    Attributes:
        distinct: share of the values that are no repetition of another.
        different: number of distinct values.
        words: with a letter in a distinct value, on average; a sign of a language without spaces is half
            of one.
        spaced: share of the distinct values that have more than one word.
        sentences: share of the distinct values that have SENTENCE words.
    """

    distinct: float
    different: int
    words: float
    spaced: float
    sentences: float


def strings_of(values: Sequence[str]) -> Strings:
    """What these strings look like; at least one."""
    names = list(dict.fromkeys(values))
    words = np.array([max(_words(name), len(UNSPACED_SIGN.findall(name)) / 2) for name in names])
    shares = float((words > 1).mean()), float((words >= SENTENCE).mean())
    return Strings(len(names) / len(values), len(names), float(words.mean()), *shares)


def _words(name: str) -> int:
    return sum(any(map(str.isalpha, word)) for word in name[:LONGEST_LOOK].split())


def is_free_text(values: Sequence) -> bool:
    """Whether values are strings of several words, rather than categories or identifiers.

    Categories are short and repeated, identifiers are one token each. Bytes do not count: they may be images.

    Args:
        values: of a column; missing ones are passed over, and of many some are looked at.

    >>> is_free_text(["what a film, truly", "not my thing at all", "well made"])
    True
    >>> is_free_text(["New York", "Los Angeles"] * 20), is_free_text(["id-1", "id-2", "id-3"])
    (False, False)
    """
    found = some_strings(values)
    if not found:
        return False
    look = strings_of(found)
    if look.different < min(FEWEST_DISTINCT, len(values)) or look.spaced < 0.5:
        return False
    phrases = look.words >= WORDS or look.sentences >= SENTENCES
    return look.words >= LONG or (look.distinct >= DISTINCT and phrases)


def some_strings(values: Sequence) -> list[str]:
    """At most LOOKED_AT of the values that are not missing, evenly spread; none where one is no string."""
    step = max(1, len(values) // LOOKED_AT)
    some = [value for value in values[::step] if not is_missing(value)]
    return (
        []
        if any(not isinstance(value, str) for value in some)
        else [value for value in some if value.strip()]
    )


def is_missing(value: object) -> bool:
    """None, NaN, NaT or pandas' NA."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def texts_of(values: Sequence, column: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Texts, and notes on what was assumed.

    Args:
        values: strings, bytes in UTF-8, or missing.
        column: name of the column, for messages.

    Raises:
        UserError: a value is something else, cannot be decoded, or is too long; names the
            row and says what to change.
    """
    most = most_characters()
    texts = tuple(_text(value, row, column, most) for row, value in enumerate(values))
    missing = sum(is_missing(value) for value in values)
    empty = sum(not text.strip() for text in texts) - missing
    notes = (
        f"{missing:,} of {len(texts):,} texts of '{column}' are missing and read as empty."
        if missing
        else "",
        f"{empty:,} of {len(texts):,} texts of '{column}' are empty." if empty else "",
    )
    return texts, tuple(note for note in notes if note)


def most_characters() -> int:
    """Characters that one text may have.

    Raises:
        UserError: the environment's setting is no whole number above 0.
    """
    given = os.environ.get(SETTING, "")
    if not given:
        return MOST_CHARACTERS
    if not given.isascii() or not given.isdigit() or int(given) < 1:
        raise UserError(f"${SETTING} is {quoted(given)}. Give a whole number above 0.")
    return int(given)


def _text(value: object, row: int, column: str, most: int) -> str:
    if isinstance(value, str):
        text = valid_text(value)
    elif is_missing(value):
        return ""
    elif isinstance(value, bytes | bytearray):
        text = _decoded(bytes(value), row, column)
    else:
        raise UserError(
            f"Row {row} of '{column}' is {quoted(value)}, a {type(value).__name__}. Give texts, or None "
            "where one is missing."
        )
    if len(text) > most:
        raise UserError(
            f"Row {row} of '{column}' has {len(text):,} characters: {quoted(text, 40)}. At most {most:,} are "
            f"read. Shorten it, or set ${SETTING}."
        )
    return text


def _decoded(value: bytes, row: int, column: str) -> str:
    try:
        return value.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"Row {row} of '{column}' holds {len(value):,} bytes that are not UTF-8 (byte {error.start}). "
            "Decode it first: value.decode('latin-1')."
        ) from None
