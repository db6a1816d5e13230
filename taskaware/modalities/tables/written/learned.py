"""What a network reads of a table, as data: the columns, and what the encoder has learned of them."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from taskaware.data.numerals import PLAIN
from taskaware.data.schema import Field, Schema
from taskaware.modalities.tables.encode import EMBEDDINGS, Encoder
from taskaware.modalities.tables.written.copying import Definition, copied

NUMBERS = EMBEDDINGS[:-2]
"""Embeddings of numbers."""

_ROOM = "taskaware.modalities.tables.written"
READING, PLAIN_READING = f"{_ROOM}.reading", f"{_ROOM}.plain"
_NUMERALS = "taskaware.data.numerals"
WITHOUT_PANDAS = {
    Definition(_NUMERALS, "plain_numbers"): Definition(PLAIN_READING, "plain_numbers"),
    Definition("taskaware.modalities.tables.embedded", "quantile_columns"): Definition(
        PLAIN_READING, "quantile_columns"
    ),
}
"""What is written in place of functions that need pandas or SciPy."""

_LEARNED_BY = {
    "standardised": ("mean", "std"),
    "robust": ("spread",),
    "quantile": ("grid",),
    "piecewise": ("grid",),
    "periodic": ("mean", "std"),
}
_READERS = {
    "numeric": "read_numbers",
    "boolean": "read_booleans",
    "date": "read_dates",
    "text": "read_texts",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Learned:
    """What a network reads of a table.

    Attributes:
        columns: entries of `encoder.json`, see `reading`, in the order of the table.
        arrays: what the encoder learned, by name; "places/0" and "shares/0" are of the first category column.
        numbers: embeddings of numbers that the network reads, in the order of its inputs.
        categories: whether it reads one-hot columns.
        takes: forms of the rows, for people.
        file: name of a file of rows, for people.
    """

    takes: ClassVar[str] = "a dict of columns, a list of dicts, or a frame"
    file: ClassVar[str] = "new.csv"

    columns: tuple[dict[str, Any], ...]
    arrays: Mapping[str, np.ndarray]
    numbers: tuple[str, ...]
    categories: bool

    @property
    def readers(self) -> dict[str, str]:
        """Kind of column → name of the function that reads its numbers."""
        kinds = {column["kind"] for column in self.columns}
        return {kind: name for kind, name in _READERS.items() if kind in kinds}

    @property
    def embedders(self) -> tuple[str, ...]:
        """Names of the functions that embed its numbers."""
        return tuple(f"embed_{name}" for name in self.numbers)

    @property
    def about(self) -> dict[str, Any]:
        """Entries of `export.json`."""
        return {"columns": list(self.columns), "one_hot": self.categories}

    @property
    def constants(self) -> str:
        """Lines of `predict.py` after the functions, which name those that its columns need."""
        readers = "".join(f'    "{kind}": {name},\n' for kind, name in self.readers.items())
        return f"READERS = {{\n{readers}}}\nEMBEDDINGS = [{', '.join(self.embedders)}]\n"

    def code(self, more: Iterable[Definition] = (), *, plain: bool = True) -> tuple[set[str], str]:
        """Imports and functions that read and encode the columns; nothing in them is of the user's.

        Args:
            more: definitions to copy beside them.
            plain: whether the target's numbers, if it has any, are written as Python writes them.
        """
        names = ["read_file", "named_columns", *self.readers.values()]
        names += ["read_categories"] * any(column["kind"] == "category" for column in self.columns)
        roots = [Definition(READING, name) for name in names]
        if self.numbers:
            roots += [Definition(f"{_ROOM}.encoding", name) for name in ("encoded_numbers", *self.embedders)]
        if self.categories:
            roots.append(Definition("taskaware.modalities.tables.embedded", "one_hot_columns"))
        return copied([*roots, *more], self.stand_ins if plain else {})

    def code_alone(self, more: Iterable[Definition], outputs: Definition) -> tuple[set[str], str]:
        """The same with NumPy alone, by the functions of `plain`.

        Args:
            more: definitions that call `alone.with_numpy` for the outputs of the network.
            outputs: the definition that is called in its place.
        """
        with_numpy = {Definition(outputs.module, "with_numpy"): outputs}
        return copied([*self.roots_alone, *more], self.stand_ins | WITHOUT_PANDAS | with_numpy)

    @property
    def roots_alone(self) -> list[Definition]:
        """The functions that read and encode the columns with NumPy alone."""
        roots = [Definition(PLAIN_READING, name) for name in self.readers.values()]
        return roots + [Definition(f"{_ROOM}.encoding", name) for name in self.embedders]

    @property
    def stand_ins(self) -> dict[Definition, Definition]:
        """What reads numbers where all are written as Python writes them."""
        if any(each.get("form") for each in self.columns if each["kind"] != "date"):
            return {}
        names = {"parsed": "only_plain", "form_beside": "same_form"}
        return {Definition(_NUMERALS, name): Definition(READING, own) for name, own in names.items()}


def learned(reader: Schema, encoder: Encoder, embeddings: Collection[str]) -> Learned:
    """What a network reads that listens to these embeddings.

    Args:
        reader: of the table.
        encoder: fitted to its columns.
        embeddings: names in EMBEDDINGS.
    """
    numbers = tuple(name for name in NUMBERS if name in embeddings)
    categories = bool((set(EMBEDDINGS) - set(NUMBERS)) & set(embeddings)) and encoder.categories > 0
    fields = [field for field in reader.fields if field.used]
    labelled = [field.name for field in fields if field.kind == "category"]
    wide = {name for name, is_wide in zip(labelled, encoder.wide, strict=True) if is_wide}
    kept = [name for name in labelled if categories or (numbers and name in wide)]
    columns = [
        _entry(field)
        for field in fields
        if (field.name in kept if field.kind == "category" else bool(numbers))
    ]
    arrays = _of_numbers(encoder, numbers) if numbers else {}
    for place, name in enumerate(kept):
        at = labelled.index(name)
        arrays[f"places/{place}"] = encoder.positions[at]
        if numbers and name in wide:
            arrays[f"shares/{place}"] = encoder.frequencies[at]
    return Learned(tuple(columns), arrays, numbers, categories)


def _of_numbers(encoder: Encoder, numbers: tuple[str, ...]) -> dict[str, np.ndarray]:
    needed = {"unit", "median", "indicated"}.union(*(_LEARNED_BY[name] for name in numbers))
    return {name: getattr(encoder, name) for name in sorted(needed)}


def _entry(field: Field) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": field.name, "kind": field.kind}
    if field.kind == "category":
        return entry | {"categories": list(field.categories)}
    if field.kind == "text":
        return entry
    form = [] if tuple(field.form) == tuple(PLAIN) else list(field.form)
    of_dates = {"parts": list(field.parts), "zone": field.zone} if field.kind == "date" else {}
    return entry | {"form": form} | of_dates
