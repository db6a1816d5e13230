"""Strings that are numbers: how a column writes them, and their values.

A column is read as a whole: "3,141" is three thousand beside "12,000", and about three beside "0,5".
"""

import collections
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from taskaware.data.clocks import days_of, seconds_of
from taskaware.data.measures import MEASURES
from taskaware.data.number_words import ABOUT, CODES, MAGNITUDES, MARKS, ORDINALS, UNITS_TOO

ODD_SHARE = 0.05
"""A column is numeric where at most this share of its rows holds something else, see `form_of`."""

_MAGNITUDE_OF_MONEY = re.compile(rf"(.+?)\s?([$£¥\u20a0-\u20cf]|{'|'.join(map(re.escape, sorted(CODES)))})")
_CLOCK = "clock"
DURATION = "duration"
"""In place of a decimal sign: the column holds durations, which become seconds."""

_SAMPLE = 200
_SIGNS = str.maketrans(
    {chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)}
    | dict.fromkeys("\u00a0\u2007\u2008\u2009\u202f\u3000", " ")
    | {"−": "-", "–": "-", "’": "'", "٫": ".", "٬": ",", "٪": "%"}
)
"""What stands for a sign of ASCII: signs of full width, blanks of any width, Arabic ones."""

_SUPERSCRIPTS = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")
_TIMES_TEN = re.compile(r"\s?[x×*·]\s?10(?:\^([-+]?\d+)|([⁺⁻⁰¹²³⁴-⁹]+))")
_NO_CENTS = re.compile(r"(?<=\d)([.,])--?(?=\s|$|[^\d-])")
_ABOUT = re.compile(rf"(?:{'|'.join(ABOUT)})\s*(?=[-+\d.,])", re.IGNORECASE)
_FRACTION = re.compile(
    r"(?P<whole>\d+(?= )|\d*(?=[¼-¾⅐-⅞])|(?<![\d/.,])) ?"
    r"(?:(?P<sign>[¼-¾⅐-⅞])|(?P<over>\d{1,2})/(?P<under>[1-9]\d?)(?![\d/.,]))"
)
_USUAL_UNDER = frozenset((2, 3, 4, 8, 16, 32, 64))
"""What stands below a fraction without a whole number beside it: 3/4, but not 5/10, which may be a grade."""
_NUMBER = re.compile(
    r"(?P<open>\()?\s*(?P<sign>[-+]?)\s*(?P<before>[^\d\s.,'()+-][^\d\s,'()+-]{0,3})?\s*(?P<late>[-+]?)\s*"
    r"(?P<body>\d[\d.,'_ ]*(?<! )|[.,]\d+)(?P<power>[eE][-+]?\d+)?(?P<trailing>-(?=\s|$))?\s*"
    r"(?P<after>[^\d\s.,'()+-][^\d()+]{0,14}[23]?|\+)?(?P<close>\))?"
)
_WHOLE = {
    "": r"\d+",
    ",": r"(?:\d+|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d{2})+,\d{3})",
    ".": r"(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+)",
    " ": r"(?:\d+|[1-9]\d{0,2}(?: \d{3})+)",
    "'": r"(?:\d+|[1-9]\d{0,2}(?:'\d{3})+)",
    "_": r"(?:\d+|[1-9]\d{0,2}(?:_\d{3})+)",
}


