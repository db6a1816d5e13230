"""One search on one task with real trainings, and the strategies for it."""

import dataclasses
import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from taskaware.compilation import keep_compiled
from taskaware.errors import unknown
from taskaware.modalities.reading import vector
from taskaware.objectives.architectures import rounded
from taskaware.objectives.collect import Batch, train_batch
from taskaware.objectives.inheriting import Inheritance
from taskaware.objectives.trainings import outcomes_of, trained
from taskaware.recommendation.ascent import AscentSettings, propose
from taskaware.recommendation.evaluators import groups_of, shipped_evaluator
from taskaware.spaces import Space
from taskaware.strategies import (
    STRATEGIES,
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
from taskaware.studies.known import KnownTable
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
        keep: latest trainings that keep their weights, for INHERITING.
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
    keep: int = 100


def search_task(task: Task | KnownTable, spec: SearchSpec) -> History:
    """Run the search of a spec on a task; the score of a candidate does not depend on its round.

    An error of a training is raised, and the job fails. A search whose points all diverge still has a
    history.
    """
    keep_compiled()
    # Each task has its own draws; otherwise a lucky seed would be lucky on every task.
    key = jax.random.fold_in(jax.random.key(spec.seed), int(task.digest[:8], 16))
    space = task.made[0] if isinstance(task, KnownTable) else spec.space
    with tempfile.TemporaryDirectory(prefix="taskaware-") as folder:
        try:
            return search(
                on_grid(strategy_named(spec.strategy)(spec, task)),
                _objective(task, spec, Path(folder)),
                space=space,
                budget=spec.budget,
                seed=key,
                together=spec.round,
                errors="raise",
                progress=False,
            )
        except AllDiverged as error:
            return error.history


def _objective(task: Task | KnownTable, spec: SearchSpec, folder: Path) -> Objective:
    if isinstance(task, KnownTable):
        return task.made[1]
    if spec.strategy in INHERITING:
        heirs = Inheritance(folder, spec.keep, spec.space)
        return trained(task, spec.space, spec.recipe, spec.seed, together=spec.round, inheritance=heirs)

    def evaluate(points: np.ndarray) -> Outcomes:
        # One chunk size for every round, so that one program is reused and rounding is always the same.
        batch = Batch(spec.space, points, spec.recipe, spec.seed, chunk_for=spec.round)
        return outcomes_of(train_batch(task, batch))

    return Objective(evaluate, unit="training")


def compared() -> tuple[str, ...]:
    """Names of all strategies that can be compared."""
    return tuple(dict.fromkeys([*COMPARED, *STRATEGIES]))


def strategy_named(name: str) -> "Callable[[SearchSpec, Any], Factory]":
    """How a strategy is made for a search: by COMPARED, or with the defaults of its function.

    Raises:
        UserError: there is none of that name.
    """
    if name in COMPARED:
        return COMPARED[name]
    if name not in STRATEGIES:
        raise unknown("strategy", name, compared())
    if name == "aging_evolution":
        return lambda spec, task: aging_evolution(spec.population, spec.tournament)
    return lambda spec, task: STRATEGIES[name]()


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
    "evolution_inheriting": evolve,
    "recommend": recommend,
    "recommend_then_evolve": recommend_then_evolve,
}
"""Strategies of comparisons, bound to the search; those of `STRATEGIES` can be compared, too."""

INHERITING = ("evolution_inheriting",)
"""Strategies whose children start from the trained weights of their parents."""

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
        return strategy._replace(ask=_rounded(strategy.ask))

    return bound


@functools.lru_cache(maxsize=8)
def _rounded(ask: Callable) -> Callable:
    """An ask whose points are rounded; kept, so that the next search like it compiles nothing."""

    def rounding(key, state):
        state, points = ask(key, state)
        return state, rounded(points)

    return rounding
