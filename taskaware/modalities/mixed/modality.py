"""Frames of any columns as a modality: each column is read by its kind of data."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple, cast

import numpy as np
import pandas as pd

from taskaware.data.load import load
from taskaware.data.schema import Schema
from taskaware.embeddings import TABLE_EMBEDDINGS
from taskaware.errors import CheckpointError, UserError, unknown
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.folders import load_folder, names_classes
from taskaware.modalities.mixed.blocks import Fitted, MixedBlocks
from taskaware.modalities.mixed.data import Mixed, Part
from taskaware.modalities.mixed.reader import MixedReader
from taskaware.modalities.modality import MODALITIES, Card, Modality
from taskaware.modalities.single import Single, SingleReader, singles
from taskaware.modalities.tables import build
from taskaware.tasks.metrics import metric_name
from taskaware.tasks.targets import name_of, read_targets
from taskaware.tasks.task import Task

LOOKED_AT = 200
"""Values of a column that decide on its kind."""


class Columns(NamedTuple):
    """The features of a frame.

    Attributes:
        table: those of a table.
        others: the kind of each other column, by name.
    """

    table: pd.DataFrame
    others: Mapping[str, Single]


def kind_of(series: pd.Series) -> Single | None:
    """The kind of data that a column holds; None for a column of a table."""
    if not (pd.api.types.is_object_dtype(series.dtype) or pd.api.types.is_string_dtype(series.dtype)):
        return None
    present = series.dropna()
    sample = present.iloc[np.linspace(0, len(present) - 1, min(LOOKED_AT, len(present))).astype(int)].tolist()
    return next((kind for kind in singles() if kind.holds(sample)), None) if sample else None


def columns_of(
    features: pd.DataFrame, kinds: Mapping[str, str] | None, modalities: Mapping[str, str] | None
) -> Columns:
    """The columns by their kinds.

    Args:
        features: without the target.
        kinds: columns that are a table's, with the kind of their values.
        modalities: name of the kind of data of other columns, where the values are not to decide.

    Raises:
        UserError: there is no such column, or no such kind of data.
    """
    stated = dict(modalities or {})
    for name, kind in stated.items():
        if name not in features.columns:
            raise unknown("column", name, list(map(str, features.columns)))
        if kind != "tables" and not isinstance(MODALITIES.named(kind), Single):
            raise UserError(
                f"Modality '{kind}' of column '{name}' is of whole frames. Allowed: "
                f"tables, {', '.join(kind.name for kind in singles())}."
            )
    tables = {*(kinds or {}), *(name for name, kind in stated.items() if kind == "tables")}
    others: dict[str, Single] = {}
    if features.columns.has_duplicates:
        return Columns(features, others)  # which the table refuses by name
    for name in features.columns:
        if name in stated and name not in tables:
            others[name] = cast(Single, MODALITIES[stated[name]])
        elif name not in tables and (found := kind_of(features[name])) is not None:
            others[name] = found
    return Columns(features.drop(columns=list(others)), others)


class MixedFrames(Modality):
    """What `data.load` reads. A frame of numbers, categories and dates alone is a table."""

    name = "mixed"

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
        modalities=None,
    ) -> Task:
        """The task of a frame; of a table, or of one other kind of data, if it has no other columns.

        Args:
            source, target, problem, name, metric, kinds, drop, encoding: as in `make_task` of the tables.
            modalities: kind of data of columns by name, where the values are not to decide.

        Raises:
            UserError: a column cannot be read; names the row and says what to change.
        """
        folder = names_classes(source)
        loaded = load_folder(source) if folder else load(source, target, encoding=encoding)
        targets = loaded.frame[build.target_names_of(loaded)]
        features = build.features_of(loaded, drop)
        columns = columns_of(features, kinds, modalities)
        if not columns.others:
            return build.make_task(loaded, problem=problem, name=name, metric=metric, kinds=kinds, drop=drop)
        found = read_targets(targets, problem or loaded.problem, loaded.decimal)
        parts, readers, notes = _parsed(columns, features[found.present])
        schema, name = None, name or loaded.name
        if columns.table.shape[1]:
            schema, table, about = build.read_features(columns.table[found.present], loaded, kinds, name)
            parts.insert(0, Part("tables", "", table))
            notes += about
        whole = schema is not None or len(parts) > 1
        task = Task(
            name=name,
            problem=found.problem,
            data=Mixed(tuple(parts)) if whole else parts[0].data,
            target_name=name_of(targets),
            target=build.read_only(found.values),
            classes=found.classes,
            metric=metric_name(found.problem, metric),
            notes=(*loaded.notes, *found.notes, *notes),
            group=name,
            reader=MixedReader(schema, tuple(readers)) if whole else readers[0],
            modality=self.name if whole else readers[0].modality.name,
            target_form=found.form,
            several=found.several,
        )
        return task if loaded.test is None else _with_test(task, loaded.test)

    def fit_blocks(self, data: Mixed, rows: np.ndarray) -> MixedBlocks:
        return MixedBlocks(
            tuple(
                Fitted(part.modality, MODALITIES[part.modality].fit_blocks(part.data, rows))
                for part in data.parts
            )
        )

    def present(self, task) -> tuple[str, ...]:
        found = super().present(task)
        if any(part.modality == "tables" for part in task.data.parts):
            own = [name for group in TABLE_EMBEDDINGS for name in group]
            found = (*own, *(name for name in found if name not in own))
        return found

    def embeddings_of(self, data: Mixed) -> tuple[str, ...]:
        parts = [MODALITIES[part.modality].embeddings_of(part.data) for part in data.parts]
        return tuple(dict.fromkeys(name for names in parts for name in names))

    def blocks_from(self, arrays: Mapping[str, np.ndarray]) -> MixedBlocks:
        found: dict[int, tuple[str, dict[str, np.ndarray]]] = {}
        for key, array in arrays.items():
            place, modality, name = key.split(".", 2)
            own = found.setdefault(int(place), (modality, {}))
            if own[0] != modality:
                raise ValueError(f"part {place} is of two modalities")
            own[1][name] = array
        if sorted(found) != list(range(len(found))):
            raise ValueError("a part is missing")
        parts = (found[place] for place in range(len(found)))
        return MixedBlocks(
            tuple(Fitted(name, MODALITIES.named(name).blocks_from(its)) for name, its in parts)
        )

    def reader_from(self, plain: dict) -> MixedReader:
        table, columns = plain.get("table"), plain.get("columns")
        if not isinstance(columns, list) or not all(isinstance(each, dict) for each in columns):
            raise CheckpointError("This is no reader of a mixed frame. Save the model again.")
        readers = tuple(_single(str(each.get("reads"))).reader_from(each) for each in columns)
        return MixedReader(None if table is None else Schema.from_dict(table), readers)

    def check_saved(self, reader, blocks: Blocks) -> None:
        """Nothing, if every part of the blocks is that of the reader; see `Modality.check_saved`."""
        kinds = [each.modality.name for each in reader.columns]
        expected = ["tables", *kinds] if reader.table else kinds
        parts = cast(MixedBlocks, blocks).parts
        if [part.modality for part in parts] != expected:
            raise ValueError("the blocks are those of other columns")
        readers = [reader.table, *reader.columns] if reader.table else reader.columns
        for own, part in zip(readers, parts, strict=True):
            MODALITIES[part.modality].check_saved(own, part.blocks)

    def card(self, task: Task) -> Card:
        card = super().card(task)
        return dataclasses.replace(card, features=len(task.reader.names) if task.reader else card.features)


def _single(name: str) -> Single:
    kind = MODALITIES.named(name)
    if not isinstance(kind, Single):
        raise CheckpointError(f"Columns of modality '{name}' are no part of a frame. Save the model again.")
    return kind


def _parsed(columns: Columns, features: pd.DataFrame) -> tuple[list[Part], list[SingleReader], list[str]]:
    """The other columns as parts, with their readers, and notes that say what was assumed."""
    parts: list[Part] = []
    readers: list[SingleReader] = []
    notes: list[str] = []
    for name, kind in columns.others.items():
        data, about = kind.parse(kind.values_of(features[name]), column=name)
        parts.append(Part(kind.name, name, data))
        readers.append(kind.reader(data, name))
        notes += [f"Column '{name}' is read as modality '{kind.name}'.", *about]
    return parts, readers, notes


def _with_test(task: Task, frame: pd.DataFrame) -> Task:
    """The task with the source's own test rows beside it; those without a usable target are left out."""
    found = build.split_targets(task, frame)
    if not found.usable.any() or task.reader is None:
        return dataclasses.replace(task, notes=(*task.notes, *found.notes))
    data = task.reader.read(build.without_targets(task, frame)[found.usable])
    test = dataclasses.replace(task, data=data, target=build.read_only(found.values[found.usable]), notes=())
    return dataclasses.replace(task, test=test, notes=(*task.notes, *found.notes))


MIXED = MixedFrames()
"""The modality of frames."""
