"""Several experiences as one."""

import numpy as np

from taskaware.modalities.tables.metafeatures import catalogue_digest
from taskaware.store import Experience
from taskaware.store.joining import joined


def together(*parts: Experience) -> Experience:
    """The union of several experiences; where their recipes differ on a task, the last one counts."""
    left = []
    for place, part in enumerate(parts):
        for later in parts[place + 1 :]:
            part = _less_retrained(part, later)
        left.append(part)
    return joined(*left, catalogue=catalogue_digest())


def _less_retrained(first: Experience, second: Experience) -> Experience:
    """The first experience without the tasks that the second trained with another recipe."""
    trained = np.array(digests_of(second))[np.unique(second.task)]
    ways = {second.recipes[place].digest for place in np.unique(second.recipe)}
    other = np.array([recipe.digest not in ways for recipe in first.recipes], bool)[first.recipe]
    return first.take(~(other & np.isin(digests_of(first), trained)[first.task]))


def digests_of(experience: Experience) -> list[str]:
    """Digest of each task."""
    return [task.digest for task in experience.tasks]
