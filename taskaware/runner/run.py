"""The loop that runs every job to its end."""

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
"""Splits a job into smaller ones after too little memory; () if it cannot be split."""


class Try(NamedTuple):
    """A job, and its number of earlier attempts."""

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
    """Run every job to its end; yields the outcomes as they arrive.

    A failed job is tried again `settings.retries` times; then its outcome holds the error. A job that needs
    too much memory is split as often as possible. Leaving the loop ends all workers.

    Args:
        jobs: in the order of their start; taken one by one when a worker is free.
        work: function to call for each.
        settings: engine and retries; the default ones if None.
        resources: by name, for jobs that need them.
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
