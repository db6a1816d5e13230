"""One search of one task with real trainings, and the strategies that may be sent into it."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from taskaware.compilation import keep_compiled
from taskaware.modalities.reading import vector
from taskaware.objectives.collect import GRID, Batch, train_batch
from taskaware.recommendation.ascent import AscentSettings, propose
from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.search import Strategy, evolution, random_search, spend
from taskaware.spaces import Space
from taskaware.surrogates import EvaluatorSettings, TaskQuery, fit_evaluator
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import Trained


@dataclasses.dataclass(frozen=True)
class Contest:
    """What a worker needs to know of a search beside the task.

    Attributes:
        strategy: a name in STRATEGIES.
        space: that is searched.
        seed: of the split, of the trainings and of what the strategy draws.
        budget: trainings.
        round: candidates that are trained before the strategy is told.
        population, tournament: of the evolution.
        evaluator: how the evaluator of the strategies in LEARNED is made.
        recipe: how each candidate is trained.
    """

    strategy: str
    space: Space
    seed: int
    budget: int
    round: int
    population: int
    tournament: int
    evaluator: EvaluatorSettings
    recipe: TrainingRecipe


class Course(NamedTuple):
    """Every candidate of a search in the order of the trainings: points (budget, D), and how each fared."""

    points: np.ndarray
    trained: Trained


def search_task(task: Task, contest: Contest) -> Course:
    """Spend the budget of a contest on a task; what a candidate scores does not depend on its company."""
    keep_compiled()
    results: list[Trained] = []

    def judge(points: np.ndarray) -> np.ndarray:
        # One size of chunk for every round: a single program serves, and its rounding is always the same.
        batch = Batch(contest.space, points, contest.recipe, contest.seed, chunk_for=contest.round)
        results.append(train_batch(task, batch))
        return results[-1].score

    # Tasks draw apart, or luck with a seed would be luck everywhere.
    key = jax.random.fold_in(jax.random.key(contest.seed), int(task.digest[:8], 16))
    points, _ = spend(_on_grid(STRATEGIES[contest.strategy](contest, task)), judge, key, contest.budget)
    return Course(points, Trained(*(np.concatenate(column) for column in zip(*results, strict=True))))


def random(contest: Contest, task: Task) -> Strategy:
    """The control."""
    del task
    return random_search(contest.space, contest.round)


def evolve(contest: Contest, task: Task) -> Strategy:
    """Aging evolution from a random population."""
    del task
    return _evolution(contest)


def recommend(contest: Contest, task: Task) -> Strategy:
    """The evaluator's candidates, best first: a first population that takes up the whole budget."""
    size = max(contest.budget, contest.round)
    ranked = ranked_candidates(contest.space, task, contest.evaluator, contest.seed)
    return evolution(contest.space, contest.round, population=size, tournament=1, initial=ranked[:size])


def recommend_then_evolve(contest: Contest, task: Task) -> Strategy:
    """Aging evolution from the evaluator's best candidates."""
    ranked = ranked_candidates(contest.space, task, contest.evaluator, contest.seed)
    return _evolution(contest, ranked[: contest.population])


STRATEGIES: dict[str, Callable[[Contest, Task], Strategy]] = {
    "random": random,
    "evolution": evolve,
    "recommend": recommend,
    "recommend_then_evolve": recommend_then_evolve,
}

LEARNED = ("recommend", "recommend_then_evolve")
"""Those that know the space of the shipped evaluator only."""


@functools.lru_cache(maxsize=2)
def ranked_candidates(space: Space, task: Task, settings: EvaluatorSettings, seed: int) -> np.ndarray:
    """What an evaluator that knows neither the task nor a relative of it would try on it, best first, (n, D).

    It learns from the shipped experience.
    """
    known = shipped_evaluator().training_data
    pairs = zip(known.groups, known.digests, strict=True)
    relatives = {task.group or task.name, *(group for group, name in pairs if name == task.digest)}
    evaluator = fit_evaluator(space, known.without(*relatives), settings, seed=seed)
    return propose(evaluator, TaskQuery(vector(task), task.problem), AscentSettings(), seed=seed).points


def _evolution(contest: Contest, initial: np.ndarray | None = None) -> Strategy:
    return evolution(
        contest.space,
        contest.round,
        population=contest.population,
        tournament=contest.tournament,
        initial=initial,
    )


def _on_grid(strategy: Strategy) -> Strategy:
    """The strategy, its points rounded to GRID: the last bit of a draw makes no architecture of its own."""
    return strategy._replace(ask=lambda key, state: jnp.round(strategy.ask(key, state) / GRID) * GRID)
