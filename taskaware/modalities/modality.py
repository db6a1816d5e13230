"""A modality (a kind of data): its reading, feature blocks and meta-features; and the registry of them."""

import dataclasses
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from taskaware.data.table import Column, Table
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.tables import metafeatures
from taskaware.modalities.tables.samples import Samples, draw_samples
from taskaware.registry import Registry
from taskaware.tasks.alone import alone
from taskaware.tasks.data import Reader
from taskaware.tasks.task import Task

LOOKED_AT = 64
"""Rows that tell which blocks a dataset has."""


@dataclasses.dataclass(frozen=True)
class Card:
    """A summary of a dataset, for people and for the code of a network.

    Attributes:
        rows: N.
        features: as a person would count them.
        widths: (name, columns) of each block that all rows would give.
    """

    rows: int
    features: int
    widths: tuple[tuple[str, int], ...]


@runtime_checkable
class Modality(Protocol):
    """One kind of data. Subclass it, set `name`, and write the five abstract methods.

    Attributes:
        name: in `MODALITIES`, and in every task and saved model of this kind.
        embeddings: names of the blocks that it may give, beyond those of tables.
    """

    name: str
    embeddings: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def accepts(self, source: object) -> bool:
        """Whether a source, or the X of an (X, y), is of this kind; no row is read."""

    @abstractmethod
    def read(
        self,
        source: object,
        target: object = None,
        *,
        problem: str | None = None,
        name: str | None = None,
        metric: str | None = None,
    ) -> Task:
        """The task of a source; `tasks.making.task_of` does what all kinds share.

        Args:
            source: that was accepted; X, or (X, y).
            target: values, or the name of the target, or None where the source has it.
            problem, name, metric: as given to `make_task`.

        Raises:
            UserError: a row cannot be read; names it and says what to change.
        """

    @abstractmethod
    def fit_blocks(self, data: Any, rows: np.ndarray) -> Blocks:
        """Feature blocks, learned from these rows alone (indices, at least one)."""

    def raw_blocks(self, data: Any, rows: np.ndarray, name: str) -> Blocks | None:
        """The block that a space reads in place of all others, learned from these rows; None without one.

        Args:
            data: of this modality.
            rows: of the training part.
            name: of the block, such as "pixels_16_3".
        """
        del data, rows, name
        return None

    def present(self, task: Task) -> tuple[str, ...]:
        """Names of the embeddings that a dataset has columns for, by LOOKED_AT of its rows.

        Points are recorded by them, see `MixtureSpace.settled`. The order of the rows has no effect.
        """
        rows = np.sort(np.argsort(task.row_hashes, kind="stable")[:LOOKED_AT])
        return tuple(name for name, width in self.fit_blocks(task.data, rows).widths.items() if width)

    def embeddings_of(self, data: Any) -> tuple[str, ...]:
        """Names of the blocks that these rows may have, beyond those of tables."""
        del data
        return self.embeddings

    @abstractmethod
    def blocks_from(self, arrays: Mapping[str, np.ndarray]) -> Blocks:
        """The blocks that `Blocks.to_arrays` wrote."""

    @abstractmethod
    def reader_from(self, plain: dict) -> Reader:
        """The reader that `Reader.to_dict` wrote.

        Raises:
            CheckpointError: `plain` is something else.
        """

    def check_saved(self, reader: Reader, blocks: Blocks) -> None:
        """Nothing, if a reader and blocks that come from one file fit together.

        Raises:
            ValueError, UserError: they do not.
        """
        return

    def compact(self, reader: Reader, blocks: Blocks) -> tuple[Reader, Blocks]:
        """The two without what makes no difference to any row, for a model: by default as they are."""
        return reader, blocks

    def as_table(self, task: Task) -> Task:
        """The task as a table of numeric columns, one for each column of its blocks.

        Meta-features and samples are computed from it. Rows are sorted by content, so that the order of the
        task's rows has no effect.
        """
        order = np.argsort(task.row_hashes, kind="stable")
        data = task.data.take(order)
        blocks = self.fit_blocks(data, np.arange(task.rows)).transform(data)
        columns = tuple(
            Column(f"{name}.{place}", "numeric", values.astype(np.float64))
            for name, matrix in blocks.items()
            if name != "learned"  # these are the columns of "one_hot"
            for place, values in enumerate(matrix.T)
        )
        table = Table(task.name, columns, task.rows)
        return dataclasses.replace(
            task, data=table, target=task.target[order], reader=None, test=None, modality="tables"
        )

    def meta_features(self, task: Task, extra: Iterable[metafeatures.MetaFeature] = ()) -> dict[str, float]:
        """Value of every meta-feature of the catalogue, then of `extra`; all are finite.

        Of several outputs, the mean over them, `alone.MOST` at most: known tasks have one output, and a score
        is a mean over the outputs, too.
        """
        extra = tuple(extra)
        each = [metafeatures.meta_features(one, extra) for one in alone(self.as_table(task))]
        return (
            each[0] if len(each) == 1 else {name: float(np.mean([f[name] for f in each])) for name in each[0]}
        )

    def samples(
        self, task: Task, *, rows: int = 256, columns: int = 32, outputs: int = 8, seed: int = 0
    ) -> Samples:
        """Raw rows for the learned generator.

        Args:
            task: of this modality.
            rows, columns, outputs, seed: as in `draw_samples`.
        """
        return draw_samples(self.as_table(task), rows=rows, columns=columns, outputs=outputs, seed=seed)

    def card(self, task: Task) -> Card:
        """A summary of the task for people."""
        widths = self.fit_blocks(task.data, np.arange(task.rows)).widths
        features = sum(width for name, width in widths.items() if name != "learned")
        return Card(task.rows, features, tuple(widths.items()))


MODALITIES: Registry[Modality] = Registry(
    "modality",
    {
        "tables": "taskaware.modalities.tables.modality:TABLES",
        "mixed": "taskaware.modalities.mixed.modality:MIXED",
        "text": "taskaware.modalities.texts.modality:TEXTS",
        "image": "taskaware.modalities.images.modality:IMAGES",
        "audio": "taskaware.modalities.audio.modality:AUDIO",
        "series": "taskaware.modalities.series.modality:SERIES",
        "embedding": "taskaware.modalities.vectors.modality:VECTORS",
    },
)
"""The kinds of data, general ones first: the last one that accepts a source reads it."""
