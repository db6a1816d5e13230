"""Searches for convolution chains on digits and CIFAR-10, and the best beside a plain one; see README.md.

python experiments/chains/chains.py --data FOLDER

The same command goes on where it was stopped.
"""

import argparse
import functools
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeCV

import taskaware as ta
from taskaware.children.chain.count import cost
from taskaware.objectives.result import SearchResult
from taskaware.spaces import ChainSpace
from taskaware.strategies import History
from taskaware.tasks.task import Task
from taskaware.training.fit import fit
from taskaware.training.recipe import TrainingRecipe

sys.path.append(str(Path(__file__).parents[1]))
from gains import LAST, control_of, figure, latest, mean_error, paired, show, top

CONTROLLERS = {
    "reinforce": ta.strategies.reinforce(4, learning_rate=0.02, entropy=0.003),
    "reinforce of few updates": ta.strategies.reinforce(8, learning_rate=0.01, entropy=0.01),
    "reinforce, published": ta.strategies.reinforce(8, reward="cubed"),
    "reinforce with a queue": ta.strategies.reinforce(
        4, learning_rate=0.02, entropy=0.003, queue=5, queue_weight=0.02
    ),
    "ppo": ta.strategies.ppo(4, learning_rate=0.01, entropy=0.003),
    "ppo of few updates": ta.strategies.ppo(8, learning_rate=0.003, entropy=0.005),
}

STRATEGIES = CONTROLLERS | {"random": ta.strategies.random()}

CHOSEN_ON = (100, 101)
"""Seeds of the random searches on digits that choose the controller; no reported search has them."""

CLASSES = 10


class Size(NamedTuple):
    """How much is trained, and in which space; steps have 32 images each."""

    budget: int = 40
    steps: int = 40
    rows: int = 512
    longer: int = 300
    layers: int = 4
    kernels: tuple[int, ...] = (1, 3, 5)
    filters: tuple[int, ...] = (8, 16)
    repeats: int = 20


SMOKE = Size(2, 2, 32, 60, 2, (1, 3), (4,), 2)


Chain = tuple[ChainSpace, np.ndarray]
"""A point and its space."""


class Images(NamedTuple):
    """What the searches see, what the longer trainings see, and images and labels of the test."""

    searched: Task
    longer: Task
    test: tuple
    channels: int


def digits() -> Images:
    """1,400 images for searches and longer trainings, and 397 for the test."""
    found, order = load_digits(), np.random.default_rng(0).permutation(1797)
    seen, held = order[:1400], order[1400:]
    task = ta.make_task((found.images[seen], found.target[seen]), name="digits")
    return Images(task, task, (found.images[held], found.target[held]), 1)


def photographs(data: Path) -> Images:
    """6,000 images for the searches, 6,000 others for the longer trainings, and the 10,000 of the test."""
    frame = pd.read_parquet(data / "image" / "cifar10.parquet")
    drawn = frame[frame["split"] == "train"].sample(frac=1, random_state=0)
    parts = drawn[:6000], drawn[6000:12000], frame[frame["split"] == "test"]
    searched, more, test = ((list(part["image"]), part["label"].to_numpy()) for part in parts)
    return Images(ta.make_task(searched, name="cifar10"), ta.make_task(more, name="cifar10"), test, 3)


def space_of(size: Size, channels: int) -> ChainSpace:
    """Strides are fixed at 1, so one compiled program trains all chains."""
    return ta.spaces.chain(size.layers, kernels=size.kernels, filters=size.filters, side=8, channels=channels)


def recipe_of(size: Size, steps: int, rows: int) -> TrainingRecipe:
    """A training: its score is the mean accuracy of the last evaluations.

    Args:
        size: of the experiment.
        steps: of 32 images.
        rows: images that the training may see.
    """
    return TrainingRecipe(
        steps=steps,
        batch_size=32,
        evaluations=2,
        score_last=1,
        learning_rate=0.01,
        train_rows=rows,
        validation_rows=2 * size.rows,
        test_rows=2 * size.rows,
    )


