"""A model of language with one recurrent cell: trained to its end, measured, sampled from and saved."""

import dataclasses
import functools
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
from jaxtyping import Array, Bool, Float, Int
from tqdm.auto import tqdm

from taskaware import plain
from taskaware.arrays import as_jax, bucket
from taskaware.children.recurrent.cell import Coded, Kernels, coded
from taskaware.children.recurrent.language import (
    Memory,
    Params,
    Size,
    Training,
    begun,
    init_params,
    mean_loss,
    passed,
    read,
    rested,
    scored,
)
from taskaware.compilation import keep_compiled
from taskaware.errors import CheckpointError, EngineError, UserError, quoted
from taskaware.files import is_file
from taskaware.objectives.language_text import (
    END,
    METRIC_OF,
    UNKNOWN,
    LanguageSettings,
    cut,
    metric_of,
    numbered,
    size_of,
    windows_of_parts,
)
from taskaware.saved import read_sealed, write_sealed
from taskaware.spaces import RecurrentCellSpace, space_from

FORMAT, VERSION = "taskaware language model", 1
STEP = 64
"""Tokens that a text is read by when it is measured."""
LONG = 512
"""A text with so many tokens for each stream is long."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class LanguageModel:
    """A trained model of language; `fit_language_model` makes one.

    Attributes:
        space: of the cell.
        point: of the cell, (D,).
        settings: of the training.
        vocabulary: tokens that have an embedding; the first one stands for all others.
        params: weights of the best pass.
        history: a row for each pass: `epoch`, and the metric on the validation text.
    """

    space: RecurrentCellSpace
    point: np.ndarray
    settings: LanguageSettings
    vocabulary: tuple[str, ...]
    params: Params
    history: pd.DataFrame

    @property
    def metric(self) -> str:
        """Name of what `measure` gives: "perplexity" by word, "bits_per_character" by character."""
        return METRIC_OF[self.settings.by]

    def measure(self, lines: Sequence[str]) -> float:
        """The metric on a text; smaller is better.

        A long text is read in `settings.streams` parts side by side, as in the training.

        Args:
            lines: of the text. Tokens outside the vocabulary count as one, "<unk>".

        Raises:
            UserError: there are no lines.
        """
        tokens = cut(lines, self.settings.by)
        if not tokens:
            raise UserError("The text has no lines. Give one or more.")
        numbers = numbered([END, *tokens], self.vocabulary)
        count = len(numbers) - 1
        streams = self.settings.streams if count >= LONG * self.settings.streams else 1
        length = -(-count // streams)
        # Few sizes, so that a program serves many texts.
        reach = bucket(-(-length // STEP), 4) * STEP
        places = np.minimum(length * np.arange(streams), count) + np.arange(reach)[:, None]
        ends = np.minimum(length * np.arange(1, streams + 1), count)
        inside = places < ends
        given, due = (numbers[np.minimum(place, count)] for place in (places, places + 1))
        parts = (each.reshape(-1, STEP, streams) for each in (given, due, inside))
        total = _total_loss(self._size, self._cell, self.params, *parts)
        return float(metric_of(float(total) / count, self.settings.by))

    def score(self, lines: Sequence[str]) -> float:
        """Minus the metric on a text: larger is better, as everywhere.

        Args:
            lines: as for `measure`.
        """
        return -self.measure(lines)

    def sample(self, tokens: int = 100, *, start: str = "", temperature: float = 1.0, seed: int = 0) -> str:
        """A text as the model would go on.

        Args:
            tokens: most tokens after the start; the text ends earlier where the model ends a line.
            start: of the line.
            temperature: below 1 likely tokens become more likely; 0 takes the likeliest.
            seed: of the draws.

        Raises:
            UserError: a number is out of range.
        """
        if not 1 <= tokens <= 100_000:
            raise UserError(f"tokens={tokens} is out of range. Give 1 to 100,000.")
        if not (temperature >= 0 and math.isfinite(temperature)):
            raise UserError(f"temperature={temperature} is out of range. Give 0 or more.")
        words = self.settings.by == "word"
        given = cut([start], self.settings.by)[:-1]
        memories, logits = rested(self._size, 1), np.zeros(len(self.vocabulary))
        for number in numbered([END, *given], self.vocabulary):
            memories, logits = _next(self._cell, self.params, memories, number)
        draw, drawn = np.random.default_rng(plain.seed(seed)), []
        for _ in range(tokens):
            number = _drawn(np.asarray(logits, float), temperature, draw)
            if self.vocabulary[number] == END:
                break
            drawn.append(self.vocabulary[number])
            memories, logits = _next(self._cell, self.params, memories, np.int32(number))
        return (" " if words else "").join([*given, *drawn])

    def save(self, path: str | os.PathLike, *, force: bool = False) -> Path:
        """Write the model into one file of numbers and text; `load_language_model` reads it.

        Args:
            path: of the file, such as "cell.npz".
            force: whether an existing file is replaced.

        Raises:
            UserError: the file exists and `force` is not given.
        """
        header = {
            "format": FORMAT,
            "version": VERSION,
            "space": self.space.to_dict(),
            "settings": dataclasses.asdict(self.settings),
            "vocabulary": list(self.vocabulary),
        }
        history = {f"history/{name}": column.to_numpy(float) for name, column in self.history.items()}
        return write_sealed(path, header, {"point": self.point, **history, **_flat(self.params)}, force=force)

    @functools.cached_property
    def _size(self) -> Size:
        return size_of(self.space.base, len(self.vocabulary), self.settings)

    @functools.cached_property
    def _cell(self) -> Coded:
        return coded(self.space, jnp.asarray(self.point))

    def __repr__(self) -> str:
        best = self.history[self.metric].min()
        return (
            f"LanguageModel({self.metric} {best:.2f} on the validation text, {len(self.vocabulary):,} "
            f"tokens, layers {self.settings.layers}, units {self.settings.units})\n"
            "See .measure(lines), .sample(), .history and .save(path)."
        )


def fit_language_model(
    space: RecurrentCellSpace,
    point: Float[np.ndarray, " D"],
    texts: Mapping[str, Sequence[str]],
    settings: LanguageSettings | None = None,
    *,
    progress: bool | None = None,
) -> LanguageModel:
    """Train a model of language with the cell of a point, and keep the weights of its best pass.

    Args:
        space: of the cell.
        point: for example the best one of a search, or `space.named("lstm")`.
        texts: lines of "train" and "valid", which chooses the pass; lines of "test" are not read.
        settings: of network and training; give more epochs than in the search.
        progress: whether to show a bar; by default where there is a terminal.

    Raises:
        UserError: the point is none of the space, a text is missing or too short, or a setting is out of
            range.
        EngineError: the loss was NaN after every pass.

    >>> from taskaware.spaces import recurrent_cells
    >>> space, lines = recurrent_cells(2), ["a b a b"] * 30
    >>> settings = LanguageSettings(units=4, streams=2, window=5, epochs=1)
    >>> texts = {"train": lines, "valid": lines}
    >>> point = space.sample_on_host(np.random.default_rng(0), 1)[0]
    >>> fit_language_model(space, point, texts, settings, progress=False).metric
    'perplexity'
    """
    given = (settings or LanguageSettings()).check()
    point = np.asarray(point, np.float32)
    space.decode(point)
    vocabulary, windows = windows_of_parts({name: texts[name] for name in texts if name != "test"}, given)
    keep_compiled()
    size, cell = size_of(space.base, len(vocabulary), given), coded(space, as_jax(point))
    training = begun(size, jax.random.key(given.seed), given.epochs * len(windows["train"]))
    best, kept, rows = math.inf, training.params, []
    hidden = None if progress is None else not progress
    for epoch in tqdm(range(given.epochs), desc="training", unit="pass", disable=hidden):
        training, loss = _one_pass(size, given.epochs, cell, training, windows, epoch)
        rows.append((epoch + 1, metric_of(float(loss), given.by)))
        if float(loss) < best:
            best, kept = float(loss), training.params
    if not math.isfinite(best):
        raise EngineError(
            "The loss is NaN after every pass: this cell grows without bound. Give a smaller learning_rate "
            "or clip in LanguageSettings, or another cell."
        )
    history = pd.DataFrame(rows, columns=["epoch", METRIC_OF[given.by]])
    return LanguageModel(space, point, given, tuple(vocabulary), kept, history)


def load_language_model(path: str | os.PathLike) -> LanguageModel:
    """Read what `LanguageModel.save` wrote; nothing is executed.

    Raises:
        UserError: there is no such file.
        CheckpointError: it is damaged, or of another format or version.
    """
    if not is_file(Path(path)):
        raise UserError(f"There is no file {quoted(str(path))}.")
    try:
        header, arrays = read_sealed(path)
        if header.get("format") != FORMAT:
            raise ValueError("it is of another format")
        if header.get("version") != VERSION:
            raise ValueError(f"it has version {header.get('version')}, and {VERSION} is read")
        return _restored(header, arrays)
    except (OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{quoted(str(path))} is no language model of taskaware, or it is damaged ({error})."
        ) from error
    except UserError as error:
        raise CheckpointError(f"{quoted(str(path))} cannot be read here. {error}") from error


def _restored(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> LanguageModel:
    space = space_from(header["space"])
    if not isinstance(space, RecurrentCellSpace):
        raise ValueError("its space holds no recurrent cells")
    settings = LanguageSettings(**header["settings"]).check()
    vocabulary = tuple(header["vocabulary"])
    if len(set(vocabulary)) != len(vocabulary) or not {UNKNOWN, END} <= set(vocabulary):
        raise ValueError("its vocabulary is none")
    size = size_of(space.base, len(vocabulary), settings)
    wanted = jax.eval_shape(functools.partial(init_params, size), jax.random.key(0))
    names = {name: value.shape for name, value in _flat(wanted).items()}
    found = {name: value for name, value in arrays.items() if name in names}
    if {name: value.shape for name, value in found.items()} != names:
        raise ValueError("its weights do not fit its settings")
    if not all(np.isfinite(value).all() for value in found.values()):
        raise ValueError("its weights are not finite")
    params = jax.tree.unflatten(jax.tree.structure(wanted), [as_jax(found[name]) for name in names])
    metric = METRIC_OF[settings.by]
    history = pd.DataFrame({name: arrays[f"history/{name}"] for name in ("epoch", metric)})
    history["epoch"] = history["epoch"].astype(int)
    space.decode(arrays["point"])
    return LanguageModel(space, arrays["point"], settings, vocabulary, params, history)


def _flat(params: Any) -> dict[str, Any]:
    """Weights by name, in the order of the leaves."""
    names = [f"{kind}/{layer}" for layer in range(len(params.layers)) for kind in Kernels._fields]
    return dict(zip(["embedding", "bias", *names], jax.tree.leaves(params), strict=True))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _one_pass(
    size: Size, epochs: int, cell: Coded, training: Training, windows: dict[str, Array], epoch: Int[Array, ""]
) -> tuple[Training, Float[Array, ""]]:
    training = passed(size, cell, training, windows["train"], epoch, epochs)
    return training, mean_loss(size, cell, training.params, windows["valid"])


@functools.partial(jax.jit, static_argnums=0)
def _total_loss(
    size: Size,
    cell: Coded,
    params: Params,
    tokens: Int[Array, "W T n"],
    due: Int[Array, "W T n"],
    inside: Bool[Array, "W T n"],
) -> Float[Array, ""]:
    """Sum of the losses in nats of the tokens that are due after those that are read, where they count."""
    factors = [1.0] * (1 + 2 * len(params.layers))

    def window(memories: tuple[Memory, ...], now: tuple[Array, Array, Array]) -> tuple[tuple, Array]:
        def step(memories: tuple[Memory, ...], token: Array) -> tuple[tuple[Memory, ...], Array]:
            return read(cell, params, memories, token, factors)

        memories, hidden = jax.lax.scan(step, memories, now[0])
        logits = scored(cell, params, hidden)
        each = optax.softmax_cross_entropy_with_integer_labels(logits, now[1])
        return memories, jnp.where(now[2], each, 0.0).sum()

    return jax.lax.scan(window, rested(size, tokens.shape[2]), (tokens, due, inside))[1].sum()


@jax.jit
def _next(
    cell: Coded, params: Params, memories: tuple[Memory, ...], token: Int[Array, ""]
) -> tuple[tuple[Memory, ...], Float[Array, " V"]]:
    factors = [1.0] * (1 + 2 * len(params.layers))
    memories, hidden = read(cell, params, memories, token[None], factors)
    return memories, scored(cell, params, hidden)[0]


def _drawn(logits: np.ndarray, temperature: float, draw: np.random.Generator) -> int:
    """The number of a token; never that of unknown ones."""
    logits[0] = -np.inf
    if not temperature:
        return int(logits.argmax())
    # The largest of the logits with Gumbel noise is a draw of their softmax.
    return int((logits / temperature + draw.gumbel(size=len(logits))).argmax())
