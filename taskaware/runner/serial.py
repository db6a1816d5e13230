"""The engine that needs nothing: one attempt after the other, in this process."""

import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping

from taskaware.runner.attempt import attempt
from taskaware.runner.engine import OK, TIMEOUT, Ended, Work
from taskaware.runner.job import Job

AGAIN = 1.0
"""Seconds between two alarms, once the time of an attempt is up."""


class Serial:
    """Attempts in this process, one at a time.

    A time limit holds in the main thread of a POSIX process, at the next step of Python after it; a job
    that kills the process kills the study, which then goes on where it stopped when it is started again.
    """

    slots = 1
    isolated = False

    def __init__(self, work: Work, resources: Mapping[str, object], time_limit: float = 0.0):
        self._work = work
        self._resources = resources
        self._limit = time_limit
        self._waiting: list[tuple[int, Job]] = []

    def submit(self, ticket: int, job: Job) -> None:
        """See `Engine.submit`."""
        self._waiting.append((ticket, job))

    def next(self) -> Ended:
        """Make the attempt now."""
        ticket, job = self._waiting.pop()
        resource = self._resources[job.needs] if job.needs else None
        with alarm(self._limit) as rung:
            how, value, seconds = attempt(self._work, resource, job.spec)
        if rung and how != OK:
            how, value = TIMEOUT, f"Not done after {self._limit:g} s."
        return Ended(ticket, how, value, seconds, "0")

    def close(self) -> None:
        """Nothing is left running."""


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[list]:
    """Raise TimeoutError in the block after so many seconds, where that can be done; what rang is listed."""
    rung: list = []
    able = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not seconds or not able:
        yield rung
        return

    def ring(number, frame):
        rung.append(number)
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    # Again and again, because a job may swallow the first one.
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield rung
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
