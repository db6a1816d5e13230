"""Tables as a modality: typed columns, seven embeddings, the catalogue of meta-features."""

import dataclasses
from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd
from jaxtyping import Float

from taskaware.data.load import load
from taskaware.data.schema import Field, Schema
from taskaware.data.table import Table
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.modality import Card, Modality
from taskaware.modalities.tables.build import make_task
from taskaware.modalities.tables.encode import EMBEDDINGS, WORD_BUCKETS, Encoder, layout, widths_of
from taskaware.modalities.tables.table import table_of
from taskaware.tasks.data import Reader
from taskaware.tasks.task import Task


@dataclasses.dataclass(frozen=True, eq=False)
class TableBlocks(Blocks):
    """The seven embeddings of a table's columns.

    Attributes:
        encoder: learned from the training rows.
    """

    encoder: Encoder

    @property
    def widths(self) -> Mapping[str, int]:
        encoder = self.encoder
        return widths_of(encoder.numbers, encoder.categories, narrow=encoder.narrow)

    @property
    def active(self) -> Mapping[str, int]:
        return dict(zip(EMBEDDINGS, self.encoder.active.astype(int).tolist(), strict=True))

    def transform(
        self, data: Table, rows: np.ndarray | None = None
    ) -> Mapping[str, Float[np.ndarray, "n width"]]:
        numbers, one_hot = self.encoder.transform(data, rows)
        widths = list(self.widths.values())[:-2]
        parts = np.split(numbers, np.cumsum(widths)[:-1], axis=1)
        return dict(zip(EMBEDDINGS, [*parts, one_hot, one_hot], strict=True))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return self.encoder.to_arrays()


MOST_TRIED = 1000
"""Columns of a saved model up to which a row without values is read as a trial."""


def _category_fields(reader: Schema) -> list[Field]:
    return [field for field in reader.fields if field.used and field.kind == "category"]


def _shortened(field: Field, places: np.ndarray) -> Field:
    labels = tuple(field.categories[place] for place in places)
    return dataclasses.replace(field, categories=labels, shortened=True)


def _fit(fields: list[Field], encoder: Encoder) -> bool:
    """Whether an encoder's category columns are those of the fields."""
    return [len(field.categories) + 1 for field in fields] == list(map(len, encoder.positions))


def _numbers_of(field: Field) -> int:
    """Numeric columns that the encoder makes of a column, but for the shares of a wide category."""
    if field.kind == "text":
        return WORD_BUCKETS + 1
    return len(field.column_names) if field.kind != "category" else 0


class Tables(Modality):
    """What `data.load` reads; the most general kind, which accepts all sources."""

    name = "tables"

    def accepts(self, source: object) -> bool:
        return True

    def read(
        self,
        source,
        target=None,
        *,
        problem=None,
        name=None,
        metric=None,
        kinds=None,
        drop=(),
        encoding=None,
    ) -> Task:
        """The task of a table; see `Modality.read`.

        Args:
            source, target, problem, name, metric, kinds, drop, encoding: as in `make_task` of the tables.
        """
        loaded = load(source, target, encoding=encoding)
        return make_task(loaded, problem=problem, name=name, metric=metric, kinds=kinds, drop=drop)

    def present(self, task) -> tuple[str, ...]:
        """All embeddings of tables: points were recorded so before other kinds of data were read."""
        del task
        return EMBEDDINGS

    def fit_blocks(self, data: Table, rows: np.ndarray) -> TableBlocks:
        return TableBlocks(Encoder.fit(data, rows))

    def blocks_from(self, arrays: Mapping[str, np.ndarray]) -> TableBlocks:
        return TableBlocks(Encoder.from_arrays(arrays))

    def reader_from(self, plain: dict) -> Schema:
        return Schema.from_dict(plain)

    def check_saved(self, reader: Reader, blocks: Blocks) -> None:
        """Nothing, if the schema has the columns of the encoder; see `Modality.check_saved`."""
        reader, blocks = cast(Schema, reader), cast(TableBlocks, blocks)
        encoder, categories = blocks.encoder, _category_fields(reader)
        numbers = sum(_numbers_of(field) for field in reader.fields if field.used)
        if numbers + int(encoder.wide.sum()) != len(encoder.median) or not _fit(categories, encoder):
            raise ValueError("the encoder is that of other columns")
        for field in categories:
            if len(set(field.categories)) < len(field.categories):
                raise ValueError(f"a category of '{field.name}' stands twice")
        if len(reader.names) <= MOST_TRIED:
            self._try_empty_row(reader, blocks)

    def compact(self, reader: Reader, blocks: Blocks) -> tuple[Reader, Blocks]:
        """Without the categories that are read as a new one is; see `Modality.compact`."""
        reader, blocks = cast(Schema, reader), cast(TableBlocks, blocks)
        encoder, categories = blocks.encoder, _category_fields(reader)
        if not _fit(categories, encoder):
            return reader, blocks
        kept = encoder.told_apart
        shorter = {
            field.name: _shortened(field, places)
            for field, places in zip(categories, kept, strict=True)
            if len(places) < len(field.categories)
        }
        if not shorter:
            return reader, blocks
        fields = tuple(shorter.get(field.name, field) for field in reader.fields)
        return dataclasses.replace(reader, fields=fields), TableBlocks(encoder.without(kept))

    def _try_empty_row(self, reader: Schema, blocks: TableBlocks) -> None:
        row = pd.DataFrame([[None] * len(reader.names)], columns=list(reader.names), dtype=object)
        if not all(np.isfinite(block).all() for block in blocks.transform(reader.read(row)).values()):
            raise ValueError("a row without values is encoded as no finite number")

    def as_table(self, task: Task) -> Task:
        return task

    def card(self, task: Task) -> Card:
        table = table_of(task)
        return Card(task.rows, len(table.columns), tuple(widths_of(*layout(table)).items()))


TABLES = Tables()
