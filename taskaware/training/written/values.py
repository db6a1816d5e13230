"""What a network reads of other data than tables, as data and as code."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, cast

import numpy as np

from taskaware.errors import quoted
from taskaware.modalities.audio.written import WRITTEN as SOUNDS
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.images.written import WRITTEN as IMAGES
from taskaware.modalities.mixed.blocks import MixedBlocks
from taskaware.modalities.mixed.reader import MixedReader
from taskaware.modalities.plain_values import PLAIN, Written
from taskaware.modalities.series.written import WRITTEN as SERIES
from taskaware.modalities.single import SingleReader
from taskaware.modalities.tables.modality import TableBlocks
from taskaware.modalities.tables.written.copying import Definition, copied
from taskaware.modalities.tables.written.learned import WITHOUT_PANDAS, Learned, learned
from taskaware.modalities.texts.written import WRITTEN as TEXTS
from taskaware.modalities.vectors.written import WRITTEN as VECTORS

KINDS: Mapping[str, Written] = {
    "audio": SOUNDS,
    "embedding": VECTORS,
    "image": IMAGES,
    "series": SERIES,
    "text": TEXTS,
}
"""Kinds of data that NumPy alone reads and encodes."""

ALONE, OWN = "taskaware.training.written.alone", "taskaware.training.written.alone_values"
MIXED, FILES = "taskaware.training.written.alone_mixed", "taskaware.training.written.alone_files"
OF_FILES = ("FILE", "rows_in_file", "table_of_file")
"""Parts of `alone` that are others where a file may hold one value."""


def _stand_ins(own: str, outputs: Definition) -> dict[Definition, Definition]:
    """What is written in place of parts of `alone`, and of functions that need pandas."""
    parts = {Definition(ALONE, name): Definition(own, name) for name in ("encode", "encoded_chunks")}
    reading = {Definition(ALONE, "rows_in_file"): Definition(PLAIN, "read_values_file")}
    return WITHOUT_PANDAS | parts | reading | {Definition(ALONE, "with_numpy"): outputs}


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
        text = f"READ = {self.kind.read.name}\nBLOCKS = {self.kind.blocks.name}\n"
        if self.kind.begins is None:
            return text
        return f'{text}KIND = KindOfFiles("{self.reader.modality.name}", {self.kind.begins.name})\n'

    def code_alone(self, more: Iterable[Definition], outputs: Definition) -> tuple[set[str], str]:
        """Imports and functions that read and encode rows with NumPy alone; see `Learned.code_alone`.

        Args:
            more, outputs: as there.
        """
        instead = {**self.kind.instead, **_stand_ins(OWN, outputs)}
        instead[Definition(ALONE, "FILE")] = Definition(OWN, "FILE")
        roots = [self.kind.read, self.kind.blocks, *more]
        if self.kind.begins is not None:
            instead |= {Definition(ALONE, name): Definition(FILES, name) for name in OF_FILES}
            roots.append(self.kind.begins)
        return copied(roots, instead)


@dataclasses.dataclass(frozen=True, eq=False)
class LearnedMixed:
    """What a network reads of a frame with several kinds of data.

    Attributes:
        table: of its table; None where it has none.
        parts: kind of data of each other column, and what the network reads of it.
        names: blocks of these columns, in the order of the network's inputs.
        takes: forms of the rows, for people.
    """

    takes: ClassVar[str] = Learned.takes

    table: Learned | None
    parts: tuple[tuple[str, LearnedValues], ...]
    names: tuple[str, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """Blocks that the network reads, in the order of its inputs."""
        return (*(self.table.numbers if self.table else ()), *self.names)

    @property
    def categories(self) -> bool:
        """Whether it reads one-hot columns."""
        return self.table is not None and self.table.categories

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What the blocks learned, by name."""
        found = {f"part{n}/{k}": v for n, (_, part) in enumerate(self.parts) for k, v in part.arrays.items()}
        return found | dict(self.table.arrays if self.table else {})

    @property
    def about(self) -> dict[str, Any]:
        """Entries of `export.json`."""
        table = self.table.about if self.table else {"columns": [], "one_hot": False}
        parts = [{"kind": kind} | part.about["reads"] for kind, part in self.parts]
        return table | {"parts": parts, "blocks": list(self.names)}

    @property
    def file(self) -> str:
        """Name of a file of rows, for people; empty where no file can hold them."""
        named = (part.file == Learned.file or part.kind.begins for _, part in self.parts)
        return Learned.file if all(named) else ""

    @property
    def constants(self) -> str:
        """Lines after the functions, which name those of the kinds of data."""
        kinds = {kind: part.kind for kind, part in self.parts}
        reads = ", ".join(f'"{name}": {kind.read.name}' for name, kind in kinds.items())
        blocks = ", ".join(f'"{name}": {kind.blocks.name}' for name, kind in kinds.items())
        table = self.table.constants if self.table else "READERS = {}\nEMBEDDINGS = []\n"
        return f"{table}READS = {{{reads}}}\nBLOCKS = {{{blocks}}}\n"

    def code_alone(self, more: Iterable[Definition], outputs: Definition) -> tuple[set[str], str]:
        """Imports and functions that read and encode rows with NumPy alone; see `Learned.code_alone`.

        Args:
            more, outputs: as there.
        """
        kinds = {kind: part.kind for kind, part in self.parts}.values()
        roots = [each for kind in kinds for each in (kind.read, kind.blocks)]
        instead = {old: new for kind in kinds for old, new in kind.instead.items()}
        roots += self.table.roots_alone if self.table else []
        instead |= self.table.stand_ins if self.table else {}
        return copied([*roots, *more], instead | _stand_ins(MIXED, outputs))


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


def learned_mixed(reader: MixedReader, blocks: MixedBlocks, names: Collection[str]) -> LearnedMixed:
    """What a network reads that listens to these blocks.

    Args:
        reader, blocks: of the model.
        names: of the blocks, in the order of the network's inputs.
    """
    parts, table = list(blocks.parts), None
    if reader.table:
        table = learned(reader.table, cast(TableBlocks, parts.pop(0).blocks).encoder, names)
    others = []
    for own, part in zip(reader.columns, parts, strict=True):
        read = [name for name in names if part.blocks.widths.get(name)]
        others.append((part.modality, learned_values(part.modality, own, part.blocks, read)))
    read_by_parts = {name for _, part in others for name in part.numbers}
    return LearnedMixed(table, tuple(others), tuple(name for name in names if name in read_by_parts))


def reason_against_values(kind: str, reader: object, blocks: Blocks) -> str:
    """Why no code can be written that reads such values; empty where it can.

    Args:
        kind: name of the kind of data.
        reader, blocks: of the model.
    """
    if isinstance(reader, MixedReader) and isinstance(blocks, MixedBlocks):
        parts = blocks.parts[1:] if reader.table else blocks.parts
        pairs = zip(reader.columns, parts, strict=True)
        reasons = (reason_against_values(part.modality, own, part.blocks) for own, part in pairs)
        return next(filter(None, reasons), "")
    if kind not in KINDS:
        return f"predict.py reads no data of the kind {quoted(kind)}."
    if not isinstance(reader, SingleReader):
        return "This model's task was made by hand, without a reader, so predict.py could read no rows."
    refused, names = KINDS[kind].refused, [name for name, width in blocks.widths.items() if width]
    reasons = (f"predict.py cannot compute the block '{n}': {refused[n]}." for n in names if n in refused)
    return next(reasons, "")
