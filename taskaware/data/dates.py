"""Strings that are dates: how a column writes them, and the moments that they mean."""

import itertools
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from taskaware.data.date_words import in_english
from taskaware.data.number_words import MARKS

PARTS = ("days", "month", "weekday", "hour")
"""Numbers that a moment becomes."""

PARSED = 0.95
"""A column holds dates where at least this share of its distinct strings are some."""

_ATTRIBUTES = {"weekday": "day_of_week"}
_DAY = np.timedelta64(1, "D")
_ISO = re.compile(r"[+-]?\d{4}-\d{2}-\d{2}(?!\d)")
_BESIDE_A_MONTH: dict[tuple[bool, ...], list[tuple[str, ...]]] = {
    (False, True): [("%d", "%Y")],
    (True, False): [("%Y", "%d")],
    (False, False): [("%d", "%y")],
    (True,): [("%Y",)],
    (False,): [("%y",)],
}
"""What the numbers of a date may be, the likeliest first, by which of them have four digits."""

_NUMERIC: dict[tuple[bool, ...], list[tuple[str, ...]]] = {
    (True, False, False): [("%Y", "%m", "%d"), ("%Y", "%d", "%m")],
    (False, False, True): [("%m", "%d", "%Y"), ("%d", "%m", "%Y")],
    (False, False, False): [("%m", "%d", "%y"), ("%d", "%m", "%y"), ("%y", "%m", "%d")],
    (True, False): [("%Y", "%m")],
    (False, True): [("%m", "%Y")],
}

_MOST_FORMATS = 4
_SAMPLE = 50
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = re.compile(
    r"(?P<gap>[ T,]+)(?P<hour>\d{1,2})"
    r"(?:(?P<minute>:\d{2})(?P<second>:\d{2}(?P<part>\.\d+)?)?|(?= ?[AaPp][Mm]))"
    r"(?P<half> ?[AaPp][Mm])?"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?$"
)


