"""Objectives that train models of language with the recurrent cell of a point."""

import collections
import dataclasses
import functools
import hashlib
import math
import time
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.children.forms import Sizes
from taskaware.children.recurrent.cell import coded
from taskaware.children.recurrent.language import Size, mean_loss, trained
from taskaware.compilation import keep_compiled
from taskaware.digests import digest
from taskaware.errors import UserError, unknown
from taskaware.spaces import RecurrentCellSpace
from taskaware.strategies import Objective, Outcomes

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


@dataclasses.dataclass(frozen=True, eq=False)
class LanguageModel:
    """The objective as it is evaluated, also by workers.

    Attributes:
        space: of the points.
        size: of the networks.
        settings: of the training.
        windows: of the training, validation and test text, (W, T + 1, n) each; no test text is None.
        together: points that are trained at once.
    """

    space: RecurrentCellSpace
    size: Size
    settings: LanguageSettings
    windows: tuple[np.ndarray, np.ndarray, np.ndarray | None]
    together: int

    def __call__(self, points: Float[np.ndarray, "n D"]) -> Outcomes:
        keep_compiled()
        found = []
        for first in range(0, len(points), self.together):
            # Always as many, so that one program does.
            chunk = np.resize(points[first : first + self.together], (self.together, points.shape[1]))
            began, key = time.perf_counter(), jax.random.key(self.settings.seed)
            losses = _losses(self.space, self.size, self.settings.epochs, chunk, key, self.windows)
            losses = np.asarray(losses, float)
            each = np.full((1, self.together), (time.perf_counter() - began) / self.together)
            found.append(np.concatenate([losses, each]))
        valid, test, seconds = np.concatenate(found, axis=1)[:, : len(points)]
        scores = None if self.windows[2] is None else self._score(test)
        return Outcomes(self._score(valid), scores, seconds)

    def _score(self, loss: np.ndarray) -> np.ndarray:
        if self.settings.by == "character":
            return -loss / math.log(2)
        with np.errstate(over="ignore"):
            return -np.exp(loss)


def language_model(
    space: RecurrentCellSpace,
    texts: Mapping[str, Sequence[str]],
    settings: LanguageSettings | None = None,
    *,
    together: int = 4,
) -> Objective:
    """Trains a model of language with the cell of each point; scored by perplexity or bits per character.

    The score is minus the metric on the validation text, as larger is better everywhere. All cells share one
    compiled program. Embeddings are tied to the output layer.

    Args:
        space: of the cells.
        texts: lines of "train", "valid" and, if there is one, "test"; a line ends with a token of its own.
        settings: of networks and training.
        together: points that are trained at once.

    Raises:
        UserError: a text is missing or too short for one window of each stream, or a setting is out of range.

    >>> from taskaware.spaces import recurrent_cells
    >>> lines = ["the cat sat on the mat"] * 30
    >>> settings = LanguageSettings(by="character", streams=2, window=5)
    >>> language_model(recurrent_cells(2), {"train": lines, "valid": lines}, settings).unit
    'training'
    """
    given = (settings or LanguageSettings()).check()
    if together < 1:
        raise UserError(f"together={together} is too small. Give 1 or more.")
    for name in texts:
        if name not in PARTS:
            raise unknown("part of the text", name, PARTS)
    if missing := [name for name in PARTS[:2] if name not in texts]:
        raise UserError(f"The texts lack {' and '.join(missing)}. Give lines of both.")
    cut = {name: _cut(lines, given.by) for name, lines in texts.items()}
    vocabulary = vocabulary_of(cut["train"], given.vocabulary)
    place = {token: number for number, token in enumerate(vocabulary)}
    windows = {}
    for name, tokens in cut.items():
        numbers = np.array([place.get(token, 0) for token in tokens], np.int32)
        windows[name] = windows_of(numbers, given.streams, given.window, name=name)
    size = Size(
        space.base, len(vocabulary), given.units, given.layers, given.dropout, given.learning_rate, given.clip
    )
    held = (windows["train"], windows["valid"], windows.get("test"))
    content = [hashlib.sha256(each.tobytes()).hexdigest() for each in windows.values()]
    about = digest([content, dataclasses.asdict(given)])
    evaluate = LanguageModel(space, size, given, held, together)
    sizes = Sizes({}, len(vocabulary), "classes", given.units)
    return Objective(evaluate, together=together, unit="training", about=f"language {about}", sizes=sizes)


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


def _cut(lines: Sequence[str], by: str) -> list[str]:
    """The tokens of lines."""
    if isinstance(lines, str):
        raise UserError("A text is one string. Give its lines: text.splitlines().")
    return [token for line in lines for token in (*(line.split() if by == "word" else line.strip()), END)]


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _losses(
    space: RecurrentCellSpace,
    size: Size,
    epochs: int,
    points: Float[Array, "k D"],
    key: Array,
    windows: tuple[Array, Array, Array | None],
) -> Float[Array, "2 k"]:
    """Validation and test loss of each point after its training; NaN for the latter without a test text."""

    def one(point: Array) -> Array:
        cell = coded(space, point)
        params = trained(size, cell, key, windows[0], epochs)
        test = jnp.nan if windows[2] is None else mean_loss(size, cell, params, windows[2])
        return jnp.stack([mean_loss(size, cell, params, windows[1]), jnp.asarray(test, jnp.float32)])

    return jax.vmap(one, out_axes=1)(points)
