"""The loop that brings every job to an end."""

import itertools
import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import NamedTuple

from taskaware.runner.engine import MEMORY, OK, Ended, Engine, RunnerSettings, Work
from taskaware.runner.engines import open_engine
from taskaware.runner.job import Job, Outcome

log = logging.getLogger(__name__)

Halve = Callable[[Job], tuple[Job, ...]]
"""A job in smaller pieces, for when there was too little memory; () where it has no smaller ones."""


class Try(NamedTuple):
    """A job, and how often it was begun before."""

    job: Job
    before: int = 0


def run(
    jobs: Iterable[Job],
    work: Work,
    settings: RunnerSettings | None = None,
    *,
    resources: Mapping[str, object] | None = None,
    halve: Halve = lambda job: (),
) -> Generator[Outcome, None, None]:
    """Bring every job to an end; the outcomes come as they come.

    A job that fails is tried again `settings.retries` times, and then has its error for an outcome; one that
    needs too much memory is halved, as often as it can be. Leaving the loop ends all workers.

    Args:
        jobs: taken one by one, as places become free; in the order in which they should be begun.
        work: what is done with each.
        settings: where, and how often; the default ones if None.
        resources: by name, what jobs need.
        halve: see `Halve`.

    Raises:
        UserError: a setting is out of range, or the engine is not installed.
        EngineError: the engine itself cannot be started or does not stay up.
    """
    settings = settings or RunnerSettings()
    engine = open_engine(settings, work, resources or {})
    try:
        yield from _drive(engine, map(Try, jobs), settings.retries, halve)
    finally:
        engine.close()


def _drive(engine: Engine, fresh: Iterator[Try], retries: int, halve: Halve) -> Iterator[Outcome]:
    again: deque[Try] = deque()
    running: dict[int, Try] = {}
    tickets = itertools.count()
    while True:
        while len(running) < engine.slots:
            chosen = again.popleft() if again else next(fresh, None)
            if chosen is None:
                break
            ticket = next(tickets)
            running[ticket] = chosen
            engine.submit(ticket, chosen.job)
        if not running:
            return
        ended = engine.next()
        tried = running.pop(ended.ticket)
        pieces = halve(tried.job) if ended.how == MEMORY else ()
        if pieces:
            log.warning("%s: too little memory, tried again in %d pieces", tried.job.label, len(pieces))
            again.extend(map(Try, pieces))
        elif ended.how != OK and tried.before < retries:
            log.warning("%s: %s; tried again", tried.job.label, ended.value)
            again.append(Try(tried.job, tried.before + 1))
        else:
            yield _outcome(tried, ended)


def _outcome(tried: Try, ended: Ended) -> Outcome:
    well = ended.how == OK
    if not well:
        log.error("%s: given up: %s", tried.job.label, ended.value)
    return Outcome(
        job=tried.job,
        result=ended.value if well else None,
        error=None if well else str(ended.value),
        attempts=tried.before + 1,
        seconds=ended.seconds,
        worker=ended.worker,
    )
