"""Measures that people write in several pieces, or with signs for units: 5'10", 5 lb 3 oz, 40°26'46"N."""

import re
from collections.abc import Callable, Mapping

import numpy as np

_NUMBER = r"\d+(?:[.,]\d+)?"
_FEET = re.compile(
    rf"(?P<sign>[-+])?(?:(?P<feet>{_NUMBER})\s*(?:'|′|’|ft(?![a-z])\.?|feet(?![a-z])|foot(?![a-z]))(?!'))?\s*"
    rf"(?:(?P<inches>{_NUMBER})\s*(?:\"|″|”|''|in(?![a-z])\.?|inch(?![a-z])|inches(?![a-z]))?)?",
    re.IGNORECASE,
)
_POUNDS = re.compile(
    rf"(?:(?P<stones>{_NUMBER})\s*(?:st(?![a-z])\.?|stones?(?![a-z])))?\s*"
    rf"(?:(?P<pounds>{_NUMBER})\s*(?:lbs?(?![a-z])\.?|pounds?(?![a-z])))?\s*"
    rf"(?:(?P<ounces>{_NUMBER})\s*(?:oz(?![a-z])\.?|ounces?(?![a-z])))?",
    re.IGNORECASE,
)
_DEGREES = re.compile(
    rf"(?P<first>[NSEW])?\s*(?P<sign>[-+])?\s*(?P<degrees>{_NUMBER})\s*(?P<mark>°|º|deg(?![a-z])\.?)?\s*"
    rf"(?:(?P<minutes>{_NUMBER})\s*(?:'|′|’)\s*(?:(?P<seconds>{_NUMBER})\s*(?:\"|″|”|''))?)?\s*(?P<last>[NSEWO])?",
    re.IGNORECASE,
)


def feet_of(name: str) -> float:
    """A length in feet and inches as feet; NaN for all else.

    >>> [round(feet_of(name), 2) for name in ("5'10\\"", "6'", "5 ft 6 in", "5′ 11″", "70", "6-1")]
    [5.83, 6.0, 5.5, 5.92, nan, nan]
    """
    found = _FEET.fullmatch(name)
    if found is None or found["feet"] is None:
        return np.nan
    value = _number(found["feet"]) + _number(found["inches"]) / 12
    return -value if found["sign"] == "-" else value


def pounds_of(name: str) -> float:
    """A weight in stones, pounds and ounces as pounds; NaN for all else.

    >>> [round(pounds_of(name), 2) for name in ("5 lb 3 oz", "11 st 4 lb", "12 oz", "150lbs", "150")]
    [5.19, 158.0, 0.75, 150.0, nan]
    """
    found = _POUNDS.fullmatch(name)
    if found is None or not name:
        return np.nan
    return 14 * _number(found["stones"]) + _number(found["pounds"]) + _number(found["ounces"]) / 16


def degrees_of(name: str) -> float:
    """An angle, also with minutes, seconds and a side, as degrees; south and west below 0; NaN for all else.

    >>> [round(degrees_of(name), 3) for name in ("40°26'46\\"N", "12.5° W", "S 33.9", "-73.5°", "40", "3 W")]
    [40.446, -12.5, -33.9, -73.5, nan, nan]
    """
    found = _DEGREES.fullmatch(name)
    if found is None:
        return np.nan
    side = found["first"] or found["last"]
    shown = found["mark"] or (side and re.search("[.,]", found["degrees"]))  # 12 E may be a seat
    if not shown or (found["first"] and found["last"]) or (found["sign"] and side):
        return np.nan
    value = _number(found["degrees"]) + _number(found["minutes"]) / 60 + _number(found["seconds"]) / 3600
    return -value if found["sign"] == "-" or (side or "").upper() in ("S", "W", "O") else value


MEASURES: Mapping[str, Callable[[str], float]] = {
    "feet": feet_of,
    "pounds": pounds_of,
    "degrees": degrees_of,
}
"""What a string of a measure means in its unit."""


def _number(text: str | None) -> float:
    return float(text.replace(",", ".")) if text else 0.0
