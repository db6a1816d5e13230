"""Experience by the name that a study's settings give it."""

from importlib import resources
from typing import cast

import numpy as np

from taskaware.errors import UserError, unknown
from taskaware.modalities.tables.metafeatures import catalogue_digest
from taskaware.recommendation.joined import together
from taskaware.spaces import MixtureSpace, Space, space_from
from taskaware.spaces.mixture_lifting import extends
from taskaware.store import Experience, Store, unpack
from taskaware.surrogates.lifted import lifted_experience

SHIPPED = {
    "shipped": "experience.npz",
    "shipped-variants": "experience-variants.npz",
    "shipped-tables": "experience-tables.npz",
    "shipped-tables-variants": "experience-tables-variants.npz",
    "shipped-kinds": "experience-kinds.npz",
    "shipped-tables-extended": "experience-tables-extended.npz",
}
"""Files that come with the package, by the names that settings give them."""


def open_experience(name: str, space: Space, recipe: str = "") -> Experience:
    """What is known of architectures of a space.

    Args:
        name: "shipped", "shipped-variants" (trainings on variants of those tasks), "shipped-tables" (fewer
            trainings on each of more tasks), "shipped-tables-variants" (on variants of those),
            "shipped-kinds" (on texts, images, sounds, series and mixed frames), "shipped-tables-extended"
            (in the space `extended`), the path of a file that `pack` wrote (.npz), or path or database URL of
            a store.
        space: of the architectures. Points of a space that it `extends` are read as points of this one.
        recipe: digest of the only recipe that counts; "" for all.

    Raises:
        UserError: the experience is of another space, does not have the recipe, or trained one task with
            several recipes.
        StoreError: it cannot be read.

    >>> from taskaware.spaces import preset
    >>> len(open_experience("shipped", preset("compact")).tasks) > 60
    True
    """
    if name not in SHIPPED and not name.endswith(".npz"):
        with Store.open(name, create=False, readonly=True) as store:
            return comparable(_only(stored(store, space), recipe))
    experience = _shipped(space, SHIPPED[name]) if name in SHIPPED else unpack(name)
    if extends(space, space_from(experience.space.definition)):
        experience = lifted_experience(experience, cast(MixtureSpace, space))
    if experience.space.digest != space.digest:
        raise UserError(
            f"The experience '{name}' is of the space '{experience.space.name}', not of '{space.name}'. "
            f"Set space={experience.space.name}, or name another experience."
        )
    return comparable(_only(experience, recipe))


def comparable(experience: Experience) -> Experience:
    """The experience itself, where the scores of each task came about in one way.

    Raises:
        UserError: a task was trained with several recipes; they are named.
    """
    pairs = np.unique(np.stack([experience.task, experience.recipe]), axis=1)
    tasks, times = np.unique(pairs[0], return_counts=True)
    if (times > 1).any():
        task = tasks[times > 1][0]
        made = [experience.recipes[place].digest for place in pairs[1][pairs[0] == task]]
        raise UserError(
            f"Task '{experience.names[task]}' was trained with {len(made)} recipes, whose scores cannot be "
            f"compared. Name the one that counts, recipe=...: {', '.join(made)}."
        )
    return experience


def stored(store: Store, space: Space) -> Experience:
    """The trainings of a store in a space, and in those that it extends."""
    records = [one for one in store.spaces() if extends(space, space_from(one.definition))]
    if not records:
        return store.triplets(space.digest, catalogue=catalogue_digest())
    found = (store.triplets(one.digest, catalogue=catalogue_digest()) for one in records)
    return together(*(lifted_experience(part, cast(MixtureSpace, space)) for part in found))


def _only(experience: Experience, recipe: str) -> Experience:
    """The trainings with a recipe; all where it is ""."""
    if not recipe:
        return experience
    names = [found.digest for found in experience.recipes]
    if recipe not in names:
        raise unknown("recipe of the experience", recipe, names)
    return experience.take(experience.recipe == names.index(recipe))


def _shipped(space: Space, file: str) -> Experience:
    """The file of that space, if there is one; else the one of that name."""
    folder = resources.files("taskaware.shipped")
    own = folder / f"experience-{space.name}.npz"
    with resources.as_file(own if own.is_file() else folder / file) as path:
        return unpack(path)
