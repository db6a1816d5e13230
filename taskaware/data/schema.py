"""The schema of a data set, by which later rows are read in the same way."""

import dataclasses
import difflib

import numpy as np
import pandas as pd

from taskaware.data import columns as read
from taskaware.data.loaded import feature_frame
from taskaware.data.table import CATEGORY_KINDS, NUMERIC_KINDS, Column, Table
from taskaware.errors import CheckpointError, UserError


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
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    used: bool = True

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the table's columns that it becomes: "when.days", "when.month" for a date "when"."""
        return tuple(f"{self.name}.{part}" for part in self.parts) if self.parts else (self.name,)


@dataclasses.dataclass(frozen=True)
class Schema:
    """The columns of a data set, in the user's order.

    >>> schema = Schema.infer(pd.DataFrame({"size": ["1", "?"], "colour": ["red", "blue"]}))
    >>> [(field.name, field.kind, field.categories) for field in schema.fields]
    [('size', 'numeric', ()), ('colour', 'category', ('blue', 'red'))]
    >>> schema.apply(pd.DataFrame({"colour": ["green", "red"], "size": [3, 4]})).codes.tolist()
    [[-1], [1]]
    """

    fields: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @classmethod
    def infer(cls, frame: pd.DataFrame) -> "Schema":
        """Read the kinds off a frame; see `columns.describe` for the rules.

        Args:
            frame: N rows, at least one, and at least one column; names that are no strings are written as
                such.

        Raises:
            UserError: no row, no column, two columns of one name, or values that are no scalars.
        """
        return cls(tuple(_infer_field(series) for series in _series(frame)))

    def apply(self, frame: pd.DataFrame, name: str = "frame") -> Table:
        """Read rows under this schema.

        Values of another dtype are turned into the column's kind (numbers as strings, whole numbers as
        floats); the order of the columns does not matter. A category that the schema does not know is
        missing (-1).

        Args:
            frame: N rows; every used column of the schema, and no column beyond the schema.
            name: the table's name.

        Raises:
            UserError: no row, a column is missing or unknown, two have one name, or a value is infinite,
                not a number, not a date, or no scalar; each names column, value and row.
        """
        given = {series.name: series for series in _series(frame)}
        self._check_names(given)
        parts = [_read(field, given[field.name]) for field in self.fields if field.used]
        return Table(name, tuple(column for part in parts for column in part), len(frame))

    def read(self, rows: object, target_name: str = "") -> Table:
        """New rows in any form that `feature_frame` takes; those of a frame may hold the target, too.

        Args:
            rows: N of them; an array has its columns in the order of the schema.
            target_name: of a column that is left out, unless the schema has it as a feature.

        Raises:
            UserError: an array has another number of columns, or as for `apply`.
        """
        if not isinstance(rows, pd.DataFrame):
            frame = feature_frame(rows)
            found, wanted = frame.shape[1], len(self.names)
            if found != wanted:
                raise UserError(f"X has {found} features, but the model was trained on {wanted} features.")
            return self.apply(frame.set_axis(list(self.names), axis=1), "rows")
        if target_name in rows and target_name not in self.names:
            rows = rows.drop(columns=target_name)
        return self.apply(rows, "rows")

    def ignoring(self, names: tuple[str, ...]) -> "Schema":
        """The same schema with these columns accepted but no longer read."""
        return Schema(tuple(dataclasses.replace(f, used=f.used and f.name not in names) for f in self.fields))

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
        except (KeyError, TypeError) as error:
            raise CheckpointError(f"This is no schema of a table: {error}.") from error

    def _check_names(self, given: dict) -> None:
        unknown = [name for name in given if name not in self.names]
        missing = [field.name for field in self.fields if field.used and field.name not in given]
        if missing:
            near = _nearest(missing[0], unknown)
            mend = f"'{near}' is nearest to '{missing[0]}': rename it" if near else "Add it"
            raise UserError(f"{_listed(missing)} missing in this frame. {mend}, or fill it with NaN.")
        if unknown:
            near = _nearest(unknown[0], self.names)
            hint = f"The nearest known name is '{near}'. " if near else ""
            raise UserError(
                f"{_listed(unknown)} unknown: not among the {len(self.names)} columns of the training data. "
                f"{hint}Drop what is new: frame.drop(columns={unknown[:5]})."
            )


def _nearest(name: str, names) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(names), n=1)), None)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:5])
    if len(names) == 1:
        return f"Column {shown} is"
    return f"Columns {shown}{f' and {len(names) - 5} more' if len(names) > 5 else ''} are"


def _series(frame: pd.DataFrame) -> list[pd.Series]:
    """The columns one by one under their names as strings, after the checks on the frame as a whole."""
    if not isinstance(frame, pd.DataFrame):
        raise UserError(f"A pandas DataFrame is needed here, not a {type(frame).__name__}.")
    rows, columns = frame.shape
    if not rows or not columns:
        raise UserError(f"The frame is empty: {rows} rows, {columns} columns. One of each is needed.")
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < columns else []
    if twice:
        raise UserError(f"Several columns have the same name: {twice[:5]}. Rename all but one.")
    return [series.rename(name) for name, (_, series) in zip(names, frame.items(), strict=True)]


def _infer_field(series: pd.Series) -> Field:
    kind, categories = read.describe(series)
    if kind == "date":
        when = read.moments(series)
        varying = [part for part in read.DATE_PARTS[1:] if _varies(read.date_part(when, part))]
        return Field(series.name, kind, parts=("days", *varying))
    return Field(series.name, kind, categories)


def _varies(values: np.ndarray) -> bool:
    present = values[~np.isnan(values)]
    return present.size > 0 and bool((present != present[0]).any())


def _field_of(entry: dict) -> Field:
    values = {**entry}
    values |= {name: tuple(values[name]) for name in ("categories", "parts") if name in values}
    field = Field(**values)
    if field.kind not in NUMERIC_KINDS + CATEGORY_KINDS:
        raise KeyError(field.kind)
    return field


def _read(field: Field, series: pd.Series) -> list[Column]:
    """The table's columns for one of the user's: several for a date, otherwise one."""
    if field.kind == "date":
        when = read.moments(series)
        parts = [read.date_part(when, part) for part in field.parts]
        kinds = ["date" if part == "days" else "numeric" for part in field.parts]
        return [_column(*column) for column in zip(field.column_names, kinds, parts, strict=True)]
    if field.kind in NUMERIC_KINDS:
        values = read.numbers(series)
        return [
            _column(field.name, field.kind, _truth(values, series) if field.kind == "boolean" else values)
        ]
    if field.kind == "text":
        codes, names = read.distinct(series)
        return [_column(field.name, "text", codes, tuple(names))]
    return [_column(field.name, "category", read.codes_in(series, field.categories), field.categories)]


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
