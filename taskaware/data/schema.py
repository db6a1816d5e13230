"""The schema of a dataset, by which later rows are read in the same way."""

import dataclasses
import difflib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from taskaware.data import columns as read
from taskaware.data import dates, given
from taskaware.data.description import Description, described_as
from taskaware.data.frames import feature_frame
from taskaware.data.load import rows_with_names
from taskaware.data.loaded import tidy
from taskaware.data.moments import UTC, moments, zone_named, zone_of
from taskaware.data.table import CATEGORY_KINDS, NUMERIC_KINDS, Column, Table
from taskaware.errors import CheckpointError, UserError, some, warn


@dataclasses.dataclass(frozen=True)
class Field:
    """The schema of one column.

    Attributes:
        name: as the user wrote it.
        kind: "numeric", "boolean", "date", "category" or "text".
        categories: the labels of a category column, sorted; a value outside them is read as missing.
            Empty for the other kinds: a text column brings its own values with every table.
        parts: which numbers a date column becomes: "days" always, "month", "weekday" and "hour" where they
            were not the same in every row.
        used: whether the column becomes part of the table. An unused one is optional in later rows.
        form: how strings are written, see `description.Description`; empty where plainly.
        zone: time zone of a date column, see `moments.zone_of`: times without one are read in it, and month,
            weekday and hour are those of its clocks. Empty: times count as their clock shows them.
        shortened: whether `categories` lacks labels of the training data that a model reads as it reads new
            ones.
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    used: bool = True
    form: tuple[str, ...] = ()
    zone: str = UTC
    shortened: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the table's columns that it becomes: "when.days", "when.month" for a date "when"."""
        return tuple(f"{self.name}.{part}" for part in self.parts) if self.parts else (self.name,)


