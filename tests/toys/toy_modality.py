"""Bags of numbers as a modality of one's own: each row is a list of floats of any length."""

import dataclasses
import functools
import hashlib
from collections.abc import Mapping

import numpy as np

from taskaware.errors import CheckpointError, UserError
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.modality import Modality
from taskaware.tasks.data import content_digest
from taskaware.tasks.making import apart, task_of

NAMES = ("count", "mean", "spread")


@dataclasses.dataclass(frozen=True, eq=False)
class Bags:
    """N bags; the order of the numbers in a bag says nothing."""

    bags: tuple[np.ndarray, ...]

    @property
    def rows(self) -> int:
        return len(self.bags)

    @functools.cached_property
    def row_hashes(self) -> np.ndarray:
        words = [hashlib.sha256(bag.tobytes()).digest()[:8] for bag in self.bags]
        return np.frombuffer(b"".join(words), np.uint64)

    @property
    def digest(self) -> str:
        return content_digest("bags", self.row_hashes)

    def take(self, rows: np.ndarray) -> "Bags":
        return Bags(tuple(self.bags[row] for row in np.arange(self.rows)[rows]))

    @functools.cached_property
    def statistics(self) -> np.ndarray:
        """Count, mean and spread of each bag, (N, 3)."""
        return np.array([[len(bag), bag.mean(), bag.std()] for bag in self.bags])


@dataclasses.dataclass(frozen=True)
class BagReader:
    """How bags are read; there is nothing to remember."""

    names = NAMES

    def read(self, rows, target_name="") -> Bags:
        bags = tuple(np.sort(np.asarray(bag, float)) for bag in rows)
        for row, bag in enumerate(bags):
            if bag.ndim != 1 or not len(bag) or not np.isfinite(bag).all():
                raise UserError(f"Bag {row} is empty, or holds what is no finite number. Drop it.")
        return Bags(bags)

    def to_dict(self) -> dict:
        return {"reads": "bags"}


@dataclasses.dataclass(frozen=True, eq=False)
class BagBlocks(Blocks):
    """The standardised statistics, and their sines: two of the space's embeddings."""

    mean: np.ndarray
    std: np.ndarray

    @property
    def widths(self) -> Mapping[str, int]:
        return {"standardised": len(NAMES), "periodic": len(NAMES)}

    def transform(self, data, rows=None) -> Mapping[str, np.ndarray]:
        found = data.statistics if rows is None else data.statistics[rows]
        scaled = np.clip((found - self.mean) / self.std, -10, 10).astype(np.float32)
        return {"standardised": scaled, "periodic": np.sin(scaled)}

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"mean": self.mean, "std": self.std}


class BagsOfNumbers(Modality):
    """Lists of lists of numbers that differ in length."""

    name = "bags"

    def accepts(self, source) -> bool:
        return isinstance(source, list) and all(isinstance(bag, list | np.ndarray) for bag in source)

    def read(self, source, target=None, *, problem=None, name=None, metric=None):
        bags, values = apart(source, target)
        reader = BagReader()
        about = {"problem": problem, "name": name, "metric": metric}
        return task_of(reader.read(bags), values, modality=self.name, reader=reader, **about)

    def fit_blocks(self, data, rows) -> BagBlocks:
        found = data.statistics[rows]
        return BagBlocks(found.mean(0), np.maximum(found.std(0), 1e-9))

    def blocks_from(self, arrays) -> BagBlocks:
        return BagBlocks(arrays["mean"], arrays["std"])

    def reader_from(self, plain) -> BagReader:
        if plain != {"reads": "bags"}:
            raise CheckpointError(f"This is no reader of bags: {plain}.")
        return BagReader()


BAGS = BagsOfNumbers()
