"""Where the points of a search are evaluated: in this process, or by the workers of an engine."""

import functools
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import cloudpickle
import jax
import numpy as np

from taskaware.errors import EngineError, UserError, quoted
from taskaware.runner import Job, Outcome, RunnerSettings, run
from taskaware.strategies.objective import DIVERGED, Objective, Outcomes
from taskaware.strategies.record import Record, joined
from taskaware.strategies.session import Session
from taskaware.strategies.strategy import UnderWay


class Refusal(NamedTuple):
    """A worker's answer where the objective raised a `UserError`: its text."""

    text: str


class Packed:
    """An objective on its way to a worker: functions of notebooks and scripts travel, too."""

    def __init__(self, objective: Objective):
        try:
            self._content = cloudpickle.dumps(objective)
        except Exception as error:
            raise UserError(
                f"The objective cannot be sent to workers ({type(error).__name__}: {quoted(str(error))}). "
                "Let it open files, stores and locks itself, or use engine='serial'."
            ) from error

    @functools.cached_property
    def objective(self) -> Objective:
        return pickle.loads(self._content)

    def __getstate__(self) -> dict[str, bytes]:
        return {"_content": self._content}


def here(session: Session, objective: Objective, *, errors: str) -> None:
    """Evaluate one ask after the other, in this process.

    Args:
        session: the search.
        objective: to evaluate.
        errors: "raise", or "diverge" for points whose evaluation raises one.
    """
    evaluate = objective.evaluate if errors == "raise" else forgiving(objective)
    plain = not objective.more(0, ())
    clock, ask, tell = time.perf_counter, session.next, session.tell
    while (asked := ask()) is not None:
        began = clock()
        first, points, parents = asked
        outcomes = evaluate(points) if plain else evaluate(points, *objective.more(first, parents))
        tell(asked, outcomes, clock() - began)


def by_workers(session: Session, objective: Objective, runner: RunnerSettings, *, errors: str) -> None:
    """Evaluate with an engine: a fixed number of asks is under way, and each answer is told at once.

    A worker that dies, or takes too long, costs its own evaluation, which is tried again and then diverges.

    Args:
        session: the search.
        objective: to evaluate; it is sent to each worker once.
        runner: engine, workers, retries and time limit.
        errors: as for `here`.

    Raises:
        EngineError: the engine cannot be started, or an evaluation failed and `errors` is "raise".
    """
    outcomes = run(_jobs(session, errors), work, runner, resources={"objective": Packed(objective)})
    try:
        while (outcome := _next_in_time(outcomes, session.record)) is not None:
            asked: UnderWay = outcome.job.spec[0]
            found = outcome.result
            if isinstance(found, Refusal):
                raise UserError(found.text)
            if outcome.error is not None:
                if errors == "raise":
                    raise EngineError(outcome.error)
                found = _diverged(outcome.error, len(asked.points))
            session.tell(asked, found, outcome.seconds)
            if session.record.reason:
                return
    finally:
        outcomes.close()


class _TimeUp(BaseException):
    """The time of a search is up; no handler of errors on the way takes it for one."""


def _next_in_time(outcomes: Iterator[Outcome], record: Record) -> Outcome | None:
    """The next outcome; None where all have come, or the time of the search is up.

    Without this the search would wait for the slowest worker. Elsewhere than in the main thread, and on
    Windows, it does.
    """
    seconds = record.goal.seconds
    able = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if seconds is None or not able:
        return next(outcomes, None)

    def ring(number: int, frame: object) -> None:
        raise _TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds - record.seconds, 0.001))
    try:
        try:
            return next(outcomes, None)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _TimeUp:
        record.reason = "seconds"
        return None
    finally:
        signal.signal(signal.SIGALRM, before)


def work(packed: Packed, spec: tuple[UnderWay, str]) -> Outcomes | Refusal:
    """Evaluate the points of a job; runs on a worker.

    Args:
        packed: the objective.
        spec: the points, and what happens to errors.
    """
    (first, points, parents), errors = spec
    objective = packed.objective
    evaluate = objective.evaluate if errors == "raise" else forgiving(objective)
    try:
        found = evaluate(points, *objective.more(first, parents))
    except UserError as error:
        return Refusal(str(error))
    return jax.tree.map(np.asarray, found._replace(errors=None))._replace(errors=found.errors)


def forgiving(objective: Objective) -> Callable[..., Outcomes]:
    """How an objective is evaluated, with a point counted as diverged if its evaluation raises an error.

    A `UserError` is raised all the same.
    """

    def evaluate(points: np.ndarray, *more: Any) -> Outcomes:
        try:
            return objective.evaluate(points, *more)
        except UserError:
            raise
        except Exception as error:
            if len(points) == 1:
                return _diverged(f"{type(error).__name__}: {error}", 1)
        rows = range(len(points))
        first, *parents = more or (0,)
        each = (objective.more(first + row, *(of[row : row + 1] for of in parents or ((),))) for row in rows)
        return joined([evaluate(points[[row]], *own) for row, own in zip(rows, each, strict=True)])

    return evaluate


def _jobs(session: Session, errors: str) -> Iterator[Job]:
    while (asked := session.next()) is not None:
        label = f"evaluation {asked.first}"
        yield Job(str(asked.first), (asked, errors), label, "objective", len(asked.points))


def _diverged(error: str, count: int) -> Outcomes:
    return Outcomes(np.full(count, DIVERGED), errors=(error,) * count)
