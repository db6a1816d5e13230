"""A network that proposes mutations, and learns from what came of the children.

It reads a parent (its choices, one-hot) and gives a number for every other option of every decision: the gain
in score that it expects of this mutation. A proposal is drawn from their softmax.

Source: US20220004879A1 proposes a child by a mutation network; that it predicts gains is this version's.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

HIDDEN, RATE, BATCH, MEMORY = 32, 0.01, 32, 512
TEMPERATURE = 0.5
"""Gains are in units of their own spread."""

CLIPPED = 2.0


class MutationNetwork:
    """One hidden layer in NumPy; Adam on the squared error of gains, with one batch of children for each.

    Args:
        counts: choices of each decision, D of them.
        rng: of first weights and batches.
    """

    def __init__(self, counts: Sequence[int], rng: np.random.Generator):
        self._starts = np.concatenate([[0], np.cumsum(counts)]).astype(int)
        total = int(self._starts[-1])
        self._rng, self._children = rng, deque[tuple[np.ndarray, int, float]](maxlen=MEMORY)
        self._params = [rng.normal(size=(total, HIDDEN)) / len(counts) ** 0.5, np.zeros((HIDDEN, total))]
        self._moments = [[np.zeros_like(each), np.zeros_like(each)] for each in self._params]
        self._steps, self._spread = 0, 0.0
        self._fixed = np.repeat(np.asarray(counts) < 2, counts)

    def propose(self, rng: np.random.Generator, point: Float[np.ndarray, " D"]) -> Float[np.ndarray, " D"]:
        """The point with one decision changed.

        Args:
            rng: of the draw.
            point: the parent.
        """
        chosen = self._places(point)
        gains = np.tanh(self._params[0][chosen].sum(0)) @ self._params[1] / TEMPERATURE
        gains[chosen] = gains[self._fixed] = -np.inf
        # The largest of sums with Gumbel draws is a draw from the softmax.
        return self._changed(point, int(np.argmax(gains + rng.gumbel(size=len(gains)))))

    def learn(self, parent: Float[np.ndarray, " D"], child: Float[np.ndarray, " D"], gain: float) -> None:
        """Take what came of a child.

        Args:
            parent, child: points that differ in one decision; others teach nothing.
            gain: score of the child less that of its parent; not finite where the child diverged.
        """
        changed = np.flatnonzero(parent != child)
        if len(changed) != 1:
            return
        if np.isfinite(gain):
            self._spread = 0.95 * self._spread + 0.05 * abs(gain) if self._spread else abs(gain)
        action = int(self._starts[changed[0]] + child[changed[0]])
        self._children.append((self._places(parent), action, float(gain)))
        if len(self._children) >= BATCH:
            self._step()

    def _step(self) -> None:
        rows = self._rng.integers(0, len(self._children), BATCH)
        places = np.stack([self._children[row][0] for row in rows])
        actions = np.array([self._children[row][1] for row in rows])
        gains = np.array([self._children[row][2] for row in rows])
        scaled = np.where(np.isfinite(gains), gains / (self._spread or 1.0), -CLIPPED)
        first, last = self._params
        hidden = np.tanh(first[places].sum(1))
        error = (hidden * last[:, actions].T).sum(1) - np.clip(scaled, -CLIPPED, CLIPPED)
        of_last = np.zeros_like(last)
        np.add.at(of_last.T, actions, error[:, None] * hidden / BATCH)
        back = error[:, None] * last[:, actions].T * (1 - hidden**2) / BATCH
        of_first = np.zeros_like(first)
        np.add.at(of_first, places.ravel(), np.repeat(back, places.shape[1], axis=0))
        self._steps += 1
        for param, (mean, square), gradient in zip(
            self._params, self._moments, (of_first, of_last), strict=True
        ):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            size = np.sqrt(square / (1 - 0.999**self._steps)) + 1e-8
            param -= RATE * (mean / (1 - 0.9**self._steps)) / size

    def _places(self, point: np.ndarray) -> np.ndarray:
        return self._starts[:-1] + point.astype(int)

    def _changed(self, point: np.ndarray, action: int) -> np.ndarray:
        place = int(np.searchsorted(self._starts, action, side="right")) - 1
        child = point.copy()
        child[place] = action - self._starts[place]
        return child
