"""A search for update rules on a small ConvNet, and how the best of them train other networks; see README.md.

python experiments/optimizer-rules/rules.py --data FOLDER
"""

import argparse
import functools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import numpy as np
import optax
from problems import ConvNet, Problem, digits, language, photographs, recommended
from sklearn.datasets import load_digits

import taskaware as ta
from taskaware.spaces.rules import RuleSpace, canonical
from taskaware.training.recipe import TrainingRecipe

SPACE = RuleSpace()
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
TABLES = ("anneal", "column3C", "credit.a", "dermatology", "ecoli", "heart.c", "tic-tac-toe")
"""Tables of the folder of --data: 303 to 958 rows of numbers, of categories, or of both."""

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


def searched(size: Size, folder: Path, strategies: Sequence[str] = tuple(STRATEGIES)) -> list[str]:
    """The best different rules of all searches, by validation accuracy on the child."""
    task, found, rows = _child(), [], []
    for name in strategies:
        began, best = time.process_time(), []
        for seed in range(size.seeds):
            journal = folder / f"{name}-{seed}.jsonl"
            history = ta.search(
                SPACE,
                STRATEGIES[name],
                task=task,
                recipe=_recipe(size),
                budget=size.budget,
                seed=seed,
                journal=journal,
                resume=True,
                progress=False,
            )
            found += list(zip(history.scores, map(SPACE.decode, history.points), strict=True))
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


def transferred(
    rules: list[str], size: Size, problems: dict[str, Callable[[int], Problem]], kept: Path
) -> None:
    """Held-out scores of rules and optimizers on other networks, each with the same sweep.

    Args:
        rules: that were found.
        size: steps and seeds.
        problems: name → seed → what is trained.
        kept: file of the scores of each problem and seed, which are not measured again.
    """
    chosen: dict[str, Any] = {f"found {number}": rule for number, rule in enumerate(rules, 1)} | OPTIMIZERS
    table: dict[str, list[str]] = {name: [] for name in chosen}
    found = {}
    for title, make in problems.items():
        began, scores = time.process_time(), []
        for seed in range(FRESH, FRESH + size.seeds):
            key = [title, seed, size.steps, *rules]
            scores.append(_kept(kept, key, functools.partial(_scores, make, seed, size.steps, chosen)))
        found[title] = np.array(scores, float)
        for name, mean, error in zip(table, *_means(scores), strict=True):
            table[name].append(f"{mean:.3f} ± {error:.3f}")
        print(f"{title}: {time.process_time() - began:.0f} CPU seconds", flush=True)
    _print(("optimizer", *problems), [(name, *cells) for name, cells in table.items()])
    tables = [scores for title, scores in found.items() if title in (*size.tables, *TABLES)]
    if len(tables) > 1:
        _print_means(list(chosen), np.stack(tables))


def _print_means(names: list[str], scores: np.ndarray) -> None:
    """Means over tables, and differences from usual optimizers.

    Args:
        names: of the optimizers.
        scores: (tables, seeds, optimizers).
    """
    head, rows = ["optimizer", f"mean of {len(scores)} tables"], [[name] for name in names]
    columns = [tuple(_means(list(scores.mean(0))))]
    for usual in ("momentum", "Adam"):
        head.append(f"minus {usual}")
        columns.append(tuple(_means(list((scores - scores[..., [names.index(usual)]]).mean(1)))))
    for row, cells in zip(
        rows, zip(*(zip(*column, strict=True) for column in columns), strict=True), strict=True
    ):
        row += [f"{mean:.3f} ± {error:.3f}" for mean, error in cells]
    _print(tuple(head), [tuple(row) for row in rows])


def _scores(
    make: Callable[[int], Problem], seed: int, steps: int, chosen: dict[str, Any]
) -> list[float | None]:
    """The held-out score of each optimizer on one problem; None if it diverged."""
    given = make(seed)
    objective = ta.optimizers.objective(
        given.loss,
        given.params,
        given.batches,
        held_out=given.held_out,
        metric=given.metric,
        steps=steps,
        seed=seed,
    )
    found = [ta.optimizers.score(objective, each).score for each in chosen.values()]
    return [score if np.isfinite(score) else None for score in found]


def _kept(path: Path, key: list, measure: Callable[[], list]) -> list:
    """What a file of JSON lines holds for a key; measured and added to it if there is nothing."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = {json.dumps(each["key"]): each["scores"] for each in map(json.loads, lines)}
    if json.dumps(key) not in found:
        scores = found[json.dumps(key)] = measure()
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, "scores": scores}) + "\n")
    return found[json.dumps(key)]


def _child() -> Any:
    found = load_digits()
    return ta.make_task((found.images, found.target), name="digits")


def _recipe(size: Size) -> TrainingRecipe:
    """Epochs of batches of 32; the learning rates are tried in the first fifth."""
    steps = size.epochs * (size.rows // 32)
    return TrainingRecipe(
        steps=steps,
        batch_size=32,
        evaluations=size.epochs,
        score_last=1,
        train_rows=size.rows,
        validation_rows=size.rows,
        test_rows=size.rows,
    )


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
    parser.add_argument(
        "--data", type=Path, help="folder with index.csv, tabular, image/cifar10 and sequence/ptb-small"
    )
    parser.add_argument("--rules", nargs="+", metavar="RULE", help="transfer these, and search for none")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="networks of the transfer, by their column")
    parser.add_argument("--runs", type=Path, default=Path("runs") / "optimizer-rules", help="of the journals")
    parser.add_argument("--smoke", action="store_true", help="a tiny version, without --data")
    arguments = parser.parse_args(given)
    arguments.runs.mkdir(parents=True, exist_ok=True)
    kept = arguments.runs / "transfer.jsonl"
    if arguments.smoke:
        size = Size(2, 1, 1, 32, 30, ())
        rules = searched(size, arguments.runs, ("evolution",))
        transferred(rules, size, {"digits, one layer": functools.partial(digits, nn.Dense(10))}, kept)
        return
    size, problems = Size(), _problems(Size(), arguments.data)
    if unknown := set(arguments.only or ()) - set(problems):
        parser.error(f"--only: {', '.join(sorted(unknown))} is none of {', '.join(problems)}")
    rules = arguments.rules or searched(size, arguments.runs)
    if not arguments.rules:
        print("\n".join(f"found {number}: {rule}" for number, rule in enumerate(rules, 1)), flush=True)
        on_the_child(rules, size)
    chosen = {name: problems[name] for name in arguments.only or problems}
    transferred(rules, size, chosen, kept)
    print(f"{time.process_time() / 60:.1f} CPU minutes")


def _problems(size: Size, folder: Path | None) -> dict[str, Callable[[int], Problem]]:
    """What rules are transferred to, by name; without a folder what needs none."""
    problems: dict[str, Callable[[int], Problem]] = {
        "digits, larger ConvNet": functools.partial(digits, ConvNet(10))
    }
    if folder is not None:
        problems["cifar10"] = functools.partial(photographs, folder)
        problems["ptb-small"] = functools.partial(language, folder)
    problems |= {name: functools.partial(recommended, name) for name in size.tables}
    if folder is not None:
        problems |= {name: functools.partial(recommended, name, folder=folder) for name in TABLES}
    return problems


if __name__ == "__main__":
    main()
