"""Counts of a few letters as a kind of data with one value in each row."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from taskaware.errors import UserError
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.single import Parsed, Single
from taskaware.tasks.data import Listed

LETTERS = tuple("abcdefgh")


@dataclasses.dataclass(frozen=True, eq=False)
class Counts(Blocks):
    """How often each letter stands alone, less the mean of the training rows."""

    mean: np.ndarray

    @property
    def widths(self) -> Mapping[str, int]:
        return {"word_ngrams": len(LETTERS)}

    def transform(self, data, rows=None) -> Mapping[str, np.ndarray]:
        return {"word_ngrams": (counted(data, rows) - self.mean).astype(np.float32)}

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"mean": self.mean}


class Words(Single):
    """Strings of single letters with spaces between them."""

    name = "words"
    embeddings = ("word_ngrams",)

    def accepts(self, source) -> bool:
        return isinstance(source, list) and self.holds(source)

    def holds(self, values: Sequence) -> bool:
        return all(isinstance(value, str) and " " in value for value in values)

    def parse(self, values: Sequence, *, column: str, **options) -> Parsed:
        for row, value in enumerate(values):
            if not isinstance(value, str):
                raise UserError(f"Row {row} of '{column}' is no string. Replace it.")
        return Parsed(Listed(self.name, tuple(values)), ("Letters are counted.",))

    def fit_blocks(self, data, rows) -> Counts:
        return Counts(counted(data, rows).mean(0))

    def blocks_from(self, arrays) -> Counts:
        if arrays["mean"].shape != (len(LETTERS),):
            raise ValueError("the counts are of other letters")
        return Counts(arrays["mean"])


def counted(data, rows=None) -> np.ndarray:
    """Counts of each letter, (n, letters)."""
    texts = data.values if rows is None else [data.values[row] for row in rows]
    return np.array([[text.split().count(letter) for letter in LETTERS] for text in texts], float)


WORDS = Words()
