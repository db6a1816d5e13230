"""The union of experiences, as a store would hold it after taking one after another, without a database."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from taskaware.digests import architecture_digests, canonical, check_digest, digest
from taskaware.errors import UserError, unknown
from taskaware.saved import parse_json
from taskaware.store.experience import INDICES, NUMBERS, PER_TRAINING, Experience, check
from taskaware.store.records import RecipeRecord, SpaceRecord, TaskRecord, seeds_of, text


def joined(*parts: Experience, catalogue: str) -> Experience:
    """All trainings of several experiences, each once; of two with one key, that of the earlier part counts.

    It is what `Store.triplets` gives after `Store.add_experience` of each part.

    Args:
        parts: one or more; trainings in another space than that of the first are left out.
        catalogue: digest of the meta-features for z.

    Raises:
        UserError: the columns of a part do not fit together, the parts have points of several lengths or
            other meta-features under one digest, or none has meta-features of the catalogue.
    """
    parts = tuple(check(part) for part in parts)
    features, values = _described(parts, catalogue)
    tasks = _tasks(parts)
    in_space = [part for part in parts if part.space.digest == parts[0].space.digest]
    _check_lengths(in_space)
    recipes = {digest(recipe.definition): recipe for part in in_space for recipe in part.recipes}
    points: dict[str, np.ndarray] = {}
    for part in in_space:
        for name, point in zip(_architectures(part), part.points, strict=True):
            points.setdefault(name, point)
    names: dict[str, Sequence[str]] = {
        "task": list(tasks),
        "architecture": sorted(points),
        "recipe": sorted(recipes),
        "strategy": sorted({text(name) for part in in_space for name in part.strategies}),
    }
    columns: dict[str, Any] = _first_of_each([_columns(part, names, tasks) for part in in_space])
    for name in INDICES:
        used, columns[name] = np.unique(columns[name], return_inverse=True)
        columns[name] = columns[name].astype(np.int32)
        names[name] = [names[name][place] for place in used]
    unknown_z = np.full(len(features), np.nan, np.float32)
    z = [values.get(name, unknown_z) for name in names["task"]]
    space = parts[0].space
    return check(
        Experience(
            tasks=tuple(tasks[name] for name in names["task"]),
            catalogue=catalogue,
            features=features,
            z=np.array(z, np.float32).reshape(len(z), len(features)),
            space=SpaceRecord(space.digest, text(space.name), _stored(space.definition)),
            architectures=_matrix([points[name] for name in names["architecture"]]),
            recipes=tuple(RecipeRecord(name, _stored(recipes[name].definition)) for name in names["recipe"]),
            strategies=tuple(names["strategy"]),
            **columns,
        )
    )


def _stored(value: object) -> dict:
    """Plain data as they are read again from a store."""
    return parse_json(canonical(value), finite=False)


def _tasks(parts: Iterable[Experience]) -> dict[str, TaskRecord]:
    """The first record of each task by its digest, in the order of their names."""
    first: dict[str, TaskRecord] = {}
    for part in parts:
        for task in part.tasks:
            first.setdefault(check_digest("task", task.digest), task)
    words = ("name", "group", "problem", "metric")
    records = []
    for task in first.values():
        stored: dict[str, Any] = {name: text(getattr(task, name)) for name in words}
        records.append(dataclasses.replace(task, **stored, info=_stored(task.info)))
    return {task.digest: task for task in sorted(records, key=lambda task: (task.name, task.digest))}


def _described(parts: Iterable[Experience], catalogue: str) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """The names of the catalogue's meta-features, and the first values of each task that has some."""
    known: dict[str, tuple[tuple[str, ...], dict[str, np.ndarray]]] = {}
    for part in parts:
        there = ~np.isnan(part.z).all(axis=1) & bool(part.catalogue)
        if not there.any():
            continue
        features = tuple(text(name) for name in part.features)
        names, values = known.setdefault(part.catalogue, (features, {}))
        if names != features:
            raise UserError(
                f"Catalogue '{part.catalogue}' has other names in another experience. Give this one its own "
                "digest."
            )
        for place in np.flatnonzero(there):
            values.setdefault(part.tasks[place].digest, part.z[place].astype(np.float32))
    if catalogue not in known:
        raise unknown("catalogue of the experience", catalogue, sorted(known))
    return known[catalogue]


def _check_lengths(parts: Iterable[Experience]) -> None:
    """UserError where all points of a part have one length, which none of the parts before it has."""
    lengths: set[int] = set()
    for part in parts:
        own = set(part.lengths[np.unique(part.architecture)].tolist())
        if not part.ragged and lengths and not own <= lengths:
            raise UserError(
                f"An experience has points of {max(own)} numbers, but those before it have {max(lengths)}. "
                "Join experiences of one space."
            )
        lengths |= own


def _architectures(part: Experience) -> list[str]:
    """Digests of the architectures."""
    points = list(part.points) if part.ragged else part.architectures
    return architecture_digests(part.space.digest, points).tolist()


def _columns(
    part: Experience, names: dict[str, Sequence[str]], tasks: dict[str, TaskRecord]
) -> dict[str, np.ndarray]:
    """The trainings that are scored in their task's own metric, with indices into the lists of all parts."""
    own = {
        "task": [task.digest for task in part.tasks],
        "architecture": _architectures(part),
        "recipe": [digest(recipe.definition) for recipe in part.recipes],
        "strategy": [text(name) for name in part.strategies],
    }
    # A store takes them in this order, which tells where a key stands twice in one part.
    order = np.lexsort([part.strategy, part.recipe, part.task])
    if part.metric:
        scored = np.array([tasks[name].metric == text(part.metric) for name in own["task"]], bool)
        order = order[scored[part.task[order]]]
    columns = {}
    for name, listed in own.items():
        place_of = {word: place for place, word in enumerate(names[name])}
        places = np.array([place_of[word] for word in listed], np.int32)
        columns[name] = places[getattr(part, name)[order]]
    columns["seed"] = seeds_of(part.seed, len(part))[order]
    return columns | {name: getattr(part, name)[order].astype(np.float32) for name in NUMBERS}


def _first_of_each(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The trainings of all parts in the order of their keys; of those with one key the first."""
    columns = {name: np.concatenate([part[name] for part in parts]) for name in PER_TRAINING}
    keys = np.stack([columns[name] for name in ("task", "architecture", "recipe", "seed")])
    order = np.lexsort(keys[::-1])
    keys = keys[:, order]
    first = np.ones(len(order), bool)
    first[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    return {name: column[order[first]] for name, column in columns.items()}


def _matrix(points: Sequence[np.ndarray]) -> np.ndarray:
    """Points as the rows of a matrix, filled up with NaN, without -0."""
    found = np.full((len(points), max(map(len, points), default=0)), np.nan, np.float32)
    for row, point in zip(found, points, strict=True):
        row[: len(point)] = point
    return found + np.float32(0)
