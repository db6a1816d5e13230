"""How good recommendations are for tasks held out, beside simpler ways to choose.

Every method chooses one architecture of the pool for every task while the task and its relatives are held out
(by group). Its worth is the number of trainings that a random search on the target needs, picking by
validation score, to reach the same mean test score.

With --data, it trains instead what ascents propose first for their tasks, and compares the test scores.

With --answers, it prints instead which answers are designs of an ascent, by kind of data and by rows, and how
right the evaluator is at random architectures. Run folders of experiments/designs, given to --runs, tell how
right it is at the ends of ascents, and how good these are.
"""

import argparse
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from taskaware.children.mixture.cost import exactly
from taskaware.modalities.suites import suite_named
from taskaware.objectives.architectures import rounded
from taskaware.objectives.collect import Batch, train_batch
from taskaware.recommendation.ascent import AscentSettings
from taskaware.recommendation.cost import reads_of
from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.recommendation.parts import TaskCard
from taskaware.recommendation.preference import Preference
from taskaware.recommendation.shipped import open_experience
from taskaware.recommendation.teach import MORE, with_more
from taskaware.spaces import MixtureSpace, preset
from taskaware.studies import quality
from taskaware.studies import worth as worths
from taskaware.studies.answers import answers, by_class, ends, first_designs, mean_error
from taskaware.studies.selectors import METHODS, NewTasks
from taskaware.studies.settings import overridden
from taskaware.surrogates import EvaluatorSettings, TrainingData
from taskaware.surrogates import training_data as training_data
from taskaware.surrogates.patterns import kinds_of
from taskaware.surrogates.price import Price
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
    budgets: list[int],
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
            for task, size, place in quality.after_trainings(known, found, way, budgets, folds, seed):
                table = tables.setdefault(
                    f"{name}, {size} trainings", np.zeros((len(seeds), len(known.names)))
                )
                table[row, task] = known.test_score[task, place]
    return [line(known, curve, name, reached, None) for name, reached in tables.items()]


def trained(
    known: TrainingData,
    space: MixtureSpace,
    tasks: dict[str, Task],
    ascents: list[str],
    folds: int,
    seeds: list[int],
    kept: Path | None,
) -> pd.DataFrame:
    """What ascents with some settings propose for each of the tasks while it is held out, trained on it.

    Beside it the known architecture that the evaluator prefers. A file keeps the scores of the tasks that are
    done.
    """
    settings = [overridden(AscentSettings(), one.split(";") if one else []) for one in ascents]
    price = shipped_evaluator(space.name).price
    rows = [] if kept is None or not kept.is_file() else pd.read_csv(kept).to_dict("records")
    done = {row["task"] for row in rows}
    left = [row for row, name in enumerate(known.names) if name in tasks and name not in done]
    found = quality.recommended_points(
        space, known, EvaluatorSettings(), settings, folds=folds, seed=0, price=price, wanted=left
    )
    for row, proposals in tqdm(found, total=len(left), desc="training what was found", unit="task"):
        task = tasks[known.names[row]]
        points = [proposal.points[0] for proposal in proposals]
        points.append(proposals[0].points[proposals[0].came_from.index("known")])
        stacked = rounded(np.stack(points))
        results = [
            train_batch(task, Batch(space, stacked, TrainingRecipe(), seed, len(points), coarse=True))
            for seed in seeds
        ]
        test = np.mean([each.test_score for each in results], axis=0)
        cost = exactly(space, stacked, reads_of(space, TaskCard.of(task), Preference(members=1)))
        names = [*(one or "the default settings" for one in ascents), "preferred among the known"]
        origins = [*(proposal.came_from[0] for proposal in proposals), "known"]
        for name, origin, score, size in zip(names, origins, test, cost.parameters, strict=True):
            about = {"task": task.name, "group": known.groups[row], "ascent": name, "found_by": origin}
            rows.append(about | {"test_score": float(score), "parameters": float(size)})
        if kept is not None:
            pd.DataFrame(rows).to_csv(kept, index=False)
    return pd.DataFrame(rows)


