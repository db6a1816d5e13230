"""One search on one task with real trainings, and the strategies for it."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from taskaware.compilation import keep_compiled
from taskaware.modalities.reading import vector
from taskaware.objectives.collect import Batch, train_batch
from taskaware.objectives.readable import rounded
from taskaware.objectives.trainings import outcomes_of
from taskaware.recommendation.ascent import AscentSettings, propose
from taskaware.recommendation.evaluators import groups_of, shipped_evaluator
from taskaware.spaces import Space
from taskaware.strategies import (
    AllDiverged,
    Factory,
    History,
    Objective,
    Outcomes,
    Strategy,
    aging_evolution,
    portfolio_then,
    random,
    search,
)
from taskaware.surrogates import EvaluatorSettings, TaskQuery, fit_evaluator
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe


@dataclasses.dataclass(frozen=True)
class SearchSpec:
    """The part of a search that a worker needs beside the task.

    Attributes:
        strategy: a name in COMPARED.
        space: to search.
        seed: of the split, the trainings and the strategy.
        budget: number of trainings.
        round: candidates that are trained together.
        population, tournament: of the evolution.
        evaluator: settings of the evaluator of the strategies in LEARNED.
        recipe: of the trainings.
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
    """Run the search of a spec on a task; the score of a candidate does not depend on its round.

    An error of a training is raised, and the job fails. A search whose points all diverge still has a
    history.
    """
    keep_compiled()

    def evaluate(points: np.ndarray) -> Outcomes:
        # One chunk size for every round, so that one program is reused and rounding is always the same.
        batch = Batch(spec.space, points, spec.recipe, spec.seed, chunk_for=spec.round)
        return outcomes_of(train_batch(task, batch))

    # Each task has its own draws; otherwise a lucky seed would be lucky on every task.
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
    """Random search, the control."""
    del spec, task
    return random()


def evolve(spec: SearchSpec, task: Task) -> Factory:
    """Aging evolution from a random population."""
    del task
    return aging_evolution(spec.population, spec.tournament, identity=0.0)


def recommend(spec: SearchSpec, task: Task) -> Factory:
    """The evaluator's candidates, best first; random ones after them."""
    ranked = jnp.asarray(ranked_candidates(spec.space, task, spec.evaluator, spec.seed))
    return portfolio_then(ranked, random())


def recommend_then_evolve(spec: SearchSpec, task: Task) -> Factory:
    """Aging evolution from the evaluator's best candidates."""
    ranked = jnp.asarray(ranked_candidates(spec.space, task, spec.evaluator, spec.seed))
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
    relatives = {task.group or task.name, *groups_of(task, known)}
    evaluator = fit_evaluator(space, known.without(*relatives), settings, seed=seed)
    return propose(evaluator, TaskQuery(vector(task), task.problem), AscentSettings(), seed=seed).points


def on_grid(factory: Factory) -> Factory:
    """A strategy whose points are rounded, so that rounding errors create no new architectures."""

    def bound(space: Space, together: int) -> Strategy:
        strategy = factory(space, together)

        def ask(key, state):
            state, points = strategy.ask(key, state)
            return state, rounded(points)

        return strategy._replace(ask=ask)

    return bound
