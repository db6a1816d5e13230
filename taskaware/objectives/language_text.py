"""Text as tokens, and tokens as windows of streams: what models of language read."""

import collections
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from taskaware.children.recurrent.language import Size
from taskaware.errors import UserError, unknown

METRIC_OF = {"word": "perplexity", "character": "bits_per_character"}
"""What a text is cut into → the metric of the scores, which are its negatives: larger is better."""

UNKNOWN, END = "<unk>", "<eos>"
PARTS = ("train", "valid", "test")


@dataclasses.dataclass(frozen=True)
class LanguageSettings:
    """How a model of language is built and trained."""

    # What the text is cut into: "word" or "character".
    by: str = "word"
    # Tokens that have an embedding of their own; rarer ones share one.
    vocabulary: int = 2000
    # Units of each layer and of the embeddings.
    units: int = 64
    # Layers of the cell.
    layers: int = 1
    # Share that dropout leaves out, the same units for a whole window.
    dropout: float = 0.2
    # Parts of the text that are read side by side.
    streams: int = 16
    # Tokens that a gradient reaches back.
    window: int = 25
    # Passes over the text.
    epochs: int = 5
    # Of Adam; it falls along a cosine.
    learning_rate: float = 5e-3
    # Largest norm of a gradient.
    clip: float = 1.0
    # Of first weights and dropout, the same for all cells.
    seed: int = 0

    def check(self) -> "LanguageSettings":
        """The settings themselves, if they may be.

        Raises:
            UserError: a number is out of range, or a word is unknown.
        """
        if self.by not in METRIC_OF:
            raise unknown("way to cut a text", self.by, METRIC_OF)
        least = {"vocabulary": 2, "units": 1, "layers": 1, "streams": 1, "window": 1, "epochs": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise UserError(f"{name}={getattr(self, name)} is too small. Give {low} or more.")
        if not 0 <= self.dropout < 1:
            raise UserError(f"dropout={self.dropout} is out of range. Give 0 or more, and less than 1.")
        for name in ("learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise UserError(f"{name}={getattr(self, name)} is too small. Give more than 0.")
        return self


def size_of(base: int, tokens: int, settings: LanguageSettings) -> Size:
    """The size of a network.

    Args:
        base: of its cells.
        tokens: that have an embedding.
        settings: of the training.
    """
    own = (settings.units, settings.layers, settings.dropout, settings.learning_rate, settings.clip)
    return Size(base, tokens, *own)


def windows_of_parts(
    texts: Mapping[str, Sequence[str]], settings: LanguageSettings
) -> tuple[list[str], dict[str, Int[np.ndarray, "W T1 n"]]]:
    """The vocabulary of the training text, and the windows of each part.

    Args:
        texts: lines of "train", "valid" and, if there is one, "test".
        settings: what the text is cut into, and how it is read.

    Raises:
        UserError: a part is missing, unknown, a single string or too short.
    """
    for name in texts:
        if name not in PARTS:
            raise unknown("part of the text", name, PARTS)
    if missing := [name for name in PARTS[:2] if name not in texts]:
        raise UserError(f"The texts lack {' and '.join(missing)}. Give lines of both.")
    parts = {name: cut(lines, settings.by) for name, lines in texts.items()}
    vocabulary = vocabulary_of(parts["train"], settings.vocabulary)
    windows = {
        name: windows_of(numbered(tokens, vocabulary), settings.streams, settings.window, name=name)
        for name, tokens in parts.items()
    }
    return vocabulary, windows


def numbered(tokens: Sequence[str], vocabulary: Sequence[str]) -> Int[np.ndarray, " N"]:
    """The place of each token in the vocabulary; 0 for others.

    >>> numbered("b c".split(), ["<unk>", "a", "b"]).tolist()
    [2, 0]
    """
    place = {token: number for number, token in enumerate(vocabulary)}
    return np.array([place.get(token, 0) for token in tokens], np.int32)


def vocabulary_of(tokens: Sequence[str], most: int) -> list[str]:
    """The most frequent tokens, after the one for all others.

    >>> vocabulary_of("a b a c a b".split(), 3)
    ['<unk>', 'a', 'b']
    """
    counts = collections.Counter(token for token in tokens if token != UNKNOWN)
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    return [UNKNOWN, *ranked[: most - 1]]


def windows_of(
    numbers: Int[np.ndarray, " N"], streams: int, window: int, *, name: str = "text"
) -> Int[np.ndarray, "W T1 n"]:
    """A text as windows of streams that are read side by side; what is left at the end is cut off.

    Args:
        numbers: of its tokens.
        streams: n.
        window: T; a window has one token more, which is the first of the next one.
        name: of the text, for messages.

    Raises:
        UserError: there is less than one window for each stream.

    >>> windows_of(np.arange(10), 2, 2)[:, :, 0].tolist()
    [[0, 1, 2], [2, 3, 4]]
    """
    count = (len(numbers) - 1) // (streams * window)
    if count < 1:
        raise UserError(
            f"The text '{name}' has {len(numbers)} tokens, and {streams} streams of a window of {window} "
            f"need {streams * window + 1}. Give more text, or fewer streams."
        )
    starts = np.arange(streams)[None, :] * count * window + np.arange(count)[:, None] * window
    return numbers[starts[:, None, :] + np.arange(window + 1)[None, :, None]]


def cut(lines: Sequence[str], by: str) -> list[str]:
    """The tokens of lines."""
    if isinstance(lines, str):
        raise UserError("A text is one string. Give its lines: text.splitlines().")
    return [token for line in lines for token in (*(line.split() if by == "word" else line.strip()), END)]


def metric_of(loss: Any, by: str) -> Any:
    """Perplexity or bits per character of a mean loss in nats, see METRIC_OF."""
    if by == "character":
        return loss / math.log(2)
    with np.errstate(over="ignore"):
        return np.exp(loss)
