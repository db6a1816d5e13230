"""Kinds of data with one value in each row: a text, an image, a sound, a series, a vector.

Such a kind reads a list of its values as a dataset of their own, and the columns of a frame that hold them.
"""

import dataclasses
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Generic, NamedTuple, TypeVar, cast

import numpy as np
import pandas as pd

from taskaware.data.frames import refuse_one_value, unmasked
from taskaware.data.load import load, rows_with_names
from taskaware.errors import CheckpointError, UserError, quoted, some
from taskaware.modalities.listing import file_rows
from taskaware.modalities.modality import MODALITIES, Modality
from taskaware.modalities.tables import build
from taskaware.tasks.data import Data, Reader
from taskaware.tasks.making import apart, task_of
from taskaware.tasks.task import Task

Held = TypeVar("Held", bound=Data, covariant=True)


class Parsed(NamedTuple, Generic[Held]):
    """Values of one column, read.

    Attributes:
        data: N rows.
        notes: what was assumed, one sentence each.
    """

    data: Held
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class SingleReader(Reader):
    """Reads later rows of such a kind: values, or a frame that has the column.

    Attributes:
        modality: that reads the values.
        column: name of the column, for people and in frames.
        options: that the first reading decided, plain JSON, such as the sampling rate; see `Single.parse`.
        columns: of a frame whose rows of numbers are the values; () if the values stand in one column.
    """

    modality: "Single"
    column: str
    options: tuple[tuple[str, object], ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return self.columns or (self.column,)

    @property
    def written(self) -> tuple[str, ...]:
        """Names of the columns of a file whose values count as they are written."""
        return () if self.columns else (self.column,)

    def read(self, rows: object, target_name: str = "") -> Data:
        """The rows as data; a frame is read by its column or columns.

        Raises:
            UserError: a column is missing, or a value cannot be read; names it and says what to change.
        """
        refuse_one_value(rows)
        if (files := self.files(rows)) is not None:
            rows = files
        elif self.modality.is_one(rows, **dict(self.options)):
            rows = [rows]
        elif (
            not self._are_values(rows) and (named := rows_with_names(rows, as_text=self.written)) is not None
        ):
            rows = named
        if isinstance(rows, pd.DataFrame) and self.columns:
            frame = rows.set_axis(list(map(str, rows.columns)), axis=1)
            if lacking := [name for name in self.columns if name not in frame]:
                raise UserError(f"The rows lack column {quoted(lacking[0])} of the training data.")
            rows = frame[list(self.columns)]
        elif isinstance(rows, pd.DataFrame) and self.column in rows:
            rows = rows[self.column]
        elif isinstance(rows, pd.DataFrame) and not self.modality.reads_rows:
            shown = some(list(rows.columns)) if rows.shape[1] else "none"
            raise UserError(
                f"The rows lack column {quoted(self.column)} of the training data; their columns: {shown}. "
                "Rename one of them, or give the values of that column alone."
            )
        values = self.modality.values_of(rows)
        return self.modality.parse(values, column=self.column, **dict(self.options)).data

    def files(self, rows: object, target_name: str = "") -> pd.DataFrame | None:
        """The files of a folder, or a single one, where rows name it; see `listing.file_rows`."""
        if not self.modality.endings or self.columns:
            return None
        return file_rows(rows, self.modality, self.column, target_name)

    def _are_values(self, rows: object) -> bool:
        """Whether dicts are values themselves, such as the bytes and the path of an image, and no rows."""
        return (
            isinstance(rows, list)
            and isinstance(next(iter(rows), None), Mapping)
            and self.modality.holds(rows)
        )

    def to_dict(self) -> dict:
        plain = {"reads": self.modality.name, "column": self.column, "options": dict(self.options)}
        return plain | ({"columns": list(self.columns)} if self.columns else {})


class Single(Modality):
    """One kind of data with a value in each row. Subclass it and write the abstract methods.

    Attributes:
        name: in MODALITIES.
        embeddings: names of the blocks that it may give, in order.
        endings: of the files that hold one value each, in lower case; () if no file does.
    """

    endings: ClassVar[tuple[str, ...]] = ()
    reads_rows: ClassVar[bool] = False
    """Whether the numbers of a frame's row may be one value."""

    @abstractmethod
    def holds(self, values: Sequence) -> bool:
        """Whether the values of a column are of this kind; looks at some that are not missing."""

    @abstractmethod
    def parse(self, values: Sequence, *, column: str, **options) -> Parsed[Data]:
        """The values as data.

        Args:
            values: N of them, in any form of this kind; None where one is missing.
            column: its name, for messages.
            options: as `options` gave them for the training rows; the defaults otherwise.

        Raises:
            UserError: a value cannot be read; names the row and says what to change.
        """

    def begins(self, start: bytes) -> bool:
        """Whether a file that starts so (its first 32 bytes) holds a value of this kind."""
        del start
        return False

    def is_one(self, source: object, **options) -> bool:
        """Whether a source is one value, and no sequence of them: one image, one path of a sound.

        Args:
            source: later rows.
            options: as `options` gave them for the training rows.
        """
        del source, options
        return False

    def options(self, data: Data) -> Mapping[str, object]:
        """What later rows have to be read with, plain JSON: by default nothing."""
        return {}

    def values_of(self, source: object) -> Sequence:
        """A sequence of one value for each row, of a source that was accepted."""
        if isinstance(source, pd.Series):
            return source.tolist()
        if hasattr(source, "to_pylist"):  # of Arrow, whose scalars are objects of their own
            return source.to_pylist()
        if isinstance(source, set | frozenset | Mapping) or not isinstance(source, Iterable):
            raise UserError(
                f"{quoted(source)} holds no rows in order. Give a list with one value of kind "
                f"'{self.name}' for each row."
            )
        if isinstance(source, np.ndarray):
            return cast(Sequence, unmasked(source))
        whole = source if isinstance(source, list | tuple) else list(cast(Iterable, source))
        return cast(Sequence, whole)

    def reader(self, data: Data, column: str) -> SingleReader:
        """How later rows are read into data like this."""
        return SingleReader(self, column, tuple(self.options(data).items()))

    def read(self, source, target=None, *, problem=None, name=None, metric=None) -> Task:
        """The task of values alone; see `Modality.read`.

        Args:
            source, target, problem, name, metric: as there.

        Raises:
            UserError: as there; or the source is a frame without a column of this kind.
        """
        features, values = apart(source, target)
        if not (self.accepts(features) or _are_values(features)):
            # A frame with a column of this kind, a file, or a folder.
            about = {"problem": problem, "name": name, "metric": metric}
            found = MODALITIES["mixed"].read(source, target, **about)
            if self.name in (found.modality, *(part.modality for part in getattr(found.data, "parts", ()))):
                return found
            if not self.reads_rows or found.modality != "tables":
                raise UserError(
                    f"modality='{self.name}' is given, and no column seems to hold such values. Name the "
                    f"column: modalities={{'...': '{self.name}'}}."
                )
            loaded = load(source, target)
            features, values = build.features_of(loaded, ()), loaded.frame[build.target_names_of(loaded)]
        column = str(getattr(features, "name", None) or self.name)
        data, notes = self.parse(self.values_of(features), column=column)
        reader = self.reader(data, column)
        if isinstance(features, pd.DataFrame) and self.reads_rows and not self.accepts(features):
            reader = dataclasses.replace(reader, columns=tuple(map(str, features.columns)))
        return task_of(
            data,
            values,
            modality=self.name,
            reader=reader,
            problem=problem,
            name=name,
            metric=metric,
            notes=notes,
        )

    def reader_from(self, plain: dict) -> SingleReader:
        """The reader that `SingleReader.to_dict` wrote; see `Modality.reader_from`."""
        column, options, columns = plain.get("column"), plain.get("options"), plain.get("columns", [])
        named = (
            isinstance(column, str) and isinstance(columns, list) and all(isinstance(n, str) for n in columns)
        )
        if plain.get("reads") == self.name and named and isinstance(options, dict):
            return SingleReader(self, str(column), tuple(options.items()), tuple(columns))
        raise CheckpointError(f"This is no reader of the modality '{self.name}'. Save the model again.")


def single_of(rows: object) -> Single | None:
    """The kind of data of a list or array with one value in each row; None for the rows of a table."""
    if isinstance(rows, pd.DataFrame):
        return None
    return next((kind for kind in singles() if kind.accepts(rows)), None)


def singles() -> Iterator[Single]:
    """The kinds of MODALITIES with one value in each row, the last registered first."""
    for name in reversed(list(MODALITIES)):
        if isinstance(kind := MODALITIES[name], Single):
            yield kind


def _are_values(features: object) -> bool:
    """Whether these are values, one for each row: then the stated kind of data counts."""
    if isinstance(features, pd.Series):
        return True
    if isinstance(features, np.ndarray):
        # Rows of text or of objects have columns.
        return features.ndim == 1 or features.dtype.kind in "fiub"
    return isinstance(features, list | tuple) and not any(isinstance(row, Mapping) for row in features[:64])
