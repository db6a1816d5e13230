"""How good recommendations are for texts, images, sounds, series and mixed frames held out by origin.

Every method chooses one architecture of those that were trained on a task, while the task and its relatives
are held out. The evaluator learns from all other tasks, tables too; the simpler methods learn from those of
the same kind of data. Worth: trainings that a random search needs to reach the same mean test score.

    python benchmarks/kinds.py [--experience shipped-kinds] [--kinds text,image] [--folds 10] [--seeds 1]

With --rows KINDS TABLES..., two further evaluators read raw rows: one has a learned z beside the statistical
one, the other a learned z alone. KINDS is the folder of the raw tasks, see
experiments/shipped-experience/kinds.py; TABLES are suites of tables. Then no evaluator learns from tasks that
are not there.

With --own FOLDER, z also has the kinds' own meta-features (number of words, size of the images, ...), as
ranks from -1 to 1 among the tasks of the kind, 0 elsewhere. FOLDER has the raw tasks.
"""

import argparse
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from unittest.mock import patch

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from tqdm.auto import tqdm

from taskaware.modalities.audio.features import own_features as of_audio
from taskaware.modalities.images.features import own_features as of_images
from taskaware.modalities.modality import MODALITIES
from taskaware.modalities.reading import modality_of
from taskaware.modalities.series.modality import SERIES
from taskaware.modalities.suites import suite_named
from taskaware.modalities.tables.samples import Samples
from taskaware.modalities.texts.features import own_features as of_texts
from taskaware.recommendation.ascent import AscentSettings
from taskaware.recommendation.expected import INTERVAL_80
from taskaware.recommendation.joined import together
from taskaware.recommendation.shipped import open_experience
from taskaware.spaces import MixtureSpace
from taskaware.spaces.presets import UNIVERSAL
from taskaware.studies import quality
from taskaware.studies.selectors import (
    Choice,
    NewTasks,
    Selector,
    boosted,
    learned,
    nearest_task,
    portfolio,
    single_best,
)
from taskaware.studies.worth import random_search_curve, trials
from taskaware.surrogates import EvaluatorSettings, TrainingData
from taskaware.surrogates import training_data as training_data
from taskaware.surrogates.joint_settings import JointSettings
from taskaware.surrogates.level import Scaler
from taskaware.surrogates.patterns import kinds_of

FIRST_OF_PORTFOLIO = 3
"""Trainings of the greedy portfolio, which picks the best of them by validation score."""
MOST = 64
"""Longest random search that a choice is compared with."""
SHOWN = ("test_score", "regret", "worth", "worth_se", "worth_normalised")


READING = {
    "evaluator that reads rows, too": JointSettings(beside=True),
    "evaluator that reads rows alone": JointSettings(),
}
OWN_FEATURES: dict[str, Callable[..., dict[str, float]]] = {
    "text": of_texts,
    "image": of_images,
    "audio": of_audio,
    "series": SERIES.own_features,
}


def with_own_features(data: TrainingData, kind: np.ndarray, folder: str, weight: float) -> TrainingData:
    """The data whose z also has the own meta-features of each kind.

    Args:
        data: T tasks.
        kind: of each task, (T,).
        folder: of the raw tasks.
        weight: of the ranks, beside scaled meta-features whose spread is about 1.
    """
    columns = []
    for name, features_of in OWN_FEATURES.items():
        places, suite = np.flatnonzero(kind == name), suite_named(folder, modalities=(name,))
        tasks = (suite.task(data.names[place]) for place in tqdm(places, desc=name))
        found = np.array([list(features_of(task.data).values()) for task in tasks])
        found = found[:, np.ptp(found, axis=0) > 0]
        own = np.zeros((len(kind), found.shape[1]))
        own[places] = 2 * (rankdata(found, axis=0) - 1) / (len(places) - 1) - 1
        columns.append(weight * own)
    usual, width = Scaler.fit, data.z.shape[1]

    def fit(z: np.ndarray) -> Scaler:
        """The usual scales, and 1 for what is scaled already."""
        scaler = usual(z)
        scaler.centre[width:], scaler.spread[width:] = 0, 1
        return scaler

    patch.object(Scaler, "fit", fit).start()
    return dataclasses.replace(data, z=np.concatenate([data.z, *columns], 1).astype(np.float32))


def of_kind(selector: Selector, places: np.ndarray, names: np.ndarray) -> Selector:
    """The selector, which learns from the tasks of these names alone."""
    alike = set(names[places])

    def select(data: TrainingData, new: NewTasks, seed: int) -> Choice:
        return selector(data.take(np.array([name in alike for name in data.names])), new, seed)

    return select


