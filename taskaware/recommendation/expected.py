"""The expected score of an architecture: bounded by a constant's score, led by cheap models on the dataset.

A score is read as a share of the way from the constant's score to 1. The logit of this share is a linear
function of how far cheap models get on the dataset (the landmarks among its meta-features), of the
evaluator's predictions and of the size of the table. So is the logarithm of its error. The few coefficients
were learned on the known tasks, `benchmarks/expected_score.py` fits them and reports how good they are.
"""

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import NamedTuple, cast

import numpy as np
from jaxtyping import Float

from taskaware.embeddings import TABLE_EMBEDDINGS
from taskaware.modalities.tables.metafeatures import NAMES
from taskaware.surrogates import Evaluator, TaskQuery
from taskaware.surrogates.level import TaskScale

INTERVAL_80 = 1.2816
"""Standard deviations on both sides of the mean that hold 80 % of a normal distribution."""
LANDMARKS = tuple(name for name in NAMES if name.startswith("landmark_"))
MARGIN = 0.02
"""Keeps logits and logarithms finite: shares are read as if they were this far from 0 and 1."""
LEAST_ERROR = 1e-4
FILE = "expected.json"

_PLACE = {name: place for place, name in enumerate(NAMES)}


class Signs(NamedTuple):
    """What is read of a task and n of its architectures.

    Attributes:
        constant: score of the best constant prediction; (n,) where the rows are of several tasks.
        score: terms of the logit of the score's share of the way from the constant to 1, by name, (n,) each.
        error: terms of the logarithm of the error; those of the share itself join them, (n,) each.
    """

    constant: float | np.ndarray
    score: Mapping[str, np.ndarray]
    error: Mapping[str, np.ndarray]


