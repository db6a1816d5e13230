"""The published protocol on texts: each of five tasks is held out, and an evaluator learns from the others.

It prints the Spearman correlation of predicted and true scores, and the test accuracy of the architecture
that ascent finds from the five best of the two nearest tasks: the form of Dubatovka et al. 2019 with its
three losses, and the shipped form beside it. The true scores are those of `experience-kinds.npz`. FOLDER has
the raw texts (experiments/shipped-experience/kinds.py makes it), for the trainings of what ascent finds.

    python benchmarks/published_text.py [FOLDER] [--repetitions 10] [--teachers five,all]
"""

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from taskaware.modalities.suites import suite_named
from taskaware.recommendation.ascent import AscentSettings, propose
from taskaware.recommendation.shipped import open_experience
from taskaware.spaces import MixtureSpace
from taskaware.spaces.presets import UNIVERSAL
from taskaware.studies import quality
from taskaware.studies.selectors import NewTasks, published
from taskaware.surrogates import EvaluatorSettings, TrainingData, fit_evaluator
from taskaware.surrogates import training_data as training_data
from taskaware.surrogates.patterns import kinds_of
from taskaware.surrogates.training_data import architecture_features
from taskaware.training.recipe import TrainingRecipe

FIVE = ("airline", "emotion-13", "disasters", "political-bias", "global-warming")
FREE = AscentSettings(own_starts=0, kappa=0.0, distance_penalty=0.0, untrained_penalty=0.0)
"""The published ascent: from the best of the nearest tasks, without a guard."""
FORMS: dict[str, tuple[Any, AscentSettings]] = {
    "squared": (published("squared"), FREE),
    "linear": (published("pairwise_linear"), FREE),
    "quadratic": (published("pairwise_quadratic"), FREE),
    "evaluator": (EvaluatorSettings(), AscentSettings()),
}


def found(
    space: MixtureSpace, data: TrainingData, teachers: str, form: str, repetitions: int
) -> Iterator[dict]:
    """Rank correlation and best point of each repetition, for each of the five tasks held out."""
    settings, ascent = FORMS[form]
    names, groups = np.array(data.names), np.array(data.groups)
    features = architecture_features(space, data.u)
    for name in FIVE:
        place = int(np.flatnonzero(names == name)[0])
        known = (groups != groups[place]) & (np.isin(names, FIVE) | (teachers == "all"))
        [query] = NewTasks.of(data.take(names == name)).queries(space, data.u)
        trained = ~np.isnan(data.score[place])
        for seed in range(repetitions):
            evaluator = fit_evaluator(space, data.take(known), settings, seed=seed)
            mean, _ = evaluator.posterior(query).mean_std(features[trained])
            ranks = quality.spearman(np.asarray(mean), data.score[place, trained])
            point = propose(evaluator, query, ascent, seed=seed).points[0]
            yield {"task": name, "teachers": teachers, "form": form, "spearman": ranks, "point": point}


def with_test_scores(
    space: MixtureSpace, data: TrainingData, table: pd.DataFrame, folder: str
) -> pd.DataFrame:
    """The table with the test score of each point, trained once."""
    table = table.assign(test=np.nan)
    for name in tqdm(FIVE, desc="training what ascent found"):
        its = (table["task"] == name).to_numpy()
        points, back = np.unique(np.stack(table.loc[its, "point"].to_list()), axis=0, return_inverse=True)
        task = suite_named(folder, modalities=("text",)).task(name)
        _, test = quality.true_scores(space, task, points, TrainingRecipe(), [0])
        table.loc[its, "test"] = test[back.ravel()]
        pool = data.take(np.array(data.names) == name)
        best = int(np.nanargmax(pool.score[0]))
        print(f"{name}: best of {np.isfinite(pool.score[0]).sum()} trainings {pool.test_score[0, best]:.4f}")
    return table


def show(table: pd.DataFrame, column: str) -> None:
    """Print mean and standard deviation of a column for each task, and the means over the tasks."""
    print(
        table.groupby(["teachers", "form", "task"], sort=False)[column]
        .agg(["mean", "std"])
        .round(4)
        .to_string()
    )
    print(table.groupby(["teachers", "form"], sort=False)[column].mean().round(4).to_string(), flush=True)


def main() -> None:
    """Print a row for each task, set of teachers and form."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", nargs="?", help="of the raw tasks, with an index.csv; without it, nothing is trained"
    )
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--teachers", default="five,all", help="the other four, all text tasks, or both")
    given = parser.parse_args()
    data = training_data(open_experience("shipped-kinds", UNIVERSAL))
    data = data.take(np.array(kinds_of(UNIVERSAL, data)) == "text")
    ways = [(who, form) for who in given.teachers.split(",") for form in FORMS]
    rows = [
        row
        for teachers, form in tqdm(ways, desc="holding tasks out")
        for row in found(UNIVERSAL, data, teachers, form, given.repetitions)
    ]
    table = pd.DataFrame(rows)
    show(table, "spearman")
    if given.folder:
        show(with_test_scores(UNIVERSAL, data, table, given.folder), "test")


if __name__ == "__main__":
    main()