def searched(
    images: Images, size: Size, name: str, seed: int, folder: Path, *, control: bool = False
) -> SearchResult:
    """A search by a controller.

    Args:
        images: of the task.
        size: of the searches.
        name: of the controller.
        seed: of both searches.
        folder: of the journals.
        control: whether a random search of the same budget stands beside it.
    """
    began = time.process_time()
    found = ta.search(
        space_of(size, images.channels),
        STRATEGIES[name],
        task=images.searched,
        recipe=recipe_of(size, size.steps, size.rows),
        budget=size.budget,
        seed=seed,
        journal=folder / f"{images.searched.name}-{name}-{seed}.jsonl",
        resume=True,
        progress=False,
        control=control,
    )
    if found.stopped or (found.control is not None and found.control.stopped):
        raise KeyboardInterrupt
    best = f"{images.searched.name}, seed {seed}: {name} {found.best.score:.3f}"
    best += f", random {found.control.best.score:.3f}" if found.control is not None else ""
    print(f"{best}, {time.process_time() - began:.0f} s", flush=True)
    return found


def choose(size: Size, folder: Path) -> None:
    """Print how each controller searches a prediction of the accuracies on digits.

    A ridge regression learns it from random searches with seeds of their own.
    """
    images = digits()
    space = space_of(size, images.channels)
    found = [searched(images, size, "random", seed, folder) for seed in CHOSEN_ON]
    options = [len(values) for _, values in space.options]
    codes = [np.eye(max(options))[each.points.astype(int)].reshape(len(each), -1) for each in found]
    scores = [each.scores for each in found]
    model = RidgeCV(np.logspace(-2, 2, 9)).fit(np.concatenate(codes), np.concatenate(scores))
    fits = [RidgeCV(np.logspace(-2, 2, 9)).fit(codes[n], scores[n]) for n in (0, 1)]
    known = [np.corrcoef(fits[n].predict(codes[1 - n]), scores[1 - n])[0, 1] for n in (0, 1)]
    print(f"correlation with the random search that the prediction did not see: {np.mean(known):.2f}")
    codes_of = functools.partial(np.eye(max(options)).__getitem__)
    objective = ta.objectives.Objective(
        lambda points: ta.strategies.Outcomes(
            model.predict(codes_of(np.asarray(points, int)).reshape(len(points), -1))
        )
    )
    print("\n| controller | best | mean of the best 5 | median of the last 16 |\n|---|---|---|---|")
    for name, strategy in STRATEGIES.items():
        searches = [
            ta.search(space, strategy, objective=objective, budget=size.budget, seed=seed, progress=False)
            for seed in range(size.repeats)
        ]
        each = np.stack([one.scores for one in searches])
        ends = top(each, 1)[:, -1], top(each, 5)[:, -1], latest(each)[:, -1]
        print(
            f"| {name} | " + " | ".join(f"{m:.3f} ± {e:.3f}" for m, e in map(mean_error, ends)) + " |",
            flush=True,
        )


def weights_of(space: ChainSpace, point: np.ndarray) -> int:
    """Parameters of the network of a point."""
    return cost(space, point, CLASSES).parameters


def plain_of(size: Size, channels: int, parameters: int) -> Chain:
    """The plain chain of the nearest size: 3x3 filters, eight of them or a multiple, the same in all layers.

    Args:
        size: of the experiment.
        channels: of the images.
        parameters: wanted.
    """
    spaces = [
        ta.spaces.chain(size.layers, kernels=(3,), filters=(number,), side=8, channels=channels)
        for number in range(8, 129, 8)
    ]
    chains = [(space, space.named("plain")) for space in spaces]
    return min(chains, key=lambda chain: abs(weights_of(*chain) - parameters))


