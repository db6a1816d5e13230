"""How good recommendations are for tasks held out, beside simpler ways to choose.

Every method chooses one architecture of the pool for every task while the task and its relatives are held out
(by group). Its worth is the number of trainings that a random search on the target needs, picking by
validation score, to reach the same mean test score. With --data, the architectures found by gradient ascent
are trained on their tasks, with seed 0 and its split, and judged alike.
"""

import argparse
import importlib.util
from pathlib import Path

import jax
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from taskaware.modalities.suites import suite_named
from taskaware.recommendation.ascent import AscentSettings
from taskaware.recommendation.shipped import open_experience
from taskaware.recommendation.teach import MORE, with_more
from taskaware.spaces import MixtureSpace, preset
from taskaware.studies import quality
from taskaware.studies import worth as worths
from taskaware.studies.selectors import METHODS, NewTasks
from taskaware.surrogates import EvaluatorSettings, TrainingData
from taskaware.surrogates import training_data as training_data
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe

MOST = 256
BUDGETS = (1, 3, 8, 16)


def line(known: TrainingData, curve: np.ndarray, name: str, reached: np.ndarray, ranks: float | None) -> dict:
    """One row of the table from test scores (seeds, T); tasks that only teach do not count."""
    judged = quality.eligible(known)
    standing = quality.standing(known.take(judged), curve[judged], reached[:, judged])
    return {"method": name, "spearman": ranks, **standing}


def from_pool(
    known: TrainingData,
    curve: np.ndarray,
    space: MixtureSpace,
    methods: list[str],
    folds: int,
    seeds: list[int],
) -> list[dict]:
    """The methods that choose from the pool."""
    pickers = {name: make(space, EvaluatorSettings()) for name, make in METHODS.items() if name in methods}
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


