"""`ta.search`: any strategy on any objective over any space."""

import dataclasses
import functools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from taskaware.errors import UserError
from taskaware.files import ExistsError
from taskaware.objectives.functions import function
from taskaware.objectives.result import SearchResult
from taskaware.runner import RunnerSettings
from taskaware.spaces import Space, preset
from taskaware.strategies import (
    STRATEGIES,
    AllDiverged,
    Factory,
    History,
    Objective,
    Progress,
    Strategy,
    random,
)
from taskaware.strategies import search as drive
from taskaware.strategies.journal import control_of

if TYPE_CHECKING:
    from taskaware.objectives.inheriting import Inheritance
    from taskaware.store import Store
    from taskaware.tasks.task import Task
    from taskaware.training.recipe import TrainingRecipe

NEEDED = ("name", "dimension", "digest", "decisions", "sample", "mutate", "contains", "features")


def search(
    space: str | Space = "compact",
    strategy: str | Factory | Strategy = "evolution",
    *,
    budget: int,
    objective: Callable | Objective | None = None,
    task: object = None,
    target: str | None = None,
    seed: int = 0,
    together: int | None = None,
    seconds: float | None = None,
    threshold: float | None = None,
    engine: str | RunnerSettings = "serial",
    workers: int = 0,
    recipe: "TrainingRecipe | None" = None,
    store: "Store | str | os.PathLike | None" = None,
    inherit: int = 0,
    journal: str | os.PathLike | None = None,
    resume: bool = False,
    on_progress: Callable[[Progress], object] | None = None,
    progress: bool | None = None,
    control: bool = False,
) -> SearchResult:
    """Search a space for the point with the largest value of an objective, or the best training on a task.

    With one worker, the same seed gives the same history, and a smaller budget gives the beginning of it.
    Ctrl-C ends the search and returns the history so far. If the objective of a point raises an error or is
    NaN, the point has diverged, and the search continues.

    Args:
        space: name of a preset, or any `Space`.
        strategy: name in `taskaware.STRATEGIES`, or the result of a function of `ta.strategies`.
        budget: number of evaluations, 1 or more.
        objective: a function of a point (D,), or an `Objective`, see `ta.objectives`; larger is better.
        task: instead of an objective, anything that `make_task` reads. Each point is trained on it. The
            validation score is the objective, and the history also has the test score.
        target: target of the task, see `make_task`.
        seed: seed of all random draws, of the split and of the trainings.
        together: points of a round; by default the objective's own number.
        seconds: the search ends after this time, earlier starts included: at once if workers evaluate,
            otherwise at the end of the running evaluation.
        threshold: the search ends at the first score that is not below it.
        engine: where points are evaluated: "serial" (this process), "processes" or "ray", or `RunnerSettings`
            with a time limit for each evaluation and more. Workers get only points, and each result reaches
            the strategy as soon as it is there.
        workers: evaluations at a time; 0 for one per core.
        recipe: recipe of the trainings, the default `TrainingRecipe` if None; needs a task.
        store: path or database URL of a store that records every training; needs a task.
        inherit: number of the latest trainings whose weights are kept, so that their children start from
            them; by default all start anew. Needs a task, a space whose points inherit (cells), and a
            strategy that names parents (evolution, local search). The weights are in the folder
            `JOURNAL.weights`, or in a temporary one without a journal.
        journal: a file to which every ask and every tell is appended, as a line of JSON.
        resume: whether to resume the search of an existing journal, which is refused otherwise.
        on_progress: called after each round with a `Progress`.
        progress: whether to show a progress bar; by default only in a terminal.
        control: whether a random search with the same number of evaluations follows. It is the `control` of
            the history; its journal has ".control" in its name, and the report of the search shows the gain.

    Returns:
        The history of all evaluations, with `best`, `to_frame()` and `plot()`. `module()`, `source()`,
        `draw()` and `fit(more_data)` use the best point.

    Raises:
        UserError: a name is unknown, the space lacks a method, both or neither of objective and task are
            given, the budget is below 1, the journal is of another search, or all evaluations diverged
            (`AllDiverged`).
        StoreError: the journal is damaged, or cannot be written.

    >>> def near_one(point):
    ...     return -((point - 1) ** 2).sum()
    >>> found = search("compact", "random", objective=near_one, budget=8, progress=False)
    >>> len(found), bool(found.best.score == found.scores.max())
    (8, True)
    """
    space = _space(space)
    strategy = _strategy(strategy)
    if (objective is None) == (task is None):
        raise UserError("Give either objective=..., a function of a point, or task=..., what to train on.")
    if budget < 1:
        raise UserError(f"budget={budget} is too small. Give 1 or more.")
    if task is None:
        _refuse_of_tasks(target=target, recipe=recipe, store=store, inherit=inherit or None)
        given = cast(Callable | Objective, objective)
        driven = given if isinstance(given, Objective) else function(given)
        plain, made, heirs = driven, None, None
    else:
        # Imported here: training is slow to import.
        from taskaware.objectives.readable import suited
        from taskaware.objectives.trainings import trained

        made = _task(task, target)
        space = suited(space, made)
        heirs = _inheritance(inherit, space, journal) if inherit else None
        train = functools.partial(trained, made, space, recipe, seed, store=store)
        driven = train(inheritance=heirs)
        # A random search beside it has no parents, and must not overwrite the weights of others.
        plain = train() if heirs else driven
    same = functools.partial(
        drive,
        space=space,
        seed=seed,
        together=together,
        seconds=seconds,
        runner=_runner(engine, workers),
        resume=resume,
        progress=progress,
    )
    beside = control_of(Path(journal)) if control and journal is not None else None
    if beside is not None and beside.exists() and not resume:
        raise ExistsError(f"'{beside}' exists already. Pass resume=True, or name a new journal.")
    try:
        found = same(
            strategy, driven, budget=budget, threshold=threshold, journal=journal, on_progress=on_progress
        )
    finally:
        if heirs is not None and journal is None:
            heirs.clear()
    if control and not found.stopped:
        beaten = _controlled(functools.partial(same, random(), plain), len(found), beside)
        found = dataclasses.replace(found, control=beaten)
    return SearchResult(**vars(found), task=made, recipe=recipe, seed=seed, sizes=driven.sizes)


