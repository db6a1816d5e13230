"""Quality of recommendations for tasks that were left out of the fit.

Tasks are held out by group. A recommendation is worth n trainings if a random search on the target has to
train n architectures, picking by validation score, to reach the same mean test score.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

import numpy as np
import pandas as pd

from taskaware.recommendation.ascent import AscentSettings, Proposal, propose
from taskaware.recommendation.refine import TOGETHER
from taskaware.recommendation.refinement import Refinement
from taskaware.spaces import Space
from taskaware.studies.selectors import NewTasks, Selector, portfolio
from taskaware.studies.worth import Trials, worth
from taskaware.surrogates import EvaluatorSettings, TrainingData, fit_evaluator
from taskaware.surrogates.folds import DEALS as DEALS
from taskaware.surrogates.folds import held_out as held_out
from taskaware.surrogates.price import Price
from taskaware.surrogates.training_data import architecture_features
from taskaware.tasks.task import Task
from taskaware.training.prepare import embeddings_of, prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train

POOL = 64
"""Typical number of candidates of one width in the experience, so that compiled programs are reused."""

PORTFOLIO = 64
"""Length of the greedy portfolio."""

RESAMPLES = 200
"""Number of bootstrap draws of groups for a standard error."""


def eligible(data: TrainingData, fewest: int = 0) -> np.ndarray:
    """Mask of the test tasks, (T,): no variants, and with `fewest` architectures or more.

    With few, a random search cannot go on for long; such a task teaches, and is picked for by nobody. For 0,
    half as many are needed as any task has.
    """
    trained = (~np.isnan(data.score)).sum(1)
    return data.real & (trained >= (fewest or trained.max() / 2))


def leave_tasks_out(
    data: TrainingData, selectors: Mapping[str, Selector], *, folds: int, seeds: Sequence[int]
) -> Iterator[pd.DataFrame]:
    """The choice of each selector for every task while it is held out, fold by fold.

    Args:
        data: experience.
        selectors: methods by name.
        folds: number of parts that the tasks are left out in.
        seeds: one repetition for each.

    Yields:
        A row for each (method, seed, task), see `picks`.
    """
    for seed in seeds:
        for out in held_out(data, folds, seed):
            rows = [
                {"method": name, "seed": seed} | row
                for name, selector in selectors.items()
                for row in picks(data, selector, out, seed)
            ]
            yield pd.DataFrame(rows)


def picks(
    data: TrainingData, selector: Selector, out: np.ndarray, seed: int, pool: np.ndarray | None = None
) -> list[dict]:
    """The choices of a selector for tasks held out.

    Args:
        data: all tasks.
        selector: receives the tasks that are not held out, and `NewTasks` of the others.
        out: mask of the tasks held out, (T,).
        seed: for the selector.
        pool: mask of the allowed choices on each task, (T, A), empty for a task that is no test task; by
            default all trained architectures of the `eligible` tasks.

    Returns:
        Plain data for each task: its name and `place` in `data`, the position `picked` among the
        architectures, `spearman` of the preference with the true validation scores, and the `predicted` score
        of what was picked and its `deviation`, None where none is predicted; position of the `default` and
        the `chance` to beat it, see `Choice`.
    """
    allowed = ~np.isnan(data.score) & (eligible(data)[:, None] if pool is None else pool)
    wanted = np.flatnonzero(out & allowed.any(1))
    if not len(wanted):
        return []
    choice = selector(data.take(~out), NewTasks.of(data.take(wanted)), seed)
    rows = []
    for row, task in enumerate(wanted):
        there = allowed[task]
        preference = np.nan_to_num(choice.preference[row], nan=-np.inf)
        picked = int(np.flatnonzero(there)[preference[there].argmax()])
        scored = choice.predicted is not None
        against = choice.chance is not None and picked == int(preference.argmax())
        rows.append(
            {
                "task": data.names[task],
                "place": int(task),
                "picked": picked,
                "spearman": spearman(preference[there], data.score[task][there]),
                "predicted": float(cast(np.ndarray, choice.predicted)[row, picked]) if scored else None,
                "deviation": float(cast(np.ndarray, choice.deviation)[row, picked]) if scored else None,
                "default": int(cast(np.ndarray, choice.default)[row]) if against else None,
                "chance": float(cast(np.ndarray, choice.chance)[row]) if against else None,
            }
        )
    return rows


def scale(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and spread (mean of the best five less median) of the scores (T, n) of each task, (T,) each."""
    middle = np.nanmedian(scores, axis=1)
    best = np.nanmean(-np.sort(-scores, axis=1)[:, :5], axis=1)
    return middle, np.maximum(best - middle, 1e-3)


def standing(data: TrainingData, curve: np.ndarray, reached: np.ndarray) -> dict[str, float]:
    """Scores of a method, as plain data.

    Args:
        data: T tasks.
        curve: of the random search on each, (T, most).
        reached: test scores of the choices of the method, (seeds, T); NaN where it made none.

    Returns:
        `test_score`, its standard error over seeds, `regret` (what the best test score is better by), `worth`
        in trainings and its standard error over groups, and the same with scores normalised by task.
    """
    mean = np.nanmean(reached, axis=0)
    seeds = np.nanmean(reached, axis=1)
    middle, spread = scale(data.test_score)
    worths = {
        "worth": (mean, curve),
        "worth_normalised": ((mean - middle) / spread, (curve - middle[:, None]) / spread[:, None]),
    }
    found = {
        "test_score": float(mean.mean()),
        "test_score_se": float(seeds.std(ddof=1) / len(seeds) ** 0.5) if len(seeds) > 1 else 0.0,
        "regret": float((np.nanmax(data.test_score, axis=1) - mean).mean()),
    }
    for name, (scores, curves) in worths.items():
        found[name] = worth(curves.mean(0), scores.mean())
        found[f"{name}_se"] = _worth_error(data.groups, curves, scores)
    return found


