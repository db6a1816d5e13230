"""Teaching an evaluator from experience: one's own, or one's own beside what comes with the package."""

import dataclasses
import datetime
import platform
from collections import Counter

import numpy as np

from taskaware.campaigns.experience import open_experience
from taskaware.errors import UserError
from taskaware.evaluator import Evaluator, EvaluatorSettings, fit_evaluator, lessons
from taskaware.metafeatures import catalogue_digest
from taskaware.runner.engine import cores
from taskaware.spaces import preset
from taskaware.store import Experience, Store


def train_evaluator(
    experience: str | Experience = "shipped",
    *,
    space: str = "compact",
    with_shipped: bool = False,
    without: tuple[str, ...] = (),
    settings: EvaluatorSettings | None = None,
    seed: int = 0,
) -> Evaluator:
    """Learn an evaluator that `recommend(..., evaluator=...)` can ask.

    Args:
        experience: path or URL of a store, path of a file of `pack`, "shipped", or an Experience.
        space: name of the preset that the architectures are points of.
        with_shipped: whether to learn from the shipped experience as well.
        without: origins to learn nothing from.
        settings: how; the default ones if None.
        seed: of whatever is drawn; the same seed gives the same evaluator.

    Raises:
        UserError: there are too few tasks, a task was trained with several recipes, or the space is unknown.
        StoreError: the store cannot be opened.
    """
    chosen = preset(space)
    known = open_experience(experience, chosen) if isinstance(experience, str) else experience
    if with_shipped:
        known = together(open_experience("shipped", chosen), known)
    _check_recipes(known)
    learned_from = lessons(known).without(*without)
    evaluator = fit_evaluator(chosen, learned_from, settings, seed=seed)
    named = np.isin(np.array(known.origins)[known.task], learned_from.origins)
    return dataclasses.replace(evaluator, catalogue=known.catalogue, card=card(known.take(named)))


def together(first: Experience, second: Experience) -> Experience:
    """The experience of both; where they trained a task in different ways, the second's."""
    shared = set(_digests(first)) & set(_digests(second))
    ways = {recipe.digest for recipe in second.recipes}
    other = np.array([recipe.digest not in ways for recipe in first.recipes], bool)[first.recipe]
    first = first.take(~(other & np.isin(_digests(first), list(shared))[first.task]))
    with Store.open(":memory:") as store:
        store.add_experience(first)
        store.add_experience(second)
        return store.triplets(first.space.digest, catalogue=catalogue_digest())


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


def _check_recipes(known: Experience) -> None:
    """Scores of one task are compared with each other, so they must have come about in one way."""
    pairs = np.unique(np.stack([known.task, known.recipe]), axis=1)
    mixed = [known.names[task] for task, times in Counter(pairs[0].tolist()).items() if times > 1]
    if mixed:
        raise UserError(
            f"Task '{mixed[0]}' was trained with several recipes, whose scores cannot be compared. Remove "
            "all but one: taskaware experience prune STORE --recipe DIGEST ('experience list' shows them)."
        )
