"""A dataset of any kind → a task, and its meta-features."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from taskaware.data.frames import refuse_one_value
from taskaware.data.load import check_order
from taskaware.deprecation import renamed_arguments
from taskaware.errors import UserError, quoted
from taskaware.modalities.modality import MODALITIES, Modality
from taskaware.modalities.tables.metafeatures import NAMES, MetaFeature
from taskaware.tasks.task import Task


@renamed_arguments(kind="problem")
def make_task(
    source: Any,
    target: Any = None,
    *,
    problem: str | None = None,
    name: str | None = None,
    metric: str | None = None,
    modality: str | None = None,
    kinds: Mapping[str, str] | None = None,
    drop: str | Sequence[str] = (),
    encoding: str | None = None,
    modalities: Mapping[str, str] | None = None,
) -> Task:
    """Make a task from a dataset.

    Rows without a target are left out. The task's `notes` list the assumptions.

    Args:
        source: what one of `MODALITIES` accepts. Tables: a frame, (X, y), a Hugging Face Dataset, a file,
            a name, see `data.load`.
        target: name of the target column, or its values; by default the source's own.
        problem: "classification" or "regression"; by default the source's own, or inferred from the target
            (see `target.read_target`).
        name: name of the task; by default the source's.
        metric: a name in METRICS; by default "accuracy" or "r2".
        modality: name of the kind of data; by default the last of `MODALITIES` that accepts the source.
        kinds: kind of each named column of a table ("numeric", "boolean", "date", "category", "text");
            otherwise detected from the values.
        drop: columns of a table to leave out; rows for prediction may have them.
        encoding: encoding of a text file; by default detected.
        modalities: kind of data of each named column of a frame ("text", "image", ...), "tables" for a column
            of numbers, categories or dates; otherwise detected from the values.

    Raises:
        UserError: the source cannot be read, the target is not usable, or there is no such modality.

    >>> import pandas as pd
    >>> task = make_task(pd.DataFrame({"x": range(20), "colour": ["red", "blue"] * 10}), "colour")
    >>> task.problem, task.classes, task.modality
    ('classification', ('blue', 'red'), 'tables')
    """
    check_order(source, target)
    chosen = _accepting(source) if modality is None else MODALITIES.named(modality)
    options = {"kinds": kinds, "drop": drop, "encoding": encoding, "modalities": modalities}
    given = {name: value for name, value in options.items() if value}
    for option in ("kinds", "modalities"):
        if option in given and not isinstance(options[option], Mapping):
            raise UserError(f"{option}={quoted(options[option])} is no dict. Give {{column: kind}}.")
    unknown = [name for name in given if name not in inspect.signature(chosen.read).parameters]
    if unknown:
        raise UserError(f"{unknown[0]}= is for frames; modality '{chosen.name}' does not take it.")
    return chosen.read(source, target, problem=problem, name=name, metric=metric, **given)


def modality_of(task: Task) -> Modality:
    """The kind of data that a task is made of.

    Raises:
        UserError: its modality is not in `MODALITIES`.
    """
    return MODALITIES.named(task.modality)


def meta_features(task: Task, extra: Iterable[MetaFeature] = ()) -> dict[str, float]:
    """The meta-features of a task of any kind, by name, in the order of the catalogue.

    Args:
        task: of one of `MODALITIES`.
        extra: your own, computed after the catalogue's, on the task as a table.

    Raises:
        UserError: one of `extra` returns an invalid value, or the modality gives other names than the
            catalogue's, or a number that is not finite.
    """
    extra = tuple(extra)
    found = modality_of(task).meta_features(task, extra)
    names = (*NAMES, *(feature.name for feature in extra))
    if tuple(found) != names:
        odd = sorted(set(found) ^ set(names))[:5] or "their order"
        raise UserError(
            f"Modality '{task.modality}' gives {len(found)} meta-features for {len(names)} names; they "
            f"differ in {odd}. Give those of metafeatures.NAMES, in their order."
        )
    broken = [name for name, value in found.items() if not np.isfinite(value)]
    if broken:
        raise UserError(
            f"Modality '{task.modality}' gives no finite number for {broken[:5]}. Give a default."
        )
    return found


def vector(task: Task) -> np.ndarray:
    """The vector z of a task of any kind, (M,) float32, in the order of `metafeatures.NAMES`."""
    return np.array(list(meta_features(task).values()), np.float32)


def _accepting(source: object) -> Modality:
    features = source[0] if isinstance(source, tuple) and len(source) == 2 else source
    refuse_one_value(features)
    for name in reversed(list(MODALITIES)):
        if MODALITIES[name].accepts(features):
            return MODALITIES[name]
    raise UserError(f"No modality accepts a {type(features).__name__}. There are: {', '.join(MODALITIES)}.")
