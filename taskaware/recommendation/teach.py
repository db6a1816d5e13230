"""Fitting an evaluator to experience: your own, with or without the shipped one."""

import dataclasses
import datetime
import functools
import platform
from collections.abc import Iterable
from typing import Any

import numpy as np

from taskaware import plain
from taskaware.compilation import cores
from taskaware.errors import UserError, unknown
from taskaware.modalities.reading import make_task, modality_of
from taskaware.modalities.suites import suite_named
from taskaware.modalities.tables.samples import Samples
from taskaware.recommendation.joined import digests_of, together
from taskaware.recommendation.shipped import comparable, open_experience, stored
from taskaware.spaces import Space, preset
from taskaware.store import Experience, Store
from taskaware.surrogates import SURROGATES, Evaluator, EvaluatorSettings, fit_evaluator
from taskaware.surrogates.training_data import FEWEST_TASKS
from taskaware.surrogates.triplets import data_for
from taskaware.tasks.task import Task

OF_SPACE = {
    "compact": ("shipped-variants", "shipped-tables", "shipped-tables-variants"),
    "universal": ("shipped-tables", "shipped-kinds"),
    "extended": ("shipped-tables", "shipped-kinds", "shipped-tables-extended"),
}
"""Parts of the shipped experience that are added to its tables for an evaluator of a space."""
MORE = tuple(dict.fromkeys(part for parts in OF_SPACE.values() for part in parts))
"""All of these parts: variants of the tables, more tables, their variants, other kinds of data, and further
architectures of the space `extended`."""


def train_evaluator(
    experience: str | Experience = "shipped",
    *,
    space: str | Space = "compact",
    recipe: str = "",
    with_shipped: bool = False,
    more: tuple[str, ...] = MORE,
    without: tuple[str, ...] = (),
    settings: Any = None,
    datasets: Iterable | str | None = None,
    seed: int = 0,
) -> Evaluator:
    """Fit an evaluator for `recommend(..., evaluator=...)`.

    Args:
        experience: path or URL of a store, path of a packed file (.npz), "shipped", or an Experience.
        space: of the architectures, or its name.
        recipe: digest of the only recipe whose trainings are used, unless an Experience is given; "" for all.
        with_shipped: whether to learn also from the shipped experience.
        more: parts of MORE that are added to the shipped experience.
        without: groups of tasks to leave out.
        settings: `EvaluatorSettings`, `JointSettings`, or those of your own surrogate; None is
            `EvaluatorSettings()`.
        datasets: the raw data of the experience's tasks, for surrogates that read it (`JointSettings`):
            name of a suite ("bundled", or a folder with an index.csv), or datasets in any form that
            `recommend` takes. Tasks without raw data are left out.
        seed: seed of all random draws; the same seed gives the same evaluator.

    Raises:
        UserError: there are too few tasks, a task was trained with several recipes, the space is unknown, or
            raw data is required and missing, or given and not used.
        StoreError: the store cannot be opened.
    """
    chosen, settings, seed = _space(space, experience), settings or EvaluatorSettings(), plain.seed(seed)
    samples = _samples(settings, datasets)
    if isinstance(experience, str):
        found = opened(experience, chosen, recipe, () if with_shipped else more)
    else:
        found = comparable(experience)
    if with_shipped:
        found = beside_shipped(found, chosen, more)
    if samples is not None:
        found = _only(found, samples)
    reads_triplets = SURROGATES.named(settings.network).reads_triplets
    data = data_for(found, reads_triplets).without(*without)
    evaluator = fit_evaluator(chosen, data, settings, seed=seed, samples=samples)
    used = np.isin(np.array(found.groups)[found.task], data.groups)
    return dataclasses.replace(evaluator, catalogue=found.catalogue, card=card(found.take(used)))


def _space(space: str | Space, experience: str | Experience) -> Space:
    if isinstance(space, str):
        return preset(space)
    if isinstance(experience, Experience) and experience.space.digest != space.digest:
        raise UserError(
            f"The experience is of the space '{experience.space.name}', not of '{space.name}'. Give "
            "space=..., the one that it is of."
        )
    return space


def read_tasks(datasets: Iterable | str) -> list[Task]:
    """Datasets as tasks.

    Args:
        datasets: name of a suite, or datasets that are each a Task, (data, target), or what `make_task`
            reads.

    Raises:
        UserError: one cannot be used.
    """
    return list(suite_named(datasets)) if isinstance(datasets, str) else [_task(one) for one in datasets]


