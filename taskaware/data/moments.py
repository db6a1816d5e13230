"""One pandas column as moments, in the time zone in which the training data has them."""

import datetime
import re
import zoneinfo

import numpy as np
import pandas as pd

from taskaware.data import dates
from taskaware.data.columns import OBJECT_KINDS, distinct, found_type
from taskaware.data.date_words import in_english
from taskaware.data.number_words import MARKS
from taskaware.errors import UserError, some

UTC = "UTC"
CLOCK = ""
"""The zone of times that state none: what the clock shows."""

_SAMPLE = 500
_OFFSET = re.compile(r"UTC([+-])(\d\d):(\d\d)")
_STATED = re.compile(r"(?<=\d| |[Mm])[ ]?(?:Z|[+-]\d{2}(?::?\d{2})?)$")
_WITH_CLOCK = re.compile(r"[T ,]\d{1,2}(?::\d{2}| ?[AaPp][Mm])")


def zone_of(series: pd.Series) -> str:
    """The time zone of a column of dates.

    Args:
        series: N dates, times with or without zone, periods, or strings.

    Returns:
        The zone's name ("Europe/Berlin", "UTC+01:00") where the column has one; "UTC" where most of its
        values state an offset of their own; empty otherwise.

    >>> zone_of(pd.Series(["2024-02-29T10:00+01:00"])), zone_of(pd.Series(["2024-02-29T10:00"]))
    ('UTC', '')
    """
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return _named(series.dt.tz)
    if series.dtype.kind == "M" or isinstance(series.dtype, pd.PeriodDtype):
        return CLOCK
    if OBJECT_KINDS.get(found_type(series)) == "date":
        zones = [getattr(value, "tzinfo", None) for value in series[series.notna()]]
        stated = [zone for zone in zones if zone is not None]
        if 2 * len(stated) <= len(zones):
            return CLOCK
        return _named(stated[0]) if len(set(map(str, stated))) == 1 else UTC
    names = distinct(series)[1]
    stated = [offset_of(name) is not None for name in names[:: max(1, len(names) // _SAMPLE)]]
    return UTC if 2 * sum(stated) > len(stated) else CLOCK


def offset_of(name: str) -> str | None:
    """The offset from UTC that a string ends with, as it is written; None without one.

    >>> offset_of("2024-02-29T10:00+01:00"), offset_of("2024-02-29")
    ('+01:00', None)
    """
    if name[-1:].isalpha():  # the name of a zone
        name = in_english(name)
    found = _STATED.search(name)
    return found[0] if found and _WITH_CLOCK.search(name[: found.start()]) else None


def zone_named(name: str) -> datetime.tzinfo:
    """A time zone by the name that `zone_of` gives it.

    Raises:
        ValueError: there is none of this name.

    >>> zone_named("UTC-03:30").utcoffset(None)
    datetime.timedelta(days=-1, seconds=73800)
    """
    if name == UTC:
        return datetime.UTC
    found = _OFFSET.fullmatch(name)
    try:
        if found is None:
            return zoneinfo.ZoneInfo(name)
        size = datetime.timedelta(hours=int(found[2]), minutes=int(found[3]))
        return datetime.timezone(size if found[1] == "+" else -size)
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(f"'{name}' is no time zone") from error


def moments(series: pd.Series, formats: tuple[str, ...] = (), zone: str = UTC) -> pd.DatetimeIndex:
    """A column as moments, NaT where missing.

    Args:
        series: N dates, times with or without zone, periods (their start), or strings.
        formats: of the strings, see `dates.formats_of`; ISO 8601 by default, which is read in any case.
        zone: of the training data, see `zone_of`. A time without a zone is one of this zone. Where it is
            empty, times count as their clock shows them, also those that state a zone.

    Returns:
        (N,) in `zone`; in UTC where it is empty.

    Raises:
        UserError: the values are numbers, or more than one string in twenty is no date; a stray one counts
            as missing.

    >>> moments(pd.Series(["2024-02-29", None])).month.tolist()
    [2.0, nan]
    >>> moments(pd.Series(["2024-02-29T10:00+02:00", "2024-02-29T10:00"]), (), "Europe/Berlin").hour.tolist()
    [9, 10]
    """
    if isinstance(series.dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    if series.dtype.kind == "M":
        return _in_zone(pd.DatetimeIndex(series), zone)
    if OBJECT_KINDS.get(found_type(series)) == "date":
        return _of_objects(series, zone)
    codes, names = distinct(series)
    when = _of_strings(names, formats, zone)
    known = np.array([name.lower() not in MARKS for name in names], bool)
    if known.any() and when.notna()[known].mean() < dates.PARSED:
        row = int(np.flatnonzero(np.append(when.isna() & known, False)[codes])[0])
        raise UserError(
            f"Column '{series.name}' holds dates, but row {row} holds {some([names[codes[row]]])}. "
            f"Write dates as {' or '.join(formats) or '2024-12-31 or 2024-12-31T23:59:00'}."
        )
    return when.append(pd.DatetimeIndex([pd.NaT], tz=when.tz))[codes]


def _named(zone: datetime.tzinfo | None) -> str:
    """The name of a zone; UTC where it has none by which it could be found again."""
    name = str(zone)
    try:
        zone_named(name)
    except ValueError:
        return UTC
    return name


def _of_strings(names: list[str], formats: tuple[str, ...], zone: str) -> pd.DatetimeIndex:
    offsets = [None if zone == UTC else offset_of(name) for name in names]
    if not zone:
        names = [
            in_english(name).removesuffix(offset) if offset else name
            for name, offset in zip(names, offsets, strict=True)
        ]
    when = dates.parsed(names, formats)
    if formats:
        when = when.where(when.notna(), dates.parsed(names))
    if zone in (UTC, CLOCK):
        return when
    stated = np.array([offset is not None for offset in offsets], bool)
    return _in_zone(when, zone).where(stated, _in_zone(when.tz_localize(None), zone))


def _of_objects(series: pd.Series, zone: str) -> pd.DatetimeIndex:
    values = series.to_numpy(object)
    stated = np.array([getattr(value, "tzinfo", None) is not None for value in values], bool)
    if not zone:
        values = [
            value.replace(tzinfo=None) if own else value for value, own in zip(values, stated, strict=True)
        ]
    when = pd.DatetimeIndex(pd.to_datetime(pd.Index(values, dtype=object), utc=True, errors="coerce"))
    if zone in (UTC, CLOCK):
        return when
    return _in_zone(when, zone).where(stated, _in_zone(when.tz_localize(None), zone))


def _in_zone(when: pd.DatetimeIndex, zone: str) -> pd.DatetimeIndex:
    """Moments with or without a zone as moments of `zone`."""
    if not zone:
        return when.tz_localize(None).tz_localize(UTC)
    if when.tz is not None:
        return when.tz_convert(zone_named(zone))
    # An hour that a change of clocks repeats is its first; one that it leaves out is an hour later.
    first = np.ones(len(when), bool)
    return when.tz_localize(zone_named(zone), ambiguous=first, nonexistent=pd.Timedelta(hours=1))
