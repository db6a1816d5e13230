"""The networks that rules for steps are transferred to, each with its rows."""

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
from sklearn.datasets import load_digits

import taskaware as ta
from taskaware.training.prepare import fitted_blocks, side_by_side


class Problem(NamedTuple):
    """What an optimizer trains: (params, batch) → loss and score, first weights, batches, some held out."""

    loss: Callable
    metric: Callable
    params: Any
    batches: list
    held_out: list


class ConvNet(nn.Module):
    """Three layers of 3 × 3 and 64 filters, with group normalisation; means of 2 × 2 pixels after each."""

    classes: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for _ in range(3):
            x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
            sides = x.shape[1] - 2, x.shape[2] - 2
            near = [x[:, i : i + sides[0], j : j + sides[1]] for i in range(3) for j in range(3)]
            x = nn.relu(nn.GroupNorm(8)(nn.Dense(64)(jnp.concatenate(near, -1))))
            x = nn.avg_pool(x, (2, 2), (2, 2))
        return nn.Dense(self.classes)(x.reshape(len(x), -1))


class Language(nn.Module):
    """A GRU of 48 units over characters."""

    tokens: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nn.Dense(self.tokens)(nn.RNN(nn.GRUCell(48))(nn.Embed(self.tokens, 48)(x)))


def of_rows(module: nn.Module, inputs: tuple, labels: np.ndarray, seed: int, batch: int = 32) -> Problem:
    """A classification of rows, a fourth of which are held out.

    Args:
        module: called with the inputs.
        inputs: arrays of N rows.
        labels: (N,).
        seed: of the parts, the batches and the first weights.
        batch: rows of one.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    count = len(order) // 4 // batch * batch
    held, train = order[:count], order[count : len(order) // batch * batch]

    def cut(rows: np.ndarray) -> list:
        parts = rows.reshape(-1, batch)
        return [(*(each[part] for each in inputs), labels[part]) for part in parts]

    def loss(params: Any, given: tuple) -> jax.Array:
        logits = module.apply(params, *given[:-1])
        return optax.softmax_cross_entropy_with_integer_labels(logits, given[-1]).mean()

    def metric(params: Any, given: tuple) -> jax.Array:
        logits = jnp.asarray(module.apply(params, *given[:-1]))
        return (logits.argmax(-1) == given[-1]).astype(jnp.float32).mean()

    params = module.init(jax.random.key(seed), *(each[:1] for each in inputs))
    return Problem(loss, metric, params, cut(train), cut(held))


def digits(module: nn.Module, seed: int) -> Problem:
    found = load_digits()
    images = (found.images[..., None] / 8 - 1).astype(np.float32)
    images = images if isinstance(module, ConvNet) else images.reshape(len(images), -1)
    return of_rows(module, (images,), found.target.astype(np.int32), seed)


def photographs(folder: Path, seed: int) -> Problem:
    """2,000 images of CIFAR-10, at 16 × 16 pixels."""
    from PIL import Image

    frame = pd.read_parquet(folder / "image" / "cifar10.parquet").groupby("label").head(200)
    pixels = [Image.open(io.BytesIO(each["bytes"])).resize((16, 16)) for each in frame["image"]]
    images = np.stack([np.asarray(each.convert("RGB"), np.float32) / 128 - 1 for each in pixels])
    return of_rows(ConvNet(10), (images,), pd.factorize(frame["label"], sort=True)[0].astype(np.int32), seed)


@functools.cache
def _recommendation(name: str, folder: Path | None) -> tuple[Any, Any]:
    """A table as a task, and the recommendation for it, which is the same for all seeds."""
    if folder is None:
        return ta.make_task(name), ta.recommend(name)
    target = pd.read_csv(folder / "index.csv").set_index("name").loc[name, "target"]
    task = ta.make_task(pd.read_parquet(folder / "tabular" / f"{name}.parquet"), target, name=name)
    return task, ta.recommend(task)


def recommended(name: str, seed: int, folder: Path | None = None) -> Problem:
    """The network that is recommended for a table: a bundled one, or one of the folder."""
    task, rec = _recommendation(name, folder)
    names, rows = rec.space.embedding_names, np.random.default_rng(seed).permutation(task.rows)
    blocks = fitted_blocks(task, rows[: task.rows // 2], names)
    x = side_by_side(blocks.transform(task.data, np.arange(task.rows)), names)
    return of_rows(rec.module(), (x.numbers, x.categories), task.target.astype(np.int32), seed, 16)


def language(folder: Path, seed: int) -> Problem:
    """Characters of Penn Treebank's validation text; the score is minus bits per character."""
    frame = pd.read_parquet(folder / "sequence" / "ptb-small.parquet")
    text = " ".join(frame.loc[frame["split"] == "val", "text"].str.strip())[:240_000]
    alphabet = sorted(set(text))
    numbers = np.array([alphabet.index(each) for each in text], np.int32)
    windows = numbers[: len(numbers) // 33 * 33].reshape(-1, 33)
    order = np.random.default_rng(seed).permutation(len(windows) // 16 * 16).reshape(-1, 16)
    module = Language(len(alphabet))

    def loss(params: Any, batch: jax.Array) -> jax.Array:
        logits = module.apply(params, batch[:, :-1])
        return optax.softmax_cross_entropy_with_integer_labels(logits, batch[:, 1:]).mean()

    params = module.init(jax.random.key(seed), windows[:1, :-1])
    batches = [windows[rows] for rows in order]
    return Problem(loss, lambda *given: -loss(*given) / jnp.log(2.0), params, batches[40:], batches[:40])