class Form(NamedTuple):
    """How a column writes its numbers.

    Attributes:
        decimal: the decimal sign, "." or ","; "clock" for hours and minutes, which become days; DURATION; a
            name of MEASURES.
        thousands: the sign between groups of three digits, or "".
        unit: what stands behind, without case and plural; "" for nothing, and "k" for magnitudes (k, M, B).
        currency: what stands before, or the unit where it is a currency; "" for nothing.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    currency: str = ""


PLAIN = Form()
_FORMS = tuple(
    Form(decimal, sign) for decimal in ".," for sign in ("", ",", ".", " ", "'", "_") if sign != decimal
)
_BODIES = {
    form[:2]: re.compile(
        rf"{_WHOLE[form.thousands]}(?:{re.escape(form.decimal)}\d*)?|{re.escape(form.decimal)}\d+"
    )
    for form in _FORMS
}


class _Parts(NamedTuple):
    """One string taken apart: sign, digits with their signs, power of ten, unit and currency.

    Attributes:
        trailing: whether a minus stands behind the digits.
        fraction: of a sign such as ½, to be added.
    """

    negative: bool
    body: str
    power: str
    unit: str
    currency: str
    trailing: bool = False
    fraction: float = 0.0


def form_of(names: Sequence[str], counts: np.ndarray, decimal: str = ".") -> Form | None:
    """The form in which most strings of a column are numbers.

    Args:
        names: n distinct strings without blanks around them.
        counts: rows of each, (n,).
        decimal: the sign to take where "1,234" or "1.234" could be read both ways.

    Returns:
        None where the column is not numeric: other strings stand in more than 5 % of the rows, and they
        are more than three or not rare among the numbers. Words for a missing number count for neither side.

    >>> form_of(["3,141", "2,718", "n/k"], np.array([1, 1, 1]))
    Form(decimal='.', thousands=',', unit='', currency='')
    >>> form_of(["31.4%", "7%"], np.array([1, 1])).unit, form_of(["A1", "B2"], np.array([1, 1]))
    ('%', None)
    """
    known = np.array([name.lower() not in MARKS for name in names], bool)
    if not known.any() or not _promising(names):
        return None
    ambiguous = decimal != "." and any("." in name for name in names)
    if not ambiguous and not np.isnan(plain_numbers(names))[known].any():
        return PLAIN
    taken = [_taken_apart(name) for name in names]
    written = _written_forms(taken, counts, decimal)
    found = [*written, PLAIN] if ambiguous else [PLAIN, *written]
    # In "17.30 Uhr" stands no decimal point. The first of equals is taken.
    timed = [Form(each) for each in (_CLOCK, DURATION, *MEASURES)]
    found = [*timed, *found] if written[0].unit == "uhr" else [*found, *timed]
    best = _best(found, names, counts, int(counts[known].sum()))
    return best if _is_numeric(~np.isnan(parsed(names, best)), known, counts) else None


def form_beside(names: Sequence[str], counts: np.ndarray, form: Form, decimal: str) -> Form:
    """The form of a known column in a file of its own.

    Args:
        names, counts: of the column there, as for `form_of`.
        form: of the column as it is known.
        decimal: the decimal sign that the file shows; empty where it shows none.

    Returns:
        The form of its strings there, if they have that sign and no other unit; else `form`.

    >>> form_beside(["1,5"], np.array([1]), PLAIN, ",").decimal
    ','
    """
    if decimal in ("", form.decimal) or form.decimal not in ".,":
        return form
    found = form_of(names, counts, decimal)
    fitting = found is not None and found.decimal == decimal and found.unit in ("", form.unit)
    return found if found is not None and fitting and found.currency in ("", form.currency) else form


def parsed(names: Sequence[str], form: Form = PLAIN) -> np.ndarray:
    """The numbers that strings of a form mean, (n,) float64; NaN for all others.

    >>> parsed(["1.234,50", "(7)", "n/k"], Form(",", "."))
    array([1234.5,   -7. ,    nan])
    """
    if form == PLAIN:
        return plain_numbers(names)
    if form.decimal == _CLOCK:
        return np.array([days_of(name) for name in names], np.float64)
    if form.decimal == DURATION:
        return np.array([seconds_of(name) for name in names], np.float64)
    if form.decimal in MEASURES:
        return np.array([MEASURES[form.decimal](name) for name in names], np.float64)
    return np.array([_value(_taken_apart(name), form) for name in names], np.float64)


def plain_numbers(names: Sequence[str]) -> np.ndarray:
    """Strings as Python writes numbers, (n,) float64; NaN for all others."""
    return pd.to_numeric(pd.Series(list(names), dtype=object), errors="coerce").to_numpy(np.float64)


def are_codes(names: Sequence[str]) -> bool:
    """Whether some strings are numbers with a leading zero, as codes have it, such as 007."""
    return any(len(name) > 1 and name[0] == "0" and name.isdigit() for name in names)


def _promising(names: Sequence[str]) -> bool:
    """Whether a third of some strings holds digits in the form of a number: a quick look at long columns."""
    sample = names[:: max(1, len(names) // _SAMPLE)]
    readers = (days_of, seconds_of, *MEASURES.values())
    read = (_taken_apart(name) or not np.isnan([one(name) for one in readers]).all() for name in sample)
    return 3 * sum(map(bool, read)) >= len(sample)


def _taken_apart(name: str) -> _Parts | None:
    name, fraction = _simplified(name)
    found = _NUMBER.fullmatch(name)
    if found is None or (found["open"] is None) != (found["close"] is None):
        return None
    before, after = found["before"] or "", (found["after"] or "").strip()
    unit = _unit(after)
    if before == "%" and not unit:
        before, unit = "", "%"
    if before and not _is_currency(before):
        return None
    trailing = found["trailing"] is not None
    negative = trailing or "-" in found["sign"] + found["late"] or found["open"] is not None
    if not before and (both := _MAGNITUDE_OF_MONEY.fullmatch(after)) and _unit(both[1]) in MAGNITUDES:
        before, unit = both[2], _unit(both[1])
    elif not before and _is_currency(unit.upper()):
        before, unit = unit.upper(), ""
    return _Parts(negative, found["body"], found["power"] or "", unit, before, trailing, fraction)


def _simplified(name: str) -> tuple[str, float]:
    """A string with signs of ASCII, and the fraction that was taken out of it, as the ½ of "1½"."""
    if not name.isascii():
        name = name.translate(_SIGNS)
    name = _NO_CENTS.sub(r"\g<1>0", _ABOUT.sub("", name, count=1))
    name = _TIMES_TEN.sub(lambda found: "e" + (found[1] or found[2].translate(_SUPERSCRIPTS)), name)
    found = _FRACTION.search(name)
    if found is None:
        return name, 0.0
    if found["sign"]:
        value = unicodedata.numeric(found["sign"])
    else:
        over, under = int(found["over"]), int(found["under"])
        if not found["whole"] and (over >= under or under not in _USUAL_UNDER):
            return name, 0.0
        value = over / under
    return name[: found.start()] + (found["whole"] or "0") + name[found.end() :], value


def _is_currency(text: str) -> bool:
    return text in CODES or any(unicodedata.category(sign) == "Sc" for sign in text)


def _unit(after: str) -> str:
    """A unit without what differs from one value to the next: case, plural, the ending of an ordinal."""
    after = after.strip()
    if after in MAGNITUDES:
        return after
    lowered = after.lower()
    if lowered in ORDINALS:
        return "th"
    return lowered[:-1] if len(lowered) > 2 and lowered.endswith("s") else lowered


def _best(forms: Sequence[Form], names: Sequence[str], counts: np.ndarray, most: int) -> Form:
    """The first of the forms that reads the most rows; none is looked at behind one that reads all."""
    best, reads = forms[0], -1
    for form in forms:
        rows = counts[~np.isnan(parsed(names, form))].sum()
        if rows > reads:
            best, reads = form, rows
        if reads >= most:
            break
    return best


def _written_forms(taken: Sequence[_Parts | None], counts: np.ndarray, decimal: str) -> list[Form]:
    """The forms with a column's most frequent unit and currency; those that `decimal` prefers come first."""
    units, currencies = collections.Counter[str](), collections.Counter[str]()
    for parts, count in zip(taken, counts.tolist(), strict=True):
        if parts is not None:
            units[parts.unit] += count
            currencies[parts.currency] += count
    del units[""], currencies[""]
    unit, currency = (max(each, key=lambda name: each[name], default="") for each in (units, currencies))
    if units.keys() <= MAGNITUDES.keys() and (len(units) > 1 or not units.keys() <= UNITS_TOO):
        unit = "k"
    # "1,234" is read with a sign for thousands, unless the decimal comma is known.
    order = sorted(_FORMS, key=lambda form: (form.decimal != decimal, not form.thousands))
    return [form._replace(unit=unit, currency=currency) for form in order]


def _is_numeric(read: np.ndarray, known: np.ndarray, counts: np.ndarray) -> bool:
    """Whether strings that are neither numbers nor words for a missing one are few enough."""
    odd = known & ~read
    rows, odd_rows, numbers = counts[known].sum(), counts[odd].sum(), int((read & known).sum())
    if odd_rows <= ODD_SHARE * rows:
        return bool(numbers > odd.sum())
    return bool(odd_rows <= rows / 2 and odd.sum() <= 3 and numbers >= 20 * odd.sum())


def _value(parts: _Parts | None, form: Form) -> float:
    # Beside "2+", "2-" is a grade.
    if parts is None or parts.currency not in ("", form.currency) or (parts.trailing and form.unit == "+"):
        return np.nan
    factor = MAGNITUDES.get(parts.unit, 1.0) if form.unit == "k" else 1.0
    if factor == 1.0 and parts.unit not in ("", form.unit):
        return np.nan
    if _BODIES[form.decimal, form.thousands].fullmatch(parts.body) is None:
        return np.nan
    digits = parts.body.replace(form.thousands, "") if form.thousands else parts.body
    value = (float(digits.replace(form.decimal, ".") + parts.power) + parts.fraction) * factor
    return -value if parts.negative else value
