"""The feature blocks of texts, fitted to training rows."""

import dataclasses
import functools
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from taskaware.modalities.blocks import Blocks
from taskaware.modalities.cache import FITS
from taskaware.modalities.texts.bag import Bag
from taskaware.modalities.texts.counts import Found
from taskaware.modalities.texts.ngrams import Ngrams
from taskaware.modalities.texts.saved import checked
from taskaware.modalities.texts.sources import (
    COUNTS,
    SOURCES,
    Source,
    computed_once,
    optional_sources,
    source_of,
)
from taskaware.modalities.texts.vectors import Means, Projected
from taskaware.saved import content_digest
from taskaware.tasks.data import Data, Listed

Part = Ngrams | Bag | Means | Projected

COUNTED = {"word_ngrams": "grams", "character_ngrams": "pieces", "token_bag": "words"}
"""Blocks that need no vectors, and the counts that each is computed from."""

KINDS: dict[str, type[Part]] = {
    "word_ngrams": Ngrams,
    "character_ngrams": Ngrams,
    "token_bag": Bag,
    "word_vectors": Means,
    "static_vectors": Means,
    "sentence_vectors": Projected,
    "language_model": Projected,
}

MOST_FITTED = 50_000
"""Training rows that are learned from at most."""

ROWS_AT_ONCE = 16_384

_ONE_THREAD = threading.RLock()


@dataclasses.dataclass(frozen=True, eq=False)
class TextBlocks(Blocks):
    """Fitted blocks.

    Attributes:
        parts: by the name of the block.
    """

    parts: Mapping[str, Part]

    @property
    def widths(self) -> Mapping[str, int]:
        return {name: part.width for name, part in self.parts.items()}

    @property
    def active(self) -> Mapping[str, int]:
        return {
            name: part.active if isinstance(part, Bag) else part.width for name, part in self.parts.items()
        }

    def transform(self, data: Data, rows: np.ndarray | None = None) -> Mapping[str, np.ndarray]:
        """The blocks of these rows; see `Blocks.transform`.

        Raises:
            UserError: vectors that the blocks were fitted with are not to be had here.
        """
        rows = np.arange(data.rows) if rows is None else np.arange(data.rows)[rows]
        parts = [
            computed_once(f"blocks {self.digest}", data, rows[first : first + ROWS_AT_ONCE], self._computed)
            for first in range(0, max(len(rows), 1), ROWS_AT_ONCE)
        ]
        return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in self.parts}

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {
            f"{name}.{field.name}": getattr(part, field.name)
            for name, part in self.parts.items()
            for field in dataclasses.fields(part)
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "TextBlocks":
        """The blocks that `to_arrays` wrote.

        Raises:
            ValueError: an array is missing, of another shape, or holds what no fit gives.
        """
        return cls({name: KINDS[name](**found) for name, found in checked(arrays, KINDS).items()})

    @functools.cached_property
    def digest(self) -> str:
        """64 hex digits that name what was learned."""
        return content_digest("text blocks", self.to_arrays())

    def _computed(self, texts: Sequence[str]) -> Found:
        data = Listed("text", tuple(texts))
        return {name: _transformed(name, part, data) for name, part in self.parts.items()}


def _transformed(name: str, part: Part, data: Data) -> np.ndarray:
    source = COUNTS if name in COUNTED else source_of(name, fitted_with=str(cast(Any, part).source))
    found = source.rows(data, np.arange(data.rows))
    if isinstance(part, Means):
        words, extremes = cast(Any, found["words"]), cast(Any, found.get("extremes"))
        return part.transform(words, cast(np.ndarray, source.vectors), extremes)
    return part.transform(cast(Any, found[COUNTED.get(name, "vectors")]))


class Training(NamedTuple):
    """What blocks are fitted to: rows of data, in the order of their hashes."""

    data: Data
    rows: np.ndarray

    def of(self, source: Source) -> Found:
        return source.rows(self.data, self.rows)


def fit(data: Data, rows: np.ndarray) -> TextBlocks:
    """Blocks learned from these rows alone (indices, at least one)."""
    rows = np.arange(data.rows)[rows]
    order = np.argsort(data.row_hashes[rows], kind="stable")[:MOST_FITTED]
    training, optional = Training(data, rows[order]), optional_sources()
    hashes = data.row_hashes[training.rows]
    key = "text", hashes.tobytes(), *(source.name for source in optional.values())
    return FITS.get(key, lambda: _fitted(training, optional))


def _fitted(training: Training, optional: Mapping[str, Source]) -> TextBlocks:
    from threadpoolctl import threadpool_limits

    # With one thread the sums are the same on every machine; the matrices are small.
    with _ONE_THREAD, threadpool_limits(1, user_api="blas"):
        counts = training.of(COUNTS)
        parts: dict[str, Part] = {
            name: cast(Any, KINDS[name]).fit(counts[what]) for name, what in COUNTED.items()
        }
        for name, source in optional.items():
            parts[name] = _fitted_vectors(KINDS[name], source, training.of(source))
    for part in parts.values():
        for field in dataclasses.fields(part):
            getattr(part, field.name).setflags(write=False)
    return TextBlocks({name: parts[name] for name in (*COUNTED, *SOURCES) if name in parts})


def _fitted_vectors(kind: type[Part], source: Source, found: Found) -> Part:
    if kind is Projected:
        return Projected.fit(np.asarray(found["vectors"]), source.name)
    words, beside = cast(Any, found["words"]), cast(Any, found.get("extremes"))
    return Means.fit(words, cast(np.ndarray, source.vectors), beside=beside, source=source.name)