def longer(images: Images, size: Size, chains: dict[str, Chain], folder: Path, seed: int) -> dict:
    """Validation and test accuracy of each chain, trained anew for longer; kept in a file.

    Args:
        images: of the trainings and the test.
        size: of the trainings.
        chains: by name.
        folder: of the file.
        seed: of first weights and order.
    """
    kept = folder / f"{images.searched.name}-longer.json"
    known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    recipe, found = recipe_of(size, size.longer, 10**9), {}
    for name, (space, point) in chains.items():
        key = f"{seed} {size.longer} {[tuple(layer) for layer in space.decode(point)]}"
        if key not in known:
            began = time.process_time()
            model = fit(
                images.longer,
                space,
                point,
                recipe=recipe,
                augment=("crop",),
                validation=0.1,
                seed=seed,
                progress=False,
            )
            known[key] = [float(model.best_score), float(model.score(*images.test))]
            kept.write_text(json.dumps(known), encoding="utf-8")
            took = time.process_time() - began
            print(
                f"{name}, longer, seed {seed}: {known[key][0]:.3f}, test {known[key][1]:.3f}, {took:.0f} s",
                flush=True,
            )
        found[name] = [*known[key], weights_of(space, point)]
    return found


def sizes(found: list[SearchResult], space: ChainSpace) -> None:
    """Print how the number of weights and the score go together, and how large the last chains are.

    Args:
        found: searches with `control`.
        space: of the chains.
    """
    parts: dict[str, Sequence[History]] = {
        "controller": found,
        "random": [control_of(each) for each in found],
    }
    for name, part in parts.items():
        weights = np.array([[weights_of(space, point) for point in each.points] for each in part])
        together = spearmanr(weights.ravel(), np.concatenate([each.scores for each in part])).statistic
        last = latest(weights)[:, -1].mean()
        ends = f"median weights of the last {LAST} {last:,.0f}"
        print(f"{name}: rank correlation of weights and score {together:.2f}, {ends}")


def reported(images: Images, size: Size, name: str, seeds: int, folder: Path) -> None:
    """Search with several seeds, train the best chains for longer, and print and draw all.

    Args:
        images: of one task.
        size: of the experiment.
        name: of the controller.
        seeds: how many.
        folder: of what is written.
    """
    found = [searched(images, size, name, seed, folder, control=True) for seed in range(seeds)]
    task, pair, space = images.searched.name, paired(found), space_of(size, images.channels)
    show(pair)
    if size.budget >= LAST:
        sizes(found, space)
    figure({task: pair}, folder / f"{task}.png", "accuracy")
    best = max(found, key=lambda each: each.best.score)
    best.draw().savefig(folder / f"{task}-best.png", dpi=90, bbox_inches="tight")
    (folder / f"{task}_best.py").write_text(best.source(), encoding="utf-8")
    rows: dict[str, list] = {}
    for seed, each in enumerate(found):
        chains = {
            f"best of {name}": (space, each.best.point),
            "best of random": (space, control_of(each).best.point),
            "plain": plain_of(size, images.channels, weights_of(space, each.best.point)),
        }
        for chain, numbers in longer(images, size, chains, folder, seed).items():
            rows.setdefault(chain, []).append(numbers)
    print(f"\n| {task}, {seeds} seeds, longer | validation | test | parameters |\n|---|---|---|---|")
    for chain, numbers in rows.items():
        (valid, test, weights), errors = mean_error(np.array(numbers, float))
        print(f"| {chain} | {valid:.3f} ± {errors[0]:.3f} | {test:.3f} ± {errors[1]:.3f} | {weights:,.0f} |")


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with image/cifar10.parquet")
    parser.add_argument("--tasks", nargs="+", choices=("digits", "cifar10"), default=["digits", "cifar10"])
    parser.add_argument("--out", type=Path, default=Path("runs") / "chains")
    parser.add_argument("--controller", choices=tuple(CONTROLLERS), default="reinforce")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", type=int, help="trainings of each search; a larger one goes on")
    parser.add_argument("--choose", action="store_true", help="compare the controllers on digits, and end")
    parser.add_argument("--smoke", action="store_true", help="a tiny version")
    chosen = parser.parse_args(given)
    chosen.out.mkdir(parents=True, exist_ok=True)
    size = SMOKE if chosen.smoke else Size()
    size = size._replace(budget=chosen.budget or size.budget)
    if chosen.choose:
        choose(size, chosen.out)
        return
    if "cifar10" in chosen.tasks and chosen.data is None:
        parser.error("cifar10 needs --data; or give --tasks digits")
    for task in chosen.tasks:
        images = digits() if task == "digits" else photographs(chosen.data)
        reported(images, size, chosen.controller, chosen.seeds, chosen.out)


if __name__ == "__main__":
    main()
