"""Making what comes with the package: the experience, and the evaluator that learned from it.

    python -m taskaware.campaigns.shipped --data FOLDER --store experience.sqlite

collects, going on where it stopped, then writes `taskaware/shipped/`. FOLDER holds tables and an index.csv.
"""

import argparse
import dataclasses
import datetime
import platform
from importlib import resources
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from taskaware.campaigns.collect import Progress, collect, common_architectures
from taskaware.evaluator import EvaluatorSettings, fit_evaluator, lessons, save_evaluator
from taskaware.metafeatures import catalogue_digest
from taskaware.spaces import preset
from taskaware.store import Experience, Store, pack
from taskaware.tasks.suites import Entry, bundled_suite, folder_suite
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe

ARCHITECTURES = 208
HELD_BACK = ("breast-cancer", "wisconsin")
"""The dataset of `make demo`, which has to be new to the evaluator, and its relative."""

ROWS_FOR_SEEDS = ((0, np.inf), (1, 1100), (2, 450))
"""Small tasks are noisy and cheap: (seed, tasks with fewer rows than this are trained with it)."""


def entries(folder: Path) -> list[Entry]:
    """The tasks of the folder and scikit-learn's bundled ones, without what is held back."""
    every = (*folder_suite(folder).entries, *bundled_suite().entries)
    return [entry for entry in every if entry.name not in HELD_BACK]


def seeds(task: Task) -> list[int]:
    """The seeds that a task is trained with, each with a split of its own."""
    return [seed for seed, most in ROWS_FOR_SEEDS if task.rows < most]


def ship(experience: Experience, folder: Path) -> None:
    """Write `experience.npz` and `evaluator.npz`; what was there is replaced."""
    known = lessons(experience)
    space = preset("compact")
    packed = folder / "experience.npz"
    packed.unlink(missing_ok=True)
    pack(experience, packed)
    evaluator = fit_evaluator(space, known, EvaluatorSettings(), seed=0)
    evaluator = dataclasses.replace(evaluator, catalogue=catalogue_digest(), card=card(experience))
    save_evaluator(evaluator, folder / "evaluator.npz", force=True)


def card(experience: Experience) -> dict:
    """What the evaluator was made from, for people."""
    return {
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "tasks": len(np.unique(experience.task)),
        "architectures": len(experience.architectures),
        "trainings": len(experience),
        "run_hours": round(float(np.nansum(experience.seconds)) / 3600, 2),
        "space": experience.space.name,
        "recipe": dict(experience.recipes[0].definition),
        "machine": f"{platform.machine()}, two cores",
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of tables with an index.csv")
    parser.add_argument("--store", default="experience.sqlite", help="path or database URL of the experience")
    parser.add_argument("--architectures", type=int, default=ARCHITECTURES)
    parser.add_argument("--no-collect", action="store_true", help="only write what the store holds already")
    arguments = parser.parse_args()
    space, recipe = preset("compact"), TrainingRecipe()
    with Store.open(arguments.store) as store:
        if not arguments.no_collect:
            _collect(arguments, store, space, recipe)
        experience = store.triplets(space.digest, catalogue=catalogue_digest())
    with resources.as_file(resources.files("taskaware.shipped")) as folder:
        ship(experience, folder)
    print(f"shipped: {experience}")


def _collect(arguments, store: Store, space, recipe) -> None:
    tasks = [entry.task() for entry in entries(arguments.data)]
    total = sum(len(seeds(task)) for task in tasks) * arguments.architectures
    with tqdm(total=total, unit="training") as bar:

        def report(progress: Progress) -> None:
            bar.set_postfix(task=progress.task, seed=progress.seed, refresh=False)
            bar.update(progress.finished)

        points = common_architectures(space, arguments.architectures)
        collect(tasks, store, space, recipe, points, seeds=seeds, report=report)


if __name__ == "__main__":
    main()