def _controlled(drawn: Callable[..., History], budget: int, journal: Path | None) -> History:
    try:
        return drawn(budget=budget, journal=journal, title="random search")
    except AllDiverged as error:
        return error.history


def _space(space: str | Space) -> Space:
    if isinstance(space, str):
        return preset(space)
    lacking = [name for name in NEEDED if not hasattr(space, name)]
    if lacking:
        raise UserError(
            f"{space!r} is no space: it has no {', '.join(lacking)}. Give the name of a preset, or a space "
            "that passes `taskaware.testing.space_contract.check_space`."
        )
    return space


def _strategy(strategy: str | Factory | Strategy) -> Factory | Strategy:
    if isinstance(strategy, str):
        return STRATEGIES.named(strategy)()
    if any(strategy is made for made in STRATEGIES.values()):
        # ta.strategies.evolution instead of ta.strategies.evolution(): all settings have defaults.
        return cast(Callable[[], Factory], strategy)()
    if not callable(strategy) and not isinstance(strategy, Strategy):
        raise UserError(f"{strategy!r} is no strategy. Give a name ({', '.join(STRATEGIES)}) or a factory.")
    return strategy


def _runner(engine: str | RunnerSettings, workers: int) -> RunnerSettings:
    settings = RunnerSettings(engine=engine) if isinstance(engine, str) else engine
    return dataclasses.replace(settings, workers=workers or settings.workers).check()


def _refuse_of_tasks(**given: object) -> None:
    for name, value in given.items():
        if value is not None:
            raise UserError(
                f"{name}=... needs task=...; an objective of your own does not use it. Leave it out."
            )


def _task(source: object, target: str | None) -> "Task":
    from taskaware.modalities.reading import make_task
    from taskaware.tasks.task import Task

    return source if isinstance(source, Task) else make_task(source, target)


def _inheritance(inherit: int, space: Space, journal: str | os.PathLike | None) -> "Inheritance":
    """Where the weights of a search are; a new search begins without any."""
    from taskaware.objectives.inheriting import Inheritance, weights_folder

    folder = Path(tempfile.mkdtemp(prefix="taskaware-")) if journal is None else weights_folder(journal)
    heirs = Inheritance(folder, inherit, space).check()
    if journal is not None and not Path(journal).exists():
        heirs.clear()
    return heirs
