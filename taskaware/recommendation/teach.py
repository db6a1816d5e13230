"""Teaching an evaluator from experience: one's own, or one's own beside what comes with the package."""

import dataclasses
import datetime
import platform

import numpy as np

from taskaware.errors import unknown
from taskaware.modalities.tables.metafeatures import catalogue_digest
from taskaware.recommendation.shipped import comparable, open_experience
from taskaware.runner.engine import cores
from taskaware.spaces import preset
from taskaware.store import Experience, Store
from taskaware.surrogates import Evaluator, EvaluatorSettings, fit_evaluator
from taskaware.surrogates import training_data as training_data

MORE = ("shipped-variants", "shipped-tables", "shipped-tables-variants")
"""Experience that teaches beside the shipped tasks: their variants, and more tables and variants of them."""


def train_evaluator(
    experience: str | Experience = "shipped",
    *,
    space: str = "compact",
    recipe: str = "",
    with_shipped: bool = False,
    more: tuple[str, ...] = MORE,
    without: tuple[str, ...] = (),
    settings: EvaluatorSettings | None = None,
    seed: int = 0,
) -> Evaluator:
    """Learn an evaluator that `recommend(..., evaluator=...)` can ask.

    Args:
        experience: path or URL of a store, path of a file of `pack`, "shipped", or an Experience.
        space: name of the preset that the architectures are points of.
        recipe: digest of the only recipe that counts in a named experience; "" for all.
        with_shipped: whether to learn from the shipped experience as well.
        more: what else of the package joins the shipped experience, see MORE.
        without: groups to learn nothing from.
        settings: how; the default ones if None.
        seed: of whatever is drawn; the same seed gives the same evaluator.

    Raises:
        UserError: there are too few tasks, a task was trained with several recipes, or the space is unknown.
        StoreError: the store cannot be opened.
    """
    chosen = preset(space)
    named = isinstance(experience, str)
    known = open_experience(experience, chosen, recipe) if named else comparable(experience)
    if with_shipped:
        known = together(open_experience("shipped", chosen), known)
    if with_shipped or (named and experience == "shipped"):
        known = with_more(known, more)
    learned_from = training_data(known).without(*without)
    evaluator = fit_evaluator(chosen, learned_from, settings, seed=seed)
    used = np.isin(np.array(known.groups)[known.task], learned_from.groups)
    return dataclasses.replace(evaluator, catalogue=known.catalogue, card=card(known.take(used)))


def together(*parts: Experience) -> Experience:
    """The experience of all; where they trained a task in different ways, the last one's."""
    with Store.open(":memory:") as store:
        for place, part in enumerate(parts):
            for later in parts[place + 1 :]:
                part = _unless_otherwise(part, later)
            store.add_experience(part)
        return store.triplets(parts[0].space.digest, catalogue=catalogue_digest())


def _unless_otherwise(first: Experience, second: Experience) -> Experience:
    """The first, less the trainings of tasks that the second trained in another way."""
    trained = np.array(_digests(second))[np.unique(second.task)]
    ways = {second.recipes[place].digest for place in np.unique(second.recipe)}
    other = np.array([recipe.digest not in ways for recipe in first.recipes], bool)[first.recipe]
    return first.take(~(other & np.isin(_digests(first), trained)[first.task]))


def with_more(experience: Experience, names: tuple[str, ...] = MORE) -> Experience:
    """The same, and these parts of what comes with the package, where it is of their space.

    Raises:
        UserError: there is no such part.
    """
    for name in names:
        if name not in MORE:
            raise unknown("part of the shipped experience", name, MORE)
    compact = preset("compact")
    if not names or experience.space.digest != compact.digest:
        return experience
    return together(*(open_experience(name, compact) for name in reversed(names)), experience)


def _digests(experience: Experience) -> list[str]:
    return [task.digest for task in experience.tasks]


def card(experience: Experience) -> dict:
    """What an evaluator was made from, for people."""
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
