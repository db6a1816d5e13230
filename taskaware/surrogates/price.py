"""What an architecture that was never trained scores below its prediction."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

FEWEST = 20
"""Architectures that a coefficient is learned from."""


class Price(NamedTuple):
    """Expected shortfall of what an ascent finds, beside the best known architecture, in warped score.

    An ascent looks for errors of the evaluator in its favour, so what it finds falls short of its prediction.
    The shortfall is larger far from the known architectures, and on tasks with few rows.

    Attributes:
        always: at any distance and on any task.
        by_distance: for a unit of distance beyond the usual gap between known architectures.
        by_rows: times one over the square root of the number of rows.
    """

    always: float
    by_distance: float
    by_rows: float

    @classmethod
    def fit(
        cls, gap: Float[np.ndarray, " n"], distance: Float[np.ndarray, " n"], rows: Float[np.ndarray, " n"]
    ) -> "Price":
        """Least squares with coefficients of 0 or more.

        Where few architectures are beyond the usual gap, that for the distance is the usual one.

        Args:
            gap: shortfall of n architectures.
            distance: of each beyond the usual gap between known ones.
            rows: of the task of each.
        """
        from scipy.optimize import nnls  # slow to import, and not needed by a recommendation

        if (distance > 0).sum() >= FEWEST:
            terms = np.stack([np.ones(len(gap)), distance, 1 / np.sqrt(rows)], axis=1)
            return cls(*map(float, nnls(terms, gap)[0]))
        always, by_rows = nnls(np.stack([np.ones(len(gap)), 1 / np.sqrt(rows)], axis=1), gap)[0]
        return cls(float(always), USUAL.by_distance, float(by_rows))

    def on(self, rows: float) -> float:
        """The part that does not depend on the distance, on a task with so many rows."""
        return self.always + self.by_rows / max(rows, 1.0) ** 0.5


USUAL = Price(0.7, 4.0, 0.0)
"""Of an evaluator that has learned no price, set by hand on tasks held out."""
