"""How good recommendations are for tasks that nothing was learned from.

Tasks are held out by origin. A recommendation is worth n trainings if a random search on the target has to
train n architectures, picking by validation score, to reach the same mean test score.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from taskaware.evaluator import EvaluatorSettings, Lessons, fit_evaluator
from taskaware.evaluator.evaluator import Scaler
from taskaware.evaluator.lessons import architecture_features
from taskaware.recommendation.ascent import AscentSettings, Proposal, propose
from taskaware.spaces import MixtureSpace
from taskaware.store import Experience
from taskaware.tasks.task import Task
from taskaware.training.prepare import prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train

POOL = 64
"""Candidates of a width that experience is collected with, about: programs compiled then are used again."""

Picker = Callable[[Lessons, np.ndarray, int], np.ndarray]
"""(what is known, meta-features (t, M) of the tasks held out, seed) → preference of the pool, (t, A)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Trials:
    """Every training of the pool on every task, seed by seed; T tasks, A architectures, S seeds.

    Attributes:
        score, test_score: (T, A, S); NaN where not trained.
    """

    score: np.ndarray
    test_score: np.ndarray


def trials(experience: Experience, known: Lessons) -> Trials:
    """The experience as tables, in the order of the lessons; a lost candidate has the task's worst score."""
    digests = [record.digest for record in experience.tasks]
    place = np.full(len(digests), -1)
    for row, digest in enumerate(known.digests):
        place[digests.index(digest)] = row
    seeds, seed = np.unique(experience.seed, return_inverse=True)
    shape = (len(known.names), len(known.u), len(seeds))
    tables = []
    for values in (experience.score, experience.test_score):
        table = np.full(shape, np.nan)
        rows = place[experience.task] >= 0
        where = (place[experience.task][rows], experience.architecture[rows], seed[rows])
        table[where] = np.where(np.isnan(values[rows]), -np.inf, values[rows])
        worst = np.where(np.isfinite(table), table, np.inf).min((1, 2), keepdims=True)
        tables.append(np.where(np.isneginf(table), worst, table))
    return Trials(*tables)


def random_search_curve(found: Trials, most: int) -> np.ndarray:
    """Expected test score on each task after a random search of 1, 2, ... `most` trainings, (T, most).

    Drawn without replacement from the pool, picked by the validation score of the seed that was trained;
    computed exactly, mean over seeds.
    """
    tasks, count, _ = found.score.shape
    chance = _chance_of_best(count, most)
    curves = np.full((tasks, most), np.nan)
    for task in range(tasks):
        per_seed = [_curve(score, test, chance) for score, test in _seeds(found, task)]
        curves[task] = np.mean(per_seed, axis=0)
    return curves


def worth(curve: np.ndarray, reached: float) -> float:
    """Trainings (interpolated) at which a rising curve (most,) reaches a value; from 0 to its length.

    >>> worth(np.array([0.5, 0.7, 0.8]), 0.75)
    2.5
    """
    rising = np.maximum.accumulate(curve)
    if reached <= rising[0]:
        return float(reached >= rising[0])
    return float(np.interp(reached, rising, np.arange(1, len(rising) + 1)))


def held_out(known: Lessons, folds: int, seed: int) -> Iterator[np.ndarray]:
    """Masks of the tasks held out together, by origin; every task once."""
    origins = np.unique(known.origins)
    order = np.random.default_rng(seed).permutation(origins)
    for part in np.array_split(order, min(folds, len(order))):
        yield np.isin(known.origins, part)


def leave_tasks_out(
    known: Lessons, pickers: Mapping[str, Picker], *, folds: int, seeds: Sequence[int]
) -> Iterator[pd.DataFrame]:
    """What each picker picks from the pool for every task while it is held out, fold by fold.

    Yields:
        A row for each (method, seed, task): the position `picked` in the pool, and `spearman` of its
        preference with the true validation scores.
    """
    for seed in seeds:
        for out in held_out(known, folds, seed):
            rows = []
            for name, picker in pickers.items():
                preference = picker(known.take(~out), known.z[out], seed)
                rows += list(_judged(known, np.flatnonzero(out), preference, name, seed))
            yield pd.DataFrame(rows)


def recommended_points(
    space: MixtureSpace,
    known: Lessons,
    settings: EvaluatorSettings,
    ascent: AscentSettings,
    *,
    folds: int,
    seed: int,
) -> Iterator[tuple[int, Proposal]]:
    """(task, what is proposed for it by an evaluator that knows no relative of it), every task once."""
    for out in held_out(known, folds, seed):
        evaluator = fit_evaluator(space, known.take(~out), settings, seed=seed)
        for task in np.flatnonzero(out):
            yield int(task), propose(evaluator, known.z[task], ascent, seed=seed)


