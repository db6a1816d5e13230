"""What more landmarks would tell the evaluator about tables held out.

    python benchmarks/landmarks.py bundled data tables [--rows 1024] [--variants] [--kept landmarks.csv]

Folders of tables, each with an `index.csv`, hold the known tasks. The landmarks beside those of the catalogue
are ridge regressions on each embedding of the numbers, on relu networks of infinite width (Cho and Saul
2009), with other penalties, and with Gaussian kernels of other widths; each is a gain over its plain form.
Evaluators learn without the fold of a task, from the real tables alone or with --variants also from those of
the shipped variants that can be drawn again: with the catalogue's meta-features, and with one or all groups
of landmarks, too. Only real tables are judged.
"""

import argparse
import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from taskaware.modalities.suites import suite_named
from taskaware.modalities.tables.encode import EMBEDDINGS, Encoder
from taskaware.modalities.tables.metafeatures import MetaFeature, View, meta_features
from taskaware.modalities.tables.metafeatures import view as views
from taskaware.modalities.tables.metafeatures.correlation import evenly_spaced
from taskaware.modalities.tables.metafeatures.landmarks import RELATIVE, Half, Landmarks
from taskaware.modalities.tables.variants import variants
from taskaware.recommendation.ascent import AscentSettings, rows_of
from taskaware.recommendation.shipped import open_experience
from taskaware.recommendation.teach import with_more
from taskaware.spaces.presets import COMPACT
from taskaware.studies.answers import SIZES, mean_error
from taskaware.studies.quality import spearman
from taskaware.studies.selectors import NewTasks
from taskaware.surrogates import EvaluatorSettings, TrainingData, fit_evaluator
from taskaware.surrogates import training_data as training_data
from taskaware.surrogates.folds import held_out
from taskaware.surrogates.training_data import architecture_features
from taskaware.tasks.task import Task

PENALTY, WIDTH = 0.01, 0.3
"""Of the plain Gaussian kernel: penalty in mean eigenvalues, width in mean squared lengths of a row."""

MOST_VARIANTS = 4
"""That are drawn of a table to find the shipped ones again."""

RELU_BIAS = 0.1
"""Variance of the biases of the infinite networks, in mean squared lengths of a row."""

Predict = Callable[[Half], np.ndarray]
Score = Callable[[View], float]


def ridge(inner: np.ndarray, across: np.ndarray, half: Half, penalty: float) -> np.ndarray:
    """Kernel ridge regression, (s, C), from (t, t) and (s, t) kernels; the penalty in mean eigenvalues."""
    centre = half.outcome.mean(axis=0)
    added = penalty * np.trace(inner) / len(inner) + 1e-9
    return centre + across @ np.linalg.solve(inner + added * np.eye(len(inner)), half.outcome - centre)


def linear(penalty: float = PENALTY) -> Predict:
    """A linear model with a penalty."""
    return lambda half: ridge(half.inner, half.across, half, penalty)


def gaussian(width: float = WIDTH, penalty: float = PENALTY) -> Predict:
    """Ridge regression with a Gaussian kernel."""

    def predict(half: Half) -> np.ndarray:
        inner, across = (np.exp(distances * (-width / half.scale)) for distances in half.distances)
        return ridge(inner, across, half, penalty)

    return predict


def relu(layers: int) -> Predict:
    """A Bayesian relu network of infinite width: ridge regression with its arc-cosine kernel."""

    def predict(half: Half) -> np.ndarray:
        inner, across = half.inner / half.scale + RELU_BIAS, half.across / half.scale + RELU_BIAS
        sizes = np.diag(inner), np.sum(half.queries**2, axis=1) / half.scale + RELU_BIAS
        for _ in range(layers):
            # A layer keeps the size of a row, so only the angles change.
            inner, across = arc_cosine(inner, sizes[0], sizes[0]), arc_cosine(across, sizes[1], sizes[0])
        return ridge(inner, across, half, PENALTY)

    return predict