def _task(dataset) -> Task:
    if isinstance(dataset, Task):
        return dataset
    if isinstance(dataset, tuple) and len(dataset) == 2 and isinstance(dataset[1], str):
        return make_task(*dataset)
    return make_task(dataset)


def _samples(settings: Any, datasets: Iterable | str | None) -> dict[str, Samples] | None:
    """Raw rows of the datasets by digest; None if the surrogate reads no raw data."""
    if not SURROGATES.named(settings.network).reads_samples:
        if datasets is not None:
            raise UserError(
                f"datasets= is given, but the surrogate '{settings.network}' reads no raw data. Leave it "
                "out, or pass settings=JointSettings()."
            )
        return None
    if datasets is None:
        raise UserError(
            f"The surrogate '{settings.network}' learns from raw data, which no experience holds. Pass the "
            "data of its tasks: datasets='bundled', a folder with an index.csv, or a list of datasets."
        )
    return {task.digest: modality_of(task).samples(task) for task in read_tasks(datasets)}


def _only(experience: Experience, samples: dict[str, Samples]) -> Experience:
    """The trainings on tasks with raw rows."""
    there = np.isin(digests_of(experience), list(samples))
    if there.sum() < FEWEST_TASKS:
        raise UserError(
            f"Of {len(samples)} datasets, {there.sum()} are tasks of the experience; {FEWEST_TASKS} are "
            "needed. Collect trainings on them first (`ta.learn`), or give the data of its tasks."
        )
    return experience.take(there[experience.task])


def experience_of(
    store: Store, space: Space, *, with_shipped: bool = True, more: tuple[str, ...] = MORE
) -> Experience:
    """What is in a store and, where wanted, what is shipped.

    Args:
        store: of your own trainings.
        space: of the architectures.
        with_shipped: whether the shipped experience is added.
        more: parts of MORE that are added to it.

    Raises:
        UserError: the store is empty and nothing is added, or a task was trained with several recipes.
    """
    if store.spaces():
        own = comparable(stored(store, space))
        return beside_shipped(own, space, more) if with_shipped else own
    if not with_shipped:
        raise UserError(
            "The store holds no trainings to learn from. Collect some, or learn from the shipped."
        )
    return opened("shipped", space, more=more)


def beside_shipped(experience: Experience, space: Space, more: tuple[str, ...] = MORE) -> Experience:
    """Experience of your own, together with the shipped one.

    Args:
        experience: of the space.
        space: of the architectures.
        more: parts of MORE that are added to the shipped experience.
    """
    return with_more(together(open_experience("shipped", space), experience), more)


def with_more(experience: Experience, names: tuple[str, ...] = MORE) -> Experience:
    """The experience, with parts of the shipped one added where it is of the same space.

    Raises:
        UserError: there is no such part.
    """
    for name in names:
        if name not in MORE:
            raise unknown("part of the shipped experience", name, MORE)
    parts = {preset(space).digest: (preset(space), own) for space, own in OF_SPACE.items()}
    space, own = parts.get(experience.space.digest, (None, ()))
    chosen = [name for name in reversed(own) if name in names]
    if space is None or not chosen:
        return experience
    return together(*(open_experience(name, space) for name in chosen), experience)


def opened(name: str, space: Space, recipe: str = "", more: tuple[str, ...] = MORE) -> Experience:
    """What is known of architectures of a space; parts of MORE are added if it is the shipped experience.

    Args:
        name, space, recipe: see `open_experience`.
        more: names of the parts.
    """
    if name != "shipped":
        return open_experience(name, space, recipe)
    return _shipped(space, recipe, tuple(more))


@functools.lru_cache(maxsize=4)
def _shipped(space: Space, recipe: str, more: tuple[str, ...]) -> Experience:
    # Kept, because studies and tests ask for it again and again.
    return with_more(open_experience("shipped", space, recipe), more)


def card(experience: Experience) -> dict:
    """A summary of the experience that an evaluator was fitted to, for people."""
    return {
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "tasks": len(np.unique(experience.task)),
        "architectures": len(np.unique(experience.architecture)),
        "trainings": len(experience),
        "seeds": {
            str(seed): f"{len(np.unique(experience.task[experience.seed == seed]))} tasks"
            for seed in np.unique(experience.seed).tolist()
        },
        "run_hours": round(float(np.nansum(experience.seconds)) / 3600, 2),
        "space": experience.space.name,
        "recipe": dict(experience.recipes[0].definition) if len(experience.recipes) == 1 else "several",
        "machine": f"{platform.machine()}, {cores()} cores",
    }
