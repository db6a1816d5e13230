"""Dates as people of several languages write them → as `strptime` reads them."""

import contextlib
import datetime
import re
import unicodedata

_MONTHS_OF = {
    "jan": "januar jänner jänn jän janvier janv enero ene gennaio gen janeiro januari",
    "feb": "februar feber febr février févr fév febrero febbraio fevereiro fev februari",
    "mar": "märz mrz mär mars marzo março maart mrt",
    "apr": "avril avr abril abr aprile",
    "may": "mai mayo maggio mag maio mei",
    "jun": "juni juin junio giugno giu junho",
    "jul": "juli juillet juil julio luglio lug julho",
    "aug": "août agosto ago agto augustus",
    "sep": "sept septembre septiembre setiembre settembre set setembro",
    "oct": "oktober okt octobre octubre ottobre ott outubro out",
    "nov": "novembre noviembre novembro",
    "dec": "dezember dez décembre déc diciembre dic dicembre dezembro",
}
"""Months of German, French, Spanish, Italian, Portuguese and Dutch, but for those that English has."""

_DAYS_OF = (
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so "
    "lundi mardi mercredi jeudi vendredi samedi dimanche lun mar mer jeu ven sam dim "
    "lunes martes miércoles jueves viernes sábado domingo mié jue vie sáb dom "
    "lunedì martedì mercoledì giovedì venerdì gio "
    "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira segunda terça quarta quinta sexta "
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag ma wo vr za zo"
)

_ZONES = {
    **{"UTC": "+0000", "GMT": "+0000", "WET": "+0000", "WEST": "+0100", "CET": "+0100", "CEST": "+0200"},
    **{"MEZ": "+0100", "MESZ": "+0200", "EET": "+0200", "EEST": "+0300", "EST": "-0500", "EDT": "-0400"},
    **{"CST": "-0600", "CDT": "-0500", "MST": "-0700", "MDT": "-0600", "PST": "-0800", "PDT": "-0700"},
}
"""Time zones by name: those of RFC 822, and Europe's."""

_QUICK = re.compile(
    r"[0-9/.:T +-]*Z?"
    r"|[0-9 ,]*(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ ,][0-9:, ]*(?: [AP]M)?"
)
"""What needs no change: numbers alone, or with an English month."""
_WORD = re.compile(r"[^\W\d_]+(?:-feira)?")
_WEEK = re.compile(r"(\d{4})-?W(\d{2})(?:-?([1-7]))?")
_QUARTER = re.compile(
    r"(?P<year>\d{4})[-_/ ]?[QT](?P<part>[1-4])"
    r"|(?:[QT](?P<first>[1-4])|(?P<before>[1-4])Q)[-_/ ]?(?P<late>\d{4}|(?<=[1-4]Q)\d{2})"
)
_EAST = re.compile(r"(\d{4}) ?[年년] ?(\d{1,2}) ?[月월](?: ?(\d{1,2}) ?[日일])?")
_CTIME = re.compile(r"([A-Z][a-z]{2} [A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d)( [A-Z]{3,4})? (\d{4})")
_LOG = re.compile(r"(?<=[/-]\d{4}):(?=\d\d:\d\d:\d\d)")
_HALF = re.compile(r"(?<=[\d ])([ap])\.? ?m\.?$", re.IGNORECASE)
_HOUR = re.compile(r"(?<=[ T])(\d{1,2}) ?[hH] ?([0-5]\d)?(?:min)?$")
_CLOCK_WORDS = re.compile(
    r"(?<=[\d,]) (?:um|at|à|às|alle|a las|om) (?=\d)|(?<=\d) ?(?:Uhr|uur)$", re.IGNORECASE
)
_ZONE = re.compile(rf"(?<=\d)( ?)({'|'.join(sorted(_ZONES, key=len, reverse=True))})$")
_LINKS = re.compile(r"(?<=\w) (?:de|del|do) (?=\w)")
_FIRST = re.compile(r"(?<=\b1)(?:er|º|°|ro)(?= )")