@dataclasses.dataclass(frozen=True)
class Schema:
    """The columns of a dataset, in the user's order.

    Attributes:
        fields: one for each column.
        notes: what was assumed of the columns it was inferred from, one sentence each.

    >>> schema = Schema.infer(pd.DataFrame({"size": ["1", "?"], "colour": ["red", "blue"]}))
    >>> [(field.name, field.kind, field.categories) for field in schema.fields]
    [('size', 'numeric', ()), ('colour', 'category', ('blue', 'red'))]
    >>> schema.apply(pd.DataFrame({"colour": ["green", "red"], "size": [3, 4]})).codes.tolist()
    [[-1], [1]]
    """

    fields: tuple[Field, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @property
    def written(self) -> tuple[str, ...]:
        """Names of the columns whose values count as they are written: labels, texts, and numbers of a form.

        "1.234" is over a thousand in a column with decimal commas, also in a file that holds no other value.
        """
        return tuple(field.name for field in self.fields if field.kind in CATEGORY_KINDS or field.form)

    @classmethod
    def infer(
        cls, frame: pd.DataFrame, *, decimal: str = ".", kinds: Mapping[str, str] | None = None
    ) -> "Schema":
        """Read the kinds off a frame; see `description.describe` for the rules.

        Args:
            frame: N rows, at least one, and at least one column; names that are no strings are written as
                such.
            decimal: the decimal sign of strings that can be read with a point or a comma.
            kinds: of columns by name, where the values are not to decide.

        Raises:
            UserError: no row, no column, two columns of one name, values that are no scalars, or a kind of
                `kinds` that its column cannot have.
        """
        names, kinds = given.names_of(frame), dict(kinds or {})
        _check_rows(frame)
        if missing := [name for name in kinds if name not in names]:
            raise UserError(
                f"{_listed(missing)} not among the features, but kinds= names it. Check the name."
            )
        plain = given.of_numbers(frame)
        places = [place for place, name in enumerate(names) if name in kinds or not plain[place]]
        series = given.series_of(frame, names, places)
        described = {place: described_as(one, kinds.get(one.name), decimal) for place, one in series.items()}
        fields = tuple(
            _field(series[place], described[place]) if place in series else Field(name, "numeric")
            for place, name in enumerate(names)
        )
        return cls(fields, tuple(note for found in described.values() for note in found.notes))

    def apply(self, frame: pd.DataFrame, name: str = "frame") -> Table:
        """Read rows under this schema.

        Values of another dtype are turned into the column's kind (numbers as strings, whole numbers as
        floats); the order of the columns does not matter. A category that the schema does not know is
        missing (-1). Columns beyond the schema are ignored, with a warning.

        Args:
            frame: N rows, with every used column of the schema.
            name: the table's name.

        Raises:
            UserError: a column is missing, two have one name, or a value is infinite, not a number, not a
                date, or no scalar; each names column, value and row.
        """
        names = given.names_of(frame)
        self._check_names(names)
        place, plain = dict(zip(names, range(len(names)), strict=True)), given.of_numbers(frame)
        used = {place[field.name]: field for field in self.fields if field.used}
        quick = [at for at, field in used.items() if field.kind == "numeric" and plain[at]]
        numbers = given.finite_numbers(frame, quick)
        series = given.series_of(frame, names, [at for at in used if at not in numbers])
        parts = [
            [_column(field.name, "numeric", numbers[at])] if at in numbers else _read(field, series[at])
            for at, field in used.items()
        ]
        return Table(name, tuple(column for part in parts for column in part), len(frame))

    def read(self, rows: object, target_name: str = "") -> Table:
        """New rows: a table of any library, an array, rows in lists, or a file that `load` reads.

        Args:
            rows: N of them, with or without the target; an array has its columns in the order of the schema.
            target_name: of a column that is left out, unless the schema has it as a feature.

        Raises:
            UserError: an array has another number of columns, or as for `apply`.
        """
        frame = self.frame_of(rows, target_name)
        if target_name in frame and target_name not in self.names:
            frame = frame.drop(columns=target_name)
        return self.apply(frame, "rows")

    def frame_of(self, rows: object, target_name: str = "") -> pd.DataFrame:
        """New rows as a frame under the names of this schema; the columns of a file keep what was written.

        Args:
            rows, target_name: as for `read`.

        Raises:
            UserError: a file cannot be read, or an array has another number of columns.
        """
        if isinstance(rows, pd.Series) and {*map(str, rows.index)} >= {*self.names}:
            rows = dict(rows)  # one row of a frame
        named = rows_with_names(rows, as_text={*self.written, target_name})
        if named is not None:
            return named if isinstance(rows, str | Path) else tidy(named)
        frame = feature_frame(rows)
        found, wanted = frame.shape[1], len(self.names)
        if found != wanted:
            raise UserError(f"X has {found} features, but the model was trained on {wanted} features.")
        return frame.set_axis(list(self.names), axis=1)

    def ignoring(self, names: tuple[str, ...]) -> "Schema":
        """The same schema with these columns accepted but no longer read."""
        fields = tuple(dataclasses.replace(f, used=f.used and f.name not in names) for f in self.fields)
        return dataclasses.replace(self, fields=fields)

    def to_dict(self) -> dict:
        """The schema as plain JSON."""
        return {"fields": [dataclasses.asdict(field) for field in self.fields]}

    @classmethod
    def from_dict(cls, plain: dict) -> "Schema":
        """What `to_dict` wrote, also after a way through JSON.

        Raises:
            CheckpointError: `plain` is something else.
        """
        try:
            return cls(tuple(_field_of(entry) for entry in plain["fields"]))
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"This is no schema of a table: {error}.") from error

    def _check_names(self, names: list[str]) -> None:
        known, there = set(self.names), set(names)
        unknown = [name for name in names if name not in known]
        missing = [field.name for field in self.fields if field.used and field.name not in there]
        if missing:
            near = _nearest(missing[0], unknown)
            mend = f"'{near}' is nearest to '{missing[0]}': rename it" if near else "Add it"
            raise UserError(f"{_listed(missing)} missing in this frame. {mend}, or fill it with NaN.")
        if unknown:
            warn(f"{_listed(unknown)} not among the columns of the training data, and ignored.")