def formats_of(names: Sequence[str]) -> tuple[str, ...] | None:
    """The formats in which the strings of a column are dates, in the words of `strptime`.

    Args:
        names: n distinct strings.

    Returns:
        None where fewer than 95 in 100 are dates; empty for ISO 8601. Day and month are told apart by the
        whole column; where both orders fit, the month comes first after a "/", and the day otherwise.

    >>> formats_of(["28/01/2023", "01/02/2023"]), formats_of(["2023-01-28T10:00"]), formats_of(["red"])
    (('%d/%m/%Y',), (), None)
    """
    names = [name for name in names if name.lower() not in MARKS]
    if not names or not any(sign.isdigit() for sign in names[len(names) // 2]):
        return None
    if _ISO.match(in_english(names[len(names) // 2])) and parsed(names).notna().mean() >= PARSED:
        return ()
    sample = map(in_english, names[:: max(1, len(names) // _SAMPLE)])
    likely = list(dict.fromkeys(itertools.chain.from_iterable(map(_candidates, sample))))
    names = list(map(in_english, names)) if likely else []
    # A column has one order of day and month; the first of equals is taken.
    families = [[form for form in likely if _day_first(form) in (None, first)] for first in (True, False)]
    if any("%m/%d" in form for form in likely):
        families.reverse()
    found = [_greedy(names, family) for family in families if family]
    share, formats = max(found, key=lambda each: each[0], default=(0.0, ()))
    return formats if share >= PARSED else None


def parsed(names: Sequence[str], formats: tuple[str, ...] = ()) -> pd.DatetimeIndex:
    """The moments that strings mean, (n,) in UTC; NaT for a string of another form.

    Names of months may be of any language that `in_english` knows.

    Args:
        names: n strings.
        formats: of `formats_of`; ISO 8601 where empty.

    >>> parsed(["28/01/2023", "soon"], ("%d/%m/%Y",)).day.tolist()
    [28.0, nan]
    """
    names = list(map(in_english, names))
    if not formats:
        dated = [name if _ISO.match(name) else None for name in names]
        return pd.to_datetime(pd.Index(dated, dtype=object), format="ISO8601", utc=True, errors="coerce")
    result = _read(names, formats[0])
    for each in formats[1:]:
        result = result.where(result.notna(), _read(names, each))
    return result


def part_of(when: pd.DatetimeIndex, part: str) -> np.ndarray:
    """One of PARTS of N moments, (N,) float64, NaN where missing.

    "days" since 1970-01-01 with their fraction; "month" 1 to 12; "weekday" 0 (Monday) to 6; "hour" 0 to 23.

    >>> part_of(pd.DatetimeIndex(["1970-01-02T12:00"]), "days")
    array([1.5])
    """
    if part != "days":
        return np.array(getattr(when, _ATTRIBUTES.get(part, part)), np.float64)
    naive = when.tz_convert(None) if when.tz is not None else when
    return (naive.to_numpy().astype("datetime64[us]") - np.datetime64(0, "us")) / _DAY


def is_ambiguous(names: Sequence[str], formats: tuple[str, ...]) -> bool:
    """Whether the strings are dates as well when day and month change places."""
    swapped = tuple(_swapped(each) for each in formats)
    return swapped != formats and bool(parsed(names, swapped).notna().all())


def _swapped(form: str) -> str:
    return form.translate(str.maketrans("dm", "md")) if "%d" in form and "%m" in form else form


def _read(names: Sequence[str], form: str) -> pd.DatetimeIndex:
    return pd.to_datetime(pd.Index(list(names), dtype=object), format=form, utc=True, errors="coerce")


def _day_first(form: str) -> bool | None:
    """Whether the day stands before the month; None where that cannot be mixed up."""
    return form.index("%d") < form.index("%m") if "%d" in form and "%m" in form else None


def _greedy(names: Sequence[str], likely: list[str]) -> tuple[float, tuple[str, ...]]:
    """Formats that read as many strings as possible, the most frequent first; before them the share read."""
    found: list[str] = []
    left = list(names)
    while left and likely and len(found) < _MOST_FORMATS:
        read = {form: _read(left, form).notna() for form in likely}
        # The first of equals is taken.
        best = max(likely, key=lambda form: read[form].sum())
        if not read[best].any():
            break
        found.append(best)
        left = [name for name, done in zip(left, read[best], strict=True) if not done]
        likely = [form for form in likely if form != best]
    return 1 - len(left) / len(names), tuple(found)


def _candidates(name: str) -> list[str]:
    """Formats that a string may have."""
    clock = _CLOCK.search(name)
    date, time = (name, "") if clock is None else (name[: clock.start()], _clock_format(clock))
    pieces = re.findall(r"\d+|[^\W\d_]+|[\W_]+", date)
    words = [place for place, piece in enumerate(pieces) if piece.isalpha()]
    numbers = [place for place, piece in enumerate(pieces) if piece.isdigit()]
    named = {place: _word_format(pieces[place]) for place in words}
    if None in named.values() or any(len(pieces[place]) not in (1, 2, 4) for place in numbers):
        return []
    months = sum(form in ("%b", "%B") for form in named.values())
    orders = _orders([pieces[place] for place in numbers], has_month=months == 1) if months <= 1 else []
    results = []
    for order in orders:
        filled = dict(zip(numbers, order, strict=True)) | named
        results.append("".join(str(filled.get(place, piece)) for place, piece in enumerate(pieces)) + time)
    return results


def _orders(numbers: list[str], *, has_month: bool) -> list[tuple[str, ...]]:
    """What the numbers of a date may be, the likeliest first."""
    long = tuple(len(number) == 4 for number in numbers)
    return (_BESIDE_A_MONTH if has_month else _NUMERIC).get(long, [])


def _word_format(word: str) -> str | None:
    lowered = word.lower()
    for names, short, long in ((_MONTHS, "%b", "%B"), (_DAYS, "%a", "%A")):
        if lowered in names and len(lowered) > 3:
            return long
        if lowered in [name[:3] for name in names]:
            return short
    return {"st": "st", "nd": "nd", "rd": "rd", "th": "th", "of": "of"}.get(lowered)


def _clock_format(clock: re.Match) -> str:
    half, zone = clock["half"] or "", clock["zone"] or ""
    minutes = ":%M" if clock["minute"] else ""
    seconds = minutes + (":%S" if clock["second"] else "") + (".%f" if clock["part"] else "")
    blanks = [" " if text.startswith(" ") else "" for text in (half, zone)]
    return (
        f"{clock['gap']}{'%I' if half else '%H'}{seconds}"
        f"{blanks[0] + '%p' if half else ''}{blanks[1] + '%z' if zone else ''}"
    )
