"""Results of training candidates."""

from typing import NamedTuple

import numpy as np

from taskaware.training.recipe import TrainingRecipe


class _Columns(NamedTuple):
    score: np.ndarray
    test_score: np.ndarray
    loss: np.ndarray
    curve: np.ndarray
    seconds: np.ndarray
    default_score: np.ndarray


class Trained(_Columns):
    """Results of n candidates, in the order of the candidates.

    Attributes:
        score: validation score by the chosen metric, larger is better; -inf for a diverged
            candidate (one that turned NaN), (n,).
        test_score: score on the test part after the last step; -inf for a diverged one, (n,).
        loss: validation loss after the last step, (n,).
        curve: validation score at each evaluation, (n, evaluations).
        seconds: wall-clock time of a candidate, its share of the chunk, without compilation, (n,).
        default_score: as `score`, by the default metric of the task's problem, so that tasks can be compared,
            (n,); `score` itself if not given.
    """

    __slots__ = ()

    def __new__(cls, score, test_score, loss, curve, seconds, default_score=None):
        default_score = score if default_score is None else default_score
        return super().__new__(cls, score, test_score, loss, curve, seconds, default_score)


def summary(
    recipe: TrainingRecipe, curves: np.ndarray, test: np.ndarray, loss: np.ndarray, seconds: float
) -> Trained:
    """The results of n candidates.

    Args:
        recipe: how a curve is reduced to a score.
        curves: validation scores at each evaluation, (n, evaluations, m): by the chosen metric and,
            if it is another one, by the default metric.
        test: scores on the test part, (n, m).
        loss: validation loss, (n,).
        seconds: of one candidate.
    """
    reduce = np.mean if recipe.score_reduction == "mean" else np.max
    scores = reduce(curves[:, -recipe.score_last :], axis=1)
    diverged = ~np.isfinite(scores).all(1)
    scores, test = (np.where(diverged[:, None], -np.inf, each) for each in (scores, test))
    return Trained(scores[:, 0], test[:, 0], loss, curves[..., 0], np.full(len(loss), seconds), scores[:, -1])


def joined(parts: list[tuple[np.ndarray, Trained]]) -> Trained:
    """Results of parts of the candidates, (places, results of those), in the order of the places."""
    order = np.argsort(np.concatenate([places for places, _ in parts]))
    return Trained(*(np.concatenate(column)[order] for column in zip(*(t for _, t in parts), strict=True)))