def _nearest(name: str, names) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(names), n=1)), None)


def _listed(names: list[str]) -> str:
    shown = some(names, 5)
    return f"Column {shown} is" if len(names) == 1 else f"Columns {shown} are"


def _check_rows(frame: pd.DataFrame) -> None:
    rows, columns = frame.shape
    if not rows or not columns:
        raise UserError(f"The frame is empty: {rows} rows, {columns} columns. One of each is needed.")


def _field(series: pd.Series, found: Description) -> Field:
    if found.kind != "date":
        return Field(series.name, found.kind, found.categories, form=found.form)
    when = moments(series, found.form, found.zone)
    varying = [part for part in dates.PARTS[1:] if _varies(dates.part_of(when, part))]
    return Field(series.name, "date", parts=("days", *varying), form=found.form, zone=found.zone)


def _varies(values: np.ndarray) -> bool:
    present = values[~np.isnan(values)]
    return present.size > 0 and bool((present != present[0]).any())


def _field_of(entry: dict) -> Field:
    values = {**entry}
    values |= {name: tuple(values[name]) for name in ("categories", "parts", "form") if name in values}
    field = Field(**values)
    if field.kind not in NUMERIC_KINDS + CATEGORY_KINDS:
        raise KeyError(field.kind)
    if field.zone:
        zone_named(field.zone)
    return field


def _read(field: Field, series: pd.Series) -> list[Column]:
    """The table's columns for one of the user's: several for a date, otherwise one."""
    if field.kind == "date":
        if series.notna().any():
            _warn_of_another_zone(field, zone_of(series))
        when = moments(series, field.form, field.zone)
        parts = [dates.part_of(when, part) for part in field.parts]
        kinds = ["date" if part == "days" else "numeric" for part in field.parts]
        return [_column(*column) for column in zip(field.column_names, kinds, parts, strict=True)]
    if field.kind in NUMERIC_KINDS:
        values = read.numbers(series, field.form, strict=False)
        return [
            _column(field.name, field.kind, _truth(values, series) if field.kind == "boolean" else values)
        ]
    if field.kind == "text":
        codes, names = read.distinct(series)
        return [_column(field.name, "text", codes, tuple(names))]
    codes = read.codes_in(series, field.categories)
    if not field.shortened:
        _warn_of_unseen(series, codes)
    return [_column(field.name, "category", codes, field.categories)]


def _warn_of_another_zone(field: Field, own: str) -> None:
    """Times with a zone where the training data has none, or the other way round, may be hours off."""
    if own and not field.zone:
        reading = (
            "state a time zone, which those of the training data do not; they count as their clock shows"
        )
    elif not own and field.zone not in ("", UTC):
        reading = f"state no time zone; they are read in that of the training data, {field.zone}"
    else:
        return
    warn(f"Column '{field.name}': the times {reading}.")


def _warn_of_unseen(series: pd.Series, codes: np.ndarray) -> None:
    """Most categories of a column are new when it is written otherwise than in the training data."""
    unseen = (codes < 0) & series.notna().to_numpy()
    if 2 * unseen.sum() > len(codes):
        example = some([series.iloc[int(unseen.argmax())]])
        warn(
            f"Column '{series.name}': {unseen.sum()} of {len(codes)} values, such as {example}, are no "
            "categories of the training data; they are read as missing. Is it written as it was?",
        )


def _column(name: str, kind: str, values: np.ndarray, categories: tuple[str, ...] = ()) -> Column:
    values.setflags(write=False)
    return Column(name, kind, values, categories)


def _truth(values: np.ndarray, series: pd.Series) -> np.ndarray:
    wrong = ~(np.isnan(values) | (values == 0) | (values == 1))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise UserError(
            f"Column '{series.name}' is boolean, but row {row} holds '{series.iloc[row]}'. "
            "Allowed: True, False, 0, 1, or nothing."
        )
    return values
