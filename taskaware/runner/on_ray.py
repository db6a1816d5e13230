"""The engine of many machines: Ray's actors, on this machine or on a cluster (`pip install taskaware[ray]`).

Ray places actors, moves data and detects dead machines; `run` decides which job is tried when.
"""

import contextlib
import logging
import os
import time
from collections.abc import Mapping

from taskaware.compilation import cores
from taskaware.errors import EngineError, UserError
from taskaware.runner.attempt import attempt, in_words
from taskaware.runner.engine import DEATH, ERROR, MEMORY, TIMEOUT, Ended, Work
from taskaware.runner.job import Job
from taskaware.secrets import masked_value

START = 300.0
"""Seconds that a worker may take to start; then the time of its attempt runs all the same."""


class Server:
    """Runs inside an actor; holds the work function and the resources received so far."""

    def __init__(self, work: Work, folder: str):
        # Jobs may name files as the driver does.
        with contextlib.suppress(OSError):
            os.chdir(folder)
        self._work = work
        self._held: dict[str, object] = {}

    def ready(self) -> None:
        """Return once the actor has started."""

    def do(self, needs: str, reference: list, spec: object) -> tuple[str, object, float]:
        """Run an attempt; the referenced resource is fetched on first use.

        Args:
            needs: name of the resource, or "".
            reference: to it, in a list so that Ray does not fetch it; empty for none.
            spec: of the job.
        """
        import ray

        if needs and needs not in self._held:
            self._held[needs] = ray.get(reference[0])
        return attempt(self._work, self._held.get(needs), spec)


class OnRay:
    """Attempts in Ray actors, one core each."""

    isolated = True

    def __init__(
        self, work: Work, resources: Mapping[str, object], *, workers: int, time_limit: float, address: str
    ):
        ray = self._ray = _ray()
        self._ours = not ray.is_initialized()
        if self._ours:
            _connect(ray, address, workers)
        self.slots = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._work = ray.put(work)
        self._resources = resources
        self._references: dict[str, list] = {}
        self._limit = time_limit
        self._actor = ray.remote(num_cpus=1, max_restarts=0)(Server)
        self._actors = [self._start() for _ in range(self.slots)]
        self._running: dict[object, tuple[int, int, float]] = {}

    def submit(self, ticket: int, job: Job) -> None:
        """See `Engine.submit`."""
        busy = {place for _, place, _ in self._running.values()}
        place = next(place for place in range(self.slots) if place not in busy)
        if job.needs and job.needs not in self._references:
            self._references[job.needs] = [self._ray.put(self._resources[job.needs])]
        reference = self._references.get(job.needs, [])
        # The time limit excludes the start of a worker; a dead worker is detected by `next`.
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.get(self._actors[place].ready.remote(), timeout=START)
        promise = self._actors[place].do.remote(job.needs, reference, job.spec)
        self._running[promise] = (ticket, place, time.monotonic())

    def next(self) -> Ended:
        """See `Engine.next`."""
        done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=self._patience())
        if not done:
            promise = min(self._running, key=lambda promise: self._running[promise][2])
            ticket, place, began = self._running.pop(promise)
            self._replace(place)
            return self._ended(ticket, place, began, TIMEOUT, f"Not done after {self._limit:g} s.")
        ticket, place, began = self._running.pop(done[0])
        errors = self._ray.exceptions
        try:
            how, value, seconds = self._ray.get(done[0])
        except errors.OutOfMemoryError as error:
            self._replace(place)
            return self._ended(ticket, place, began, MEMORY, in_words(error))
        except errors.RayActorError as error:
            self._replace(place)
            return self._ended(ticket, place, began, DEATH, f"The worker died ({in_words(error)}).")
        # Unpickling a result calls what it says, and so may raise anything.
        except (Exception, SystemExit) as error:
            return self._ended(ticket, place, began, ERROR, in_words(error))
        return Ended(ticket, how, value, seconds, str(place))

    def close(self) -> None:
        """See `Engine.close`; a cluster that was running before stays up."""
        for actor in self._actors:
            self._ray.kill(actor, no_restart=True)
        self._actors = []
        if self._ours:
            self._ray.shutdown()

    def _patience(self) -> float | None:
        if not self._limit:
            return None
        first = min(began for _, _, began in self._running.values())
        return max(0.0, first + self._limit - time.monotonic())

    def _ended(self, ticket: int, place: int, began: float, how: str, why: str) -> Ended:
        return Ended(ticket, how, why, time.monotonic() - began, str(place))

    def _replace(self, place: int) -> None:
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.kill(self._actors[place], no_restart=True)
        self._actors[place] = self._start()

    def _start(self):
        return self._actor.remote(self._work, os.getcwd())


def _ray():
    # Do not send usage statistics to Ray.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise UserError('The engine "ray" needs Ray. Install it: pip install "taskaware[ray]"') from error
    return ray


def _connect(ray, address: str, workers: int) -> None:
    """Join the cluster at the address, or start one on this machine with `workers` places."""
    options: dict[str, object] = {"log_to_driver": True, "logging_level": logging.ERROR}
    if address:
        options |= {"address": address}
    else:
        options |= {"num_cpus": workers or cores(), "include_dashboard": False, "address": "local"}
    # Ray's workers look for modules in the folder that is the current one here, where the files of anybody
    # may lie; so it is the root for a moment.
    try:
        with contextlib.chdir(os.path.abspath(os.sep)):
            ray.init(**options)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        where, why = masked_value(address) or "this machine", in_words(error).rstrip(".")
        raise EngineError(
            f"Ray cannot be reached at '{where}': {why}. Check the address, and run 'ray status' there."
        ) from (error if where == (address or where) else None)
