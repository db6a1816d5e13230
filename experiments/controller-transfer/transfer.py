"""Searches of real tasks by controllers that others taught, with and without meta-features; see README.md.

python experiments/controller-transfer/transfer.py

The same command goes on where it was stopped.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.progress import tqdm
from taskaware.recommendation.shipped import open_experience
from taskaware.spaces import ChoiceSpace, choices
from taskaware.strategies import Factory, Objective, Outcomes, Taught, search

PARTS = ("shipped", "shipped-tables")
FOLDS = 5
AFTER = (1, 4, 8, 16, 32)
"""Evaluations after which the best score so far is looked at."""
BINS = 4
"""Steps into which learning rate, weight decay and dropout are cut."""


class Known(NamedTuple):
    """Real trainings of the same architectures on all tasks.

    Attributes:
        space: a point is one of the A architectures.
        scores: (T, A), in the order of the space's points.
        names, groups: of the T tasks.
        z: (T, K), meta-features.
    """

    space: ChoiceSpace
    scores: np.ndarray
    names: tuple[str, ...]
    groups: np.ndarray
    z: np.ndarray

    def objective(self, task: int) -> Objective:
        """The known scores of a task."""
        allowed = self.space.allowed
        assert allowed is not None  # `known` lists the points
        rows = {point.tobytes(): row for row, point in enumerate(allowed.astype(np.float32))}
        scores = self.scores[task]
        return Objective(
            lambda points: Outcomes(
                scores[[rows[each.tobytes()] for each in np.asarray(points, np.float32)]].astype(float)
            )
        )


def known() -> Known:
    """The tables of the shipped experience, with the architectures that were trained on all of them."""
    parts = [open_experience(name, ta.preset("compact")) for name in PARTS]
    trained = [{row.tobytes() for row in part.architectures} for part in parts]
    shared = np.stack(
        [row for row in parts[0].architectures if all(row.tobytes() in each for each in trained)]
    )
    points = decided(shared)
    order = np.lexsort(points.T[::-1])
    space = choices(options(points), allowed=points[order], name="compact, known")
    scores = np.concatenate([scores_of(part, shared[order]) for part in parts])
    return Known(
        space,
        scores,
        tuple(name for part in parts for name in part.names),
        np.array([group for part in parts for group in part.groups]),
        np.concatenate([part.z for part in parts]),
    )


def decided(architectures: np.ndarray) -> np.ndarray:
    """Architectures as choices, (A, D): what is largest of each softmax, and steps of numbers.

    Columns: three numbers of the recipe in BINS steps, whether it is a mixture, the operation of each of the
    three layers (0 of none), the embedding of numbers and of categories, and the number among equal rows.
    """
    operations, present = architectures[:, :24].reshape(-1, 3, 8), architectures[:, 24:30].reshape(-1, 3, 2)
    largest = shares(operations).max(-1)
    layers = np.where(present[..., 0] >= present[..., 1], 1 + operations.argmax(-1), 0)
    columns = [
        np.minimum(architectures[:, 37:40] * BINS, BINS - 1).astype(int),
        (largest < 0.9).any(1)[:, None],
        layers,
        architectures[:, 30:35].argmax(1)[:, None],
        architectures[:, 35:37].argmax(1)[:, None],
    ]
    rows = pd.DataFrame(np.concatenate(columns, 1))
    return np.column_stack([rows.to_numpy(), rows.groupby(list(rows)).cumcount()]).astype(np.int32)


def shares(logits: np.ndarray) -> np.ndarray:
    """The softmax over the last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def options(points: np.ndarray) -> dict[str, range]:
    recipe, layers = ("learning rate", "weight decay", "dropout"), ("layer 1", "layer 2", "layer 3")
    names = (*recipe, "mixture", *layers, "numbers", "categories", "variant")
    return {name: range(int(most) + 1) for name, most in zip(names, points.max(0), strict=True)}


def scores_of(part: ta.store.Experience, architectures: np.ndarray) -> np.ndarray:
    """Mean validation score of each task and architecture, (T, A); -inf where all trainings diverged."""
    column = {row.tobytes(): place for place, row in enumerate(architectures)}
    places = np.array([column.get(row.tobytes(), -1) for row in part.architectures])[part.architecture]
    used = (places >= 0) & np.isfinite(part.score)
    total, count = np.zeros((2, len(part.tasks), len(architectures)))
    np.add.at(total, (part.task[used], places[used]), part.score[used])
    np.add.at(count, (part.task[used], places[used]), 1)
    return np.where(count > 0, total / np.maximum(count, 1), -np.inf)


def folds(groups: np.ndarray) -> np.ndarray:
    """The fold of each task; tasks of a group are in one."""
    names = np.random.default_rng(0).permutation(np.unique(groups))
    return np.array([{name: place % FOLDS for place, name in enumerate(names)}[group] for group in groups])


class Fold(NamedTuple):
    """What the tasks of the other folds tell.

    Attributes:
        plain, with_z: controllers, taught without and with meta-features.
        order: architectures, the best on average first: mean over the tasks of the rank.
    """

    plain: Taught
    with_z: Taught
    order: np.ndarray


