"""The record of one attempt at training several networks, and the best weights of each."""

import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
import pandas as pd


class Evaluation(NamedTuple):
    """One evaluation of a training that is under way.

    Attributes:
        steps: that the training takes, as far as is known now.
        step: after which it was made.
        seconds: since the beginning.
        score, loss: on validation rows, means over the networks.
    """

    steps: int
    step: int
    seconds: float
    score: float
    loss: float


class Run:
    """The record of one attempt with M members.

    Attributes:
        params: the best weights of each member, (M, ...); None if a loss was NaN before there were any.
        by_loss: whether the smallest loss chooses the best weights, instead of the best score: where offsets
            of the classes are chosen afterwards.
        logits: at the best weights of each member, on its validation rows, (M, n, K); None in regression.
        best: what chooses, at the best weights: validation scores, or minus the losses, (M,).
        since: evaluation of the last improvement of each, (M,).
        records: of each evaluation: step, seconds, and score and loss, means over the members.
        diverged: whether a loss turned NaN.
    """

    def __init__(self, members: int, by_loss: bool = False):
        self.by_loss = by_loss
        self.params: dict | None = None
        self.logits: np.ndarray | None = None
        self.records: list[tuple[int, float, float, float]] = []
        self.diverged = False
        self.best, self.since = np.full(members, -np.inf), np.zeros(members, int)
        self._began = time.perf_counter()

    def add(
        self,
        step: int,
        params: Callable[[], dict],
        scores: np.ndarray,
        losses: np.ndarray,
        logits: np.ndarray | None = None,
    ) -> None:
        """Record an evaluation of all members.

        A later evaluation with an equal score replaces the weights, because its learning rate was lower.

        Args:
            step: of the evaluation.
            params: () → weights of the members, (M, ...); asked only where one of them is better.
            scores, losses: on the validation rows, (M,).
            logits: of the validation rows, (M, n, K); None in regression.
        """
        if not np.isfinite(losses).all():
            self.diverged = True
            return
        scores = np.where(np.isnan(scores), -np.inf, scores)
        worth = -losses if self.by_loss else scores
        if (worth >= self.best).any():
            now = (params(), logits)
            kept = None if self.params is None else (self.params, self.logits)
            self.params, self.logits = _better(worth >= self.best, now, kept)
        self.since = np.where(worth > self.best, len(self.records), self.since)
        self.best = np.maximum(self.best, worth)
        seconds = time.perf_counter() - self._began
        self.records.append((step, seconds, float(scores.mean()), float(losses.mean())))

    @property
    def age(self) -> int:
        """Number of evaluations since the last improvement of any member."""
        return len(self.records) - 1 - int(self.since.max())

    @property
    def history(self) -> pd.DataFrame:
        return pd.DataFrame(self.records, columns=["step", "seconds", "score", "loss"])


def _better(better: np.ndarray, now: tuple, kept: tuple | None) -> tuple:
    """What members (M, ...) have that are better now, and what was kept of the others."""
    if kept is None:
        return now
    return jax.tree.map(lambda a, b: np.where(better.reshape(-1, *[1] * (a.ndim - 1)), a, b), now, kept)