def _plain_letters(word: str) -> str:
    """A word in lower case without accents."""
    split = unicodedata.normalize("NFKD", word.lower())
    return "".join(sign for sign in split if not unicodedata.combining(sign))


_MONTHS = {_plain_letters(word): month for month, words in _MONTHS_OF.items() for word in words.split()}
_DAYS = frozenset(_plain_letters(word) for word in _DAYS_OF.split())
_ENGLISH = frozenset(_MONTHS_OF)


def in_english(name: str) -> str:
    """A date with English names of months, and hours, zones, weeks and quarters as `strptime` has them.

    A week or a quarter stands for its first day. What is no date, or is written so already, stays as it is.

    >>> in_english("3. März 2023, 17h30"), in_english("lundi 12 févr. 2021"), in_english("12 de mayo de 2021")
    ('3. mar 2023, 17:30', '12 feb 2021', '12 may 2021')
    >>> in_english("2023-W05-1"), in_english("Q2 2023"), in_english("28.01.2023 5 p.m.")
    ('2023-01-30', '2023-04-01', '28.01.2023 5 pm')
    """
    if _QUICK.fullmatch(name) or not any(map(str.isdigit, name)):
        return name
    if not name.isascii():
        name = "".join(str(unicodedata.digit(sign, sign)) if not sign.isascii() else sign for sign in name)
    for form, written in ((_WEEK, _of_week), (_QUARTER, _of_quarter), (_EAST, _of_numbers)):
        if found := form.fullmatch(name):
            return written(found) or name
    return _without_weekday(_with_clock(name))


def _of_week(found: re.Match) -> str | None:
    with contextlib.suppress(ValueError):
        return datetime.date.fromisocalendar(int(found[1]), int(found[2]), int(found[3] or 1)).isoformat()
    return None


def _of_quarter(found: re.Match) -> str:
    quarter, year = int(found["part"] or found["first"] or found["before"]), found["year"] or found["late"]
    return f"{year if len(year) == 4 else f'20{year}'}-{3 * quarter - 2:02d}-01"


def _of_numbers(found: re.Match) -> str:
    return f"{found[1]}-{int(found[2]):02d}-{int(found[3] or 1):02d}"


def _with_clock(name: str) -> str:
    """The date with its time at the end and in digits, as in 17:30 and 5 pm."""
    name = _CTIME.sub(r"\1 \2 \5 \3\4", name)
    name = _CLOCK_WORDS.sub(lambda found: " " if found[0].endswith(" ") else "", name)
    name = _HALF.sub(r"\1m", _LOG.sub(" ", name))
    name = _HOUR.sub(lambda found: f"{found[1]}:{found[2] or '00'}", name)
    return _ZONE.sub(lambda found: found[1] + _ZONES[found[2]], name)


def _without_weekday(name: str) -> str:
    """The date with months in English, without a foreign name of its weekday."""
    words = [(found, _plain_letters(found[0])) for found in _WORD.finditer(name)]
    months = [found for found, word in words if word in _MONTHS or word[:3] in _ENGLISH]
    # What English has stays as it is.
    own = [(found, word) for found, word in words if word in _MONTHS and found[0].lower() not in _ENGLISH]
    first = words[0] if words else None
    if first and first[0].start() == 0 and first[1] in _DAYS and (first[0] not in months or len(months) > 1):
        own = [each for each in own if each[0] is not first[0]]
        begin = first[0].end()
    else:
        begin = 0
    for found, word in reversed(own):
        stop = found.end() + name[found.end() :].startswith(".")
        name = name[: found.start()] + _MONTHS[word] + name[stop:]
    name = name[begin:].lstrip(" .,") if begin else name
    return _FIRST.sub("", _LINKS.sub(" ", name)) if words else name