def true_scores(
    space: MixtureSpace, task: Task, points: np.ndarray, recipe: TrainingRecipe, seeds: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Validation and test score of points that are trained on a task, mean over seeds, (n,) each."""
    results = [
        train(space, points, prepare(task, seed, recipe), recipe, seed=seed, chunk_for=POOL) for seed in seeds
    ]
    return np.mean([r.score for r in results], axis=0), np.mean([r.test_score for r in results], axis=0)


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation of two columns; 0 where one is constant."""
    ranks = [pd.Series(column).rank().to_numpy() for column in (a, b)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def single_best(known: Lessons, z: np.ndarray, seed: int) -> np.ndarray:
    """The architecture that is best on average over the known tasks."""
    del seed
    return np.repeat(np.nanmean(known.target, axis=0)[None], len(z), axis=0)


def nearest_task(known: Lessons, z: np.ndarray, seed: int) -> np.ndarray:
    """What was best on the nearest known task."""
    del seed
    scaler = Scaler.fit(known.z)
    distance = np.mean((scaler(z)[:, None] - scaler(known.z)[None]) ** 2, axis=2)
    return known.target[distance.argmin(1)]


def random_choice(known: Lessons, z: np.ndarray, seed: int) -> np.ndarray:
    """Any architecture."""
    return np.random.default_rng(seed).random((len(z), len(known.u)))


def boosted(space: MixtureSpace) -> Picker:
    """A gradient-boosted evaluator on the same triplets: scikit-learn's HistGradientBoostingRegressor."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    def pick(known: Lessons, z: np.ndarray, seed: int) -> np.ndarray:
        scaler, u = Scaler.fit(known.z), architecture_features(space, known.u)
        tasks, places = np.nonzero(~np.isnan(known.target))
        rows = np.concatenate([scaler(known.z)[tasks], u[places]], axis=1)
        model = HistGradientBoostingRegressor(
            max_iter=300, learning_rate=0.05, max_features=0.3, random_state=seed
        )
        model.fit(rows, known.target[tasks, places])
        return np.stack(
            [model.predict(np.column_stack([np.repeat(row[None], len(u), 0), u])) for row in scaler(z)]
        )

    return pick


def learned(space: MixtureSpace, settings: EvaluatorSettings, caution: float) -> Picker:
    """Our evaluator: the mean of its members less caution times their deviation."""

    def pick(known: Lessons, z: np.ndarray, seed: int) -> np.ndarray:
        evaluator = fit_evaluator(space, known, settings, seed=seed)
        judged = [evaluator.predict(row, known.u) for row in z]
        return np.stack([mean - caution * deviation for mean, deviation in judged])

    return pick


def portfolio(known: Lessons, size: int) -> np.ndarray:
    """Positions of architectures chosen greedily so that the best of them does well everywhere, (size,)."""
    chosen: list[int] = []
    reached = np.full((len(known.names), 1), -np.inf)
    for _ in range(size):
        gain = np.nanmean(np.fmax(known.target, reached), axis=0)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        reached = np.fmax(reached, known.target[:, chosen[-1:]])
    return np.array(chosen)


def _judged(known: Lessons, tasks: np.ndarray, preference: np.ndarray, name: str, seed: int):
    for task, row in zip(tasks, preference, strict=True):
        there = ~np.isnan(known.score[task])
        yield {
            "method": name,
            "seed": seed,
            "task": known.names[task],
            "picked": int(np.where(there, row, -np.inf).argmax()),
            "spearman": spearman(row[there], known.score[task][there]),
        }


def _seeds(found: Trials, task: int):
    """Scores and test scores (A,) of each seed under which the whole pool was trained."""
    for seed in range(found.score.shape[2]):
        score, test = found.score[task, :, seed], found.test_score[task, :, seed]
        if not np.isnan(score).any():
            yield score, test


def _chance_of_best(count: int, most: int) -> np.ndarray:
    """Probability that rank i of `count` is the best of n drawn, (most, count)."""
    chance = np.zeros((most, count))
    for n in range(1, most + 1):
        left = 1.0
        for rank in range(count - n + 1):
            chance[n - 1, rank] = left * n / (count - rank)
            left -= chance[n - 1, rank]
    return chance


def _curve(score: np.ndarray, test: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Ties in the validation score are broken by chance: tied architectures share their mean test score."""
    order = np.argsort(-score, kind="stable")
    groups = pd.Series(test[order]).groupby(score[order]).transform("mean").to_numpy()
    return chance @ groups
