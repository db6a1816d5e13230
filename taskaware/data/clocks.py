"""Times of day and durations as people write them, and their numbers."""

import re

import numpy as np

_TIME = re.compile(
    r"(?P<sign>[-+])?(?P<hour>\d{1,3}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d(?:\.\d+)?))?\s*"
    r"(?P<half>[aApP])?\.?\s?(?:[mM]\.?)?(?:\s?(?:Uhr|uhr|h))?"
)
_HALF = re.compile(r"(?P<hour>\d{1,2})\s*(?P<half>[aApP])\.?\s?[mM]\.?")
_HOUR = re.compile(r"(?P<hour>\d{1,2})\s?(?:[hH]|Uhr|uhr)\s?(?P<minute>[0-5]\d)?")
_POINT = re.compile(r"(?P<hour>\d{1,2})\.(?P<minute>[0-5]\d)\s?(?:Uhr|uhr|h)")

_SECONDS_OF = {
    1e-3: "ms millisecond milliseconds",
    1.0: "s sec secs second seconds sek sekunde sekunden seconde secondes segundo segundos secondo secondi",
    60.0: "m min mins minute minutes minuten minuto minutos minuti",
    3600.0: "h hr hrs hour hours std stunde stunden heure heures hora horas ora ore uur uren",
    86400.0: "d day days tag tage tagen jour jours día días dia dias giorno giorni dag dagen",
    604800.0: "w wk wks week weeks woche wochen semaine semaines semana semanas settimana settimane weken",
    2629800.0: "mo mos month months monat monate mois mes meses mese mesi maand maanden",
    31557600.0: "y yr yrs year years jahr jahre an ans año años anno anni ano anos jaar",
}
"""Units of durations by their seconds; a year has 365.25 days, a month a twelfth of them."""

_UNITS = {word: seconds for seconds, words in _SECONDS_OF.items() for word in words.split()}
_PIECE = re.compile(r"(\d+(?:[.,]\d+)?)\s*([^\W\d_]+)\.?")
_PIECES = re.compile(
    r"(?P<sign>-)?\s*(?P<pieces>(?:\d+(?:[.,]\d+)?\s*[^\W\d_]+\.?(?:\s*(?:,|and|und|et|y|e)\s+|\s*))*)"
    r"\+?(?P<clock>\d{1,3}:[0-5]\d:[0-5]\d(?:\.\d+)?)?"
)
_ISO = re.compile(
    r"(?P<sign>-)?P(?=.*\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?"
    r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_ISO_SECONDS = (31557600.0, 2629800.0, 604800.0, 86400.0, 3600.0, 60.0, 1.0)


def days_of(name: str) -> float:
    """A time of day, or hours and minutes, as a part of a day; NaN for all else.

    >>> [round(24 * days_of(name), 2) for name in ("17:30", "17h30", "5 p.m.", "5:30 PM", "17 Uhr", "red")]
    [17.5, 17.5, 17.0, 17.5, 17.0, nan]
    """
    for form in (_TIME, _HALF, _HOUR, _POINT):
        if found := form.fullmatch(name):
            parts = found.groupdict()
            hours, half = float(parts["hour"]), parts.get("half")
            if half is not None:
                hours = hours % 12 + (12 if half.lower() == "p" else 0)
            hours += int(parts.get("minute") or 0) / 60 + float(parts.get("second") or 0) / 3600
            return (-hours if parts.get("sign") == "-" else hours) / 24
    return np.nan


def seconds_of(name: str) -> float:
    """A duration in seconds; NaN for all else.

    >>> [seconds_of(name) for name in ("1h 30m", "2 days 03:00:00", "PT90S", "1 week", "-1 days +23:00:00")]
    [5400.0, 183600.0, 90.0, 604800.0, -3600.0]
    """
    if found := _ISO.fullmatch(name):
        parts = zip(found.groups()[1:], _ISO_SECONDS, strict=True)
        total = sum(float(part) * seconds for part, seconds in parts if part)
        return -total if found["sign"] else total
    found = _PIECES.fullmatch(name)
    if found is None or not (found["pieces"] or found["clock"]):
        return np.nan
    pieces = [(number.replace(",", "."), word.lower()) for number, word in _PIECE.findall(found["pieces"])]
    if any(word not in _UNITS for _, word in pieces):
        return np.nan
    total = sum(float(number) * _UNITS[word] for number, word in pieces)
    clock = _clock_seconds(found["clock"])
    if found["sign"]:
        # As Python and pandas write it, the days alone are negative beside a time.
        return clock - total if pieces else -clock
    return total + clock


def _clock_seconds(clock: str | None) -> float:
    if clock is None:
        return 0.0
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
