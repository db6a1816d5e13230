"""One search of one task with real trainings, and the strategies that may be sent into it."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from taskaware.compilation import keep_compiled
from taskaware.modalities.reading import vector
from taskaware.objectives.collect import GRID, Batch, train_batch
from taskaware.objectives.trainings import outcomes_of
from taskaware.recommendation.ascent import AscentSettings, propose
from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.spaces import Space
from taskaware.strategies import (
    AllDiverged,
    Factory,
    History,
    Objective,
    Outcomes,
    Strategy,
    evolution,
    portfolio_then,
    random,
    search,
)
from taskaware.surrogates import EvaluatorSettings, TaskQuery, fit_evaluator
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe


@dataclasses.dataclass(frozen=True)
class SearchSpec:
    """What a worker needs to know of a search beside the task.

    Attributes:
        strategy: a name in COMPARED.
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


def search_task(task: Task, spec: SearchSpec) -> History:
    """Spend the budget of a spec on a task; what a candidate scores does not depend on its company.

    An error of a training goes through, and the job with it. A search that diverges everywhere has a history.
    """
    keep_compiled()

    def evaluate(points: np.ndarray) -> Outcomes:
        # One size of chunk for every round: a single program serves, and its rounding is always the same.
        batch = Batch(spec.space, points, spec.recipe, spec.seed, chunk_for=spec.round)
        return outcomes_of(train_batch(task, batch))

    # Tasks draw apart, or luck with a seed would be luck everywhere.
    key = jax.random.fold_in(jax.random.key(spec.seed), int(task.digest[:8], 16))
    strategy = on_grid(COMPARED[spec.strategy](spec, task))
    try:
        return search(
            strategy,
            Objective(evaluate, unit="training"),
            space=spec.space,
            budget=spec.budget,
            seed=key,
            together=spec.round,
            errors="raise",
            progress=False,
        )
    except AllDiverged as error:
        return error.history


def draw(spec: SearchSpec, task: Task) -> Factory:
    """The control."""
    del spec, task
    return random()


def evolve(spec: SearchSpec, task: Task) -> Factory:
    """Aging evolution from a random population."""
    del task
    return evolution(population=spec.population, tournament=spec.tournament)


def recommend(spec: SearchSpec, task: Task) -> Factory:
    """The evaluator's candidates, best first; random ones where the budget goes beyond."""
    return portfolio_then(ranked_candidates(spec.space, task, spec.evaluator, spec.seed), random())


def recommend_then_evolve(spec: SearchSpec, task: Task) -> Factory:
    """Aging evolution from the evaluator's best candidates."""
    ranked = ranked_candidates(spec.space, task, spec.evaluator, spec.seed)
    return portfolio_then(ranked[: spec.population], evolve(spec, task))


COMPARED: dict[str, Callable[[SearchSpec, Task], Factory]] = {
    "random": draw,
    "evolution": evolve,
    "recommend": recommend,
    "recommend_then_evolve": recommend_then_evolve,
}
"""The strategies that can be compared, bound to the search."""

LEARNED = ("recommend", "recommend_then_evolve")
"""Strategies for the space of the shipped evaluator only."""


@functools.lru_cache(maxsize=2)
def ranked_candidates(space: Space, task: Task, settings: EvaluatorSettings, seed: int) -> np.ndarray:
    """Candidates for a task, best first, (n, D).

    The evaluator is fitted to the shipped experience without the task and its relatives.

    Args:
        space: of the architectures.
        task: to choose for.
        settings: of the evaluator.
        seed: of evaluator and search.
    """
    known = shipped_evaluator().training_data
    pairs = zip(known.groups, known.digests, strict=True)
    relatives = {task.group or task.name, *(group for group, name in pairs if name == task.digest)}
    evaluator = fit_evaluator(space, known.without(*relatives), settings, seed=seed)
    return propose(evaluator, TaskQuery(vector(task), task.problem), AscentSettings(), seed=seed).points


def on_grid(factory: Factory) -> Factory:
    """A strategy whose points are rounded to GRID, so that rounding errors create no new architectures."""

    def bound(space: Space, together: int) -> Strategy:
        strategy = factory(space, together)

        def ask(key, state):
            state, points = strategy.ask(key, state)
            return state, jnp.round(points / GRID) * GRID

        return strategy._replace(ask=ask)

    return bound