def learned(data: Known, tasks: np.ndarray, updates: int, out: Path) -> Fold:
    """Teach both controllers, unless they are saved."""
    objectives = {str(task): data.objective(task) for task in tasks}

    def taught(name: str, z: dict[str, np.ndarray] | None) -> Taught:
        path = out.with_name(f"{out.name}-{name}.safetensors")
        if not path.exists():
            controller = ta.strategies.teach(
                data.space, objectives, z=z, updates=updates, learning_rate=0.01, progress=False
            )
            controller.save(path)
        return ta.strategies.load_controller(path)

    ranks = pd.DataFrame(data.scores[tasks]).rank(axis=1).mean().to_numpy()
    return Fold(
        plain=taught("plain", None),
        with_z=taught("z", {str(task): data.z[task] for task in tasks}),
        order=np.argsort(-ranks, kind="stable"),
    )


def reinforce(start: Taught | None = None, z: np.ndarray | None = None) -> Factory:
    return ta.strategies.reinforce(8, learning_rate=0.01, entropy=0.01, start=start, z=z)


STRATEGIES: dict[str, Callable[[Fold, np.ndarray], Factory]] = {
    "random": lambda fold, z: ta.strategies.random(),
    "reinforce": lambda fold, z: reinforce(),
    "reinforce, taught without z": lambda fold, z: reinforce(start=fold.plain),
    "reinforce, taught with z": lambda fold, z: reinforce(start=fold.with_z, z=z),
    "the same, new points first": lambda fold, z: ta.strategies.promising(
        reinforce(start=fold.with_z, z=z), lambda points: np.zeros(len(points)), of=8
    ),
}
LIST = "best on average first"


def distances(data: Known, fold: Fold, task: int, seeds: int) -> dict[str, np.ndarray]:
    """Distance of the best score so far after `AFTER` evaluations, mean over the seeds, by strategy.

    It is best score of the task less best score so far, over best less median score, and 1 at most. The last
    number is the share of the points that were asked for the first time.
    """
    scores, objective = data.scores[task], data.objective(task)
    best, middle = scores.max(), np.median(scores)

    def measured(found: np.ndarray, new: float) -> np.ndarray:
        so_far = np.maximum.accumulate(found)[np.array(AFTER) - 1]
        return np.append(np.minimum((best - so_far) / max(best - middle, 1e-6), 1.0), new)

    rows = {LIST: measured(scores[fold.order], 1.0)}
    for name, made in STRATEGIES.items():
        runs = [
            search(
                made(fold, data.z[task]),
                objective,
                space=data.space,
                budget=AFTER[-1],
                seed=1000 * seed + task,
                progress=False,
            )
            for seed in range(seeds)
        ]
        rows[name] = np.mean(
            [measured(each.scores, len(np.unique(each.points, axis=0)) / len(each)) for each in runs], 0
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/controller-transfer"))
    parser.add_argument("--seeds", type=int, default=3, help="searches of each task and strategy")
    parser.add_argument("--updates", type=int, default=4000, help="minibatches that teach a controller")
    parser.add_argument("--folds", type=int, default=FOLDS, help="number of the five folds that are searched")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    data, path = known(), arguments.out / f"results-{arguments.updates}-{arguments.seeds}.jsonl"
    print(f"{len(data.names)} tasks of {len(set(data.groups))} groups, {data.space}")
    fold_of = folds(data.groups)
    for number in range(arguments.folds):
        search_fold(data, fold_of, number, path, arguments)
    report([json.loads(line) for line in path.read_text().splitlines()])


def search_fold(
    data: Known, fold_of: np.ndarray, number: int, path: Path, arguments: argparse.Namespace
) -> None:
    """Search the tasks of a fold that have no result yet."""
    lines = path.read_text().splitlines() if path.exists() else []
    done = {json.loads(line)["task"] for line in lines}
    left = [task for task in np.flatnonzero(fold_of == number).tolist() if data.names[task] not in done]
    if not left:
        return
    began = time.process_time()
    out = arguments.out / f"{arguments.updates}-{number}"
    fold = learned(data, np.flatnonzero(fold_of != number), arguments.updates, out)
    taught = time.process_time() - began
    for task in tqdm(left, desc=f"fold {number + 1}"):
        rows = distances(data, fold, task, arguments.seeds)
        line = {"task": data.names[task], "group": str(data.groups[task])}
        line["distance"] = {name: row.tolist() for name, row in rows.items()}
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n")
    spent = time.process_time() - began - taught
    print(f"fold {number + 1}: {taught:.0f} CPU seconds of teaching, {spent:.0f} of searches")


def report(lines: list[dict]) -> None:
    """Print the mean over the groups of the mean distance of their tasks, and differences in pairs."""
    frame = pd.DataFrame([{"group": line["group"], **line["distance"]} for line in lines])
    found = {
        name: np.stack([np.mean(np.stack(list(rows)), 0) for _, rows in frame.groupby("group")[name]])
        for name in frame.columns[1:]
    }
    print("| | " + " | ".join(map(str, AFTER)) + " | new |\n|" + "---|" * (len(AFTER) + 2))
    for name, rows in found.items():
        print(f"| {name} | {' | '.join(map(cell, rows.T))} |")
    for mine in list(found)[-2:]:
        for name in (other for other in found if other != mine):
            print(f"| {mine}, less {name} | {' | '.join(map(cell, (found[mine] - found[name]).T))} |")


def cell(values: np.ndarray) -> str:
    return f"{values.mean():.3f} ± {values.std(ddof=1) / len(values) ** 0.5:.3f}"


if __name__ == "__main__":
    main()
