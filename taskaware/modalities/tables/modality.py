"""Tables as a modality: typed columns, seven embeddings, the catalogue of meta-features."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from taskaware.data.load import load
from taskaware.data.schema import Schema
from taskaware.data.table import Table
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.modality import Card, Modality
from taskaware.modalities.tables.build import make_task
from taskaware.modalities.tables.encode import EMBEDDINGS, Encoder, layout, widths_of
from taskaware.modalities.tables.table import table_of
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
        return widths_of(self.encoder.numbers, self.encoder.categories)

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

    def fit_blocks(self, data: Table, rows: np.ndarray) -> TableBlocks:
        return TableBlocks(Encoder.fit(data, rows))

    def blocks_from(self, arrays: Mapping[str, np.ndarray]) -> TableBlocks:
        return TableBlocks(Encoder.from_arrays(arrays))

    def reader_from(self, plain: dict) -> Schema:
        return Schema.from_dict(plain)

    def as_table(self, task: Task) -> Task:
        return task

    def card(self, task: Task) -> Card:
        table = table_of(task)
        return Card(task.rows, len(table.columns), tuple(widths_of(*layout(table)).items()))


TABLES = Tables()