def beside_first(table: pd.DataFrame) -> pd.DataFrame:
    """Mean test score of each ascent, and what it has more than the first, with errors over groups."""
    first = table[table["ascent"] == table["ascent"].iloc[0]].set_index("task")
    lines = []
    for name, its in table.groupby("ascent", sort=False):
        its = its.set_index("task").loc[first.index]
        gain, error = mean_error(its["test_score"] - first["test_score"], first["group"])
        smaller = np.exp(np.log(its["parameters"] / first["parameters"]).mean())
        lines.append(
            {"ascent": name, "tasks": len(its), "designs": (its["found_by"] != "known").mean()}
            | {"test_score": its["test_score"].mean(), "gain": gain, "error": error, "parameters": smaller}
        )
    return pd.DataFrame(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seeds", type=int, default=5, help="of evaluators and folds; with --data, of trainings"
    )
    parser.add_argument("--methods", nargs="+", choices=tuple(METHODS), default=list(METHODS))
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--data", type=Path, help="folder of the tables, to train what the ascent finds")
    parser.add_argument("--only", nargs="+", help="tasks to train on; all of the folder by default")
    parser.add_argument(
        "--ascents",
        nargs="+",
        default=[""],
        metavar="SETTINGS",
        help="settings of ascents to train, like 'pick=expected;tidied=0.1'; an empty text for the default",
    )
    parser.add_argument("--kept", type=Path, help="CSV file that keeps what was trained, to go on later")
    parser.add_argument(
        "--more", nargs="*", choices=MORE, default=list(MORE), help="learned from beside the shipped tasks"
    )
    parser.add_argument(
        "--budgets", type=int, nargs="+", default=list(BUDGETS), help="trainings of refine, portfolio, TPE"
    )
    parser.add_argument("--experience", default="shipped", help="file or store; the shipped one by default")
    parser.add_argument("--space", default="compact", help="of its architectures")
    parser.add_argument("--answers", action="store_true", help="print which answers are designs")
    parser.add_argument(
        "--price",
        type=float,
        nargs=3,
        help="of untrained architectures: always, by distance, by rows; the learned one by default",
    )
    parser.add_argument("--runs", type=Path, nargs="*", default=[], help="run folders of experiments/designs")
    arguments = parser.parse_args()
    if arguments.answers:
        price = Price(*arguments.price) if arguments.price else None
        show_answers(arguments.folds, price, arguments.runs)
        return
    space = preset(arguments.space)
    if not isinstance(space, MixtureSpace):
        parser.error(f"--space: '{space.name}' is no space of mixtures")
    experience = open_experience(arguments.experience, space)
    if arguments.experience == "shipped":
        experience = with_more(experience, tuple(arguments.more))
    known, seeds = training_data(experience), list(range(arguments.seeds))
    if arguments.data:
        suite = suite_named("bundled", str(arguments.data))
        names = arguments.only or [name for name in suite.names if name in known.names]
        tasks = {task.name: task for task in suite.only(*names)}
        ways = (arguments.ascents, arguments.folds, seeds, arguments.kept)
        show(beside_first(trained(known, space, tasks, *ways)))
        return
    found = worths.trials(experience, known)
    curve = worths.random_search_curve(found, MOST)
    judged = quality.eligible(known)
    print(f"{experience}, {judged.sum()} tasks judged, {len(set(np.array(known.groups)[judged]))} groups")
    rows = from_pool(known, curve, space, arguments.methods, arguments.folds, seeds)
    rows += with_trainings(known, curve, found, space, arguments.folds, seeds, sorted(set(arguments.budgets)))
    print("random search, mean test score after 1, 2, 4, ... trainings:")
    print("  " + ", ".join(f"{n}: {curve[judged, n - 1].mean():.4f}" for n in (1, 2, 4, 8, 16, 32, 64, 128)))
    show(rows)


def answered(folds: int, given: Price | None) -> pd.DataFrame:
    """The answers for all known tasks: tables by the evaluator of tables, other kinds by the other one."""
    parts = []
    for name in ("compact", "universal"):
        space, price = preset(name), given or shipped_evaluator(name).price
        known = training_data(with_more(open_experience("shipped", space)))
        tables = np.array(kinds_of(space, known)) == "tables"
        judged = known.real & (tables == (name == "compact"))
        found = answers(space, known, judged, price=price, folds=folds)
        parts += tqdm(found, total=judged.sum(), desc=f"answers, {name}", unit="task")
    return pd.DataFrame(parts)


def show_answers(folds: int, price: Price | None, runs: list[Path]) -> None:
    """Print the shares of designs, and what the runs measured of designs."""
    table = answered(folds, price)
    print("answers that are designs, and the evaluator at random architectures:")
    show(by_class(table))
    for folder in runs:
        designs = pd.read_csv(folder / "designs.csv")
        for number, its in designs.groupby("round"):
            print(f"\nthe evaluator at the ends of ascents, {folder}, round {number}:")
            show(ends(its, table))
            print(
                "test scores of the first design, of the best known architecture, of the best by validation:"
            )
            show(first_designs(its, table))


def show(rows: list[dict] | pd.DataFrame) -> None:
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda number: f"{number:.3f}"))


if __name__ == "__main__":
    main()
