"""A search for update rules on a small ConvNet, and how the best of them train other networks; see README.md.

python experiments/optimizer-rules/rules.py --data FOLDER
"""

import argparse
import functools
import io
import time
from collections.abc import Callable, Iterator, Sequence
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
from taskaware.spaces.rules import canonical
from taskaware.training.prepare import fitted_blocks, side_by_side
from taskaware.training.recipe import TrainingRecipe

SPACE = ta.preset("update-rules")
STRATEGIES = {
    "reinforce": ta.strategies.reinforce(8, learning_rate=0.01, entropy=0.01),
    "evolution": ta.strategies.aging_evolution(32, 8),
    "random": ta.strategies.random(),
}
KNOWN = ("sgd", "momentum", "adam", "rmsprop", "powersign", "addsign")
OPTIMIZERS = {
    "PowerSign": "powersign",
    "AddSign": "addsign",
    "Adam": "adam",
    "AdamW": optax.adamw,
    "Lion": optax.lion,
    "momentum": "momentum",
}
BEST, FRESH = 5, 100
"""Rules that are compared further, and the first seed there, which no search had."""


class Size(NamedTuple):
    """How much is trained; see README.md for the defaults."""

    budget: int = 96
    seeds: int = 3
    epochs: int = 5
    rows: int = 512
    steps: int = 150
    tables: tuple[str, ...] = ("wine", "breast-cancer", "digits")


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
        return (module.apply(params, *given[:-1]).argmax(-1) == given[-1]).astype(jnp.float32).mean()

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


def recommended(name: str, seed: int) -> Problem:
    """The network that is recommended for a table."""
    task, rec = ta.make_task(name), ta.recommend(name)
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


def searched(size: Size, folder: Path, strategies: Sequence[str] = tuple(STRATEGIES)) -> list[str]:
    """The best different rules of all searches, by validation accuracy on the child."""
    task, found, rows = _child(), [], []
    for name in strategies:
        began, best = time.process_time(), []
        for seed in range(size.seeds):
            journal = folder / f"{name}-{seed}.jsonl"
            history = ta.search(
                "update-rules",
                STRATEGIES[name],
                task=task,
                recipe=_recipe(size),
                budget=size.budget,
                seed=seed,
                journal=journal,
                resume=True,
                progress=False,
            )
            found += list(zip(history.scores, map(history.space.decode, history.points), strict=True))
            top = np.sort(history.scores)[::-1]
            best.append((top[0], top[:BEST].mean(), np.isfinite(top).mean()))
        means, errors = _means(best)
        rows.append((name, *(f"{m:.4f} ± {e:.4f}" for m, e in zip(means, errors, strict=True))))
        print(f"{name}: {time.process_time() - began:.0f} CPU seconds", flush=True)
    _print(("strategy", "best", f"mean of the best {BEST}", "share that did not diverge"), rows)
    found.sort(key=lambda each: (-each[0], len(str(each[1]))))
    different = dict.fromkeys(str(canonical(rule)) for _, rule in found)
    return list(different)[:BEST]


def on_the_child(rules: list[str], size: Size) -> None:
    """Test accuracy of found and known rules on the child, with seeds that no search had."""
    task, scores = _child(), []
    points = np.stack([SPACE.encode(ta.optimizers.NAMED.get(each, each)) for each in (*rules, *KNOWN)])
    for seed in range(FRESH, FRESH + size.seeds):
        scores.append(ta.objectives.trained(task, SPACE, _recipe(size), seed).evaluate(points).test_score)
    means, errors = _means(scores)
    rows = zip((*rules, *KNOWN), means, errors, strict=True)
    _print(("rule", "test accuracy on the child"), [(name, f"{m:.4f} ± {e:.4f}") for name, m, e in rows])


def transferred(rules: list[str], size: Size, problems: dict[str, Callable[[int], Problem]]) -> None:
    """Held-out scores of rules and optimizers on other networks, each with the same sweep."""
    chosen: dict[str, Any] = {f"found {number}": rule for number, rule in enumerate(rules, 1)} | OPTIMIZERS
    table: dict[str, list[str]] = {name: [] for name in chosen}
    for title, make in problems.items():
        began, scores = time.process_time(), []
        for seed in range(FRESH, FRESH + size.seeds):
            given = make(seed)
            objective = ta.optimizers.objective(
                given.loss,
                given.params,
                given.batches,
                held_out=given.held_out,
                metric=given.metric,
                steps=size.steps,
                seed=seed,
            )
            scores.append([ta.optimizers.score(objective, each).score for each in chosen.values()])
        for name, mean, error in zip(table, *_means(scores), strict=True):
            table[name].append(f"{mean:.3f} ± {error:.3f}")
        print(f"{title}: {time.process_time() - began:.0f} CPU seconds", flush=True)
    _print(("optimizer", *problems), [(name, *cells) for name, cells in table.items()])


def _child() -> Any:
    found = load_digits()
    return ta.make_task((found.images, found.target), name="digits")


def _recipe(size: Size) -> TrainingRecipe:
    """Epochs of batches of 32; the learning rates are tried in the first fifth."""
    steps = size.epochs * (size.rows // 32)
    parts = {"train_rows": size.rows, "validation_rows": size.rows, "test_rows": size.rows}
    return TrainingRecipe(steps=steps, batch_size=32, evaluations=size.epochs, score_last=1, **parts)


def _means(rows: list) -> Iterator[np.ndarray]:
    """Means and standard errors over seeds."""
    found = np.array(rows, float)
    yield found.mean(0)
    yield found.std(0, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else 0 * found[0]


def _print(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    for cells in (head, ("---",) * len(head), *rows):
        print("| " + " | ".join(cells) + " |", flush=True)


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with image/cifar10 and sequence/ptb-small")
    parser.add_argument("--runs", type=Path, default=Path("runs") / "optimizer-rules", help="of the journals")
    parser.add_argument("--smoke", action="store_true", help="a tiny version, without --data")
    arguments = parser.parse_args(given)
    arguments.runs.mkdir(parents=True, exist_ok=True)
    if arguments.smoke:
        size = Size(2, 1, 1, 32, 30, ())
        rules = searched(size, arguments.runs, ("evolution",))
        transferred(rules, size, {"digits, one layer": functools.partial(digits, nn.Dense(10))})
        return
    size, problems = Size(), {"digits, larger ConvNet": functools.partial(digits, ConvNet(10))}
    rules = searched(size, arguments.runs)
    print("\n".join(f"found {number}: {rule}" for number, rule in enumerate(rules, 1)), flush=True)
    on_the_child(rules, size)
    if arguments.data is not None:
        problems["cifar10"] = functools.partial(photographs, arguments.data)
        problems["ptb-small"] = functools.partial(language, arguments.data)
    for name in size.tables:
        problems[name] = functools.partial(recommended, name)
    transferred(rules, size, problems)
    print(f"{time.process_time() / 60:.1f} CPU minutes")


if __name__ == "__main__":
    main()
