"""Frames of many clips under one another, and what is computed of each clip's own."""

import dataclasses
import functools

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Ragged:
    """F frames of N clips; a clip's frames lie under one another, in the order of time.

    Attributes:
        values: (F, D) float64.
        counts: frames of each clip, (N,), 1 or more; they add up to F.
    """

    values: np.ndarray
    counts: np.ndarray

    @functools.cached_property
    def starts(self) -> np.ndarray:
        """First frame of each clip, (N,)."""
        return np.cumsum(self.counts) - self.counts

    @functools.cached_property
    def places(self) -> np.ndarray:
        """Place of each frame in its clip, (F,)."""
        return np.arange(len(self.values)) - np.repeat(self.starts, self.counts)

    def of(self, values: np.ndarray) -> "Ragged":
        """Other values of the same frames."""
        again = Ragged(values, self.counts)
        again.__dict__.update(starts=self.starts, places=self.places)
        return again

    @functools.cached_property
    def mean(self) -> np.ndarray:
        """Mean over each clip's frames, (N, D)."""
        return np.add.reduceat(self.values, self.starts) / self.counts[:, None]

    @property
    def std(self) -> np.ndarray:
        """Standard deviation over each clip's frames, (N, D)."""
        centred = self.values - np.repeat(self.mean, self.counts, axis=0)
        return np.sqrt(np.add.reduceat(centred**2, self.starts) / self.counts[:, None])

    @property
    def largest(self) -> np.ndarray:
        """Largest value of each clip's frames, (N, D)."""
        return np.maximum.reduceat(self.values, self.starts)

    def neighbours(self, distance: int, frames: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Places in `values` of the frames that lie that far on, or the clip's first or last one.

        Args:
            distance: in frames; negative ones lie before.
            frames: of which the neighbours are asked for; all by default.
        """
        last = np.repeat(self.counts - 1, self.counts)[frames]
        places = self.places[frames]
        moved = np.clip(places + distance, 0, last)
        return np.arange(len(self.values))[frames] + moved - places

    @functools.cached_property
    def delta(self) -> "Ragged":
        """Slope over five frames, per frame (Furui 1986)."""
        near = self.values[self.neighbours(1)] - self.values[self.neighbours(-1)]
        far = self.values[self.neighbours(2)] - self.values[self.neighbours(-2)]
        return self.of((near + 2 * far) / 10)

    def parts(self, parts: int) -> np.ndarray:
        """Means over equal parts of each clip's time, (N, parts, D); a frame may belong to two parts."""
        sums = np.concatenate([np.zeros((1, self.values.shape[1])), np.cumsum(self.values, axis=0)])
        edges = self.counts[:, None] * np.arange(parts + 1) / parts
        whole = np.minimum(edges.astype(int), self.counts[:, None] - 1)
        places = self.starts[:, None] + whole
        reached = sums[places] + (edges - whole)[..., None] * self.values[places]
        return np.diff(reached, axis=1) * (parts / self.counts)[:, None, None]

    def quantiles(self, levels: tuple[float, ...]) -> np.ndarray:
        """Quantiles over each clip's frames, (N, levels, D), interpolated as `np.quantile` does."""
        padded = np.full((len(self.counts), self.counts.max(), self.values.shape[1]), np.inf)
        padded[np.repeat(np.arange(len(self.counts)), self.counts), self.places] = self.values
        padded.sort(axis=1)
        wanted = (self.counts[:, None] - 1) * np.array(levels)
        below = np.floor(wanted).astype(int)
        above = np.minimum(below + 1, self.counts[:, None] - 1)
        rows = np.arange(len(self.counts))[:, None]
        low, high = padded[rows, below], padded[rows, above]
        return low + (wanted - below)[..., None] * (high - low)

    def at_most(self, frames: int) -> "Ragged":
        """The same clips, with means over equal parts where a clip has more frames than this."""
        long = np.flatnonzero(self.counts > frames)
        if not len(long):
            return self
        kept = np.repeat(self.counts <= frames, self.counts)
        counts = np.minimum(self.counts, frames)
        shorter = np.empty((counts.sum(), self.values.shape[1]))
        is_long = np.repeat(self.counts > frames, counts)
        shorter[~is_long] = self.values[kept]
        chosen = Ragged(self.values[~kept], self.counts[long])
        shorter[is_long] = chosen.parts(frames).reshape(-1, self.values.shape[1])
        return Ragged(shorter, counts)
