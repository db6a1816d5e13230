"""What a pandas column is: its kind, and how its strings are written."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from taskaware.data import dates, numerals
from taskaware.data.columns import OBJECT_KINDS, distinct, found_type
from taskaware.data.measures import MEASURES
from taskaware.data.moments import UTC, zone_of
from taskaware.data.number_words import MARKS
from taskaware.errors import UserError, some, unknown

KINDS = ("numeric", "boolean", "date", "category", "text")

_TEXT_DISTINCT = 0.7
_TEXT_MIN_VALUES = 10
_TEXT_LENGTH = 30


class Description(NamedTuple):
    """What a column is.

    Attributes:
        kind: "numeric", "boolean", "date", "category" or "text".
        categories: the labels of a category column, sorted; empty for the other kinds.
        form: how the strings of a numeric or date column are written; empty where plainly. The fields of
            `numerals.Form`, or the formats of `dates.formats_of`.
        notes: assumptions about strings, one sentence each.
        zone: of a date column, see `moments.zone_of`.
        odd: values that are neither numbers nor marks of a missing one; read as missing.
    """

    kind: str
    categories: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    zone: str = UTC


def describe(series: pd.Series, decimal: str = ".") -> Description:
    """What a column is: its kind, and what the kind needs to be read.

    Args:
        series: N values of any pandas dtype.
        decimal: the decimal sign to take for strings that can be read with both.

    Returns:
        Kinds: "numeric" for numbers of every dtype, durations, strings that are numbers as people write them
            (see `numerals.form_of`) or missing marks, and columns without a single value; integers of few
            values stay numeric. "boolean" for True and False. "date" for dates and times, and strings of
            which at least 95 in 100 distinct ones are dates. "text" for strings of which at least 70 in 100
            are distinct and that are long (30 characters on average) or hold a space (every second one).
            "category" for the rest.

    Raises:
        UserError: the values are not scalars but lists, dicts or bytes.

    >>> describe(pd.Series(["1.5", "?", "2"])).kind
    'numeric'
    >>> describe(pd.Series(["red", "green", "red"])).categories
    ('green', 'red')
    """
    kind = _kind_of_dtype(series.dtype) or OBJECT_KINDS.get(found_type(series))
    if kind == "date":
        zone = zone_of(series)
        return Description(kind, notes=_notes_on_zone(series.name, zone), zone=zone)
    if kind not in (None, "category"):
        return Description(kind)
    codes, names = distinct(series)
    if kind == "category":
        return Description("category", tuple(names))
    found = _described_strings(str(series.name), codes, names, decimal)
    if found.kind != "date":
        return found
    zone = zone_of(series)
    return found._replace(zone=zone, notes=(*found.notes, *_notes_on_zone(series.name, zone)))


def described_as(series: pd.Series, kind: str | None, decimal: str = ".") -> Description:
    """The description of a column whose kind is known; `describe` where it is not.

    Args:
        series: N values.
        kind: one of KINDS, or None.
        decimal: as for `describe`.

    Raises:
        UserError: there is no such kind, or hardly a value can be read as it.

    >>> described_as(pd.Series([1, 2, 1]), "category").categories
    ('1', '2')
    """
    if kind is None:
        return describe(series, decimal)
    if kind not in KINDS:
        raise unknown("kind of a column", kind, KINDS)
    if kind in ("category", "text"):
        return Description(kind, tuple(distinct(series)[1]) if kind == "category" else ())
    found = describe(series, decimal)
    allowed = (kind, "numeric") if kind == "boolean" else (kind,)
    if found.kind not in allowed:
        raise UserError(
            f"Column '{series.name}' cannot be of kind '{kind}': its values look like '{found.kind}' "
            f"({some(distinct(series)[1])}). Clean it, or give another kind."
        )
    return found._replace(kind=kind)


def _kind_of_dtype(dtype) -> str | None:
    """The kind by the dtype alone; None if the values decide."""
    types = pd.api.types
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if types.is_bool_dtype(dtype):
        return "boolean"
    if (types.is_numeric_dtype(dtype) and dtype.kind != "c") or dtype.kind == "m":
        return "numeric"
    return "date" if dtype.kind == "M" or isinstance(dtype, pd.PeriodDtype) else None


def _described_strings(name: str, codes: np.ndarray, names: list[str], decimal: str) -> Description:
    if not names:
        return Description("numeric")
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    form = numerals.form_of(names, counts, decimal)
    if form is not None and not (_odd(names, form) and numerals.are_codes(names)):
        notes, odd = _notes_on_numbers(name, names, counts, form)
        return Description("numeric", (), () if form == numerals.PLAIN else form, notes, odd)
    formats = dates.formats_of(names)
    if formats is not None:
        return Description("date", (), formats, tuple(_notes_on_dates(name, names, formats)))
    kind = "text" if _is_text(codes, names) else "category"
    return Description(kind, tuple(names) if kind == "category" else ())


def _odd(names: Sequence[str], form: numerals.Form) -> tuple[str, ...]:
    """The strings that are neither numbers nor words for a missing one."""
    wrong = np.isnan(numerals.parsed(names, form))
    return tuple(n for n, is_wrong in zip(names, wrong, strict=True) if is_wrong and n.lower() not in MARKS)


def _notes_on_numbers(
    name: str, names: Sequence[str], counts: np.ndarray, form: numerals.Form
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A sentence on values that are missing in a numeric column, and those of them that no mark explains."""
    missing = np.isnan(numerals.parsed(names, form))
    notes: tuple[str, ...] = ()
    if form.decimal == numerals.DURATION:
        notes = (f"Durations of '{name}' are read as seconds.",)
    elif form.decimal in MEASURES:
        notes = (f"Measures of '{name}' are read as {form.decimal}.",)
    if not missing.any():
        return notes, ()
    shown = [names[place] for place in np.flatnonzero(missing).tolist()]
    verb = "is" if len(shown) == 1 else "are"
    note = (
        f"{counts[~missing].sum()} of {counts.sum()} values of '{name}' are numbers; {some(shown)} {verb} "
        "read as missing."
    )
    return (*notes, note), _odd(names, form)


def _notes_on_dates(name: str, names: Sequence[str], formats: tuple[str, ...]) -> list[str]:
    notes = []
    if dates.is_ambiguous(names, formats):
        first = "day" if formats[0].index("%d") < formats[0].index("%m") else "month"
        notes.append(f"Dates of '{name}' are read with the {first} first, as in {some(names[:1])}.")
    wrong = dates.parsed(names, formats).isna()
    if wrong.any():
        shown = [each for each, is_wrong in zip(names, wrong, strict=True) if is_wrong]
        verb = "is no date and is" if len(shown) == 1 else "are no dates and are"
        notes.append(f"In '{name}', {some(shown)} {verb} read as missing.")
    return notes


def _notes_on_zone(name: object, zone: str) -> tuple[str, ...]:
    return (f"Times of '{name}' are read in the time zone {zone}.",) if zone else ()


def _is_text(codes: np.ndarray, names: list[str]) -> bool:
    if len(names) < max(_TEXT_MIN_VALUES, _TEXT_DISTINCT * (codes >= 0).sum()):
        return False
    spaced = sum(" " in name for name in names)
    return spaced >= len(names) / 2 or sum(map(len, names)) >= _TEXT_LENGTH * len(names)
