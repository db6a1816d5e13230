"""How code that needs NumPy alone reads rows: as `reading` does, without pandas.

A column is a list of Python's own values, None where one is missing, and an entry of `export.json`, which is
that of `reading`. `copying` puts the functions of this module into the code that is written out.
"""

import contextlib
import csv
import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from taskaware.data import columns, delimited, numerals
from taskaware.data.date_words import in_english
from taskaware.data.dates import PARSED
from taskaware.data.frames import one_form, valid_text
from taskaware.data.moments import offset_of, zone_named
from taskaware.data.number_words import MARKS
from taskaware.errors import UserError, some
from taskaware.modalities.tables.embedded import ranks, word_counts

_FLOAT = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?inf(?:inity)?", re.IGNORECASE | re.ASCII)
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d{1,2})(?::?(\d\d)(?::?(\d\d)(?:\.(\d+))?)?)?"
    r" ?(?:(Z)|([-+])(\d\d):?(\d\d)?)?)?",
    re.ASCII,
)


def quantile_columns(filled: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Rank among the training rows, (F, N), as the quantile of a normal distribution."""
    shares = np.clip(ranks(filled, grid), 0.005, 0.995)
    quantile = NormalDist().inv_cdf
    return np.array([quantile(share) for share in shares.ravel().tolist()]).reshape(shares.shape)


def plain_numbers(names: Sequence[str]) -> np.ndarray:
    """Strings as Python writes numbers, (n,) float64; NaN for all others."""
    return np.array([float(name) if _FLOAT.fullmatch(name.strip()) else np.nan for name in names], np.float64)


def distinct(values: Sequence) -> tuple[np.ndarray, list[str]]:
    """Which of the distinct values stands in each row, -1 where missing; and those as sorted strings."""
    labels = [None if value is None else columns.label(value) for value in values]
    names = sorted({label for label in labels if label is not None} - columns.MISSING_MARKS)
    places = {name: place for place, name in enumerate(names)}
    return np.array([places.get(label or "", -1) for label in labels], np.int64), names


def read_numbers(values: Sequence, column: Mapping) -> list[np.ndarray]:
    """The numbers of a column, NaN where missing: one array."""
    if any(isinstance(value, datetime.timedelta) for value in values):
        day = datetime.timedelta(days=1)
        values = [value / day if isinstance(value, datetime.timedelta) else value for value in values]
    if all(value is None or isinstance(value, int | float) for value in values):
        found = np.array([np.nan if value is None else value for value in values], np.float64)
    else:
        codes, names = distinct(values)
        form = numerals.Form(*column["form"])
        found = columns.floats_of(column["name"], codes, names, form=form, strict=False)
    columns.refuse_infinite(column["name"], found)
    return [found]


def read_booleans(values: Sequence, column: Mapping) -> list[np.ndarray]:
    """1 for true, 0 for false, NaN where missing: one array."""
    found = read_numbers(values, column)[0]
    wrong = ~(np.isnan(found) | (found == 0) | (found == 1))
    if wrong.any():
        row = int(wrong.argmax())
        raise UserError(f"Column '{column['name']}' is boolean, but row {row} is neither true nor false.")
    return [found]


def read_dates(values: Sequence, column: Mapping) -> list[np.ndarray]:
    """The moments of a column as days, month, weekday and hour, those that the network reads."""
    when = moments(values, column)
    shown = when
    if column["zone"]:
        zone = zone_named(column["zone"])
        shown = np.array([None if one is None else clock_of(one, zone) for one in when.tolist()], when.dtype)
    return [part_of(when if part == "days" else shown, part) for part in column["parts"]]


def clock_of(when: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime:
    """What a clock of a time zone shows at a moment in UTC."""
    return when.replace(tzinfo=datetime.UTC).astimezone(zone).replace(tzinfo=None)


def moments(values: Sequence, column: Mapping) -> np.ndarray:
    """The moments of a column in UTC, (N,) datetime64, NaT where missing."""
    zone = column["zone"]
    found = [in_utc(value, zone) if isinstance(value, datetime.date) else None for value in values]
    codes, names = distinct([None if isinstance(value, datetime.date) else value for value in values])
    meant = [moment_of(name, column["form"], zone) for name in names]
    known = [when is not None for name, when in zip(names, meant, strict=True) if name.lower() not in MARKS]
    if known and sum(known) / len(known) < PARSED:
        odd = [name for name, when in zip(names, meant, strict=True) if when is None]
        form = " or ".join(column["form"]) or "2024-12-31 or 2024-12-31T23:59:00"
        raise UserError(f"Column '{column['name']}' holds dates, and {some(odd)} are none. Write {form}.")
    every = [one if code < 0 else meant[code] for one, code in zip(found, codes.tolist(), strict=True)]
    return np.array(every, "datetime64[us]")


def moment_of(name: str, formats: Sequence[str], zone: str) -> datetime.datetime | None:
    """The moment that a string means, in UTC; None for all that is no date.

    Args:
        name: the string.
        formats: in which the column writes dates; ISO 8601 is read in any case.
        zone: of the training data.
    """
    name = in_english(name)
    if not zone:
        name = name.removesuffix(offset_of(name) or "")
    for form in formats:
        with contextlib.suppress(ValueError):
            return in_utc(datetime.datetime.strptime(name, form), zone)
    found = _MOMENT.fullmatch(name)
    if found is None:
        return None
    year, month, day, hour, minute, second, part, at_zero, sign, hours, minutes = found.groups()
    offset = datetime.timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    own = datetime.timezone(-offset if sign == "-" else offset) if at_zero or sign else None
    clock = (int(hour or 0), int(minute or 0), int(second or 0), int((part or "0")[:6].ljust(6, "0")))
    with contextlib.suppress(ValueError, OverflowError):
        return in_utc(datetime.datetime(int(year), int(month), int(day), *clock, own), zone)
    return None


def in_utc(when: datetime.date, zone: str) -> datetime.datetime:
    """A day or a moment as a moment in UTC without a zone.

    Args:
        when: without a zone of its own, of `zone`.
        zone: of the training data; empty where times count as their clock shows them.
    """
    if not isinstance(when, datetime.datetime):
        when = datetime.datetime(when.year, when.month, when.day)
    if not zone:
        return when.replace(tzinfo=None)
    own = when if when.tzinfo is not None else when.replace(tzinfo=zone_named(zone))
    return own.astimezone(datetime.UTC).replace(tzinfo=None)


def part_of(when: np.ndarray, part: str) -> np.ndarray:
    """One number of N moments, (N,) float64, NaN where missing: days since 1970, month, weekday or hour."""
    day, one = when.astype("datetime64[D]"), np.timedelta64(1, "D")
    if part == "days":
        return (when - np.datetime64(0, "us")) / one
    if part == "month":
        found = when.astype("datetime64[M]").astype(np.int64) % 12 + 1
    elif part == "weekday":
        found = (day.astype(np.int64) + 3) % 7
    else:
        found = (when - day).astype("timedelta64[h]")
    return np.where(np.isnat(when), np.nan, found.astype(np.float64))


def read_texts(values: Sequence, column: Mapping) -> list[np.ndarray]:
    """The counts of hashed words and the length of each text."""
    codes, texts = distinct(values)
    return list(word_counts(texts)[codes].T)


def read_categories(values: Sequence, column: Mapping) -> np.ndarray:
    """The place of each label among the known ones, -1 where it is missing or new."""
    places = {one_form(label): place for place, label in enumerate(column["categories"])}
    return np.array(
        [-1 if value is None else places.get(columns.label(value), -1) for value in values], np.int64
    )


def named_columns(rows: Any, names: Sequence[str]) -> dict[str, list]:
    """The columns of a table by name, after a check that these stand in it, all of one length.

    Args:
        rows: a dict of columns, a list of dicts, one dict for one row, or a frame.
        names: of the columns that are read.
    """
    if isinstance(rows, Mapping) and not any(map(is_column, rows.values())):
        rows = [rows]
    if isinstance(rows, list | tuple) and all(isinstance(row, Mapping) for row in rows):
        given: dict[str, Any] = {str(name): [row.get(name) for row in rows] for row in rows for name in row}
        given |= {} if rows else {name: [] for name in names}
    elif isinstance(rows, Mapping) or hasattr(rows, "columns"):
        every = list(rows) if isinstance(rows, Mapping) else list(rows.columns)
        given = {valid_text(str(name)): rows[name] for name in every}
        if len(given) < len(every):
            raise UserError("Two columns have one name. Rename one of them.")
    else:
        raise UserError(
            "The rows have no named columns. Give a dict of columns, a list of dicts, or a frame."
        )
    for name in names:
        if name not in given:
            raise UserError(f"Column '{name}' is missing. Add it, or fill it with None.")
    found = {name: own_values(given[name]) for name in dict.fromkeys(names)}
    if len({len(values) for values in found.values()}) > 1:
        raise UserError("The columns differ in length. Give every row one value for each column.")
    return found


def is_column(value: object) -> bool:
    """Whether a value of a dict is a column: not a single value."""
    return not isinstance(value, str | bytes) and hasattr(value, "__len__")


def own_values(column: Any) -> list:
    """The values of a column as Python's own, None where one is missing."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "mM":
        column = column.astype(f"{column.dtype.kind}8[us]")
    for way in ("to_pylist", "tolist", "to_list"):
        if hasattr(column, way):
            column = getattr(column, way)()
            break
    return [own_value(value) for value in column]


def own_value(value: Any) -> Any:
    """A value as Python has it; None for a missing one."""
    if isinstance(value, np.generic):
        value = value.item()
    # What pandas writes for a missing value is known by its type, because pandas may not be here.
    if type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value):
        return None
    return value