def arc_cosine(products: np.ndarray, sizes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Inner products after a relu layer of infinite width (Cho and Saul 2009).

    Args:
        products: before it, (a, b).
        sizes, others: squared lengths of the rows, (a,) and (b,).
    """
    lengths = np.sqrt(np.outer(sizes, others))
    cosine = np.clip(products / lengths, -1, 1)
    angle = np.arccos(cosine)
    return lengths * (np.sqrt(1 - cosine**2) + (np.pi - angle) * cosine) / np.pi


@functools.lru_cache(maxsize=8)
def embedded(view: View, embedding: str) -> Landmarks:
    """The rows of the landmarks in an embedding of the numbers, categories as one-hot columns."""
    numbers, categories, block = _encoded(view)
    columns = np.flatnonzero(block == EMBEDDINGS.index(embedding))
    columns = columns[evenly_spaced(len(columns), views.LANDMARK_COLUMNS)]
    clipped = numbers[:, columns].clip(-views.LANDMARK_CLIP, views.LANDMARK_CLIP)
    design = np.concatenate([clipped, categories], axis=1)
    return dataclasses.replace(view.landmarks, design=design - design.mean(axis=0))


@functools.lru_cache(maxsize=1)
def _encoded(view: View) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = view.sample[: views.LANDMARK_ROWS]
    encoder = Encoder.fit(view.table, rows)
    numbers, categories = (part.astype(np.float64) for part in encoder.transform(view.table, rows))
    return numbers, categories, encoder.block


def gain(predict: Predict, embedding: str, plain: Predict) -> Score:
    """What a model on an embedding scores above a plain one on standardised numbers."""
    return lambda view: _score(view, predict, embedding) - _score(view, plain, "standardised")


@functools.lru_cache(maxsize=32)
def _score(view: View, predict: Predict, embedding: str) -> float:
    return embedded(view, embedding).score(predict)


def features(scores: dict[str, Score]) -> tuple[MetaFeature, ...]:
    """The landmarks as meta-features."""
    return tuple(
        MetaFeature(name, "difference of gains", -2, 2, RELATIVE, score) for name, score in scores.items()
    )


LINEAR, GAUSSIAN, RELU = linear(), gaussian(), relu(1)
OTHERS = ("robust", "quantile", "piecewise", "periodic")

GROUPS = {
    "embeddings": features({f"linear_{name}": gain(LINEAR, name, LINEAR) for name in OTHERS}),
    "penalties": features(
        {"linear_heavier": gain(linear(1.0), "standardised", LINEAR)}
        | {f"penalty_{p:g}": gain(gaussian(penalty=p), "standardised", GAUSSIAN) for p in (1e-4, 0.1, 1.0)}
    ),
    "widths": features(
        {f"width_{w:g}": gain(gaussian(w), "standardised", GAUSSIAN) for w in (0.1, 3.0)}
        | {f"gaussian_{name}": gain(GAUSSIAN, name, GAUSSIAN) for name in ("quantile", "piecewise")}
    ),
    "relu networks": features(
        {"relu": gain(RELU, "standardised", LINEAR), "relu_deeper": gain(relu(3), "standardised", RELU)}
        | {f"relu_{name}": gain(RELU, name, RELU) for name in ("quantile", "piecewise")}
    ),
}
"""Landmarks by what they vary."""

ALL = tuple(each for group in GROUPS.values() for each in group)


def measured(data: TrainingData, folders: Sequence[str]) -> tuple[pd.DataFrame, float]:
    """The landmarks of the known tasks that the folders hold, a row for each, and the seconds they take.

    Args:
        data: known tasks; where there are variants, those of each table are drawn again.
        folders: names of suites.
    """
    entries = [entry for folder in folders for entry in suite_named(folder).entries]
    wanted = {entry.name: entry for entry in entries if entry.name in data.names}
    names, rows, spent = dict(zip(data.digests, data.names, strict=True)), {}, []
    for name, entry in tqdm(wanted.items(), desc="landmarks", unit="table"):
        table = entry.task()
        # Of large tables the experience has a part, so they are known by name.
        names[table.digest] = name
        for task in (table, *([] if data.real.all() else variants(table, MOST_VARIANTS))):
            if task.digest in names:
                rows[names[task.digest]], seconds = landmarks_of(task)
                spent.append(seconds)
    return pd.DataFrame.from_dict(rows, orient="index"), float(np.median(spent))


def landmarks_of(task: Task) -> tuple[dict[str, float], float]:
    """The landmarks of a task by name, and the seconds that they take beside the catalogue's."""
    began = time.perf_counter()
    meta_features(task)
    between = time.perf_counter()
    found = meta_features(task, ALL)
    seconds = (time.perf_counter() - between) - (between - began)
    return {each.name: found[each.name] for each in ALL}, seconds


def judged(data: TrainingData, folds: int, seeds: int) -> Iterator[dict]:
    """How right the evaluator is about each task while it is held out with its relatives.

    Args:
        data: known tasks, of which the real tables are judged.
        folds: parts that the groups are held out in.
        seeds: repetitions.
    """
    kappa = AscentSettings().kappa
    for seed in range(seeds):
        for out in held_out(data, folds, seed):
            evaluator = fit_evaluator(COMPACT, data.take(~out), EvaluatorSettings(), seed=seed)
            mine = np.flatnonzero(out & data.real)
            queries = NewTasks.of(data.take(mine)).queries(COMPACT, data.u)
            for task, query in zip(mine.tolist(), queries, strict=True):
                places = np.flatnonzero(~np.isnan(data.target[task]))
                posterior = evaluator.posterior(query)
                mean, deviation = map(
                    np.asarray, posterior.mean_std(architecture_features(COMPACT, data.u[places]))
                )
                test, best = data.test_score[task, places], data.score[task, places].argmax()
                picked = (mean - kappa * deviation).argmax()
                yield {
                    "seed": seed,
                    "task": data.names[task],
                    "group": data.groups[task],
                    "rows": rows_of(data.z[task]),
                    "spearman": spearman(mean, data.target[task, places]),
                    "test": max(test[picked], -1.0),
                    "best by validation": max(test[best], -1.0),
                }


def lines(name: str, table: pd.DataFrame, plain: pd.DataFrame) -> Iterator[dict]:
    """A line for all tables and one for each class of rows: means, and gains over the plain evaluator.

    Args:
        name: of the evaluator.
        table, plain: rows of `judged`, in the same order.
    """
    limits = [0, *SIZES.values()]
    within = {"all": (0, np.inf)} | dict(zip(SIZES, zip(limits[:-1], limits[1:], strict=True), strict=True))
    for size, (low, high) in within.items():
        its = table["rows"].between(low, high, inclusive="left")
        line: dict[str, object] = {"meta-features": name, "rows": size}
        for column in ("spearman", "test"):
            both = pd.DataFrame({"own": table[column], "gain": table[column] - plain[column]})[its]
            by_task = both.groupby(table["task"][its]).mean()
            groups = table[its].groupby("task")["group"].first()
            line[column] = by_task["own"].mean()
            line[f"{column} gain"], line[f"{column} gain ±"] = mean_error(
                by_task["gain"].to_numpy(), groups.to_numpy()
            )
        yield line | {"best by validation": table["best by validation"][its].mean()}


def main() -> None:
    """Print a line for each group of landmarks and each class of rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", help="suites of the known tables")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rows", type=int, default=views.LANDMARK_ROWS, help="of the landmarks' sample")
    parser.add_argument("--variants", action="store_true", help="of the tables teach, too")
    parser.add_argument("--kept", type=Path, help="CSV file of the landmarks, read if it is there")
    given = parser.parse_args()
    data = training_data(with_more(open_experience("shipped", COMPACT)))
    data = data if given.variants else data.take(data.real)
    if given.kept and given.kept.exists():
        found = pd.read_csv(given.kept, index_col=0)
    else:
        with mock.patch.object(views, "LANDMARK_ROWS", given.rows):
            found, seconds = measured(data, given.folders)
        print(f"all landmarks of a table: {seconds:.3f} s more")
        if given.kept:
            found.to_csv(given.kept)
    data = data.take(np.isin(data.names, found.index))
    print(f"{data.real.sum()} real tables, {(~data.real).sum()} variants")
    found, rows = found.loc[list(data.names)], list[dict]()
    plain = pd.DataFrame(judged(data, given.folds, given.seeds))
    compared: dict[str, tuple[MetaFeature, ...]] = {"the catalogue's": ()}
    compared |= {f"and {name}": group for name, group in GROUPS.items()} | {"and all of these": ALL}
    for name, its in compared.items():
        more = found[[each.name for each in its]].to_numpy(np.float32)
        larger = dataclasses.replace(data, z=np.concatenate([data.z, more], axis=1))
        rows += lines(name, pd.DataFrame(judged(larger, given.folds, given.seeds)) if its else plain, plain)
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda number: f"{number:.4f}"))


if __name__ == "__main__":
    main()
