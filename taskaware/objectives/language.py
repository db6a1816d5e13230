"""Objectives that train models of language with the recurrent cell of a point."""

import dataclasses
import functools
import hashlib
import time
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.children.forms import Sizes
from taskaware.children.recurrent.cell import coded
from taskaware.children.recurrent.language import Size, mean_loss, trained
from taskaware.compilation import keep_compiled
from taskaware.digests import digest
from taskaware.errors import UserError
from taskaware.objectives.language_text import (
    LanguageSettings,
    metric_of,
    size_of,
    windows_of_parts,
)
from taskaware.spaces import RecurrentCellSpace
from taskaware.strategies import Objective, Outcomes


@dataclasses.dataclass(frozen=True, eq=False)
class LanguageTrials:
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
        return -metric_of(loss, self.settings.by)


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
    vocabulary, windows = windows_of_parts(texts, given)
    size = size_of(space.base, len(vocabulary), given)
    held = (windows["train"], windows["valid"], windows.get("test"))
    content = [hashlib.sha256(each.tobytes()).hexdigest() for each in windows.values()]
    about = digest([content, dataclasses.asdict(given)])
    evaluate = LanguageTrials(space, size, given, held, together)
    sizes = Sizes({}, len(vocabulary), "classes", given.units)
    return Objective(evaluate, together=together, unit="training", about=f"language {about}", sizes=sizes)


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
