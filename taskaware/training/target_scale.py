"""How the numbers of a regression target are standardised, and scored in float32 on the device."""

from typing import cast

import numpy as np

from taskaware.errors import UserError
from taskaware.tasks.metrics import Metric
from taskaware.tasks.scale import mean_and_std, restored, standardised
from taskaware.tasks.task import Task

MOST_SCALE = 1e30
"""Largest standard deviation of a target that scores on the device are multiplied by."""

Scale = float | tuple[float, ...]
"""A number of a target, or of each of several outputs."""


def target_scale(task: Task, train: np.ndarray) -> tuple[Scale, Scale]:
    """Mean and standard deviation of the target of training rows; 0 and 1 in classification.

    Args:
        task: N rows.
        train: answers of the training rows, (n,) or (n, K).

    Raises:
        UserError: one of several outputs is too large or too small to be scored beside others.
    """
    if task.problem in ("classification", "multilabel"):
        return 0.0, 1.0
    if task.several is None:
        return mean_and_std(train)
    means, stds = zip(*map(mean_and_std, train.T), strict=True)
    for name, std in zip(task.several.names, stds, strict=True):
        if device_scale(std) != std:
            raise UserError(
                f"Target '{name}' has a standard deviation of {std:g}. Among several targets, "
                f"{1 / MOST_SCALE:g} to {MOST_SCALE:g} can be scored: write it in another unit."
            )
    return means, stds


def in_standard_units(y: np.ndarray, mean: Scale, std: Scale) -> np.ndarray:
    """The answers in standard units, each output by itself; 0 and 1 as they are.

    Args:
        y: answers, (n,) or (n, K).
        mean, std: of `target_scale`.
    """
    if isinstance(mean, tuple) and isinstance(std, tuple):
        return np.stack([standardised(*each) for each in zip(y.T, mean, std, strict=True)], axis=1)
    return standardised(y, cast(float, mean), cast(float, std)) if y.ndim == 1 else y


def in_own_units(outputs: np.ndarray, mean: Scale, std: Scale) -> np.ndarray:
    """Standardised outputs of rows in the target's own units, (n, 1) or (n, K) float64.

    Args:
        outputs: of a regression, (n, 1) or (n, K).
        mean, std: of `target_scale`.
    """
    means, stds = (each if isinstance(each, tuple) else (each,) for each in (mean, std))
    return np.stack([restored(*each) for each in zip(outputs.T, means, stds, strict=True)], axis=1)


def device_scale(std: float) -> float:
    """The standard deviation of a target as float32 holds it: cut where scores would overflow or vanish.

    >>> device_scale(2.5), device_scale(1e200)
    (2.5, 1e+30)
    """
    return min(max(std, 1 / MOST_SCALE), MOST_SCALE)


def score_unit(metric: Metric, std: Scale) -> float:
    """What scores are multiplied by where the device cannot hold the target's standard deviation.

    Args:
        metric: of the scores.
        std: standard deviation of the target.
    """
    # Of several outputs, `prepare` takes no others.
    if isinstance(std, tuple) or device_scale(std) == std or metric.reads != "values":
        return 1.0
    truth, predicted = np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.5, 2.0])
    grows = metric.on_host(2 * truth, 2 * predicted) == 2 * metric.on_host(truth, predicted)
    return std / device_scale(std) if grows else 1.0