def recommended_points(
    space: Space,
    data: TrainingData,
    settings: EvaluatorSettings,
    ascents: Sequence[AscentSettings],
    *,
    folds: int,
    seed: int,
    price: Price | None = None,
    wanted: Sequence[int] | None = None,
) -> Iterator[tuple[int, list[Proposal]]]:
    """(task, proposals of an evaluator fitted without it and its relatives), every task once.

    Args:
        space: of the architectures.
        data: experience.
        settings: of the evaluator.
        ascents: settings of searches; a proposal follows from each.
        folds: number of parts that the tasks are left out in.
        seed: of folds, evaluator and searches.
        price: of what was never trained; None for the usual one.
        wanted: positions of the tasks; the `eligible` ones if None.
    """
    mine = np.flatnonzero(eligible(data)) if wanted is None else np.array(wanted, int)
    for out in held_out(data, folds, seed):
        some = mine[out[mine]]
        if not len(some):
            continue
        evaluator = fit_evaluator(space, data.take(~out), settings, seed=seed)
        evaluator = dataclasses.replace(evaluator, price=price)
        for task, query in zip(some, NewTasks.of(data.take(some)).queries(space, data.u), strict=True):
            yield int(task), [propose(evaluator, query, ascent, seed=seed) for ascent in ascents]


Trainer = Callable[[TrainingData, NewTasks, int], Callable[[int, np.ndarray, np.ndarray], np.ndarray]]
"""(training data, tasks to choose for, seed) → a function that chooses what to train next on one task: (task,
positions trained, their validation scores) → positions."""


def by_portfolio(data: TrainingData, new: NewTasks, seed: int):
    """A Trainer that follows one greedy portfolio on every task, member after member.

    Args:
        data: the training data.
        new, seed: not used.
    """
    del new, seed
    members = portfolio(data, PORTFOLIO)
    return lambda task, places, scores: members[len(places) : len(places) + 1]


def by_refinement(space: Space, settings: EvaluatorSettings) -> Trainer:
    """The training architectures that `Recommendation.refine` would choose."""

    def begin(data: TrainingData, new: NewTasks, seed: int):
        evaluator, kappa = fit_evaluator(space, data, settings, seed=seed), AscentSettings().kappa
        orders, states = {}, {}
        for task, query in enumerate(new.queries(space, data.u)):
            mean, deviation = evaluator.posterior(query).mean_std(architecture_features(space, data.u))
            first = int(np.argmax(mean - kappa * deviation))
            orders[task] = np.array([first, *np.delete(np.arange(len(data.u)), first)])
            states[task] = Refinement.begin(evaluator, query, data.u[orders[task]])

        def more(task: int, places: np.ndarray, scores: np.ndarray) -> np.ndarray:
            order = orders[task]
            rows = np.argsort(order)[places]
            return order[states[task].update(rows, scores).next(TOGETHER)]

        return more

    return begin


def after_trainings(
    data: TrainingData, found: Trials, trainer: Trainer, budgets: Sequence[int], folds: int, seed: int
) -> Iterator[tuple[int, int, int]]:
    """(task, budget, best architecture by validation) after `budget` trainings on each held-out task.

    Trainings are looked up: the score is that of the first seed. They end early where the trainer has no more
    to offer.

    Args:
        data: experience.
        found: scores to look up.
        trainer: chooses what to train next.
        budgets: numbers of trainings, increasing.
        folds: number of parts that the tasks are left out in.
        seed: of folds and trainer.
    """
    for out in held_out(data, folds, seed):
        wanted = out & eligible(data)
        more = trainer(data.take(~out), NewTasks.of(data.take(wanted)), seed)
        for number, task in enumerate(np.flatnonzero(wanted)):
            places, scores = np.zeros(0, int), found.score[task, :, 0]
            for budget in budgets:
                while len(places) < budget and len(added := more(number, places, scores[places])):
                    places = np.append(places, added[: budget - len(places)])
                yield int(task), budget, int(places[np.argmax(scores[places])])


def true_scores(
    space: Space, task: Task, points: np.ndarray, recipe: TrainingRecipe, seeds: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Validation and test scores of points trained on a task, means over seeds, (n,) each.

    Args:
        space: of the points.
        task: to train on.
        points: (n, D).
        recipe: of the trainings.
        seeds: one training of each point for each.
    """
    prepared = (prepare(task, seed, recipe, embeddings=embeddings_of(space)) for seed in seeds)
    results = [
        train(space, points, rows, recipe, seed=seed, chunk_for=POOL)
        for seed, rows in zip(seeds, prepared, strict=True)
    ]
    return np.mean([r.score for r in results], axis=0), np.mean([r.test_score for r in results], axis=0)


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation of two columns; 0 where one is constant."""
    ranks = [pd.Series(column).rank().to_numpy() for column in (a, b)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def _worth_error(groups: Sequence[str], curves: np.ndarray, scores: np.ndarray) -> float:
    """Standard error of the worth of mean scores (T,), over groups drawn with replacement."""
    rows = [np.flatnonzero(np.array(groups) == group) for group in sorted(set(groups))]
    rng = np.random.default_rng(0)
    drawn = [
        np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))]) for _ in range(RESAMPLES)
    ]
    return float(np.std([worth(curves[rows].mean(0), scores[rows].mean()) for rows in drawn]))