def by_tpe(space: MixtureSpace) -> quality.Trainer:
    """Optuna's TPE at its defaults, over the coordinates of the space, in the reach of the pool.

    What it suggests is looked up: the nearest architecture of the pool that was not trained yet.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def begin(known: TrainingData, unseen: NewTasks, seed: int):
        u = known.u.astype(float)
        reach = {
            f"u{i}": optuna.distributions.FloatDistribution(low, max(high, low + 1e-6))
            for i, (low, high) in enumerate(zip(u.min(0), u.max(0), strict=True))
        }
        scale = np.maximum(u.std(0), 1e-6)
        studies: dict[int, tuple] = {}

        def more(task: int, places: np.ndarray, scores: np.ndarray) -> np.ndarray:
            if task not in studies:
                sampler = optuna.samplers.TPESampler(seed=1000 * seed + task)
                studies[task] = optuna.create_study(sampler=sampler, direction="maximize"), []
            study, asked = studies[task]
            if asked:
                study.tell(asked.pop(), scores[-1])
            trial = study.ask(reach)
            asked.append(trial)
            wanted = np.array([trial.params[name] for name in reach])
            gaps = np.sum(((u - wanted) / scale) ** 2, axis=1)
            gaps[places] = np.inf
            return gaps.argsort()[:1]

        return more

    return begin


def with_trainings(
    known: TrainingData,
    curve: np.ndarray,
    found: worths.Trials,
    space: MixtureSpace,
    folds: int,
    seeds: list[int],
) -> list[dict]:
    """Greedy portfolios, refinement, TPE: some candidates are trained on the target, validation picks."""
    tables: dict[str, np.ndarray] = {}
    ways = {"portfolio": quality.by_portfolio, "refine": quality.by_refinement(space, EvaluatorSettings())}
    if importlib.util.find_spec("optuna"):
        ways["TPE"] = by_tpe(space)
    else:
        print("Optuna is not installed (pip install optuna), so its TPE is left out.")
    for row, seed in enumerate(tqdm(seeds, desc="training a few on the target", unit="seed")):
        for name, way in ways.items():
            for task, size, place in quality.after_trainings(known, found, way, BUDGETS, folds, seed):
                table = tables.setdefault(
                    f"{name}, {size} trainings", np.zeros((len(seeds), len(known.names)))
                )
                table[row, task] = known.test_score[task, place]
    return [line(known, curve, name, reached, None) for name, reached in tables.items()]


def trained(
    known: TrainingData,
    curve: np.ndarray,
    space: MixtureSpace,
    tasks: dict[str, Task],
    ascent: AscentSettings,
    folds: int,
    seeds: list[int],
) -> list[dict]:
    """What `recommend` would return for each of the tasks while it is held out, trained on it with seed 0.

    Beside it the plain network nearest to it, and the known architecture that the evaluator prefers.
    """
    rows = [row for row, name in enumerate(known.names) if name in tasks]
    points: dict[int, list[np.ndarray]] = {row: [] for row in rows}
    for seed in seeds:
        for row, found in quality.recommended_points(
            space, known, EvaluatorSettings(), ascent, folds=folds, seed=seed
        ):
            if row in points:
                preferred = found.points[found.came_from.index("known")]
                plain = np.asarray(space.discretise(found.points[0]))
                points[row] += [found.points[0], plain, preferred]
    reached = np.zeros((len(rows), len(seeds), 3))
    for place, row in enumerate(tqdm(rows, desc="training what was found", unit="task")):
        task = tasks[known.names[row]]
        _, test = quality.true_scores(space, task, np.stack(points[row]), TrainingRecipe(), [0])
        reached[place] = test.reshape(len(seeds), 3)
        # Every compiled program holds memory maps, of which a process may have only so many.
        jax.clear_caches()
    print(f"trained on {len(rows)} tasks:")
    some = known.take(np.array(rows))
    names = (
        f"found, untrained_penalty {ascent.untrained_penalty:g}",
        "plain network nearest to it",
        "preferred among the known",
    )
    return [line(some, curve[rows], name, reached[:, :, i].T, None) for i, name in enumerate(names)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="of the evaluators and of the folds")
    parser.add_argument("--methods", nargs="+", choices=tuple(METHODS), default=list(METHODS))
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--data", type=Path, help="folder of the tables, to train what the ascent finds")
    parser.add_argument("--only", nargs="+", help="tasks to train on; all of the folder by default")
    parser.add_argument(
        "--untrained-penalty",
        type=float,
        default=AscentSettings().untrained_penalty,
        help="see AscentSettings",
    )
    parser.add_argument(
        "--more", nargs="*", choices=MORE, default=list(MORE), help="learned from beside the shipped tasks"
    )
    parser.add_argument("--experience", default="shipped", help="file or store; the shipped one by default")
    parser.add_argument("--space", default="compact", help="of its architectures")
    arguments = parser.parse_args()
    space = preset(arguments.space)
    experience = open_experience(arguments.experience, space)
    if arguments.experience == "shipped":
        experience = with_more(experience, tuple(arguments.more))
    known = training_data(experience)
    found = worths.trials(experience, known)
    curve = worths.random_search_curve(found, MOST)
    seeds = list(range(arguments.seeds))
    judged = quality.eligible(known)
    print(f"{experience}, {judged.sum()} tasks judged, {len(set(np.array(known.groups)[judged]))} groups")
    rows = from_pool(known, curve, space, arguments.methods, arguments.folds, seeds)
    rows += with_trainings(known, curve, found, space, arguments.folds, seeds)
    print("random search, mean test score after 1, 2, 4, ... trainings:")
    print("  " + ", ".join(f"{n}: {curve[judged, n - 1].mean():.4f}" for n in (1, 2, 4, 8, 16, 32, 64, 128)))
    show(rows)
    if arguments.data:
        suite = suite_named("bundled", str(arguments.data))
        names = arguments.only or [name for name in suite.names if name in known.names]
        tasks = {task.name: task for task in suite.only(*names)}
        ascent = AscentSettings(untrained_penalty=arguments.untrained_penalty).check()
        show(trained(known, curve, space, tasks, ascent, arguments.folds, seeds))


def show(rows: list[dict]) -> None:
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda number: f"{number:.3f}"))


if __name__ == "__main__":
    main()