def expected(
    evaluator: Evaluator,
    query: TaskQuery,
    mean: Float[np.ndarray, " n"],
    deviation: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Expected validation scores of architectures on a task, and one standard deviation of each.

    Scores lie above what the best constant prediction reaches (accuracy: the share of the most frequent
    class; R²: 0) and below 1; they are in the order of `mean`.

    Args:
        evaluator: predicts the scale of the task's scores.
        query: the task, with its problem and meta-features.
        mean, deviation: predicted normalised scores.

    Raises:
        UserError: the evaluator or the query does not say on which scale the task is scored.
    """
    scale = evaluator.scale(query)
    if scale is None:
        return evaluator.posterior(query).in_metric_units(mean, deviation)
    z = cast(np.ndarray, query.z)
    if not is_table(query):
        score, error = evaluator.posterior(query).in_metric_units(mean, deviation)
        return np.maximum(score, constant_score(z)), error
    weights = coefficients()[cast(str, query.problem)]
    return apply(weights, signs(z, scale, np.asarray(mean), np.asarray(deviation)))


class Measured(NamedTuple):
    """Scores that were measured on the dataset itself, in the experience.

    Attributes:
        score, error: of each known architecture, and the standard error of it, (A,); NaN where not trained.
        points: the known architectures, (A, D) float32.
    """

    score: np.ndarray
    error: np.ndarray
    points: np.ndarray

    @classmethod
    def of(cls, evaluator: Evaluator, digest: str) -> "Measured | None":
        """The scores of the known task with this content; None if it is none."""
        data = evaluator.training_data
        if digest not in data.digests:
            return None
        place = data.digests.index(digest)
        score = data.score[place].astype(float)
        error = np.full(len(score), max(float(data.noise[place]), LEAST_ERROR))
        return cls(score, error, data.u.astype(np.float32))

    def places(self, points: Float[np.ndarray, "n D"]) -> np.ndarray:
        """Position of each point among the measured architectures, (n,); -1 where it was not trained."""
        rows = enumerate(self.points)
        known = {point.tobytes(): place for place, point in rows if not np.isnan(self.score[place])}
        return np.array([known.get(point.tobytes(), -1) for point in points.astype(np.float32)], int)


def corrected(
    measured: Measured, places: np.ndarray, score: np.ndarray, error: np.ndarray, *, constant: float
) -> tuple[np.ndarray, np.ndarray]:
    """Measured scores in the place of expected ones; the others move by as much as those were wrong.

    Args:
        measured: on this dataset.
        places: of each architecture among the measured ones, -1 where it was not trained, (n,).
        score, error: expected, (n,).
        constant: score of the best constant prediction, which no expected score falls below.

    Returns:
        Scores and errors, (n,) each. The order of the expected ones among themselves stays.
    """
    there = places >= 0
    if not there.any():
        return score, error
    off = measured.score[places[there]] - score[there]
    usual, shift = np.median(score[there]), np.median(off)
    end, room = (1.0, 1.0 - usual) if shift > 0 else (constant, usual - constant)
    moved = score + (end - score) * min(abs(shift) / max(room, LEAST_ERROR), 1.0)
    spread = np.minimum(error, max(float(np.std(off)), LEAST_ERROR))
    return np.where(there, measured.score[places], moved), np.where(there, measured.error[places], spread)


def apply(weights: Mapping[str, Mapping[str, float]], found: Signs) -> tuple[np.ndarray, np.ndarray]:
    """Scores and errors of architectures from their signs, (n,) each.

    Args:
        weights: coefficients of one problem, `score` and `error`, by the names of the terms.
        found: what was read.
    """
    share = 1 / (1 + np.exp(-_sum(weights["score"], found.score)))
    error = np.exp(_sum(weights["error"], {**found.error, **of_share(share)}))
    return found.constant + (1 - found.constant) * share, error + LEAST_ERROR


def constant_score(z: Float[np.ndarray, " M"]) -> float:
    """Score of the best constant prediction: the share of the most frequent class; R² 0 for numbers.

    Args:
        z: meta-features of the task.
    """
    share = float(z[_PLACE["class_share_max"]]) if z[_PLACE["is_classification"]] else 0.0
    return min(max(share, 0.0), 1.0)


def signs(
    z: Float[np.ndarray, " M"],
    scale: TaskScale,
    mean: Float[np.ndarray, " n"],
    deviation: Float[np.ndarray, " n"],
) -> Signs:
    """The terms of the expected score.

    Args:
        z: meta-features of the task.
        scale: of its scores, as the evaluator predicts it.
        mean, deviation: predicted normalised scores of architectures.
    """
    gains = {name: float(z[_PLACE[name]]) for name in LANDMARKS}
    constant = constant_score(z)
    room = max(1 - constant, 1e-3)
    best, level = logit(max(gains.values())), logit((scale.top - constant) / room)
    rows = float(z[_PLACE["log_rows"]])
    curved = [gains[f"landmark_{name}"] for name in ("linear", "quadratic", "smooth")]
    of_task = {
        "constant": 1.0,
        "best_landmark": best,
        "neighbour": logit(gains["landmark_neighbour"]),
        "linear": logit(gains["landmark_linear"]),
        "smooth": logit(gains["landmark_smooth"]),
        "level": level,
        "log_rows": rows,
        "best_landmark_by_rows": best * rows,
        "log_classes": float(z[_PLACE["log_classes"]]),
        "majority": logit(constant),
    }
    of_error = {
        "constant": 1.0,
        "log_rows": rows,
        "disagreement": abs(level - best),
        "landmarks_differ": float(np.ptp(curved)),
        "log_room": float(np.log(1 - constant + MARGIN)),
    }
    score = {name: np.full(len(mean), value) for name, value in of_task.items()}
    error = {name: np.full(len(mean), value) for name, value in of_error.items()}
    score |= {"mean": mean, "mean_by_spread": mean * np.clip(scale.spread / room, 0, 2)}
    return Signs(constant, score, error | {"deviation": deviation})


def of_share(share: Float[np.ndarray, " n"]) -> dict[str, np.ndarray]:
    """The term of the error that the predicted share itself gives: errors are small near both ends."""
    return {"log_open": np.log(share * (1 - share) + MARGIN)}


def logit(share: float) -> float:
    """Log odds of a share, cut to [0, 1] and drawn MARGIN away from both ends.

    >>> logit(0.5), round(logit(-1.0), 2)
    (0.0, -3.93)
    """
    drawn = (min(max(share, 0.0), 1.0) + MARGIN) / (1 + 2 * MARGIN)
    return float(np.log(drawn / (1 - drawn)))


def is_table(query: TaskQuery) -> bool:
    """Whether a task has the embeddings of tables alone."""
    return set(query.present or ()) <= {name for group in TABLE_EMBEDDINGS for name in group}


@functools.cache
def coefficients() -> dict[str, dict[str, dict[str, float]]]:
    """The shipped coefficients: problem → "score" or "error" → term → number."""
    text = (resources.files("taskaware.shipped") / FILE).read_text(encoding="utf-8")
    return json.loads(text)["coefficients"]


def _sum(weights: Mapping[str, float], terms: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.sum([weights[name] * terms[name] for name in weights], axis=0)
