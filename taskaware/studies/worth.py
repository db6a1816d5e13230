"""The worth of a recommendation in trainings: how far a random search gets on the same task.

A recommendation is worth n trainings if a random search on the target has to train n architectures to reach
the same mean test score. The search picks by validation score.
"""

import dataclasses
import functools

import numpy as np

from taskaware.store import Experience
from taskaware.surrogates import TrainingData


@dataclasses.dataclass(frozen=True, eq=False)
class Trials:
    """Every training of the pool on every task, seed by seed; T tasks, A architectures, S seeds.

    Attributes:
        score, test_score: (T, A, S); NaN where not trained.
    """

    score: np.ndarray
    test_score: np.ndarray


def trials(experience: Experience, data: TrainingData) -> Trials:
    """The experience as tables, in the order of the training data; diverged ones have the worst score."""
    digests = [record.digest for record in experience.tasks]
    place = np.full(len(digests), -1)
    for row, digest in enumerate(data.digests):
        place[digests.index(digest)] = row
    seeds, seed = np.unique(experience.seed, return_inverse=True)
    shape = (len(data.names), len(data.u), len(seeds))
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

    Drawn without replacement from what was trained on the task, picked by the validation score of the seed
    that was trained; computed exactly, mean over the seeds that trained the most. Flat where all is drawn.
    """
    curves = np.full((len(found.score), most), np.nan)
    for task in range(len(found.score)):
        per_seed = [_curve(score, test, most) for score, test in _seeds(found, task)]
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


def _seeds(found: Trials, task: int):
    """Scores and test scores, (a,), of the architectures of each seed with the most trainings."""
    trained = ~np.isnan(found.score[task])
    for seed in np.flatnonzero(trained.sum(0) == trained.sum(0).max()):
        yield found.score[task, trained[:, seed], seed], found.test_score[task, trained[:, seed], seed]


@functools.lru_cache(maxsize=4)
def _chance_of_best(count: int, most: int) -> np.ndarray:
    """Probability that rank i of `count` is the best of n draws (of all, if n is larger), (most, count)."""
    chance = np.zeros((most, count))
    for row in range(most):
        n, left = min(row + 1, count), 1.0
        for rank in range(count - n + 1):
            chance[row, rank] = left * n / (count - rank)
            left -= chance[row, rank]
    return chance


def _curve(score: np.ndarray, test: np.ndarray, most: int) -> np.ndarray:
    """Ties in the validation score are broken by chance: tied architectures share their mean test score."""
    order = np.argsort(-score, kind="stable")
    _, tie = np.unique(score[order], return_inverse=True)
    own = test[order]
    there = ~np.isnan(own)
    with np.errstate(invalid="ignore"):
        means = np.bincount(tie, np.where(there, own, 0.0)) / np.bincount(tie, there)
    return _chance_of_best(len(score), most) @ means[tie]
