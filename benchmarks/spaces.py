"""What a larger space gives: networks that are recommended in two spaces, trained alike, on tables held out.

Tables are held out with their relatives, in folds. In each space an evaluator that knows none of them
recommends one network for each. All are trained as points of the larger space, with the same recipe and the
same seeds. Trainings are kept in a store: the same command resumes.

    python benchmarks/spaces.py FOLDER... [--experience extended.sqlite] [--tasks 60]
"""

import argparse
import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from taskaware.modalities.suites import suite_named
from taskaware.objectives.architectures import recorded_points, rounded
from taskaware.objectives.collect import CollectSettings, collect
from taskaware.recommendation.ascent import AscentSettings, propose
from taskaware.recommendation.evaluators import query_of, shipped_evaluator
from taskaware.recommendation.teach import experience_of, opened
from taskaware.spaces import MixtureSpace
from taskaware.spaces.mixture_lifting import lifted_points
from taskaware.spaces.presets import COMPACT, EXTENDED
from taskaware.store import Store
from taskaware.surrogates import EvaluatorSettings, TrainingData, fit_evaluator
from taskaware.surrogates import training_data as training_data
from taskaware.tasks.task import Task

SMALL, LARGE = COMPACT, EXTENDED
FOLDS, SEEDS = 5, 2
FEWEST_ROWS, MOST_ROWS = 500, 9_000
"""Of a table: enough to tell networks apart, and few enough that the arrays of most tables have one size."""


def main() -> None:
    """Print mean test scores by size of the table, and the difference with its standard error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", help="of tables, each with an index.csv")
    parser.add_argument(
        "--experience", help=f"store with trainings of '{LARGE.name}'; by default the shipped ones"
    )
    parser.add_argument("--tasks", type=int, default=60, help="tables, drawn at random")
    parser.add_argument("--trained", default="spaces.sqlite", help="store of the trainings that are compared")
    parser.add_argument("--kappa", type=float, default=AscentSettings().kappa, help="caution of the ascent")
    given = parser.parse_args()
    tasks = drawn(given.folders, given.tasks)
    ascent = AscentSettings(kappa=given.kappa)
    chosen = [recommended(space, tasks, known(space, given.experience), ascent) for space in (SMALL, LARGE)]
    settings = CollectSettings(space=LARGE.name, seeds=SEEDS, batch=2, coarse=True, store=given.trained)
    points = {task.digest: np.stack([points[task.digest] for points in chosen]) for task in tasks}
    with Store.open(given.trained) as store:
        collect(tasks, store, settings, chosen=points, strategy="ascent")
        scores = measured(store, tasks, points)
    report(scores)


def drawn(folders: Sequence[str], count: int) -> list[Task]:
    """Tables with enough rows to tell networks apart."""
    entries = list(suite_named(*folders, modalities=("tables",)).entries)
    found = []
    for place in np.random.default_rng(0).permutation(len(entries)):
        task = entries[place].task()
        if FEWEST_ROWS <= task.rows <= MOST_ROWS:
            found.append(task)
        if len(found) == count:
            break
    return found


def known(space: MixtureSpace, store: str | None) -> TrainingData:
    """What the evaluator of a space learns from; the store counts for the larger space alone."""
    if space == SMALL or store is None:
        return training_data(opened("shipped", space))
    with Store.open(store, create=False, readonly=True) as own:
        return training_data(experience_of(own, space))


def recommended(
    space: MixtureSpace, tasks: Sequence[Task], data: TrainingData, ascent: AscentSettings
) -> dict[str, np.ndarray]:
    """The network that is recommended for each task by its digest, as a point of the larger space."""
    groups = sorted({task.group or task.name for task in tasks})
    found = {}
    for fold in tqdm(range(FOLDS), desc=space.name, unit="fold"):
        out = set(groups[fold::FOLDS])
        evaluator = fit_evaluator(space, data.without(*out), EvaluatorSettings())
        evaluator = dataclasses.replace(evaluator, price=shipped_evaluator().price)
        for task in tasks:
            if (task.group or task.name) in out:
                point = propose(evaluator, query_of(task, evaluator), ascent).points[:1]
                point = point if space == LARGE else lifted_points(point, space, LARGE)
                found[task.digest] = recorded_points(task, LARGE, rounded(np.asarray(point, np.float32)))[0]
    return found


def measured(store: Store, tasks: Sequence[Task], points: dict[str, np.ndarray]) -> pd.DataFrame:
    """Mean test scores over the seeds, a row for each task."""
    experience = store.triplets()
    digests = [record.digest for record in experience.tasks]
    rows = []
    for task in tasks:
        mine = experience.task == digests.index(task.digest)
        row = {"task": task.name, "rows": task.rows}
        for space, point in zip((SMALL, LARGE), points[task.digest], strict=True):
            same = (experience.architectures[experience.architecture] == point).all(axis=1)
            row[space.name] = experience.test_score[mine & same].mean()
        rows.append(row)
    return pd.DataFrame(rows)


def report(scores: pd.DataFrame) -> None:
    """The table, and a line for each range of rows."""
    print(scores.round(3).to_string(index=False))
    for least, most in ((0, 1_000), (1_000, 4_000), (4_000, MOST_ROWS + 1), (0, MOST_ROWS + 1)):
        part = scores[(scores["rows"] >= least) & (scores["rows"] < most)]
        small, large = part[SMALL.name], part[LARGE.name]
        gain = large - small
        print(
            f"{least:>6} to {most:>6} rows, {len(part):>3} tables: {SMALL.name} {small.mean():.4f}, "
            f"{LARGE.name} {large.mean():.4f}, difference {gain.mean():.4f} ± {gain.sem():.4f}, median "
            f"{gain.median():.4f}, better on {(gain > 0).mean():.0%}"
        )


if __name__ == "__main__":
    main()