def read_file(path: str, encoding: str = "utf-8-sig") -> dict[str, list]:
    """A text table under a line of names as columns, every value as it is written."""
    if Path(path).suffix.lower() not in (".csv", ".tsv", ".txt"):
        raise UserError(f"'{path}' is no CSV, TSV or TXT file. Save it as one of these.")
    try:
        with open(path, encoding=encoding, newline="") as file:
            return read_delimited(file.read().replace("\r\n", "\n").replace("\r", "\n"))
    except UnicodeError as error:
        raise UserError(f"'{path}' is not in {encoding} ({error}). Name its --encoding.") from error


def read_delimited(text: str) -> dict[str, list]:
    """A text with separators as columns; the separator is the sign that the names have most often."""
    csv.field_size_limit(max(len(text), 1 << 17))
    opening = delimited.opening_of(text[: 1 << 16])
    lines = text.split("\n")[opening.skipped :]
    reader = csv.reader(
        (line + "\n" for line in lines), delimiter=opening.separator, skipinitialspace=opening.spaced
    )
    names, *rows = [row for row in reader if row] or [[]]
    # R begins every row with a name of its own.
    if rows and all(len(row) == len(names) + 1 for row in rows[:49]) and any(row[-1] for row in rows[:49]):
        rows = [row[1:] for row in rows]
    longest = max(map(len, rows), default=0)
    if longest > len(names) and any(any(row[len(names) :]) for row in rows):
        raise UserError(
            f"A row has {longest} values, and there are {len(names)} names. Check the separators."
        )
    whole = [row + [""] * (len(names) - len(row)) for row in rows]
    table = zip(*whole, strict=False) if whole else [()] * len(names)
    columns_of = [[value or None for value in column] for column in table]
    names = list(map(str.strip, names)) if opening.spaced else names
    return dict(zip(distinct_names(names), columns_of, strict=False))


def distinct_names(names: Sequence[str]) -> list[str]:
    """Names of columns; a second one of a name is called "name.1"."""
    found: list[str] = []
    for name in names:
        number, own = 0, name
        while own in found:
            number += 1
            own = f"{name}.{number}"
        found.append(own)
    return found
