"""The study `collect`: experience by a config, in a folder of its own."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from taskaware.modalities.reading import modality_of
from taskaware.modalities.tables.metafeatures import catalogue_digest
from taskaware.modalities.tables.variants import with_variants
from taskaware.objectives.collect import CollectSettings, collect
from taskaware.objectives.record import definition
from taskaware.runner.run_folder import RunFolder
from taskaware.spaces import preset
from taskaware.store import Store
from taskaware.tasks.task import Task

COST = ("task", "problem", "rows", "columns", "trainings", "diverged", "failed", "seconds")


def run_collect(settings: CollectSettings, folder: RunFolder, show: bool | None = None) -> dict:
    """Collect the experience of the settings into their store; the journal is written into the folder.

    Args:
        settings: checked before any work.
        folder: the run folder.
        show: see `Progress`.

    Returns:
        The summary, counted; `added` and `diverged` are those of all starts together.
    """
    settings.check()
    tasks = with_variants(settings.chosen(), settings.variants)
    with folder.alone(), Store.open(settings.store) as store, folder.journal() as journal:
        found = collect(tasks, store, settings, journal=journal, show=show)
        folder.write_table("cost", _cost(store, tasks, settings))
    summary = {name: value for name, value in dataclasses.asdict(found).items() if name != "seconds"}
    summary |= _of_all_starts(folder)
    folder.finish(jobs=found.jobs, failed=found.failed, seconds=found.seconds, summary=summary)
    return summary


def _of_all_starts(folder: RunFolder) -> dict[str, int]:
    """Trainings that the study has added, and those of them that diverged, by its journal."""
    entries = folder.finished().values()
    counts = {"added": "size", "diverged": "diverged"}
    return {
        name: sum(each for entry in entries if isinstance(each := entry.get(field), int))
        for name, field in counts.items()
    }


def _cost(store: Store, tasks: Sequence[Task], settings: CollectSettings) -> pd.DataFrame:
    """The store's trainings on these tasks with these settings, and their cost, a row for each task."""
    space = preset(settings.space).digest
    recipe = store.add_recipe(definition(settings.trainer))
    known = store.triplets(space, recipe=recipe, catalogue=catalogue_digest())
    place = {record.digest: row for row, record in enumerate(known.tasks)}
    failed = store.failed(recipe)
    rows = []
    for task in tasks:
        mine = known.take(known.task == place.get(task.digest, -1))
        about = (task.name, task.problem, task.rows, modality_of(task).card(task).features)
        spent = float(np.nansum(mine.seconds))
        rows.append(
            (*about, len(mine), int(mine.diverged.sum()), failed.get(task.digest, 0), round(spent, 2))
        )
    return pd.DataFrame(rows, columns=COST)
