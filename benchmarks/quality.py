"""How good recommendations are for tasks held out, beside simpler ways to choose.

Every method chooses one architecture of the pool for every task while the task and its relatives are held out
(by origin). Its worth is the number of trainings that a random search on the target needs, picking by
validation score, to reach the same mean test score. With --data, the architectures found by gradient ascent
are trained on their tasks, with the seeds and splits of the experience, and judged alike.
"""

import argparse
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from taskaware.campaigns import quality
from taskaware.campaigns.shipped import entries
from taskaware.evaluator import PUBLISHED, EvaluatorSettings, Lessons, lessons
from taskaware.recommendation.ascent import AscentSettings
from taskaware.spaces import MixtureSpace
from taskaware.store import Experience, unpack
from taskaware.training.recipe import TrainingRecipe

MOST = 128
RESAMPLES = 200


def scale(known: Lessons) -> tuple[np.ndarray, np.ndarray]:
    """Median and spread (mean of the best five less median) of the test scores of each task, (T,) each."""
    middle = np.nanmedian(known.test_score, axis=1)
    best = np.sort(known.test_score, axis=1)[:, -5:].mean(1)
    return middle, np.maximum(best - middle, 1e-3)


def bootstrapped(known: Lessons, reached: np.ndarray, curve: np.ndarray) -> tuple[float, float]:
    """Worth of mean scores (T,), and its standard error over origins drawn with replacement."""
    groups = [np.flatnonzero(np.array(known.origins) == origin) for origin in sorted(set(known.origins))]
    rng = np.random.default_rng(0)
    drawn = [
        np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))])
        for _ in range(RESAMPLES)
    ]
    found = [quality.worth(curve[rows].mean(0), reached[rows].mean()) for rows in drawn]
    return quality.worth(curve.mean(0), reached.mean()), float(np.std(found))


def line(known: Lessons, curve: np.ndarray, name: str, reached: np.ndarray, ranks: float | None) -> dict:
    """One row of the table from test scores (seeds, T)."""
    middle, spread = scale(known)
    best = np.nanmax(known.test_score, axis=1)
    mean = reached.mean(0)
    worth, error = bootstrapped(known, mean, curve)
    alike = bootstrapped(known, (mean - middle) / spread, (curve - middle[:, None]) / spread[:, None])
    return {
        "method": name,
        "Spearman": ranks,
        "test score": reached.mean(),
        "se (seeds)": reached.mean(1).std(ddof=1) / len(reached) ** 0.5 if len(reached) > 1 else 0.0,
        "regret": (best - mean).mean(),
        "worth": worth,
        "se (tasks)": error,
        "worth, normalised": alike[0],
        "se": alike[1],
    }


def from_pool(
    known: Lessons, curve: np.ndarray, space: MixtureSpace, folds: int, seeds: list[int]
) -> list[dict]:
    """The methods that choose from the pool."""
    pickers = {
        "random": quality.random_choice,
        "single best": quality.single_best,
        "nearest task": quality.nearest_task,
        "gradient boosting": quality.boosted(space),
        "evaluator, published": quality.learned(space, PUBLISHED, 0.0),
        "evaluator": quality.learned(space, EvaluatorSettings(), AscentSettings().caution),
    }
    parts = quality.leave_tasks_out(known, pickers, folds=folds, seeds=seeds)
    found = pd.concat(tqdm(parts, total=len(seeds) * folds, desc="leaving tasks out", unit="fold"))
    place = {name: row for row, name in enumerate(known.names)}
    rows = []
    for name, group in found.groupby("method", sort=False):
        reached = np.zeros((len(seeds), len(known.names)))
        reached[group["seed"].map(seeds.index), group["task"].map(place)] = known.test_score[
            group["task"].map(place), group["picked"]
        ]
        rows.append(line(known, curve, name, reached, group["spearman"].mean()))
    return rows


def portfolios(known: Lessons, curve: np.ndarray, folds: int, sizes: tuple[int, ...] = (4, 8)) -> list[dict]:
    """Greedy portfolios: all members are trained on the target, the validation score picks."""
    rows = []
    for size in sizes:
        reached = np.zeros((1, len(known.names)))
        for out in quality.held_out(known, folds, 0):
            chosen = quality.portfolio(known.take(~out), size)
            best = chosen[np.argmax(known.score[np.ix_(out, chosen)], axis=1)]
            reached[0, out] = known.test_score[np.flatnonzero(out), best]
        rows.append(line(known, curve, f"portfolio of {size} ({size} trainings)", reached, None))
    return rows


def trained(
    known: Lessons,
    curve: np.ndarray,
    experience: Experience,
    space: MixtureSpace,
    folder: Path,
    folds: int,
    seeds: list[int],
    report: Callable[[int], None],
) -> list[dict]:
    """What `recommend` would return for each task held out, trained on it."""
    tasks = {entry.name: entry for entry in entries(folder)}
    points: dict[int, list[np.ndarray]] = {}
    plain: dict[int, list[np.ndarray]] = {}
    for seed in seeds:
        proposals = quality.recommended_points(
            space, known, EvaluatorSettings(), AscentSettings(), folds=folds, seed=seed
        )
        for task, proposal in proposals:
            points.setdefault(task, []).append(proposal.points[0])
            plain.setdefault(task, []).append(np.asarray(space.discretise(proposal.points[0])))
    reached = np.zeros((2, len(seeds), len(known.names)))
    for task, found in points.items():
        digest = known.digests[task]
        rows = experience.task == [record.digest for record in experience.tasks].index(digest)
        both = np.stack(found + plain[task])
        recipe = TrainingRecipe()
        _, test = quality.true_scores(
            space, tasks[known.names[task]].task(), both, recipe, np.unique(experience.seed[rows])
        )
        reached[:, :, task] = test.reshape(2, len(seeds))
        report(1)
    names = ("gradient ascent, guarded", "the plain network nearest to it")
    return [line(known, curve, name, scores, None) for name, scores in zip(names, reached, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="of the evaluators and of the folds")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--data", type=Path, help="folder of the tables, to train what the ascent finds")
    parser.add_argument("--experience", type=Path, help="the shipped one by default")
    arguments = parser.parse_args()
    with resources.as_file(resources.files("taskaware.shipped") / "experience.npz") as path:
        experience = unpack(arguments.experience or path)
    known = lessons(experience)
    space = MixtureSpace.from_dict(experience.space.definition)
    curve = quality.random_search_curve(quality.trials(experience, known), MOST)
    seeds = list(range(arguments.seeds))
    print(f"{experience}, {len(set(known.origins))} origins")
    rows = from_pool(known, curve, space, arguments.folds, seeds)
    rows += portfolios(known, curve, arguments.folds)
    if arguments.data:
        with tqdm(total=len(known.names), desc="training what was found", unit="task") as bar:
            rows += trained(
                known, curve, experience, space, arguments.data, arguments.folds, seeds, bar.update
            )
    print("random search, mean test score after 1, 2, 4, ... trainings:")
    print("  " + ", ".join(f"{n}: {curve[:, n - 1].mean():.4f}" for n in (1, 2, 4, 8, 16, 32, 64, 128)))
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda number: f"{number:.3f}"))


if __name__ == "__main__":
    main()
