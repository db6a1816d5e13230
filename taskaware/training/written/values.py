"""What a network reads of values that are no table, as data and as code: vectors, series, images, texts."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from taskaware.errors import quoted
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.images.written import WRITTEN as IMAGES
from taskaware.modalities.plain_values import PLAIN, Written
from taskaware.modalities.series.written import WRITTEN as SERIES
from taskaware.modalities.single import SingleReader
from taskaware.modalities.tables.written.copying import Definition, copied
from taskaware.modalities.tables.written.learned import WITHOUT_PANDAS
from taskaware.modalities.texts.written import WRITTEN as TEXTS
from taskaware.modalities.vectors.written import WRITTEN as VECTORS

KINDS: Mapping[str, Written] = {"embedding": VECTORS, "image": IMAGES, "series": SERIES, "text": TEXTS}
"""Kinds of data that NumPy alone reads and encodes."""

ALONE, OWN = "taskaware.training.written.alone", "taskaware.training.written.alone_values"
_OWN_PARTS = WITHOUT_PANDAS | {
    Definition(ALONE, "encode"): Definition(OWN, "encode"),
    Definition(ALONE, "encoded_chunks"): Definition(OWN, "encoded_chunks"),
    Definition(ALONE, "rows_in_file"): Definition(PLAIN, "read_values_file"),
}


@dataclasses.dataclass(frozen=True, eq=False)
class LearnedValues:
    """What a network reads of values.

    Attributes:
        kind: how its code is written.
        reader: of the values.
        arrays: what the blocks learned, by name.
        numbers: blocks that the network reads, in the order of its inputs.
    """

    kind: Written
    reader: SingleReader
    arrays: Mapping[str, np.ndarray]
    numbers: tuple[str, ...]
    categories: bool = False

    @property
    def about(self) -> dict[str, Any]:
        """Entries of `export.json`."""
        reader = self.reader
        reads = {"column": reader.column, "columns": list(reader.columns), "options": dict(reader.options)}
        return {"reads": reads | {"blocks": list(self.numbers)}}

    @property
    def takes(self) -> str:
        """Forms of the rows, for people."""
        return self.kind.takes

    @property
    def file(self) -> str:
        """Name of a file of rows, for people."""
        return self.kind.file

    @property
    def constants(self) -> str:
        """Lines after the functions, which name those of the kind of data."""
        return f"READ = {self.kind.read.name}\nBLOCKS = {self.kind.blocks.name}\n"

    def code_alone(self, more: Iterable[Definition], outputs: Definition) -> tuple[set[str], str]:
        """Imports and functions that read and encode rows with NumPy alone; see `Learned.code_alone`.

        Args:
            more, outputs: as there.
        """
        with_numpy = {Definition(ALONE, "with_numpy"): outputs}
        return copied(
            [self.kind.read, self.kind.blocks, *more], {**self.kind.instead, **_OWN_PARTS, **with_numpy}
        )


def learned_values(kind: str, reader: SingleReader, blocks: Blocks, names: Collection[str]) -> LearnedValues:
    """What a network reads that listens to these blocks.

    Args:
        kind: name of the kind of data, in KINDS.
        reader, blocks: of the model.
        names: of the blocks, in the order of the network's inputs.
    """
    written = KINDS[kind]
    kept = {*names, *written.shared}
    arrays = {name: array for name, array in blocks.to_arrays().items() if name.partition(".")[0] in kept}
    return LearnedValues(written, reader, arrays, tuple(names))


def reason_against_values(kind: str, reader: object, names: Collection[str]) -> str:
    """Why no code can be written that reads such values; empty where it can.

    Args:
        kind: name of the kind of data.
        reader: of the model.
        names: of the blocks that the network reads.
    """
    if kind not in KINDS:
        return f"predict.py reads no data of the kind {quoted(kind)}."
    if not isinstance(reader, SingleReader):
        return "This model's task was made by hand, without a reader, so predict.py could read no rows."
    refused = KINDS[kind].refused
    return next(
        (f"predict.py cannot compute the block '{n}': {refused[n]}." for n in names if n in refused), ""
    )
