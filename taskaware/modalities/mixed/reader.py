"""How later rows of a mixed frame are read."""

import dataclasses
from collections.abc import Collection

import pandas as pd

from taskaware.data.load import rows_with_names
from taskaware.data.schema import Schema
from taskaware.errors import UserError, visible
from taskaware.modalities.mixed.data import Mixed, Part
from taskaware.modalities.single import SingleReader
from taskaware.tasks.data import Reader


@dataclasses.dataclass(frozen=True)
class MixedReader(Reader):
    """The readers of the parts.

    Attributes:
        table: of the columns of a table; None if there are none.
        columns: of the other columns, in their order.
    """

    table: Schema | None
    columns: tuple[SingleReader, ...]

    @property
    def names(self) -> tuple[str, ...]:
        table = self.table.names if self.table else ()
        return (*table, *(reader.column for reader in self.columns))

    @property
    def written(self) -> tuple[str, ...]:
        """Names of the columns whose values count as they are written, see `Schema.written`."""
        return (*(self.table.written if self.table else ()), *(reader.column for reader in self.columns))

    def read(self, rows: object, target_name: str = "") -> Mixed:
        """The rows of a frame or of a file.

        Raises:
            UserError: a column is missing, or a value cannot be read; names it and says what to change.
        """
        frame = rows_frame(rows, self.written)
        names = [reader.column for reader in self.columns]
        missing = [name for name in names if name not in frame]
        if missing:
            raise UserError(
                f"Column '{missing[0]}' is missing. The columns are: {', '.join(map(repr, self.names))}."
            )
        parts = [
            Part(reader.modality.name, reader.column, reader.read(frame[reader.column]))
            for reader in self.columns
        ]
        if self.table:
            table = self.table.read(frame.drop(columns=names), target_name)
            parts.insert(0, Part("tables", "", table))
        return Mixed(tuple(parts))

    def to_dict(self) -> dict:
        table = self.table.to_dict() if self.table else None
        return {"table": table, "columns": [reader.to_dict() for reader in self.columns]}


def rows_frame(rows: object, written: Collection[str] = ()) -> pd.DataFrame:
    """New rows as a frame: a table of any library, or a file that `load` reads.

    Args:
        rows: of a frame.
        written: names of the columns of a file that stay as they are written.

    Raises:
        UserError: they are neither.
    """
    frame = rows_with_names(rows, as_text=written)
    if frame is None:
        raise UserError(
            f"The columns of these rows have no names: a {visible(type(rows).__name__)}. Give a frame."
        )
    return frame