def samples_of(kinds: str, tables: Sequence[str], data: TrainingData) -> dict[str, Samples]:
    """Raw rows of the tasks of the data, by digest."""
    suites = [suite_named(kinds, modalities=tuple(MODALITIES)), *map(suite_named, tables)]
    entries = [entry for suite in suites for entry in suite.entries if entry.name in data.names]
    tasks = (entry.task() for entry in tqdm(entries, desc="rows"))
    return {task.digest: modality_of(task).samples(task) for task in tasks}


def rows_of(
    space: MixtureSpace,
    data: TrainingData,
    kind: np.ndarray,
    name: str,
    folds: int,
    seed: int,
    samples: dict[str, Samples],
) -> Iterator[dict]:
    """A row for each method and task of a kind."""
    mine = kind == name
    among = mine if name != "mixed" else np.ones_like(mine)
    own = {"evaluator": learned(space, EvaluatorSettings(), AscentSettings().kappa, safe=True)}
    simple = {"single best": single_best, "nearest task": nearest_task, "boosting": boosted(space)}
    own |= {label: of_kind(each, among, np.array(data.names)) for label, each in simple.items()}
    if samples:
        for label, settings in READING.items():
            own[label] = learned(space, settings, AscentSettings().kappa, samples=samples)
    pool = ~np.isnan(data.score) & mine[:, None]
    for out in quality.held_out(data.take(mine), folds, seed):
        gone = np.isin(data.groups, np.array(data.groups)[np.flatnonzero(mine)[out]])
        for label, selector in own.items():
            for row in quality.picks(data, selector, gone, seed, pool):
                yield {"method": label, "kind": name, "seed": seed} | row
        members = portfolio(data.take(among & ~gone), FIRST_OF_PORTFOLIO * 8)
        for place in np.flatnonzero(gone & mine):
            there = [m for m in members if pool[place, m]][:FIRST_OF_PORTFOLIO]
            if there:
                picked = there[int(np.argmax(data.score[place, there]))]
                found = {"task": data.names[place], "place": int(place), "picked": int(picked)}
                yield {"method": "portfolio of 3", "kind": name, "seed": seed} | found


def main() -> None:
    """Print a table for each kind of data."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experience", default="shipped-kinds", help="of the space universal")
    parser.add_argument("--kinds", default="text,image,audio,series,mixed")
    parser.add_argument("--tables", nargs="*", default=["shipped", "shipped-tables"], help="learned from too")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--own", help="folder of the raw tasks; z has the kinds' own meta-features, too")
    parser.add_argument("--rows", nargs="*", default=[], help="KINDS TABLES..., for a learned z")
    parser.add_argument("--weight", type=float, default=1.0, help="of these meta-features")
    given = parser.parse_args()
    space = UNIVERSAL
    own = open_experience(given.experience, space)
    experience = together(*(open_experience(name, space) for name in given.tables), own)
    data = training_data(experience)
    kind = np.array(kinds_of(space, data))
    curve = random_search_curve(trials(experience, data), MOST)
    if given.own:
        data = with_own_features(data, kind, given.own, given.weight)
    samples = samples_of(given.rows[0], given.rows[1:], data) if given.rows else {}
    if samples:
        there = np.isin(data.digests, list(samples))
        data, kind, curve = data.take(there), kind[there], curve[there]
    rows: list[dict] = []
    for name in given.kinds.split(","):
        for seed in range(given.seeds):
            rows += rows_of(space, data, kind, name, given.folds, seed, samples)
        table = pd.DataFrame(row for row in rows if row["kind"] == name)
        groups = len(set(np.array(data.groups)[kind == name]))
        print(f"\n{name}: {table['task'].nunique()} tasks of {groups} groups")
        print(summary(data, curve, table).to_string(index=False), flush=True)


def summary(data: TrainingData, curve: np.ndarray, table: pd.DataFrame) -> pd.DataFrame:
    """Spearman, mean test score, worth and coverage of each method."""
    lines = []
    for method, its in table.groupby("method", sort=False):
        places, picked = its["place"].to_numpy(), its["picked"].to_numpy()
        test = data.test_score[places, picked]
        order, number = np.unique(places, return_inverse=True)
        reached = np.full((int(its["seed"].max()) + 1, len(order)), np.nan)
        reached[its["seed"], number] = test
        standing = quality.standing(data.take(order), curve[order], reached)
        line = {"method": method, "Spearman": its["spearman"].mean() if "spearman" in its else np.nan}
        line |= {name: standing[name] for name in SHOWN}
        if its["predicted"].notna().any():
            off = np.abs(data.score[places, picked] - its["predicted"].astype(float))
            line["within 80 %"] = (off <= INTERVAL_80 * its["deviation"].astype(float)).mean()
        lines.append(line)
    return pd.DataFrame(lines).round(3)


if __name__ == "__main__":
    main()
