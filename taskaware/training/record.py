"""The record of a training: the best weights so far, scores, and the time that is left."""

import sys
import time

import jax
import numpy as np
import pandas as pd

LONG = 60.0
"""Seconds; a training that will take more says so where there is no bar to tell it."""


class Run:
    """The record of one attempt with M members.

    Attributes:
        params: the best weights of each member, (M, ...); None if a loss was NaN before there were any.
        best: their validation scores, (M,).
        since: evaluation of the last improvement of each, (M,).
        records: of each evaluation: step, seconds, and score and loss, means over the members.
        diverged: whether a loss turned NaN.
    """

    def __init__(self, members: int):
        self.params: dict | None = None
        self.records: list[tuple[int, float, float, float]] = []
        self.diverged = False
        self.best, self.since = np.full(members, -np.inf), np.zeros(members, int)
        self._began = time.perf_counter()

    def add(self, step: int, params: dict, scores: np.ndarray, losses: np.ndarray) -> None:
        """Record an evaluation of all members.

        A later evaluation with an equal score replaces the weights, because its learning rate was lower.

        Args:
            step: of the evaluation.
            params: weights of the members, (M, ...).
            scores, losses: on the validation rows, (M,).
        """
        if not np.isfinite(losses).all():
            self.diverged = True
            return
        scores = np.where(np.isnan(scores), -np.inf, scores)
        if (scores >= self.best).any():
            self.params = _better(scores >= self.best, jax.device_get(params), self.params)
        self.since = np.where(scores > self.best, len(self.records), self.since)
        self.best = np.maximum(self.best, scores)
        seconds = time.perf_counter() - self._began
        self.records.append((step, seconds, float(scores.mean()), float(losses.mean())))

    @property
    def age(self) -> int:
        """Number of evaluations since the last improvement of any member."""
        return len(self.records) - 1 - int(self.since.max())

    @property
    def history(self) -> pd.DataFrame:
        return pd.DataFrame(self.records, columns=["step", "seconds", "score", "loss"])


def tell_time(records: list[tuple[int, float, float, float]], steps: int) -> None:
    """Say how long a training may take, if that is long, by the time between its first two evaluations."""
    (step, before, *_), (_, now, *_) = records
    left = (now - before) * (steps - 2 * step) / step
    if left > LONG:
        print(
            f"Training takes up to {left / 60:.0f} minutes more; it ends earlier if the score stops rising.",
            file=sys.stderr,
        )


def _better(better: np.ndarray, now: dict, kept: dict | None) -> dict:
    """The weights of members (M, ...) that are better now, and what was kept of the others."""
    if kept is None:
        return now
    return jax.tree.map(lambda a, b: np.where(better.reshape(-1, *[1] * (a.ndim - 1)), a, b), now, kept)
